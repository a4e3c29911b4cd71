// Who leads, among masters that share an etcd: the one whose id stands in the note `leader`, which hangs on an etcd lease. The note's create revision is the term.
//
// The leader stops by itself `etcdLeaderEndsMs` after it asked for the last renewal that etcd has granted, on its monotonic clock; the lease lasts
// `etcdLeaderTtlSeconds` from when etcd granted it, which is later. So a new term begins when the old one is over, unless a master stands still in between: as
// everywhere, leases are hints about liveness, not locks, and what must not happen twice is guarded by the compares of its transaction.
import { Buffer } from "node:buffer";
import { etcdLeaderEndsMs, etcdLeaderRenewMs, etcdLeaderTtlSeconds } from "../../../shared/limits.ts";
import { type Clock, type Random, sleep } from "../../../shared/util/clock.ts";
import { Wake } from "../../../shared/util/signal.ts";
import type { Log } from "../../../shared/util/log.ts";
import { type KeyValue, StoreError } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { grant, keepAlive, revoke } from "./leases.ts";

interface ElectionNeeds {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Resolves when everything up to that revision has been heard: a new leader knows what the one before it has written. */
  caughtUp(revision: number, signal: AbortSignal): Promise<void>;
  /** The term in which this master leads; 0 = it does not. */
  lead(term: number): void;
}

export class Election {
  readonly #needs: ElectionNeeds;
  readonly #memberId: number;
  /** 0 = nobody that we know of. */
  leaderId = 0;
  term = 0;
  /** Resolves when it is known for the first time who leads, or that it cannot be known yet. */
  readonly settled: Promise<void>;
  #settle: () => void = () => {};
  readonly #changed = new Wake();

  constructor(needs: ElectionNeeds, memberId: number) {
    this.#needs = needs;
    this.#memberId = memberId;
    this.settled = new Promise((resolve) => this.#settle = resolve);
  }

  /** What has become of the note at this revision; undefined: it is gone. */
  heard(note: KeyValue | undefined, revision: number): void {
    if (revision < this.term) return; // of the term before, which we know to be over
    this.leaderId = note ? Number(new TextDecoder().decode(note.value)) : 0;
    if (note) this.term = note.createRevision;
    this.#changed.set();
  }

  /** Stands for election whenever nobody leads, until the signal aborts; then gives the lead away, if it has it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#needs;
    while (!signal.aborted) {
      try {
        if (this.leaderId === 0) await this.#stand(signal);
        // Ours may still be there from a term that we have given up: it goes with its lease. In case that is missed, we look again after a while.
        else if (!await this.#changed.wait(clock, signal, etcdLeaderTtlSeconds * 1000)) this.leaderId = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError)) throw error;
        log.info("Cannot stand for election yet", { error });
        this.#settle();
        await sleep(clock, etcdLeaderRenewMs, signal).catch(() => {});
      }
    }
  }

  async #stand(signal: AbortSignal): Promise<void> {
    const { client, keys, clock, random, lead } = this.#needs, key = keys.ofNote("leader");
    let sinceMs = clock.monotonic();
    const lease = await grant(client, random, etcdLeaderTtlSeconds);
    try {
      const { succeeded, header, responses } = await client.call("txn", {
        compare: [{ result: 0, target: 1, key, createRevision: 0 }],
        success: [{ requestPut: { key, value: Buffer.from(String(this.#memberId)), lease } }],
        failure: [{ requestRange: { key } }],
      }, "stand for election");
      if (!succeeded) {
        const [found] = responses[0]!.responseRange!.kvs;
        this.leaderId = found ? Number(new TextDecoder().decode(found.value)) : 0;
        this.term = found?.createRevision ?? this.term;
        return this.#settle();
      }
      this.leaderId = this.#memberId;
      this.term = header.revision;
      const leftMs = (): number => etcdLeaderEndsMs - (clock.monotonic() - sinceMs);
      await within(clock, leftMs(), signal, (until) => this.#needs.caughtUp(header.revision, until));
      lead(header.revision);
      this.#settle();
      while (leftMs() > 0 && this.leaderId === this.#memberId) {
        await sleep(clock, Math.min(etcdLeaderRenewMs, leftMs()), signal);
        const askedMs = clock.monotonic();
        if (await within(clock, leftMs(), signal, (until) => renewed(this.#needs, lease, until))) sinceMs = askedMs;
      }
    } finally {
      lead(0);
      await revoke(client, lease).catch(() => {}); // then it ends by itself
    }
  }
}

/** @throws StoreError Invalid when the lease has ended */
async function renewed({ client, clock, log }: ElectionNeeds, lease: number, signal: AbortSignal): Promise<boolean> {
  try {
    await keepAlive(client, clock, lease, signal);
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.reason === "Invalid") throw error;
    log.info("Cannot renew the lead yet", { error });
    return false;
  }
}

/** Runs `work` with a signal that also aborts when the time is over. */
async function within<T>(clock: Clock, ms: number, signal: AbortSignal, work: (until: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const cancel = clock.after(
    Math.max(0, ms),
    () => late.abort(new StoreError("NoQuorum", "Cannot keep the lead: etcd does not answer in time")),
  );
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    cancel();
  }
}
