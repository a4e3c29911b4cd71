// What callers of this member wait for: results of proposals, and reads that are to be confirmed. Each is settled exactly once, by its result or by its deadline.
import { pendingProposals, proposalTimeoutMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { StoreError } from "./store.ts";

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
}

/** Proposals by their sequence number. */
export class PendingProposals {
  readonly #clock: Clock;
  // In the order of their deadlines, because a map keeps the order of insertion.
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;
  #idle: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }
  get isFull(): boolean {
    return this.#waiting.size >= pendingProposals;
  }
  next(): number {
    return ++this.#sequence;
  }
  wait(sequence: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(sequence, { resolve, reject, deadline: this.#clock.monotonic() + proposalTimeoutMs });
    });
  }
  resolve(sequence: number, result: unknown): void {
    const waiting = this.#waiting.get(sequence);
    if (!waiting) return;
    this.#remove(sequence);
    waiting.resolve(result as never);
  }
  reject(sequence: number, error: Error): void {
    const waiting = this.#waiting.get(sequence);
    if (!waiting) return;
    this.#remove(sequence);
    waiting.reject(error);
  }
  /** Ends those that have waited too long. Whether they are in the log nobody can say. */
  expire(): void {
    const now = this.#clock.monotonic();
    for (const [sequence, waiting] of this.#waiting) {
      if (waiting.deadline > now) return;
      this.reject(
        sequence,
        new StoreError(
          "Unknown",
          `Cannot tell whether the write was made: no result after ${proposalTimeoutMs} ms; read before trying again`,
        ),
      );
    }
  }
  rejectAll(error: Error): void {
    for (const sequence of [...this.#waiting.keys()]) this.reject(sequence, error);
  }
  /** Resolves when nobody waits any more. */
  idle(): Promise<void> {
    return this.#waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }
  #remove(sequence: number): void {
    this.#waiting.delete(sequence);
    if (this.#waiting.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Reads: all that come in one turn share one question to the leader; an answer counts only for the attempt that it names. */
export class PendingReads {
  readonly #clock: Clock;
  #next: Waiting[] = [];
  #asked = new Map<number, { reads: Waiting[]; askedAt: number }>();
  /** Confirmed, and waiting until that index is applied. */
  #confirmed: { index: number; reads: Waiting[] }[] = [];
  #context = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
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
      for (const waiting of read.reads) waiting.resolve(read.index as never);
      return false;
    });
  }
  /** Asks again, under a new context, for those whose question was refused or got no answer for `retryMs`; ends those that have waited too long. */
  expire(retryMs: number): void {
    const now = this.#clock.monotonic();
    for (const [context, { askedAt }] of this.#asked) if (now - askedAt >= retryMs) this.failed(context);
    this.#next = this.#next.filter((read) => {
      if (read.deadline > now) return true;
      read.reject(new StoreError("NoQuorum", `Cannot read: no leader confirmed the read within ${proposalTimeoutMs} ms`));
      return false;
    });
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
