// The face over the replicated state of this member. Writes are proposed to the replica and answered when applied here; reads come from this member's
// memory, linearizable ones after the replica has confirmed how far it must have applied.
import { storeSliceItems, storeWatchers, watchProgressMs } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { Agreement } from "./agreement.ts";
import { type Command, encodeCommand } from "./command.ts";
import type { Granted, State } from "./state.ts";
import {
  type KeyValue,
  type ListOptions,
  mustBeTtl,
  type Range,
  type Store,
  StoreError,
  type StoreStatus,
  type Transaction,
  type TransactionResult,
  type WatchBatch,
} from "./store.ts";
import { Refusal, refuseForm } from "./transaction.ts";
import { leadStore, tidyMemory } from "./upkeep.ts";
import { type WatchBounds, WatchHub, type WatchOptions } from "./watch.ts";

export interface OpenedStore extends Store {
  /** Resolves with the reason when the store can no longer keep its promises (its disk has failed). The process must end: only the disk knows what is true. */
  readonly fatal: Promise<Error>;
}

/** What the face needs of the replicated log: replica.ts has it. */
export interface ReplicaFace {
  /** Resolves with what the state machine made of the entry, once it is durable on a quorum and applied here. @throws StoreError */
  propose(payload: Uint8Array): Promise<unknown>;
  /** Resolves when everything that was acknowledged anywhere before the call is applied here. @throws StoreError */
  readIndex(): Promise<unknown>;
  status(): Pick<StoreStatus, "clusterId" | "clusterEpoch" | "memberId" | "leaderId" | "term" | "appliedIndex">;
  /** As in Store. */
  lead(name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when this member can no longer keep its promises, and else never. */
  readonly fatal: Promise<Error>;
}

interface FaceConfig {
  readonly quotaBytes: number;
  /** Milliseconds between comparisons of the members' states; undefined: there is nobody to compare with. */
  readonly attestMs?: number;
  readonly watchBounds?: WatchBounds;
}

export class EmbeddedStore implements OpenedStore {
  readonly fatal: Promise<Error>;
  readonly #clock: Clock;
  readonly #state: State;
  readonly #replica: ReplicaFace;
  readonly #quotaBytes: number;
  readonly #hub: WatchHub;
  readonly #stopping = new AbortController();
  /** Calls under way, which close() waits for. */
  readonly #calls = new Set<Promise<unknown>>();
  readonly #loops: Promise<unknown>;
  #closed: Promise<void> | undefined;

  constructor(
    { clock, log, state, replica }: { clock: Clock; log: Log; state: State; replica: ReplicaFace },
    { quotaBytes, attestMs, watchBounds }: FaceConfig,
  ) {
    this.#clock = clock;
    this.#state = state;
    this.#replica = replica;
    this.#quotaBytes = quotaBytes;
    this.#hub = new WatchHub(state, () => this.#pause(), watchBounds);
    state.listen(this.#hub);
    const { signal } = this.#stopping;
    const propose = (command: Command) => this.#propose(command);
    let wrong = (_: Error): void => {};
    const isWrong = new Promise<Error>((resolve) => wrong = resolve);
    if (attestMs !== undefined) {
      state.attest(new Agreement({ clock, log, member: replica.status().memberId, propose, fail: wrong }, signal));
    }
    this.#loops = Promise.all([
      tidyMemory({ clock, log, state }, { signal }),
      this.#markProgress(signal),
      replica.lead("store upkeep", (term) => leadStore({ clock, log, state, propose, attestMs }, term), signal),
    ]);
    this.fatal = new Promise((resolve) => {
      void replica.fatal.then(resolve);
      void isWrong.then(resolve);
      this.#loops.catch(resolve);
    });
  }

  async get(key: string, options: { serializable?: boolean } = {}): Promise<{ item: KeyValue | undefined; revision: number }> {
    this.#mustBeOpen();
    if (!options.serializable) await this.#replica.readIndex();
    const { mvcc } = this.#state;
    return { item: mvcc.get(key), revision: mvcc.revision };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Range> {
    this.#mustBeOpen();
    const wanted = options.revision;
    // A revision that has been applied here cannot change any more; only the newest has to be asked for.
    if (!options.serializable && (wanted === undefined || wanted > this.#state.mvcc.revision)) await this.#replica.readIndex();
    const { mvcc } = this.#state;
    const revision = wanted ?? mvcc.revision;
    if (revision > mvcc.revision) {
      throw new StoreError("Future", `Cannot list at revision ${revision}: the newest is ${mvcc.revision}`, { revision: mvcc.revision });
    }
    if (revision < mvcc.compactRevision) {
      const message = `Cannot list at revision ${revision}: history begins at revision ${mvcc.compactRevision}`;
      throw new StoreError("Compacted", message, { revision: mvcc.compactRevision });
    }
    const limit = options.limit !== undefined && options.limit > 0 ? options.limit : Infinity;
    const release = mvcc.hold();
    try {
      const items: KeyValue[] = [];
      for (let after = options.after;;) {
        const page = mvcc.page(prefix, after, revision, Math.min(storeSliceItems, limit - items.length));
        for (const item of page.items) items.push(item);
        if (!page.more) return { items, revision, remaining: 0 };
        after = items.at(-1)!.key;
        if (items.length >= limit) return { items, revision, remaining: mvcc.count(prefix, after, revision) };
        await this.#pause();
      }
    } finally {
      release();
    }
  }

  async txn(transaction: Transaction): Promise<TransactionResult> {
    const refusal = refuseForm(transaction);
    if (refusal) throw errorOf(refusal);
    return await this.#propose({ do: "transact", transaction, quotaBytes: this.#quotaBytes }) as TransactionResult;
  }

  watch(prefix: string, from: number, options: WatchOptions): AsyncIterable<WatchBatch> {
    this.#mustBeOpen();
    if (this.#hub.size >= storeWatchers) {
      throw new StoreError("Overloaded", `Cannot watch: there are ${storeWatchers} watches, which is the limit`);
    }
    return this.#hub.watch(prefix, from, options);
  }

  async compact(revision: number): Promise<void> {
    await this.#propose({ do: "compact", revision });
  }

  async grant(ttlSeconds: number): Promise<{ lease: number }> {
    mustBeTtl(ttlSeconds);
    const { lease } = await this.#propose({ do: "grant", ttlMs: ttlSeconds * 1000 }) as Granted;
    return { lease };
  }

  async keepAlive(lease: number): Promise<void> {
    await this.#propose({ do: "keepAlive", lease });
  }

  async revoke(lease: number): Promise<void> {
    await this.#propose({ do: "revoke", lease });
  }

  status(): StoreStatus {
    const { clusterId, clusterEpoch, memberId, leaderId, term, appliedIndex } = this.#replica.status();
    const { revision, compactRevision, liveBytes, keys } = this.#state.mvcc;
    const time = this.#state.time;
    return { clusterId, clusterEpoch, memberId, leaderId, term, appliedIndex, revision, compactRevision, time, liveBytes, keys };
  }

  lead(name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void> {
    this.#mustBeOpen();
    return this.#track(this.#replica.lead(name, work, AbortSignal.any([signal, this.#stopping.signal])));
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#hub.close();
    this.#stopping.abort(new StoreError("Closed", "The store is closed"));
    await Promise.allSettled([...this.#calls]);
    await Promise.allSettled([this.#loops]);
    await this.#replica.stop();
  }

  async #propose(command: Command): Promise<unknown> {
    this.#mustBeOpen();
    // Encoded before anything waits: the caller may change its buffers as soon as this has returned.
    const outcome = await this.#track(this.#replica.propose(encodeCommand(command)));
    if (outcome instanceof Refusal) throw errorOf(outcome);
    return outcome;
  }

  async #track<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  async #markProgress(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#clock, watchProgressMs, signal).catch(() => {});
      if (!signal.aborted) this.#hub.progress();
    }
  }

  #pause(): Promise<void> {
    return sleep(this.#clock, 0);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreError("Closed", "The store is closed");
  }
}

const errorOf = (refusal: Refusal): StoreError => new StoreError(refusal.reason, refusal.message, { revision: refusal.revision });
