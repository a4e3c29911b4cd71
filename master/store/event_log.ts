import type { Records } from "./records.ts";

/** The slots of all records newer than the last compaction, in the order of their revisions: what watchers that lag behind are served from. A ring. */
export class EventLog {
  readonly #records: Records;
  #ring = new Int32Array(1024);
  #head = 0;
  #length = 0;

  constructor(records: Records) {
    this.#records = records;
  }

  get length(): number {
    return this.#length;
  }

  /** Slot of the event at `position`, counted from the oldest. */
  at(position: number): number {
    return this.#ring[(this.#head + position) % this.#ring.length]!;
  }

  push(slot: number): void {
    if (this.#length === this.#ring.length) {
      const larger = new Int32Array(this.#ring.length * 2);
      for (let position = 0; position < this.#length; position++) larger[position] = this.at(position);
      this.#ring = larger;
      this.#head = 0;
    }
    this.#ring[(this.#head + this.#length++) % this.#ring.length] = slot;
  }

  /** Forgets the oldest event. */
  shift(): void {
    this.#head = (this.#head + 1) % this.#ring.length;
    this.#length--;
  }

  /** Position of the first event with revision ≥ `revision`; `length` when there is none. */
  find(revision: number): number {
    let low = 0, high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#records.modRevisionOf(this.at(middle)) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
