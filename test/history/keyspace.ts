// The keyspace as the checkers understand it: what each transaction must answer and which events it must make. Written from the promises in store.ts, and
// knowing nothing of mvcc.ts: whoever shares a mistake with the thing he checks does not see it.
import { Buffer } from "node:buffer";
import type { Compare, KeyValue, StoreEvent, Transaction } from "../../master/store/store.ts";
import { empty, type Initial } from "./history.ts";

export interface Ran {
  readonly succeeded: boolean;
  readonly results: readonly (KeyValue | undefined)[];
  /** In the order of the operations; empty when it wrote nothing. */
  readonly events: readonly StoreEvent[];
}

export class Keyspace {
  #revision: number;
  readonly #items = new Map<string, KeyValue>();
  /** Keys alive, in order. */
  readonly #keys: string[];

  constructor({ revision, items }: Initial = empty) {
    this.#revision = revision;
    for (const item of items) this.#items.set(item.key, item);
    this.#keys = [...this.#items.keys()].sort((a, b) => a < b ? -1 : 1);
  }

  get revision(): number {
    return this.#revision;
  }
  get(key: string): KeyValue | undefined {
    return this.#items.get(key);
  }
  /** In order of keys. */
  all(): KeyValue[] {
    return this.#keys.map((key) => this.#items.get(key)!);
  }

  /** The items under `prefix` behind `after`, up to `limit` of them, and how many there are behind those. */
  list(prefix: string, after: string | undefined, limit: number): { items: KeyValue[]; remaining: number } {
    const items: KeyValue[] = [];
    let remaining = 0;
    const begin = after !== undefined && after >= prefix ? this.#find(after) : this.#find(prefix);
    for (let at = begin; at < this.#keys.length; at++) {
      const key = this.#keys[at]!;
      if (key === after) continue;
      if (!key.startsWith(prefix)) break;
      if (items.length < limit) items.push(this.#items.get(key)!);
      else remaining++;
    }
    return { items, remaining };
  }

  /** What the transaction would do now. */
  try(transaction: Transaction): Ran {
    const revision = this.#revision + 1, events: StoreEvent[] = [], results: (KeyValue | undefined)[] = [];
    const succeeded = transaction.compares.every((compare) => holds(compare, this.#items.get(compare.key)));
    const written = new Map<string, KeyValue | undefined>();
    for (const operation of succeeded ? transaction.then : transaction.else ?? []) {
      const { key } = operation;
      const found = written.has(key) ? written.get(key) : this.#items.get(key);
      results.push(found);
      if (operation.do === "put") {
        const current: KeyValue = {
          key,
          value: operation.value,
          createRevision: found?.createRevision ?? revision,
          modRevision: revision,
          version: (found?.version ?? 0) + 1,
          lease: operation.lease ?? 0,
        };
        written.set(key, current);
        events.push(found ? { type: "put", key, current, previous: found } : { type: "put", key, current });
      } else if (operation.do === "delete" && found) {
        written.set(key, undefined);
        events.push({ type: "delete", key, current: { ...found, modRevision: revision }, previous: found });
      }
    }
    return { succeeded, results, events };
  }

  /** Carries the transaction out. One that writes takes the next revision. */
  run(transaction: Transaction): Ran {
    const ran = this.try(transaction);
    for (const { type, key, current } of ran.events) {
      if (type === "put") {
        if (!this.#items.has(key)) this.#keys.splice(this.#find(key), 0, key);
        this.#items.set(key, current);
      } else {
        this.#keys.splice(this.#find(key), 1);
        this.#items.delete(key);
      }
    }
    if (ran.events.length > 0) this.#revision++;
    return ran;
  }

  /** Position of the first key that is not less. */
  #find(key: string): number {
    let low = 0, high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function holds(compare: Compare, found: KeyValue | undefined): boolean {
  if (compare.target === "value") return found !== undefined && Buffer.compare(found.value, compare.is) === 0;
  return (found?.[compare.target] ?? 0) === compare.is;
}

export function isSameItem(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  return a.key === b.key && a.modRevision === b.modRevision && a.createRevision === b.createRevision && a.version === b.version &&
    a.lease === b.lease && (a.value === b.value || Buffer.compare(a.value, b.value) === 0);
}
