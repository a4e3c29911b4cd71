// Time and chance come in from outside, so that a test or a simulation can own both.

/** Wall time for what people read, monotonic time for durations, and timers. The only door to all three. */
export interface Clock {
  /** Milliseconds since 1970, as the machine believes. May jump, and is 1970 on a board without a battery. */
  now(): number;
  /** Milliseconds that never run backwards. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = () => Math.random();

/** Resolves after `delayMs`, or rejects with the signal's reason. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      cancel();
      reject(signal!.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** A clock that stands still until somebody turns its crank. */
export class HandCrankedClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #nextId = 0;
  readonly #timers = new Map<number, { due: number; task: () => void }>();

  constructor(wallMs = Date.parse("2026-01-01T00:00:00Z")) {
    this.#wall = wallMs;
  }
  now(): number {
    return this.#wall;
  }
  monotonic(): number {
    return this.#monotonic;
  }
  after(delayMs: number, task: () => void): () => void {
    const id = this.#nextId++;
    this.#timers.set(id, { due: this.#monotonic + delayMs, task });
    return () => void this.#timers.delete(id);
  }
  /** Lets `ms` pass, running every timer that falls due, in order. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      let next: [number, { due: number; task: () => void }] | undefined;
      for (const entry of this.#timers) if (entry[1].due <= end && (!next || entry[1].due < next[1].due)) next = entry;
      if (!next) break;
      this.#timers.delete(next[0]);
      this.#wall += next[1].due - this.#monotonic;
      this.#monotonic = next[1].due;
      next[1].task();
    }
    this.#wall += end - this.#monotonic;
    this.#monotonic = end;
  }
  /** Moves the wall clock alone, as NTP or a dead battery does. */
  setWall(wallMs: number): void {
    this.#wall = wallMs;
  }
}

/** A small seeded generator (mulberry32): the same seed gives the same numbers on every runtime. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
