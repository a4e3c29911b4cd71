// What a claim or an Ingress gets that names no class: the default one, if there is one (upstream's DefaultStorageClass and DefaultIngressClass).
import { defaultIngressClassAnnotation } from "../../../shared/api/kinds/ingress_class.ts";
import { classAnnotation } from "../../../shared/api/kinds/ingress_rules.ts";
import { isDefaultClass } from "../../../shared/api/kinds/storage_class.ts";
import type { ObjectMeta } from "../../../shared/api/meta.ts";
import { qualified } from "../../../shared/api/resource.ts";
import type { Change } from "../change.ts";

type Class = { readonly metadata?: ObjectMeta };
const nameOf = ({ metadata }: Class): string => metadata?.name ?? "";
const made = ({ metadata }: Class): string => metadata?.creationTimestamp ?? "";

/** Of several the newest, and of those the first by name. */
export const chosen = (defaults: readonly Class[]): Class | undefined =>
  defaults.toSorted((a, b) => made(a) > made(b) ? -1 : made(a) < made(b) ? 1 : nameOf(a) < nameOf(b) ? -1 : 1)[0];

export async function defaultStorageClass({ kind, object, old, context: { world } }: Change): Promise<undefined> {
  if (old || qualified(kind) !== "persistentvolumeclaims") return;
  const spec = object.spec as { storageClassName?: string } | undefined;
  if (!spec || spec.storageClassName !== undefined) return; // an empty name asks for none
  const found = chosen((await world.storageClasses()).filter(isDefaultClass));
  if (found) spec.storageClassName = nameOf(found);
}

export async function defaultIngressClass({ kind, object, old, context: { world } }: Change): Promise<undefined> {
  if (old || qualified(kind) !== "ingresses.networking.k8s.io") return;
  const spec = object.spec as { ingressClassName?: string } | undefined, { annotations = {} } = object.metadata;
  if (!spec || spec.ingressClassName !== undefined || Object.hasOwn(annotations, classAnnotation)) return;
  const defaults = (await world.ingressClasses()).filter(({ metadata }) =>
    metadata?.annotations?.[defaultIngressClassAnnotation] === "true"
  );
  const found = chosen(defaults);
  if (found) spec.ingressClassName = nameOf(found);
}
