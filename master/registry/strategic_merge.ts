// Strategic merge patch: a merge patch that knows from the schema which lists are sets and which are tables with a key, so that one container can be
// changed without naming the others. Beside values, a patch has directives:
//
//   $patch: replace              in a map: take this one as it is. In an item of a list: the list is what else the patch's list holds
//   $patch: delete               in a map: empty it. In an item of a list: remove the item with this key
//   $retainKeys: [a, b]          remove the map's other keys first (unions: Recreate instead of RollingUpdate)
//   $deleteFromPrimitiveList/x   values to remove from the set x
//   $setElementOrder/x           how the items of list x that the client knows are ordered; the others keep their places between them
//
// Documented in kubernetes/community, contributors/devel/sig-api-machinery/strategic-merge-patch.md; where upstream's code is odd, so is this:
// a new item without $setElementOrder goes to the front, and items with equal keys (a TCP and a UDP port) are taken for one.
import type { Field, Json, Message, Type } from "../../shared/api/schema.ts";
import { shown } from "../../shared/api/resource.ts";
import { badRequest } from "../../shared/api/status.ts";

const directive = "$patch", retainKeys = "$retainKeys", deletion = "$deleteFromPrimitiveList/", ordering = "$setElementOrder/";

/** Neither argument is changed; the result shares parts with both. @throws ApiError BadRequest */
export const strategicMergePatch = (message: Message, target: Json, patch: Json): Json => mergeMap(message, target, patch);

/** `type`: of the map, if the schema knows it. Null in a patch removes, anywhere. */
function mergeMap(type: Type<unknown> | undefined, target: Json, patch: Json): Json {
  if (Object.hasOwn(patch, directive)) {
    if (patch[directive] === "delete") return {};
    if (patch[directive] === "replace") return without(patch, directive);
    throw badRequest(`unknown patch type: ${shown(patch[directive])} in ${shown(patch)}`);
  }
  const merged = new Map(Object.entries(target));
  if (Object.hasOwn(patch, retainKeys)) retain(merged, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    const child = childOf(type, key);
    const result = mergeValue(child, merged.get(key), value, patch[ordering + key]);
    if (result === undefined) merged.delete(key);
    else merged.set(key, result);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(ordering)) {
      const list = key.slice(ordering.length), before = merged.get(list);
      // Where the patch has the list as well, it has been ordered with it.
      if (!Object.hasOwn(patch, list) && Array.isArray(before)) {
        merged.set(list, reorder(childOf(type, list), before, before, asList(key, value)));
      }
    } else if (key.startsWith(deletion)) {
      const list = key.slice(deletion.length), before = merged.get(list), gone = new Set(asList(key, value));
      if (Array.isArray(before)) merged.set(list, before.filter((item) => !gone.has(item)));
    } else if (key.startsWith("$") && key !== retainKeys) merged.set(key, value); // no directive of ours: for the schema to refuse
  }
  return Object.fromEntries(merged);
}
/** @returns undefined if there is to be no value */
function mergeValue(child: Child, before: unknown, value: unknown, order: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    const list = Array.isArray(before) ? before : [];
    const merged = child.merges ? mergeList(child, list, value) : value;
    return order === undefined || !child.merges
      ? merged
      : reorder(child, merged, list, consistent(child, value, asList("its order", order)));
  }
  if (!isObject(value)) return value;
  if (isObject(before) && child.replaces) return value;
  if (!isObject(before) && value[directive] === "delete") return undefined;
  return mergeMap(child.type, isObject(before) ? before : {}, value);
}

/** What the schema says about a field. */
interface Child {
  /** Of the value, or of the list's items. */
  readonly type: Type<unknown> | undefined;
  readonly replaces: boolean;
  readonly merges: boolean;
  /** The field by which the items of a merged list are told apart; none for a set of scalars. */
  readonly key: string | undefined;
}
function childOf(parent: Type<unknown> | undefined, key: string): Child {
  const fields = parent?.type === "message" ? (parent as Message).fields : {};
  const field: Field | undefined = Object.hasOwn(fields, key) ? fields[key] : undefined;
  const strategies = field?.patch?.strategy.split(",") ?? [];
  const type = field?.type ?? (parent?.type === "map" ? parent.item : undefined);
  return {
    type: type?.type === "array" ? type.item : type,
    replaces: strategies.includes("replace"),
    merges: strategies.includes("merge"),
    key: field?.patch?.key,
  };
}

function retain(merged: Map<string, unknown>, patch: Json): void {
  const kept = new Set(asList(retainKeys, patch[retainKeys]));
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !key.startsWith("$") && !kept.has(key)) {
      throw badRequest(`the patch sets ${shown(key)}, which is not in its ${retainKeys}`);
    }
  }
  for (const key of merged.keys()) if (!kept.has(key)) merged.delete(key);
}

function mergeList(child: Child, before: readonly unknown[], patch: readonly unknown[]): unknown[] {
  if (child.key === undefined) return order(child, [...new Set([...before, ...patch])], patch, before);
  const { key } = child, changes: Json[] = [], deleted = new Set<unknown>();
  let replaced = false;
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`an item of a list merged by ${shown(key)} is not an object: ${shown(item)}`);
    if (!Object.hasOwn(item, directive)) changes.push(item);
    else if (item[directive] === "replace") replaced = true;
    else if (item[directive] === "delete") deleted.add(keyOf(child, item));
    else throw badRequest(`unknown patch type: ${shown(item[directive])} in ${shown(item)}`);
  }
  if (replaced) return changes;
  const kept = before.filter((item) => !deleted.has(keyOf(child, item))), merged = [...kept];
  const places = new Map<unknown, number>();
  merged.forEach((item, i) => places.has(keyOf(child, item)) || places.set(keyOf(child, item), i)); // of equal keys, the first
  for (const change of changes) {
    const value = keyOf(child, change), place = places.get(value) ?? merged.length;
    places.set(value, place);
    merged[place] = mergeMap(child.type, (merged[place] ?? {}) as Json, change);
  }
  return order(child, merged, changes, kept);
}

/** By a $setElementOrder. */
const reorder = (child: Child, merged: readonly unknown[], before: readonly unknown[], wanted: readonly unknown[]): unknown[] =>
  child.merges ? order(child, merged, wanted, before) : [...merged];

/** Items that the patch orders stand as it says; the others, which only the server knows, keep the side of them on which they stood before. */
function order(child: Child, items: readonly unknown[], wanted: readonly unknown[], before: readonly unknown[]): unknown[] {
  const wish = places(child, wanted), place = places(child, before);
  const at = (where: Map<unknown, number>, item: unknown) => where.get(keyOf(child, item)) ?? -1;
  const sorted = (list: readonly unknown[], where: Map<unknown, number>) => list.toSorted((a, b) => at(where, a) - at(where, b));
  const client = sorted(items.filter((item) => at(wish, item) >= 0), wish);
  const server = sorted(items.filter((item) => at(wish, item) < 0), place);
  const all: unknown[] = [];
  let next = 0;
  for (const item of client) {
    const here = at(place, item);
    while (next < server.length && here >= 0 && at(place, server[next]) < here) all.push(server[next++]);
    all.push(item);
  }
  return [...all, ...server.slice(next)];
}
function places(child: Child, items: readonly unknown[]): Map<unknown, number> {
  const found = new Map<unknown, number>();
  items.forEach((item, i) => found.has(keyOf(child, item)) || found.set(keyOf(child, item), i));
  return found;
}
function keyOf({ key }: Child, item: unknown): unknown {
  if (key === undefined) return item;
  if (isObject(item) && Object.hasOwn(item, key)) return item[key];
  throw badRequest(`map: ${shown(item)} does not contain declared merge key: ${key}`);
}

/** A client's own order must hold what it patches, in the same order: else it does not know what it says. */
function consistent(child: Child, patch: readonly unknown[], wanted: readonly unknown[]): readonly unknown[] {
  const patched = patch.filter((item) => !isObject(item) || !Object.hasOwn(item, directive));
  let at = 0;
  for (const item of wanted) if (at < patched.length && keyOf(child, item) === keyOf(child, patched[at])) at++;
  if (at < patched.length) {
    throw badRequest(`The order in patch list:\n${shown(patched)}\n doesn't match ${ordering} list:\n${shown(wanted)}\n`);
  }
  return wanted;
}
function asList(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw badRequest(`${name} must be a list, but is ${shown(value)}`);
}
const without = (object: Json, key: string): Json => Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
