// Records what clients do with a store while they do it. Moments are its own count, so that of any two one came first: for clients in one process this order is
// the true one, and the checks are as sharp as they can be.
import {
  type KeyValue,
  type ListOptions,
  type Range,
  type Store,
  StoreError,
  type Transaction,
  type TransactionResult,
  type WatchBatch,
} from "../../master/store/store.ts";
import { type Call, type Delivery, type History, type Moment, type Outcome, outcomeOf, type Watch, type WatchStream } from "./history.ts";

type Asked<C extends Call> = C extends Call ? Omit<C, "id" | "invoked" | "completed" | "outcome"> : never;

export class Recorder {
  #moment = 0;
  readonly #calls: Call[] = [];
  readonly #watches: RecordedWatch[] = [];

  /** A new moment, behind all before it. Also for `Committed.at` and `Compaction.at`. */
  now(): Moment {
    return ++this.#moment;
  }

  get(
    client: number,
    store: Pick<Store, "get">,
    key: string,
    options: { serializable?: boolean } = {},
  ): Promise<{ item: KeyValue | undefined; revision: number }> {
    return this.#record({ client, kind: "get", key, serializable: options.serializable ?? false }, () => store.get(key, options));
  }
  list(client: number, store: Pick<Store, "list">, prefix: string, options: ListOptions = {}): Promise<Range> {
    return this.#record({ client, kind: "list", prefix, options }, () => store.list(prefix, options));
  }
  txn(client: number, store: Pick<Store, "txn">, transaction: Transaction): Promise<TransactionResult> {
    return this.#record({ client, kind: "txn", transaction }, () => store.txn(transaction));
  }
  /** One that has begun at no store yet. */
  watch(client: number, prefix: string, from: number): RecordedWatch {
    const watch = new RecordedWatch(this, client, prefix, from);
    this.#watches.push(watch);
    return watch;
  }

  /** Up to now. Of calls that have not ended, the outcome is unknown. */
  history(): History {
    return { calls: [...this.#calls], watches: this.#watches.map((watch) => watch.recorded()) };
  }

  async #record<R>(asked: Asked<Call>, work: () => Promise<R>): Promise<R> {
    const id = this.#calls.length + 1, invoked = this.now();
    const note = (outcome: Outcome<R>, completed: Moment): void => {
      // The kind of the call and that of its result belong together by the three methods above.
      this.#calls[id - 1] = { ...asked, id, invoked, completed, outcome } as Call;
    };
    note({ is: "unknown" }, Infinity);
    try {
      const result = await work();
      note({ is: "done", result }, this.now());
      return result;
    } catch (error) {
      note(error instanceof StoreError ? outcomeOf(error) : { is: "unknown" }, this.now());
      throw error;
    }
  }
}

/** A watch that goes on where it stopped, at the same store or at another. */
export class RecordedWatch {
  /** Where the next stream begins: behind what was told. Set it after a list, when one has ended with Compacted. */
  next: number;
  readonly #recorder: Recorder;
  readonly #client: number;
  readonly #prefix: string;
  readonly #streams: (Omit<WatchStream, "deliveries"> & { deliveries: Delivery[] })[] = [];

  constructor(recorder: Recorder, client: number, prefix: string, from: number) {
    this.#recorder = recorder;
    this.#client = client;
    this.#prefix = prefix;
    this.next = from;
  }

  /** Watches until the signal aborts (false) or history is gone (true). @throws what else ends the watch. A store that died without a word: just call it again */
  async run(
    store: Pick<Store, "watch" | "status">,
    { signal, progress = true, onBatch = () => {} }: { signal: AbortSignal; progress?: boolean; onBatch?: (batch: WatchBatch) => unknown },
  ): Promise<boolean> {
    this.cut();
    const opened = this.#recorder.now(), deliveries: Delivery[] = [];
    const compactedAtOpen = store.status().compactRevision;
    const at = this.#streams.push({ from: this.next, opened, compactedAtOpen, deliveries, end: { is: "open" } }) - 1;
    try {
      for await (const batch of store.watch(this.#prefix, this.next, { signal, progress })) {
        if (this.#streams.length > at + 1) return false; // somebody has begun the next one
        deliveries.push({ at: this.#recorder.now(), batch });
        this.next = Math.max(this.next, batch.revision + 1);
        await onBatch(batch);
      }
      this.#end(at, { is: "cut" });
      return false;
    } catch (error) {
      const isCompacted = error instanceof StoreError && error.reason === "Compacted";
      this.#end(at, isCompacted ? { is: "compacted", at: this.#recorder.now(), revision: error.revision } : { is: "cut" });
      if (isCompacted) return true;
      throw error;
    }
  }

  /** Its store has died. */
  cut(): void {
    this.#end(this.#streams.length - 1, { is: "cut" });
  }
  #end(at: number, end: WatchStream["end"]): void {
    const stream = this.#streams[at];
    if (stream?.end.is === "open") this.#streams[at] = { ...stream, end };
  }

  recorded(): Watch {
    const streams = this.#streams.map((stream) => ({ ...stream, deliveries: [...stream.deliveries] }));
    return { client: this.#client, prefix: this.#prefix, streams };
  }
}
