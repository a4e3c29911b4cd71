// What this member has proposed and what has not come back through the log yet. A proposal is made again when it may have been lost on its way: the state machine
// applies each number once (proposers.ts). Each is settled exactly once, by its result or by its deadline.
import { pendingBytes, pendingProposals, proposalRetryMs, proposalTimeoutMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { StoreError } from "./store.ts";

/** Whom a proposal is given to. */
export interface Addressee {
  readonly leader: number;
  readonly term: number;
}
interface Waiting {
  readonly payload: Uint8Array;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
  /** Who has it, since when; undefined: certainly nobody. */
  given: (Addressee & { readonly atMs: number }) | undefined;
  /** It was given to somebody: it may be in a log. */
  mayBeMade: boolean;
}

export class PendingProposals {
  readonly #clock: Clock;
  // In the order of their deadlines, because a map keeps the order of insertion.
  readonly #waiting = new Map<number, Waiting>();
  #bytes = 0;
  #sequence = 0;
  #idle: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#waiting.size >= pendingProposals || this.#bytes >= pendingBytes;
  }

  /** @returns the number under which it is to be proposed, and the promise of its result */
  add(payload: Uint8Array): { sequence: number; result: Promise<unknown> } {
    const sequence = ++this.#sequence, deadline = this.#clock.monotonic() + proposalTimeoutMs;
    this.#bytes += payload.length;
    const result = new Promise<unknown>((resolve, reject) =>
      this.#waiting.set(sequence, { payload, resolve, reject, deadline, given: undefined, mayBeMade: false })
    );
    return { sequence, result };
  }
  given(sequence: number, { leader, term }: Addressee): void {
    const waiting = this.#waiting.get(sequence);
    if (!waiting) return;
    waiting.given = { leader, term, atMs: this.#clock.monotonic() };
    waiting.mayBeMade = true;
  }
  /** Whoever had it says that he has certainly not appended it. What was given to others before, nobody knows. */
  refused(sequence: number): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting) waiting.given = undefined;
  }
  /** Whether it has been given to anybody. Then he may make it, or a copy on its way, whatever has been said of it since. */
  mayBeMade(sequence: number): boolean {
    return this.#waiting.get(sequence)?.mayBeMade === true;
  }
  /** Those that nobody has, or somebody who does not lead now, or from whom too long nothing has come back. In order. */
  *due({ leader, term }: Addressee): Iterable<{ readonly sequence: number; readonly payload: Uint8Array }> {
    const silentSince = this.#clock.monotonic() - proposalRetryMs;
    for (const [sequence, { payload, given }] of this.#waiting) {
      const isWithLeader = given?.leader === leader && given.term === term;
      if (!isWithLeader || given.atMs <= silentSince) yield { sequence, payload };
    }
  }

  resolve(sequence: number, result: unknown): void {
    this.#settle(sequence, (waiting) => waiting.resolve(result));
  }
  reject(sequence: number, error: Error): void {
    this.#settle(sequence, (waiting) => waiting.reject(error));
  }
  /** Ends those that have waited too long. */
  expire(): void {
    const now = this.#clock.monotonic();
    for (const [sequence, { deadline, mayBeMade }] of this.#waiting) {
      if (deadline > now) return;
      this.reject(
        sequence,
        mayBeMade
          ? new StoreError(
            "Unknown",
            `Cannot tell whether the write was made: no result after ${proposalTimeoutMs} ms; read before trying again`,
          )
          : new StoreError("NoQuorum", `Cannot write: no leader took it within ${proposalTimeoutMs} ms`),
      );
    }
  }
  /** @param error of those that nobody has; those that may be made are kept */
  rejectUngiven(error: Error): void {
    for (const [sequence, { mayBeMade }] of [...this.#waiting]) if (!mayBeMade) this.reject(sequence, error);
  }
  rejectAll(error: Error): void {
    for (const sequence of [...this.#waiting.keys()]) this.reject(sequence, error);
  }
  /** Resolves when nobody waits any more. */
  idle(): Promise<void> {
    return this.#waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #settle(sequence: number, end: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(sequence);
    if (!waiting) return;
    this.#waiting.delete(sequence);
    this.#bytes -= waiting.payload.length;
    end(waiting);
    if (this.#waiting.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
