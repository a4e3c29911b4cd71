// Who leads, among masters that share an etcd: the one whose id stands in the note `leader`, which hangs on its session. A new term begins when the old one is over,
// unless a master stands still in between: as everywhere, leases are hints about liveness, not locks, and what must not happen twice is guarded by the compares of
// its transaction.
import { Buffer } from "node:buffer";
import { etcdAlive, etcdMember } from "../../../shared/limits.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { Wake } from "../../../shared/util/signal.ts";
import type { EtcdClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import type { Masters } from "./masters.ts";
import { whileHeld } from "./session.ts";

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
  readonly #masters: Masters;
  /** Resolves when this master has shown that it is there, and it is known who leads. */
  readonly settled: Promise<unknown>;
  #isNoted: () => void = () => {};
  #isDecided: () => void = () => {};

  constructor(needs: ElectionNeeds, masters: Masters) {
    this.#needs = needs;
    this.#masters = masters;
    this.settled = Promise.all([
      new Promise<void>((resolve) => this.#isNoted = resolve),
      new Promise<void>((resolve) => this.#isDecided = resolve),
    ]);
  }

  /** Shows that this master is there and stands for election whenever nobody leads, until the signal aborts; then gives the lead away, if it has it. */
  async run(signal: AbortSignal): Promise<void> {
    const { keys } = this.#needs, { self, life } = this.#masters;
    await Promise.all([
      whileHeld(this.#needs, { ...etcdMember, outlives: true }, async (lease, until) => {
        await this.#note(keys.ofNote("member", self), String(self), lease);
        this.#isNoted();
        await new Promise<void>((resolve) => until.addEventListener("abort", () => resolve(), { once: true }));
      }, signal),
      whileHeld(this.#needs, etcdAlive, async (lease, until) => {
        await this.#note(keys.ofNote("alive", self), life, lease);
        await this.#follow(lease, until);
      }, signal),
    ]);
  }

  async #follow(lease: number, signal: AbortSignal): Promise<void> {
    const changed = new Wake(), masters = this.#masters, unsubscribe = masters.subscribe(() => changed.set());
    try {
      while (!signal.aborted) {
        if (masters.leaderId === 0) await this.#stand(lease, signal);
        this.#isDecided();
        if (masters.leaderId === masters.self && masters.term === this.#won) await this.#lead(changed, signal);
        // What is ours of a session before goes with its lease. In case that its going is missed, we look again after a while.
        else if (!await changed.wait(this.#needs.clock, signal, etcdAlive.ttlSeconds * 1000)) masters.found(undefined);
      }
    } finally {
      unsubscribe();
    }
  }

  /** Term that this session has won. */
  #won = 0;

  async #stand(lease: number, signal: AbortSignal): Promise<void> {
    const { client, keys } = this.#needs, { self } = this.#masters, key = keys.ofNote("leader");
    const { succeeded, header, responses } = await client.call("txn", {
      compare: [{ result: 0, target: 1, key, createRevision: 0 }],
      success: [{ requestPut: { key, value: Buffer.from(String(self)), lease } }],
      failure: [{ requestRange: { key } }],
    }, "stand for election");
    if (succeeded) {
      this.#won = header.revision;
      return this.#masters.found({ id: self, term: header.revision });
    }
    const [note] = responses[0]!.responseRange!.kvs;
    this.#masters.found(note && { id: Number(new TextDecoder().decode(note.value)), term: note.createRevision });
    signal.throwIfAborted();
  }

  /** Until somebody else does, or the session is over. */
  async #lead(changed: Wake, signal: AbortSignal): Promise<void> {
    const masters = this.#masters, { clock, caughtUp, lead } = this.#needs;
    try {
      await caughtUp(this.#won, signal);
      lead(this.#won);
      while (masters.leaderId === masters.self && !signal.aborted) await changed.wait(clock, signal);
    } finally {
      lead(0);
    }
  }

  #note(key: Uint8Array, text: string, lease: number): Promise<unknown> {
    const put = { requestPut: { key, value: Buffer.from(text), lease } };
    return this.#needs.client.call("txn", { compare: [], success: [put], failure: [] }, "note that this master is there");
  }
}
