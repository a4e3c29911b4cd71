// Which fields an object has, and which a change of it has touched: as sets of fields. Pure.
import { sameJson } from "../../../shared/api/json.ts";
import type { Json } from "../../../shared/api/schema.ts";
import { type FieldSet, member, nodeOf } from "./field_set.ts";
import { type Concrete, concrete, elementOf, itemsOf, type Shape } from "./shape.ts";

export interface Comparison {
  /** Fields that are new, or have another value. */
  readonly changed: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}
const added: Comparison = { changed: member, removed: undefined }, gone: Comparison = { changed: undefined, removed: member };

/** @returns undefined if they say the same */
export function compare(given: Shape, old: unknown, next: unknown): Comparison | undefined {
  if (old === next || (old === undefined && next === undefined)) return undefined;
  const shape = concrete(given, old, next);
  if (shape.is === "leaf" || (isEmpty(old) && isEmpty(next))) {
    return old === undefined ? added : next === undefined ? gone : sameJson(old, next) ? undefined : added;
  }
  if (shape.is === "set" || shape.is === "keyed") return compareLists(shape, old, next);
  let changed: Record<string, FieldSet> | undefined, removed: Record<string, FieldSet> | undefined;
  const look = (key: string): void => {
    const child = shape.is === "struct" ? shape.child(key) : undefined;
    if (shape.is === "struct" && !child) return;
    const within = compare(
      child ? child.shape : (shape as Concrete & { is: "map" }).item,
      old === undefined ? undefined : own(old, key) ?? child?.empty,
      next === undefined ? undefined : own(next, key) ?? child?.empty,
    );
    if (within?.changed) (changed ??= {})[`f:${key}`] = within.changed;
    if (within?.removed) (removed ??= {})[`f:${key}`] = within.removed;
  };
  for (const key in next as Json) look(key);
  for (const key in old as Json) if (next === undefined || !Object.hasOwn(next as Json, key)) look(key);
  return result(changed, old === undefined, removed, next === undefined);
}
function compareLists(shape: Shape & { is: "set" | "keyed" }, old: unknown, next: unknown): Comparison | undefined {
  if (sameJson(old, next)) return undefined; // most often, and cheaper than keys
  let changed: Record<string, FieldSet> | undefined, removed: Record<string, FieldSet> | undefined;
  const before = itemsOf(shape, (old ?? []) as unknown[]), after = itemsOf(shape, (next ?? []) as unknown[]);
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    if (element === "") continue; // without a key nobody can own it
    const was = before.get(element), is = after.get(element), one = (was?.length ?? 1) === 1 && (is?.length ?? 1) === 1;
    const within = shape.is === "keyed" && one ? compare(shape.item, was?.[0], is?.[0]) : compare({ is: "leaf" }, was, is);
    if (within?.changed) (changed ??= {})[element] = within.changed;
    if (within?.removed) (removed ??= {})[element] = within.removed;
  }
  return result(changed, old === undefined, removed, next === undefined);
}
function result(
  changed: Record<string, FieldSet> | undefined,
  isNew: boolean,
  removed: Record<string, FieldSet> | undefined,
  isGone: boolean,
): Comparison | undefined {
  const comparison = { changed: nodeOf(changed, isNew), removed: nodeOf(removed, isGone) };
  return comparison.changed || comparison.removed ? comparison : undefined;
}

/** The fields that a configuration speaks of. */
export function fieldsOf(given: Shape, value: unknown): FieldSet | undefined {
  const shape = concrete(given, value);
  if (shape.is === "leaf") return member;
  let fields: Record<string, FieldSet> | undefined;
  if (shape.is === "set" || shape.is === "keyed") {
    for (const item of value as readonly unknown[]) {
      const element = elementOf(shape, item);
      if (element === undefined) continue;
      const within = shape.is === "keyed" ? fieldsOf(shape.item, item) : undefined;
      (fields ??= {})[element] = within && within !== member ? { ".": member, ...within } : member;
    }
    return nodeOf(fields, false);
  }
  for (const [key, item] of Object.entries(value as Json)) {
    const within = shape.is === "struct" ? shape.child(key)?.shape : shape.item;
    const node = within && fieldsOf(within, item);
    if (node) (fields ??= {})[`f:${key}`] = shape.is === "map" && node !== member ? { ".": member, ...node } : node;
  }
  return nodeOf(fields, !fields && isEmpty(value));
}

export const own = (object: unknown, key: string): unknown => Object.hasOwn(object as Json, key) ? (object as Json)[key] : undefined;
export function isEmpty(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  for (const _ in value) return false;
  return true;
}
