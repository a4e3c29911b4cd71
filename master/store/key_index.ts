// Which version of a key is seen at which revision. Each key has the slot of its newest record; each record points to the version before it. A generation
// is one life of a key: from the put that created it to the delete that ended it.
//
// One key on its way, with [revision] for a put and [revision†] for a tombstone, newest first:
//
//   5 put      [5]                      created at 5, version 1
//   6 put      [6] → [5]                still created at 5, version 2; a read at 5 walks one step
//   8 delete   [8†] → [6] → [5]         the generation has ended; a read at 8 or later finds nothing, at 7 finds [6]
//   9 put      [9] → [8†] → [6] → [5]   a new generation: created at 9, version 1
//
//   compact 7  [9] → [8†] → [6]         [5] was superseded at or before 7; [6] is what a read at 7 must still see
//   compact 8  [9] → [8†]               a read at 8 sees nothing, so [6] goes; the tombstone stays only because [9] points to it
//   compact 9  [9]
//
// Had there been no put at 9, compaction at 8 would have ended with a bare tombstone, and the key with it. mvcc.ts does the removing; here is the chain.
import { none, type Records } from "./records.ts";
import { Ordered } from "./ordered.ts";

export class KeyIndex {
  readonly #records: Records;
  readonly #order: Ordered;
  /** By the key's integer: its name (empty when unused) and the slot of its newest record. */
  #names: string[] = [];
  #newest: number[] = [];
  #free: number[] = [];

  constructor(records: Records) {
    this.#records = records;
    this.#order = new Ordered((key) => this.isAlive(key));
  }

  /** Keys with any record, dead ones with history too. */
  get size(): number {
    return this.#order.size;
  }

  /** The key's integer, or `none`. */
  find(name: string): number {
    return this.#order.find(name);
  }

  /** The key's integer; a new one when the key has no record yet. */
  findOrAdd(name: string): number {
    const known = this.#order.find(name);
    if (known !== none) return known;
    const key = this.#free.pop() ?? this.#names.length;
    this.#names[key] = name;
    this.#newest[key] = none;
    this.#order.insert(name, key);
    return key;
  }

  nameOf(key: number): string {
    return this.#names[key]!;
  }
  newestOf(key: number): number {
    return this.#newest[key]!;
  }
  isAlive(key: number): boolean {
    const slot = this.#newest[key]!;
    return slot !== none && this.#records.isPut(slot);
  }

  /** Puts a record in front of the key's chain. */
  push(key: number, slot: number): void {
    const was = this.isAlive(key);
    this.#newest[key] = slot;
    const is = this.#records.isPut(slot);
    if (was !== is) this.#order.aliveChanged(this.#names[key]!, is ? 1 : -1);
  }

  /** Forgets a key whose last record is gone or about to go: a tombstone, so that the key counts as dead already. */
  remove(key: number): void {
    this.#order.remove(this.#names[key]!);
    this.#names[key] = "";
    this.#newest[key] = none;
    this.#free.push(key);
  }

  /** Slot of the put that a read at `revision` sees, or `none`. */
  at(key: number, revision: number): number {
    const slot = this.recordAt(key, revision);
    return slot !== none && this.#records.isPut(slot) ? slot : none;
  }

  /** Slot of the newest record, put or tombstone, with modRevision ≤ `revision`, or `none`. */
  recordAt(key: number, revision: number): number {
    let slot = this.#newest[key]!;
    while (slot !== none && this.#records.modRevisionOf(slot) > revision) slot = this.#records.previousOf(slot);
    return slot;
  }

  /** Visits the keys that a read at `revision` sees, with `from` ≤ name < `until`, in order, until `visit` returns false. */
  scan(from: string, until: string | undefined, revision: number, visit: (name: string, slot: number) => boolean): void {
    this.#order.scan(from, until, (name, key) => {
      const slot = this.at(key, revision);
      return slot === none || visit(name, slot);
    });
  }

  /** Keys alive now with `from` ≤ name < `until`. */
  countAlive(from: string, until: string | undefined): number {
    return this.#order.countAlive(from, until);
  }
}
