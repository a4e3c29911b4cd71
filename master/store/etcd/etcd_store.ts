// The store's face over an etcd cluster of the user's. What differs from the embedded store:
//
//   revisions   are etcd's. It counts one for each transaction of anybody, so that the next one of ours is a later one, and the very next only where no other
//               cluster shares this etcd. Compaction concerns everybody in it, too: each leader keeps as much as it would keep alone.
//   log time    etcd has none. `time` is this master's clock, or the newest that any leader has noted if that is later: never behind what a leader saw at its last
//               compaction, but two masters differ by as much as their clocks do.
//   values      etcd takes requests of 1.5 MiB in all (--max-request-bytes), so the largest value is a little smaller; above that, TooLarge.
//   order       of keys is by bytes; the embedded store's is by UTF-16 code units. They differ beside characters outside the basic plane only.
//   quota       is etcd's (--quota-backend-bytes), and so are the lives of leases, to the second and at least 2. `liveBytes` and `keys` of the status are 0.
//   history     behind another master's compaction may still be served here for a moment: what is in memory is known, and true.
import { watchProgressMs } from "../../../shared/limits.ts";
import { type Clock, type Random, sleep } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import type { OpenedStore } from "../face.ts";
import { Leadership } from "../leadership.ts";
import {
  type KeyValue,
  type ListOptions,
  mustBeTtl,
  type Range,
  StoreError,
  type StoreStatus,
  type Transaction,
  type TransactionResult,
  type WatchBatch,
} from "../store.ts";
import { refuseForm } from "../transaction.ts";
import { compacted, type WatchOptions } from "../watch.ts";
import type { EtcdClient } from "./client.ts";
import type { ClusterRecord } from "./cluster_record.ts";
import { Election } from "./election.ts";
import type { Happening } from "./feed.ts";
import type { Keys } from "./keys.ts";
import { grant, keepAlive, revoke } from "./leases.ts";
import { Listener } from "./listener.ts";
import { Marks } from "./marks.ts";
import { Masters } from "./masters.ts";
import type { Kv } from "./protocol.ts";
import { Reads } from "./reads.ts";
import { itemOf, requestOf, resultOf } from "./transaction.ts";

export interface EtcdNeeds {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What has been read before it opens. */
export interface Beginning {
  readonly record: ClusterRecord;
  /** Of this master; the same after a restart. */
  readonly memberId: number;
  /** Behind which it listens; everything up to there is etcd's to tell. */
  readonly revision: number;
  /** As they are at that revision. */
  readonly notes: readonly Kv[];
}

export class EtcdStore implements OpenedStore {
  readonly fatal: Promise<Error>;
  readonly #needs: EtcdNeeds;
  readonly #record: ClusterRecord;
  /** Who they are, who is there, who leads. */
  readonly masters: Masters;
  readonly #listener: Listener;
  readonly #reads: Reads;
  readonly #marks: Marks;
  readonly #election: Election;
  readonly #leadership: Leadership;
  /** Highest revision of a write of ours: the window shows it a moment later. */
  #written = 0;
  /** Ends the work of the leader; then, the lead and the feed. */
  readonly #stopping = new AbortController();
  readonly #ending = new AbortController();
  readonly #calls = new Set<Promise<unknown>>();
  readonly #loops: Promise<unknown>;
  #fail: (error: Error) => void = () => {};
  #closed: Promise<void> | undefined;

  constructor(needs: EtcdNeeds, { record, memberId, revision, notes }: Beginning) {
    const { client, keys, clock, random, log } = needs;
    this.#needs = needs;
    this.#record = record;
    this.masters = new Masters(memberId, String(random()));
    this.fatal = new Promise((resolve) => this.#fail = resolve);
    this.#listener = new Listener({
      ...needs,
      heard: (header) => this.#reads.mustBeOurs(header),
      noted: (happening, at) => this.#noted(happening, at),
      mark: () => this.#marks.put(),
    }, revision);
    const { window } = this.#listener;
    this.#reads = new Reads({ client, keys, etcd: record.etcd, fail: (error) => this.#fail(error) }, window);
    this.#marks = new Marks({ client, keys, clock, log }, window);
    this.#leadership = new Leadership(log);
    this.#election = new Election({
      ...{ client, keys, clock, random, log },
      caughtUp: (revision, signal) => this.#listener.caughtUp(revision, signal),
      lead: (term) => this.#leadership.update(term),
    }, this.masters);
    for (const kv of notes) {
      const note = keys.noteOf(kv.key), current = itemOf(keys, kv);
      if (note?.name === "mark") this.#marks.heard(current);
      else this.masters.noted({ type: "put", note, current }, kv.modRevision); // our own may be of a life before
    }
    const { signal } = this.#stopping, ending = this.#ending.signal;
    this.#loops = Promise.all([
      this.#listener.run(ending),
      this.#election.run(ending),
      this.#markProgress(signal),
      this.#leadership.lead("store upkeep", (term) => this.#marks.upkeep(term.signal), signal),
    ]);
    this.#loops.catch((error) => this.#fail(error));
  }

  /** Resolves when this master has shown that it is there, and it is known who leads. */
  get settled(): Promise<unknown> {
    return this.#election.settled;
  }

  get(key: string, options: { serializable?: boolean } = {}): Promise<{ item: KeyValue | undefined; revision: number }> {
    return this.#run(() => this.#reads.get(key, options.serializable));
  }

  list(prefix: string, options: ListOptions = {}): Promise<Range> {
    return this.#run(() => this.#reads.list(prefix, options));
  }

  txn(transaction: Transaction): Promise<TransactionResult> {
    return this.#run(async () => {
      const refusal = refuseForm(transaction) ?? this.#refuseKeys(transaction);
      if (refusal) throw new StoreError(refusal.reason, refusal.message);
      const { client, keys } = this.#needs, { highest } = this.#reads;
      const answer = await client.call("txn", requestOf(keys, transaction), "write");
      this.#reads.heard(answer.header, highest);
      const { results, wrote } = resultOf(keys, answer), { revision } = answer.header;
      if (wrote) this.#written = Math.max(this.#written, revision);
      return { succeeded: answer.succeeded, revision, time: this.#marks.now(), results };
    });
  }

  watch(prefix: string, from: number, options: WatchOptions): AsyncIterable<WatchBatch> {
    this.#mustBeOpen();
    const { compactRevision } = this.#marks;
    if (from > compactRevision) {
      return this.#listener.watch(prefix, from, { ...options, signal: AbortSignal.any([options.signal, this.#ending.signal]) });
    }
    return failing(compacted(from, compactRevision));
  }

  compact(revision: number): Promise<void> {
    return this.#run(() => this.#marks.compact(revision));
  }

  grant(ttlSeconds: number): Promise<{ lease: number }> {
    return this.#run(async () => {
      mustBeTtl(ttlSeconds);
      return { lease: await grant(this.#needs.client, this.#needs.random, ttlSeconds) };
    });
  }

  keepAlive(lease: number): Promise<void> {
    return this.#run(() => keepAlive(this.#needs.client, this.#needs.clock, lease));
  }

  revoke(lease: number): Promise<void> {
    return this.#run(() => revoke(this.#needs.client, lease));
  }

  status(): StoreStatus {
    const { clusterId, clusterEpoch } = this.#record, { self, leaderId, term } = this.masters;
    return {
      ...{ clusterId, clusterEpoch, memberId: self, leaderId, term },
      appliedIndex: this.#listener.window.revision,
      revision: Math.max(this.#listener.window.revision, this.#written),
      compactRevision: this.#marks.compactRevision,
      time: this.#marks.time,
      liveBytes: 0,
      keys: 0,
    };
  }

  lead(name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#run(() => this.#leadership.lead(name, work, AbortSignal.any([signal, this.#stopping.signal])));
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#listener.close();
    this.#stopping.abort(new StoreError("Closed", "The store is closed"));
    await Promise.allSettled([...this.#calls]);
    // Only now: whoever leads next must find that we have stopped.
    this.#ending.abort(new StoreError("Closed", "The store is closed"));
    await Promise.allSettled([this.#loops]);
    this.#needs.client.close();
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#mustBeOpen();
    const call = work();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  #noted(happening: Happening, revision: number): void {
    const { note, type, current } = happening;
    if (note?.name === "mark" && type === "put") return this.#marks.heard(current);
    if (note?.name === "cluster") {
      return this.#fail(new Error(`Cannot go on: somebody has changed whose the prefix ${this.#needs.keys.prefix} is`));
    }
    if (this.masters.noted(happening, revision)) return;
    this.#fail(new Error("Cannot go on: another master runs with this one's id. Has its data directory been copied? Each needs its own"));
  }

  /**
   * Marks for the watchers. etcd 3.4 cannot be asked how far a watch is (its answers may overtake events, etcd #15220), so when reads have shown revisions that
   * none of our keys has, we write a note: once that is heard, everything before it has been.
   */
  async #markProgress(signal: AbortSignal): Promise<void> {
    for (let shown = 0; !signal.aborted;) {
      await sleep(this.#needs.clock, watchProgressMs, signal).catch(() => {});
      if (signal.aborted) return;
      if (shown > this.#listener.window.revision) {
        await this.#marks.put().catch((error) => this.#needs.log.info("Cannot mark progress in etcd yet", { error }));
      }
      shown = this.#reads.highest;
      this.#listener.progress();
    }
  }

  #refuseKeys({ compares, then, else: otherwise = [] }: Transaction): { reason: "Invalid"; message: string } | undefined {
    const wrong = [...compares, ...then, ...otherwise].find(({ key }) => !key.startsWith("/"));
    return wrong && { reason: "Invalid", message: `Cannot use the key ${JSON.stringify(wrong.key)} in etcd: keys begin with a slash` };
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreError("Closed", "The store is closed");
  }
}

/** A watch that cannot begin says so when it is read, as any other error of a watch. */
async function* failing(error: StoreError): AsyncGenerator<WatchBatch> {
  yield* [];
  throw error;
}
