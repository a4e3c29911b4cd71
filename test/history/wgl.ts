// Linearizability of registers whose answers carry no revision: an order has to be found. Wing and Gong's search with Lowe's memory of configurations that have
// led nowhere (Lowe, "Testing for linearizability", 2016; Porcupine does the same), one key at a time, which suffices because linearizability is local
// (Herlihy and Wing 1990, theorem 1).
//
// The list holds every invocation and every return in order of time. What is invoked before the first return may come next; when nothing of it fits, the last
// choice was wrong. A call of unknown outcome has no return: it may take effect anywhere behind its invocation, or never. Three things keep such calls from
// doubling the search one by one: a call that fits and changes nothing is taken at once; an unknown outcome is taken only where something may meet it; and what
// was reached with fewer of them need not be searched again with more (memory.ts).
import { CallSet, Memory } from "./memory.ts";
import { type Span, TimeLine } from "./time_line.ts";

export type Value = string | undefined;
export type RegisterCall =
  & Span
  & {
    /** For the sentence about it. */
    readonly name: string;
    readonly key: string;
  }
  & (
    | { readonly do: "read"; readonly value: Value }
    | { readonly do: "write"; readonly value: Value }
    | { readonly do: "compareAndSet"; readonly expected: Value; readonly value: Value; readonly succeeded: boolean }
  );
export interface Verdict {
  readonly verdict: "ok" | "violation" | "undecided";
  /** Attempts to put a call next. */
  readonly steps: number;
  /** Of a violation: how far an order can be found, and what cannot come behind it. */
  readonly because?: string;
}

/** @param budget steps for all keys together */
export function searchOrder(calls: readonly RegisterCall[], budget = 1_000_000, initial: ReadonlyMap<string, Value> = new Map()): Verdict {
  const keys = new Map<string, RegisterCall[]>();
  for (const call of calls) {
    const list = keys.get(call.key);
    if (list) list.push(call);
    else keys.set(call.key, [call]);
  }
  let steps = 0, undecided = false;
  for (const [key, list] of keys) {
    const found = new Search(list, initial.get(key)).run(budget - steps);
    steps += found.steps;
    if (found.verdict === "violation") return { verdict: "violation", steps, because: `Key ${key}: ${found.because}` };
    undecided ||= found.verdict === "undecided";
  }
  return { verdict: undecided ? "undecided" : "ok", steps };
}

interface Choice {
  readonly call: number;
  readonly before: Value;
  /** Nothing else need be tried in its place. */
  readonly isSafe: boolean;
}

/** One key. */
class Search {
  /** Those that must be in the order, then those of unknown outcome that may. */
  readonly #calls: readonly RegisterCall[];
  readonly #must: number;
  /** Values that some call has met, and values that one has not: its compare failed. */
  readonly #met = new Set<Value>();
  readonly #missed = new Set<Value>();
  readonly #line: TimeLine;
  readonly #known: CallSet;
  readonly #unknown: CallSet;
  readonly #memory = new Memory();
  readonly #chosen: Choice[] = [];
  #state: Value;
  /** Calls that must still be ordered. */
  #left: number;
  #steps = 0;

  constructor(calls: readonly RegisterCall[], initial: Value) {
    const known = calls.filter((call) => !call.isUnknown).sort((a, b) => a.completed - b.completed);
    for (const call of calls) {
      if (call.do === "read" && !call.isUnknown) this.#met.add(call.value);
      if (call.do === "compareAndSet") (call.isUnknown || call.succeeded ? this.#met : this.#missed).add(call.expected);
    }
    const mayMatter = (call: RegisterCall): boolean => this.#met.has(call.value) || this.#missed.size > 0;
    const unknown = calls.filter((call) => call.isUnknown && call.do !== "read" && mayMatter(call));
    this.#calls = [...known, ...unknown];
    this.#must = this.#left = known.length;
    this.#line = new TimeLine(this.#calls);
    [this.#known, this.#unknown] = [new CallSet(known.length), new CallSet(unknown.length)];
    this.#state = initial;
  }

  run(budget: number): Verdict {
    let most = -1, stuck = -1;
    // Known outcomes first: so what needs fewer of the others is searched before what needs more.
    for (let entry = this.#takeSafe(), unknownNow = false; this.#left > 0;) {
      if (entry < this.#calls.length) {
        if (this.#steps > budget) return { verdict: "undecided", steps: this.#steps };
        if (this.#calls[entry]!.isUnknown === unknownNow && this.#tryNext(entry)) [entry, unknownNow] = [this.#takeSafe(), false];
        else entry = this.#line.after(entry);
      } else if (!unknownNow) [entry, unknownNow] = [this.#line.first(), true];
      else { // a return, and its call does not fit before it
        const ordered = this.#must - this.#left;
        if (ordered > most) [most, stuck] = [ordered, entry - this.#calls.length];
        const last = this.#takeBack();
        if (last === undefined) {
          const because = `${most} of ${this.#must} calls can be ordered, and then ${this.#calls[stuck]!.name} cannot have ended`;
          return { verdict: "violation", steps: this.#steps, because };
        }
        [entry, unknownNow] = [this.#line.after(last), last >= this.#must];
      }
    }
    return { verdict: "ok", steps: this.#steps };
  }

  #tryNext(call: number): boolean {
    this.#steps++;
    const next = this.#step(this.#calls[call]!);
    if (next === impossible) return false;
    this.#flip(call);
    const isNew = this.#memory.isNew(this.#known, this.#unknown, next);
    this.#flip(call);
    if (isNew) this.#take(call, next, false);
    return isNew;
  }

  /** The value behind the call; impossible when it cannot have answered so. */
  #step(call: RegisterCall): Value | typeof impossible {
    const state = this.#state, matches = call.do === "compareAndSet" && call.expected === state;
    // An unknown outcome that nothing met before the next write was not needed.
    if (call.do === "write" && this.#isLastUnknown()) return impossible;
    if (call.isUnknown) {
      if (call.do === "compareAndSet" && !matches || call.value === state) return impossible; // it would change nothing
      return this.#met.has(call.value) || this.#missed.has(state) ? call.value : impossible;
    }
    switch (call.do) {
      case "read":
        return call.value === state ? state : impossible;
      case "write":
        return call.value;
      case "compareAndSet":
        return matches !== call.succeeded ? impossible : matches ? call.value : state;
    }
  }
  #isLastUnknown(): boolean {
    const last = this.#chosen.at(-1);
    return last !== undefined && last.call >= this.#must;
  }

  /** Takes what fits here and changes nothing: it may as well come here as anywhere later. @returns the first entry of the rest */
  #takeSafe(): number {
    for (let entry = this.#line.first(); this.#left > 0 && entry < this.#calls.length;) {
      const call = this.#calls[entry]!;
      const isSafe = !call.isUnknown &&
        (call.do === "read" ? call.value === this.#state : call.do === "compareAndSet" && !call.succeeded && call.expected !== this.#state);
      if (isSafe) {
        this.#take(entry, this.#state, true);
        entry = this.#line.first();
      } else entry = this.#line.after(entry);
    }
    return this.#line.first();
  }

  #take(call: number, next: Value, isSafe: boolean): void {
    this.#flip(call);
    this.#chosen.push({ call, before: this.#state, isSafe });
    this.#state = next;
    if (call < this.#must) this.#left--;
    this.#line.take(call);
  }
  /** Takes the last choice back, where there was one. @returns its call; undefined when there is nothing left to choose otherwise */
  #takeBack(): number | undefined {
    for (let last = this.#chosen.pop(); last; last = this.#chosen.pop()) {
      this.#flip(last.call);
      this.#state = last.before;
      if (last.call < this.#must) this.#left++;
      this.#line.putBack(last.call);
      if (!last.isSafe) return last.call;
    }
    return undefined;
  }
  #flip(call: number): void {
    if (call < this.#must) this.#known.flip(call);
    else this.#unknown.flip(call - this.#must);
  }
}

const impossible = Symbol();
