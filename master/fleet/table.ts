// A few keys of the store that every master keeps in mind: a mirror of those under one prefix. What is written into it comes back through the watch, in the same
// order on all masters, and only then is it so.
import type { GenericSchema } from "valibot";
import { parse } from "../../shared/wire/messages.ts";
import { type Store, StoreError } from "../store/store.ts";
import { json } from "./connection.ts";

export interface Row<T> {
  readonly value: T;
  readonly modRevision: number;
}

export class Table<T> {
  readonly #store: Pick<Store, "list" | "watch" | "txn">;
  readonly #prefix: string;
  readonly #rows = new Map<string, Row<T>>();
  readonly #schema: GenericSchema<unknown, T>;
  readonly #observer: (key: string, row: Row<T> | undefined) => void;

  /**
   * @param schema a value that it does not fit, this release cannot read: as good as none
   * @param observer called after each change, with the key behind the prefix. Must neither throw nor wait
   */
  constructor(
    store: Pick<Store, "list" | "watch" | "txn">,
    prefix: string,
    schema: GenericSchema<unknown, T>,
    observer: (key: string, row: Row<T> | undefined) => void,
  ) {
    this.#store = store;
    this.#prefix = prefix;
    this.#schema = schema;
    this.#observer = observer;
  }

  get(key: string): Row<T> | undefined {
    return this.#rows.get(key);
  }
  /** In no order. */
  rows(): Iterable<[string, Row<T>]> {
    return this.#rows;
  }

  /** Makes `value` that of the key, or deletes it, unless somebody has changed it since `was` was read. @returns whether it was done. @throws StoreError */
  async write(key: string, was: Row<T> | undefined, value: object | undefined): Promise<boolean> {
    const place = this.#prefix + key;
    const { succeeded } = await this.#store.txn({
      compares: [{ key: place, target: "modRevision", is: was?.modRevision ?? 0 }],
      then: [
        value === undefined ? { do: "delete", key: place } : { do: "put", key: place, value: json(value) },
      ],
    });
    return succeeded;
  }

  /** Follows the store until the signal aborts. What this member has applied is good enough to begin with: the rest comes. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { items, revision } = await this.#store.list(this.#prefix, { serializable: true });
      const gone = new Set(this.#rows.keys());
      for (const { key, value, modRevision } of items) {
        gone.delete(key.slice(this.#prefix.length));
        this.#put(key, value, modRevision);
      }
      for (const key of gone) this.#drop(key);
      try {
        for await (const { events } of this.#store.watch(this.#prefix, revision + 1, { signal })) {
          for (const { type, key, current } of events) {
            if (type === "put") this.#put(key, current.value, current.modRevision);
            else this.#drop(key.slice(this.#prefix.length));
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError && error.reason === "Compacted")) throw error; // else: read it all again
      }
    }
  }

  #put(place: string, bytes: Uint8Array, modRevision: number): void {
    const key = place.slice(this.#prefix.length), value = parse(this.#schema, bytes);
    if (value === undefined) return this.#drop(key);
    if (this.#rows.get(key)?.modRevision === modRevision) return;
    const row = { value, modRevision };
    this.#rows.set(key, row);
    this.#observer(key, row);
  }
  #drop(key: string): void {
    if (this.#rows.delete(key)) this.#observer(key, undefined);
  }
}
