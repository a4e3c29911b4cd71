// Keys waiting to be looked at. A key is in it once, however often it is added; while it is being worked on it is not given out again, but comes back
// afterwards if it was added meanwhile. So one key is never reconciled twice at a time, and no change is missed.
import type { Clock } from "../../shared/util/clock.ts";

export class KeyQueue {
  readonly #clock: Clock;
  readonly #ready = new Set<string>();
  readonly #busy = new Set<string>();
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { dueMs: number; cancel: () => void }>();
  #waiting: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#ready.size + this.#busy.size + this.#delayed.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
    if (this.#busy.has(key)) return void this.#again.add(key);
    const taker = this.#ready.has(key) ? undefined : this.#waiting.shift();
    if (taker) {
      this.#busy.add(key);
      taker(key);
    } else this.#ready.add(key);
  }

  /** Not before `delayMs` have passed, unless it is added in between. The sooner of two delays counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) return this.add(key);
    delayMs = Math.min(delayMs, longestTimerMs); // who is looked at too soon asks again
    const dueMs = this.#clock.monotonic() + delayMs, known = this.#delayed.get(key);
    if (known && known.dueMs <= dueMs) return;
    known?.cancel();
    this.#delayed.set(key, { dueMs, cancel: this.#clock.after(delayMs, () => this.add(key)) });
  }

  /** The next key, which is the caller's until `done`; undefined once the queue is closed. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    for (const key of this.#ready) {
      this.#ready.delete(key);
      this.#busy.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  done(key: string): void {
    this.#busy.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#ready.clear();
    for (const taker of this.#waiting) taker(undefined);
    this.#waiting = [];
  }
}

/** A timer for longer fires at once. */
const longestTimerMs = 2 ** 31 - 1;
