// The cache's indexes: by name, uid, owner and selectable field. Headers are enough for all of them; no object is parsed here.
import type { Stored } from "./face.ts";
import { resourceOf } from "./codec.ts";

type Names = Map<string, Stored>;

export class CacheIndex {
  /** resource → namespace → name */
  readonly #objects = new Map<string, Map<string, Names>>();
  readonly #uids = new Map<string, Stored>();
  readonly #owned = new Map<string, Set<Stored>>();
  /** resource → field → value. A field is indexed from the day somebody asks by it. */
  readonly #fields = new Map<string, Map<string, Map<string, Set<Stored>>>>();

  get(resource: string, namespace: string, name: string): Stored | undefined {
    return this.#objects.get(resource)?.get(namespace)?.get(name);
  }
  *list(resource: string, namespace?: string): Iterable<Stored> {
    const spaces = this.#objects.get(resource);
    if (namespace !== undefined) yield* spaces?.get(namespace)?.values() ?? [];
    else for (const names of spaces?.values() ?? []) yield* names.values();
  }
  count(resource: string, namespace?: string): number {
    const spaces = this.#objects.get(resource);
    if (namespace !== undefined) return spaces?.get(namespace)?.size ?? 0;
    let sum = 0;
    for (const names of spaces?.values() ?? []) sum += names.size;
    return sum;
  }
  *all(): Iterable<Stored> {
    for (const resource of this.#objects.keys()) yield* this.list(resource);
  }
  byUid(uid: string): Stored | undefined {
    return this.#uids.get(uid);
  }
  owned(ownerUid: string): Iterable<Stored> {
    return this.#owned.get(ownerUid) ?? nobody;
  }
  byField(resource: string, field: string, value: string): Iterable<Stored> {
    const fields = entry(this.#fields, resource, () => new Map());
    let values = fields.get(field);
    if (!values) {
      fields.set(field, values = new Map());
      for (const stored of this.list(resource)) entry(values, valueOf(stored, field), () => new Set()).add(stored);
    }
    return values.get(value) ?? nobody;
  }

  replace(before: Stored | undefined, after: Stored | undefined): void {
    if (before) this.#remove(before, after);
    if (after) this.#add(after);
  }
  #add(stored: Stored): void {
    const resource = resourceOf(stored.kind);
    const spaces = entry(this.#objects, resource, () => new Map<string, Names>());
    entry(spaces, stored.namespace, (): Names => new Map()).set(stored.name, stored);
    this.#uids.set(stored.uid, stored);
    for (const uid of stored.ownerUids) entry(this.#owned, uid, () => new Set()).add(stored);
    for (const [field, values] of this.#fields.get(resource) ?? []) entry(values, valueOf(stored, field), () => new Set()).add(stored);
  }
  /** `after` stands at the same place: then that place is not given up, and keeps its turn in lists. */
  #remove(stored: Stored, after: Stored | undefined): void {
    const resource = resourceOf(stored.kind), spaces = this.#objects.get(resource), names = spaces?.get(stored.namespace);
    if (!after) {
      names?.delete(stored.name);
      if (names?.size === 0) spaces!.delete(stored.namespace);
    }
    if (this.#uids.get(stored.uid) === stored) this.#uids.delete(stored.uid);
    for (const uid of stored.ownerUids) drop(this.#owned, uid, stored);
    for (const [field, values] of this.#fields.get(resource) ?? []) drop(values, valueOf(stored, field), stored);
  }
}

const nobody: Iterable<Stored> = Object.freeze([]);
const valueOf = (stored: Stored, field: string): string => stored.fields[field] ?? "";
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
function drop(map: Map<string, Set<Stored>>, key: string, stored: Stored): void {
  const set = map.get(key);
  set?.delete(stored);
  if (set?.size === 0) map.delete(key);
}
