// Reads that wait to be confirmed by the leader, and then until this member has applied what they must show. Each is settled exactly once, by its result or by its
// deadline.
import { proposalTimeoutMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { StoreError } from "./store.ts";

interface Waiting {
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
}

/** All that come in one turn share one question to the leader; an answer counts only for the attempt that it names. */
export class PendingReads {
  readonly #clock: Clock;
  #next: Waiting[] = [];
  #asked = new Map<number, { reads: Waiting[]; askedAt: number }>();
  /** Confirmed, and waiting until that index is applied. */
  #confirmed: { index: number; reads: Waiting[] }[] = [];
  #context: number;

  /** @param before names the questions of this process: those of an earlier one, whose answers may still come, had others. A random whole number below 2^52 */
  constructor(clock: Clock, before: number) {
    this.#clock = clock;
    this.#context = before;
  }

  wait(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#next.push({ resolve, reject, deadline: this.#clock.monotonic() + proposalTimeoutMs });
    });
  }
  /** @returns the context of a new question, or undefined when nobody waits for one. */
  ask(): number | undefined {
    if (this.#next.length === 0) return undefined;
    const context = ++this.#context;
    this.#asked.set(context, { reads: this.#next, askedAt: this.#clock.monotonic() });
    this.#next = [];
    return context;
  }
  answered(context: number, index: number): void {
    const asked = this.#asked.get(context);
    if (!asked) return;
    this.#asked.delete(context);
    this.#confirmed.push({ index, reads: asked.reads });
  }
  applied(index: number): void {
    if (this.#confirmed.length === 0) return;
    this.#confirmed = this.#confirmed.filter((read) => {
      if (read.index > index) return true;
      for (const waiting of read.reads) waiting.resolve(read.index);
      return false;
    });
  }
  /** Asks again, under a new context, for those whose question was refused or got no answer for `retryMs`; ends those that have waited too long. */
  expire(retryMs: number): void {
    const now = this.#clock.monotonic();
    for (const [context, { askedAt }] of this.#asked) if (now - askedAt >= retryMs) this.failed(context);
    this.#next = inTime(this.#next, now, `no leader confirmed the read within ${proposalTimeoutMs} ms`);
    // What was confirmed cannot be shown while this disk is full, or does not answer.
    this.#confirmed = this.#confirmed.map(({ index, reads }) => ({
      index,
      reads: inTime(reads, now, `this member has not come as far as entry ${index} within ${proposalTimeoutMs} ms`),
    })).filter(({ reads }) => reads.length > 0);
  }
  failed(context: number): void {
    const asked = this.#asked.get(context);
    if (!asked) return;
    this.#asked.delete(context);
    this.#next.push(...asked.reads);
  }
  rejectAll(error: Error): void {
    const all = [...this.#next, ...[...this.#asked.values(), ...this.#confirmed].flatMap(({ reads }) => reads)];
    this.#next = [];
    this.#asked.clear();
    this.#confirmed = [];
    for (const read of all) read.reject(error);
  }
}

/** Ends those that have waited too long. @returns the others */
function inTime(reads: Waiting[], now: number, what: string): Waiting[] {
  return reads.filter((read) => {
    if (read.deadline > now) return true;
    read.reject(new StoreError("NoQuorum", `Cannot read: ${what}`));
    return false;
  });
}
