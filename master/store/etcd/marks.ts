// The note `mark`: how far the leader's clock was, and what is compacted. Whoever needs a revision of our own to show that everything before it was heard writes it
// again. And compaction, which etcd does when it is told to.
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { compactionPeriodMs } from "../../../shared/limits.ts";
import { type Clock, sleep } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { type KeyValue, StoreError } from "../store.ts";
import { planCompaction } from "../upkeep.ts";
import type { EtcdClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import type { Window } from "./window.ts";

const Mark = v.object({ time: v.number(), compactRevision: v.number() });

interface MarksNeeds {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Log;
}

export class Marks {
  readonly #needs: MarksNeeds;
  readonly #window: Window;
  /** Newest that a leader has noted, ms since 1970. */
  time = 0;
  /** Newest that any master has told. etcd may be compacted further by others; then it says so itself. */
  compactRevision = 0;

  constructor(needs: MarksNeeds, window: Window) {
    this.#needs = needs;
    this.#window = window;
  }

  now(): number {
    return this.time = Math.max(this.time, this.#needs.clock.now());
  }

  heard({ value }: KeyValue): void {
    const mark = parseMark(value);
    this.time = Math.max(this.time, mark.time);
    this.#compacted(mark.compactRevision);
  }

  /** @returns the revision of the note */
  put(): Promise<number> {
    return putMark(this.#needs, { time: this.now(), compactRevision: this.compactRevision });
  }

  /** As etcd: what is compacted already stays so. @throws StoreError Future */
  async compact(revision: number): Promise<void> {
    try {
      await this.#needs.client.call("compact", { revision }, `compact at revision ${revision}`);
    } catch (error) {
      if (!(error instanceof StoreError && error.reason === "Compacted")) throw error;
    }
    this.#compacted(revision);
  }

  /** Of the leader: compacts now and then, and keeps as much history as the embedded store does. */
  async upkeep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#needs;
    for (let aged = 0; !signal.aborted;) {
      try {
        await sleep(clock, compactionPeriodMs, signal);
        const target = planCompaction({
          ...{ revision: this.#window.revision, compactRevision: this.compactRevision, historyBytes: 0, tidy: true },
          agedRevision: aged,
        });
        if (target !== undefined) {
          log.info("Compacting", { revision: target, newest: this.#window.revision });
          await this.compact(target);
        }
        aged = await this.put();
      } catch (error) {
        if (signal.aborted) return;
        log.info("Upkeep of the store has to wait", { error });
      }
    }
  }

  #compacted(revision: number): void {
    if (revision <= this.compactRevision) return;
    this.compactRevision = revision;
    this.#window.forget(Math.min(revision, this.#window.revision));
  }
}

/** Notes that nobody can have heard yet are written here too: at the start. */
export async function putMark({ client, keys }: Pick<MarksNeeds, "client" | "keys">, mark: v.InferOutput<typeof Mark>): Promise<number> {
  const { header } = await client.call("txn", {
    compare: [],
    success: [{ requestPut: { key: keys.ofNote("mark"), value: Buffer.from(JSON.stringify(mark)) } }],
    failure: [],
  }, "write a mark");
  return header.revision;
}

/** One that cannot be read says nothing. */
export function parseMark(value: Uint8Array): v.InferOutput<typeof Mark> {
  const nothing = { time: 0, compactRevision: 0 };
  try {
    return v.parse(Mark, JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return nothing; // written by a later release, or by hand
  }
}
