// CustomResourceDefinitions for tests: tides.sea.example.com, whatever its versions are.
import type { CustomResourceDefinition } from "../../shared/api/kinds/custom_resource_definition.ts";
import { kindsOf } from "../../shared/api/custom/kinds_of.ts";
import type { Kind } from "../../shared/api/resource.ts";

export const group = "sea.example.com";
/** A version of it: served and stored in, unless it says otherwise. @param properties of the object, beside metadata */
export const version = (properties: object, more: object = {}): object => ({
  name: "v1",
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: "object", properties } },
  ...more,
});
export function definition(versions: readonly object[], names: object = {}): CustomResourceDefinition {
  const all = { plural: "tides", singular: "tide", kind: "Tide", listKind: "TideList", ...names };
  return { metadata: { name: `${all.plural}.${group}` }, spec: { group, names: all, scope: "Namespaced", versions } } as never;
}
/** The kind of a definition's first version, as if its names had been accepted. */
export function kindFrom(versions: readonly object[]): Kind {
  const made = definition(versions);
  return kindsOf({ ...made, status: { acceptedNames: made.spec.names, conditions: [{ type: "Established", status: "True" }] } })!
    .served[0]!;
}
