// A change as webhooks speak of it.
import { qualified } from "../../../shared/api/resource.ts";
import type { Change } from "../change.ts";
import type { Asked } from "./match.ts";

export const asked = ({ kind, old, deleting, context: { subresource = "" } }: Change): Asked => ({
  kind,
  subresource,
  operation: deleting ? "DELETE" : old ? "UPDATE" : "CREATE",
});
/** Labels of the namespace that the object is in, or is. */
export async function ofNamespace({ kind, object, context: { world } }: Change): Promise<Readonly<Record<string, string>> | undefined> {
  if (qualified(kind) === "namespaces") return object.metadata.labels ?? {};
  return kind.namespaced ? await world.namespaceLabels(object.metadata.namespace ?? "") ?? {} : undefined;
}
