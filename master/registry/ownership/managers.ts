// Who owns which fields of an object: metadata.managedFields, read, kept and written. Pure. Rules and names are those of apimachinery's managedfields.
import { sameJson } from "../../../shared/api/json.ts";
import type { ManagedFieldsEntry } from "../../../shared/api/meta.ts";
import { fieldManagerCharacters, fieldManagers, managedFieldsElements, updateManagers } from "../../../shared/limits.ts";
import type { Comparison } from "./compare.ts";
import { difference, type FieldSet, intersection, readFieldSet, union } from "./field_set.ts";

/** One writer's fields. */
export interface Owner {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource: string; // "" for the object itself
  readonly time: string | undefined;
  readonly fields: FieldSet | undefined;
}
export type Writer = Pick<Owner, "manager" | "operation" | "subresource">;

const ancient = "ancient-changes";
export const sameWriter = (a: Writer, b: Writer): boolean =>
  a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;

/** @returns undefined for what is no managedFields at all. Entries of versions that this kind has not are dropped, as upstream does. */
export function readOwners(entries: readonly ManagedFieldsEntry[] | undefined, apiVersion: string): Owner[] | undefined {
  if ((entries?.length ?? 0) > fieldManagers) return undefined;
  const room = { left: managedFieldsElements }, owners: Owner[] = [];
  for (const { manager = "", operation, apiVersion: version, time, fieldsType, fieldsV1, subresource = "" } of entries ?? []) {
    if (operation !== "Apply" && operation !== "Update") return undefined;
    if (!version || (fieldsType ?? "FieldsV1") !== "FieldsV1") return undefined;
    if (!isManager(manager) || !isManager(subresource)) return undefined;
    try {
      const fields = readFieldSet(fieldsV1 ?? {}, room);
      if (version === apiVersion) owners.push({ manager, operation, subresource, time: time ?? undefined, fields });
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
  return owners;
}
export const isManager = (name: string): boolean => name.length <= fieldManagerCharacters && !/[^\x20-\x7e]/.test(name);

/** What we have stored ourselves: nobody reads it again piece by piece. */
export const storedOwners = (entries: readonly ManagedFieldsEntry[] | undefined): Owner[] =>
  (entries ?? []).map(({ manager = "", operation, time, fieldsV1, subresource = "" }) => ({
    manager,
    operation: operation as Owner["operation"],
    subresource,
    time: time ?? undefined,
    fields: fieldsV1 as FieldSet | undefined,
  }));

/** Without owners of nothing, and in upstream's order: appliers first, then by time. */
export function writeOwners(owners: readonly Owner[], apiVersion: string): ManagedFieldsEntry[] {
  return capped(owners.filter(({ fields }) => fields !== undefined)).sort(inOrder).map((
    { manager, operation, subresource, time, fields },
  ) => ({
    ...(manager && { manager }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: "FieldsV1",
    fieldsV1: fields as Record<string, unknown>,
    ...(subresource && { subresource }),
  }));
}
const inOrder = (a: Owner, b: Owner): number =>
  compareText(a.operation, b.operation) || compareText(a.time ?? "", b.time ?? "") || compareText(a.manager, b.manager) ||
  compareText(a.subresource, b.subresource);
const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;

/** Of many who update, the oldest become one. */
function capped(owners: Owner[]): Owner[] {
  const updaters = owners.filter(({ operation }) => operation === "Update");
  if (updaters.length <= updateManagers) return owners;
  const oldest = updaters.sort(inOrder).slice(0, updaters.length - updateManagers + 1),
    others = owners.filter((owner) => !oldest.includes(owner));
  const merged: Owner = {
    manager: ancient,
    operation: "Update",
    subresource: "",
    time: oldest.at(-1)!.time,
    fields: oldest.reduce<FieldSet | undefined>((all, { fields }) => union(all, fields), undefined),
  };
  return [...others, merged];
}

/** What a write takes away from everybody but its writer: fields that are gone, or have another value now. */
export function withoutTouched(owners: readonly Owner[], writer: Writer, { changed, removed }: Comparison): Owner[] {
  const touched = union(changed, removed);
  return owners.map((owner) => sameWriter(owner, writer) ? owner : { ...owner, fields: difference(owner.fields, touched) });
}
/** What each of the others owns of what is changed. */
export const conflictsOf = (
  owners: readonly Owner[],
  writer: Writer,
  changed: FieldSet | undefined,
): { owner: Owner; fields: FieldSet }[] =>
  owners.flatMap((owner) => {
    const fields = sameWriter(owner, writer) ? undefined : intersection(owner.fields, changed);
    return fields ? [{ owner, fields }] : [];
  });

/** After an update: its writer owns what it has changed, too. */
export function afterUpdate(owners: readonly Owner[], writer: Writer, change: Comparison, time: string): Owner[] {
  const before = owners.find((owner) => sameWriter(owner, writer));
  const fields = union(difference(before?.fields, change.removed), change.changed);
  const others = withoutTouched(owners.filter((owner) => owner !== before), writer, change);
  return [...others, { ...writer, time: change.changed ? time : before?.time ?? time, fields }];
}

/**
 * The owners that an update begins with. Who sends managedFields back may change them; who sends none, or nonsense, has not meant to; `[{}]` forgets them all.
 * @param given undefined where they are not the request's to say
 */
export function ownersBefore(
  given: readonly ManagedFieldsEntry[] | undefined,
  stored: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
): Owner[] {
  if (given === undefined || given === stored || sameJson(given, stored)) return storedOwners(stored);
  if (given.length === 1 && Object.keys(given[0]!).length === 0) return [];
  const owners = readOwners(given, apiVersion);
  return owners && owners.length > 0 ? owners : storedOwners(stored);
}
