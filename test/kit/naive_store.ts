// The store as one would write it without a thought for speed: the list of everything that ever happened. What the real one is compared with.
import type { Compare, KeyValue, StoreEvent, Transaction } from "../../master/store/store.ts";

export class NaiveStore {
  revision = 1;
  compactRevision = 0;
  readonly #now = new Map<string, KeyValue>();
  readonly events: (StoreEvent & { revision: number })[] = [];

  /** The state that `revision` shows, in order of keys. */
  at(revision: number): KeyValue[] {
    const state = new Map<string, KeyValue>();
    for (const event of this.events) {
      if (event.revision > revision) break;
      if (event.type === "put") state.set(event.key, event.current);
      else state.delete(event.key);
    }
    return [...state.values()].sort((a, b) => a.key < b.key ? -1 : 1);
  }

  /** The newest state, in no order. */
  now(): KeyValue[] {
    return [...this.#now.values()];
  }

  /** @returns what TransactionResult says, without the time */
  txn(transaction: Transaction): { succeeded: boolean; revision: number; results: (KeyValue | undefined)[] } {
    const succeeded = transaction.compares.every((compare) => this.#holds(compare));
    const before = this.events.length, revision = this.revision + 1;
    const results = (succeeded ? transaction.then : transaction.else ?? []).map((operation) => {
      const previous = this.#now.get(operation.key);
      if (operation.do === "put") {
        const { key, value, lease = 0 } = operation;
        const current = {
          key,
          value,
          createRevision: previous?.createRevision ?? revision,
          modRevision: revision,
          version: (previous?.version ?? 0) + 1,
          lease,
        };
        this.#now.set(key, current);
        this.events.push({ revision, type: "put", key, current, ...previous && { previous } });
      } else if (operation.do === "delete" && previous) {
        this.#now.delete(operation.key);
        this.events.push({ revision, type: "delete", key: operation.key, current: { ...previous, modRevision: revision }, previous });
      }
      return previous;
    });
    if (this.events.length > before) this.revision = revision;
    return { succeeded, revision: this.revision, results };
  }

  #holds(compare: Compare): boolean {
    const found = this.#now.get(compare.key);
    if (compare.target === "value") return found !== undefined && String(found.value) === String(compare.is);
    return (found?.[compare.target] ?? 0) === compare.is;
  }
}
