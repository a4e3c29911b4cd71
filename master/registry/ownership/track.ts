// What a create or update makes of managedFields: who has written what. Pure; a step of admission, between what fills in defaults, which are the writer's,
// and what the master adds on its own, which is nobody's.
import type { ManagedFieldsEntry } from "../../../shared/api/meta.ts";
import { apiVersionOf, type Kind } from "../../../shared/api/resource.ts";
import type { Change } from "../change.ts";
import { compare, type Comparison } from "./compare.ts";
import type { FieldSet } from "./field_set.ts";
import { afterUpdate, type Owner, ownersBefore, writeOwners, type Writer } from "./managers.ts";
import { shapeOf } from "./shape.ts";

/** Subresources that write for somebody else; upstream tracks none of them. */
const untracked: readonly string[] = ["binding"];

export function trackUpdate({ kind, object, old, context: { subresource = "", writer } }: Change): undefined {
  if (!writer || writer.operation === "Apply") return; // who applies has said what becomes of them
  const given = subresource === "" ? object.metadata.managedFields : undefined, stored = old?.metadata.managedFields;
  const { managedFields: _, ...metadata } = object.metadata;
  const next = updated(kind, old, object, { ...writer, operation: "Update", subresource }, given, stored, writer.time);
  object.metadata = { ...metadata, ...(next && next.length > 0 && { managedFields: [...next] }) };
}
function updated(
  kind: Kind,
  old: unknown,
  object: unknown,
  writer: Writer,
  given: readonly ManagedFieldsEntry[] | undefined,
  stored: readonly ManagedFieldsEntry[] | undefined,
  time: string,
): readonly ManagedFieldsEntry[] | undefined {
  if (untracked.includes(writer.subresource)) return stored;
  const apiVersion = apiVersionOf(kind), owners = ownersBefore(given, stored, apiVersion);
  // An object of which nobody owns anything is left so until somebody applies: then "before-first-apply" gets what there is.
  if (old && owners.length === 0) return [];
  const change = ownable(kind, writer.subresource, compare(shapeOf(kind), old ?? {}, object));
  return change || given !== undefined ? writeOwners(change ? afterUpdate(owners, writer, change, time) : owners, apiVersion) : stored;
}

/** Without what this way of writing leaves alone whatever the body says (upstream's reset fields): nobody gets to own it so. */
export function ownable(kind: Kind, subresource: string, change: Comparison | undefined): Comparison | undefined {
  if (!change || !kind.status || subresource === "status") return change;
  const changed = withoutStatus(change.changed), removed = withoutStatus(change.removed);
  return changed || removed ? { changed, removed } : undefined;
}
function withoutStatus(set: FieldSet | undefined): FieldSet | undefined {
  if (!set || !Object.hasOwn(set, "f:status")) return set;
  const { "f:status": _, ...others } = set;
  return Object.keys(others).length > 0 ? others : undefined;
}

/** An object that nobody owned yet, at the first apply. */
export function beforeFirstApply(kind: Kind, live: { metadata: { creationTimestamp?: string } }, time: string): Owner[] {
  const change = compare(shapeOf(kind), {}, live);
  return change?.changed ? [{ manager: "before-first-apply", operation: "Update", subresource: "", time, fields: change.changed }] : [];
}
