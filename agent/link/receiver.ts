// Desired state in. The master says by a head which set this node should have; the node fetches what it lacks, at its own pace, and says `stored` only when
// the set is on flash. Correctness depends on no order of messages: a lower gen of the same epoch is dropped, an equal hash is a no-op, a set that does not
// hash to what was promised is fetched whole.
import { Buffer } from "node:buffer";
import { getRetry, putPartsKept } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { codecs, decode } from "../../shared/wire/codec.ts";
import { type DesiredSet, setHash } from "../../shared/wire/desired.ts";
import { Ack, Desired, Get, parse, Put, SetOperation } from "../../shared/wire/messages.ts";
import * as v from "valibot";
import { changed, type SetChange, type SetLog } from "./set_log.ts";

/** What a head asks of a node that holds this set. Pure. */
export type HeadDecision = { readonly do: "drop" } | { readonly do: "confirm" } | { readonly do: "apply"; readonly change: SetChange } | {
  readonly do: "get";
};

export function onHead(set: DesiredSet, head: Desired): HeadDecision {
  if (head.epoch === set.epoch && head.gen < set.gen) return { do: "drop" };
  if (head.hash === set.hash && head.epoch === set.epoch) return { do: "confirm" };
  if (head.hash === set.hash) return { do: "apply", change: { epoch: head.epoch, gen: head.gen, hash: head.hash, sets: [], deletes: [] } }; // only the epoch is new
  if (head.delta && head.epoch === set.epoch && head.delta.base === set.gen) {
    const change = toChange(head, head.delta.ops, false);
    if (matches(set, change)) return { do: "apply", change };
  }
  return { do: "get" };
}

/** Does the set after this change hash to what was promised? */
const matches = (set: DesiredSet, change: SetChange): boolean => setHash(changed(set, change).objects.values()) === change.hash;

function toChange(to: { epoch: string; gen: number; hash: string }, operations: readonly SetOperation[], full: boolean): SetChange {
  return {
    epoch: to.epoch,
    gen: to.gen,
    hash: to.hash,
    ...(full && { full }),
    sets: operations.flatMap((operation) =>
      operation.op === "set" ? [{ uid: operation.uid, hash: operation.hash, body: operation.body }] : []
    ),
    deletes: operations.flatMap((operation) => operation.op === "del" ? [operation.uid] : []),
  };
}

/** A transfer on its way: parts as they came, of one frozen rendering. */
interface Transfer {
  readonly rid: string;
  readonly want: number;
  readonly full: boolean;
  readonly parts: Map<number, Uint8Array>;
  about: Put | undefined;
}

export interface ReceiverNeeds {
  readonly sets: SetLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Sends on the session there is; without one it does nothing. */
  readonly send: (name: "get" | "ack", message: Get | Ack) => void;
  /** A new set is on flash: make it true. Resolves when that has settled, or has been overtaken by a newer set. */
  readonly apply: (set: DesiredSet) => Promise<void>;
}

export class Receiver {
  readonly #needs: ReceiverNeeds;
  #head: Desired | undefined;
  #transfer: Transfer | undefined;
  #cancelRetry: (() => void) | undefined;
  #retryMs = 0;
  /** Until then, by the monotonic clock, the master has asked to be left alone. */
  #notBeforeMs = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(needs: ReceiverNeeds) {
    this.#needs = needs;
  }

  /** A new session: whatever was on its way on the old one is asked for again when its head comes. */
  connected(): void {
    this.#retryMs = 0;
    this.#cancelRetry?.();
  }
  disconnected(): void {
    this.#cancelRetry?.();
  }
  /** The master is busy: no get for so many seconds. */
  retryAfter(seconds: number): void {
    this.#notBeforeMs = this.#needs.clock.monotonic() + seconds * 1000;
  }

  /** Messages are handled one after the other. */
  head(payload: Uint8Array): void {
    const head = parse(Desired, payload);
    if (!head) return this.#needs.log.warn("Cannot read a head", { bytes: payload.length });
    this.#enqueue(() => this.#onHead(head));
  }
  put(payload: Uint8Array): void {
    const put = parse(Put, payload);
    if (!put) return this.#needs.log.warn("Cannot read a part of a set", { bytes: payload.length });
    this.#enqueue(() => this.#onPut(put));
  }
  /** Resolves when everything received so far is handled. */
  idle(): Promise<void> {
    return this.#queue;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error) =>
      this.#needs.log.error("Cannot take a desired state; will ask again", { error: chain(error) })
    );
  }

  async #onHead(head: Desired): Promise<void> {
    const { sets, log } = this.#needs, decision = onHead(sets.current, head);
    switch (decision.do) {
      case "drop":
        return;
      case "confirm":
        this.#done();
        this.#ack("applied", sets.current);
        return;
      case "apply":
        return await this.#store(decision.change);
      case "get":
        if (this.#head && this.#head.epoch === head.epoch && this.#head.gen > head.gen) return; // an older head, late
        this.#head = head;
        log.debug("The master has another set for this node", { gen: head.gen, sizeBytes: head.size });
        this.#get(false);
        return;
      default:
        decision satisfies never;
    }
  }

  #get(full: boolean): void {
    const { sets, clock, random, send } = this.#needs, head = this.#head;
    if (!head) return;
    this.#cancelRetry?.();
    const waitMs = this.#notBeforeMs - clock.monotonic();
    if (waitMs > 0) return void (this.#cancelRetry = clock.after(waitMs, () => this.#get(full)));
    // A broken transfer of the same rendering goes on where it stopped.
    if (this.#transfer?.want !== head.gen || this.#transfer.full !== full) {
      this.#transfer = { rid: `r${Math.floor(random() * 2 ** 40).toString(36)}`, want: head.gen, full, parts: new Map(), about: undefined };
    }
    const { rid, parts } = this.#transfer, { epoch, gen, hash } = sets.current;
    send("get", {
      rid,
      ...(epoch && { have: { epoch, gen, hash } }),
      want: head.gen,
      from: firstMissing(parts),
      window: 2,
      codec: codecs[1],
      full,
    });
    this.#retryMs = nextDelay(getRetry, this.#retryMs, random);
    this.#cancelRetry = clock.after(this.#retryMs, () => this.#get(full));
  }

  async #onPut(put: Put): Promise<void> {
    const transfer = this.#transfer, { log, sets } = this.#needs;
    if (transfer?.rid !== put.rid) return; // of an earlier get
    if (put.gone) {
      this.#transfer = undefined; // the newest head follows
      return;
    }
    if (put.n > putPartsKept || put.i >= put.n || !put.hash || !put.epoch) {
      return log.warn("A part of a set makes no sense", { i: put.i, n: put.n });
    }
    const about = transfer.about ??= put;
    if (about.n !== put.n || about.gen !== put.gen || about.hash !== put.hash) {
      return log.warn("A part of another rendering", { gen: put.gen });
    }
    transfer.parts.set(put.i, Buffer.from(put.body, "base64"));
    this.#retryMs = 0;
    if (transfer.parts.size < about.n) {
      // Window by window: ask for more when what was asked for is here.
      if (firstMissing(transfer.parts) > put.i) this.#get(transfer.full);
      return;
    }
    const operations = operationsOf(transfer.parts);
    this.#transfer = undefined;
    this.#cancelRetry?.();
    if (!operations) {
      log.warn("A set came in parts that do not fit together; asking for the whole", { gen: about.gen });
      return this.#get(true);
    }
    const full = about.kind === "full", set = sets.current;
    const change = toChange({ epoch: about.epoch!, gen: about.gen, hash: about.hash! }, operations, full);
    if (!full && (about.base !== set.gen || about.epoch !== set.epoch || !matches(set, change))) return this.#get(true);
    if (full && !matches(set, change)) {
      log.warn("A whole set does not hash to what was promised", { gen: about.gen });
      return;
    }
    if (about.epoch === set.epoch && about.gen < set.gen) return;
    await this.#store(change);
  }

  async #store(change: SetChange): Promise<void> {
    const set = await this.#needs.sets.apply(change);
    this.#ack("stored", set);
    if (this.#head && this.#head.epoch === set.epoch && this.#head.gen <= set.gen) this.#done();
    void this.#needs.apply(set).then(() => {
      if (this.#needs.sets.current.gen === set.gen && this.#needs.sets.current.epoch === set.epoch) this.#ack("applied", set);
    });
  }

  #done(): void {
    this.#head = undefined;
    this.#transfer = undefined;
    this.#retryMs = 0;
    this.#cancelRetry?.();
  }

  #ack(phase: Ack["phase"], { epoch, gen, hash }: DesiredSet): void {
    this.#needs.send("ack", { epoch, gen, hash, phase });
  }
}

function firstMissing(parts: ReadonlyMap<number, unknown>): number {
  let i = 0;
  while (parts.has(i)) i++;
  return i;
}

function operationsOf(parts: ReadonlyMap<number, Uint8Array>): readonly SetOperation[] | undefined {
  try {
    const bytes = Buffer.concat(Array.from({ length: parts.size }, (_, i) => parts.get(i)!));
    const result = v.safeParse(v.array(SetOperation), JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(decode(bytes))));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // broken on the way, whichever way
  }
}
