// The list that the search of wgl.ts walks.
import type { Moment } from "./history.ts";

export interface Span {
  readonly invoked: Moment;
  readonly completed: Moment;
  /** It has no return. */
  readonly isUnknown: boolean;
}

/** Invocations (0 … n − 1) and returns (n … 2n − 1) in order of time, linked so that what is taken out can be put back where it was. */
export class TimeLine {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #calls: number;
  readonly #returns: readonly boolean[];

  constructor(calls: readonly Span[]) {
    const n = this.#calls = calls.length, head = 2 * n;
    this.#returns = calls.map((call) => !call.isUnknown);
    this.#next = new Int32Array(2 * n + 1);
    this.#previous = new Int32Array(2 * n + 1);
    const entries = calls.flatMap((call, i) => call.isUnknown ? [i] : [i, n + i]);
    const time = (entry: number): number => entry < n ? calls[entry]!.invoked : calls[entry - n]!.completed;
    // Of equal times invocations come first: nothing is concluded from them.
    entries.sort((a, b) => time(a) - time(b) || Number(a >= n) - Number(b >= n) || a - b);
    let last = head;
    for (const entry of entries) {
      this.#link(last, entry);
      last = entry;
    }
    this.#link(last, head);
  }
  first(): number {
    return this.#next[2 * this.#calls]!;
  }
  after(entry: number): number {
    return this.#next[entry]!;
  }
  take(call: number): void {
    for (const entry of this.#of(call)) this.#link(this.#previous[entry]!, this.#next[entry]!);
  }
  /** The last that was taken. */
  putBack(call: number): void {
    for (const entry of this.#of(call).reverse()) {
      this.#next[this.#previous[entry]!] = entry;
      this.#previous[this.#next[entry]!] = entry;
    }
  }
  #of(call: number): number[] {
    return this.#returns[call] ? [call, this.#calls + call] : [call];
  }
  #link(a: number, b: number): void {
    this.#next[a] = b;
    this.#previous[b] = a;
  }
}
