// Server-side apply's merge: what a manager has applied over what there is, and what it had applied before and does not say any more taken away. Pure;
// neither argument is changed, results share parts with them. Rules are those of structured-merge-diff.
import type { Json } from "../../../shared/api/schema.ts";
import { badRequest } from "../../../shared/api/status.ts";
import { shownCharacters } from "../../../shared/limits.ts";
import { own } from "./compare.ts";
import { at, type FieldSet, isMember, pathsOf } from "./field_set.ts";
import { concrete, elementOf, itemsOf, type ListShape, type Shape } from "./shape.ts";

/** @throws ApiError BadRequest if items of a list cannot be told apart */
export function mergeApplied(given: Shape, live: unknown, config: unknown, path = ""): unknown {
  if (config === undefined) return live;
  const shape = concrete(given, live, config);
  if (shape.is === "leaf") return config;
  if (shape.is === "set" || shape.is === "keyed") return mergeLists(shape, (live ?? []) as unknown[], config as unknown[], path);
  const merged = new Map(Object.entries((live ?? {}) as Json));
  for (const [key, value] of Object.entries(config as Json)) {
    const within = shape.is === "struct" ? shape.child(key)?.shape : shape.item;
    if (within) merged.set(key, mergeApplied(within, merged.get(key), value, `${path}.${key}`));
  }
  return Object.fromEntries(merged);
}

/** The items of `config` in their order; those that only `live` has keep the side of them on which they stood. */
function mergeLists(shape: ListShape, live: readonly unknown[], config: readonly unknown[], path: string): unknown[] {
  const elements = config.map((item) => {
    const element = elementOf(shape, item);
    if (element !== undefined) return element;
    const missing = (shape as ListShape & { is: "keyed" }).keys.find(({ name }) => (item as Json)[name] === undefined)!.name;
    throw wrong(path, `associative list with keys has an element that omits key field "${missing}" (and doesn't have default value)`);
  });
  const applied = new Map<string, unknown>();
  elements.forEach((element, i) => {
    if (applied.has(element)) {
      const where = pathsOf({ [element]: {} })[0]!;
      throw wrong(path, `duplicate entries for key ${where.slice(0, shownCharacters)}`);
    }
    applied.set(element, config[i]);
  });
  const there = itemsOf(shape, live), standing = live.map((item) => elementOf(shape, item) ?? "");
  const shared = elements.filter((element) => there.has(element)), merged: unknown[] = [], done = new Set<string>();
  const take = (element: string): void => {
    const known = there.get(element);
    merged.push(
      shape.is === "keyed"
        ? mergeApplied(shape.item, known?.[0], applied.get(element), path + pathsOf({ [element]: {} })[0])
        : applied.get(element),
    );
    done.add(element);
  };
  for (let l = 0, c = 0, s = 0; l < live.length || c < elements.length;) {
    const here = standing[l];
    if (l < live.length && here !== undefined) {
      if (!applied.has(here)) {
        merged.push(live[l++]);
        continue;
      }
      // It stands elsewhere in the configuration, or has been taken with an earlier one.
      if (done.has(here) || here !== shared[s]) {
        l++;
        continue;
      }
    }
    if (c >= elements.length) {
      l++;
      continue;
    }
    const element = elements[c++]!;
    take(element);
    if (element === shared[s]) s++;
  }
  return merged;
}
const wrong = (path: string, why: string) => badRequest(`failed to create typed patch object: ${path}: ${why}`);

/**
 * `merged` without what is in `last` and that nobody owns any more. A field without any owned part goes as a whole, even with parts that nobody has applied.
 * @param owned by the others, and now by the applier itself
 */
export function prune(given: Shape, merged: unknown, last: FieldSet | undefined, owned: FieldSet | undefined): unknown {
  const shape = concrete(given, merged);
  if (!last || merged === undefined || shape.is === "leaf") return merged;
  const emptyIsOwned = owned !== undefined && isMember(owned); // somebody says `{}`
  const kept = (element: string, named: boolean, within: Shape, value: unknown): unknown => {
    const before = at(last, element);
    if (!before) return value;
    const now = at(owned, element), goes = (named || isMember(before)) && !(now && (named || isMember(now)));
    return goes ? undefined : prune(within, value, before, now);
  };
  if (shape.is === "set" || shape.is === "keyed") {
    const within: Shape = shape.is === "keyed" ? shape.item : { is: "leaf" };
    const items = (merged as unknown[]).map((item) => kept(elementOf(shape, item) ?? "", false, within, item)).filter((item) =>
      item !== undefined
    );
    return items.length > 0 || (merged as unknown[]).length === 0 || emptyIsOwned ? items : undefined;
  }
  const entries = Object.entries(merged as Json), left: [string, unknown][] = [];
  for (const [key, value] of entries) {
    const child = shape.is === "struct" ? shape.child(key)?.shape : shape.item;
    const stays = child ? kept(`f:${key}`, shape.is === "struct", child, value) : own(merged, key);
    if (stays !== undefined) left.push([key, stays]);
  }
  return left.length > 0 || entries.length === 0 || emptyIsOwned ? Object.fromEntries(left) : undefined;
}
