// Virtual time: everything that will happen, in a heap, each at its millisecond; what falls on the same one happens in an order that the seed draws. Nothing here
// waits for the machine: between two events the runtime only works off the promises that the first has settled, in the order the language prescribes. So a
// seed gives the same run everywhere, on every runtime.
import { type Random, seeded } from "../../shared/util/clock.ts";
import { Violation } from "./violation.ts";

interface Happening {
  readonly at: number;
  readonly order: number;
  task: (() => void) | undefined;
}

/** Rounds of settled promises between two events: most chains of the store are shorter; the others go on after the next event, as on a busy machine. */
const rounds = 8;
/** Events within one second of the world: ten times what it takes a newcomer to get the log one entry a message, most of them in disorder. More is work that feeds on itself. */
const eventsPerSecond = 1_000_000;

export class World {
  readonly seed: number;
  readonly random: Random;
  /** Milliseconds since the world began. */
  now = 0;
  /** Events that have happened. */
  steps = 0;
  /** Of all that has happened, in order: two runs are the same run if these are the same. */
  hash = 0x811c9dc5;
  /** Called after every event. */
  observe = (): void => {};
  readonly #heap: Happening[] = [];
  #second = { ends: 1_000, began: 0 };

  constructor(seed: number) {
    this.seed = seed;
    this.random = seeded(seed);
  }

  /** Runs `task` after `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void {
    const happening: Happening = { at: this.now + Math.max(0, ms), order: this.random(), task };
    this.#push(happening);
    return () => void (happening.task = undefined);
  }
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }
  chance(probability: number): boolean {
    return this.random() < probability;
  }
  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }
  /** Between 0 and `below` − 1. */
  whole(below: number): number {
    return Math.floor(this.random() * below);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.whole(list.length)]!;
  }

  /** Notes what happens, for the hash of the run (FNV-1a over UTF-16). */
  note(what: string): void {
    let hash = this.hash;
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193);
    this.hash = hash >>> 0;
  }

  /** Lets events happen until it is `ms` later, or `done`. @returns whether it was done. @throws Violation; what an event or an observer throws */
  async run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const until = this.now + ms;
    for (;;) {
      if (done()) return true;
      const next = this.#heap[0];
      if (!next || next.at > until) break;
      this.#pop();
      if (!next.task) continue;
      this.now = next.at;
      this.steps++;
      this.#mustBeBounded();
      next.task();
      for (let round = 0; round < rounds; round++) await undefined;
      this.observe();
    }
    this.now = until;
    return false;
  }

  #mustBeBounded(): void {
    if (this.now >= this.#second.ends) this.#second = { ends: this.now + 1_000, began: this.steps };
    if (this.steps - this.#second.began > eventsPerSecond) {
      throw new Violation(`more than ${eventsPerSecond} events in one second: somebody answers himself for ever`);
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(happening);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(happening, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = happening;
  }
  #pop(): void {
    const heap = this.#heap, last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Happening, b: Happening): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
