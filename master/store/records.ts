// One record a version of a key, as columns of numbers instead of objects: 48 bytes each that the garbage collector never walks. A record is known by its
// slot; slots of removed records are used again.
import { Slabs } from "./slabs.ts";

/** Length of the value of a record that says "deleted here". */
const tombstone = -1;
/** No record. */
export const none = -1;

export class Records {
  readonly slabs = new Slabs();
  #capacity = 1024;
  #used = 0;
  /** First of the free slots, which are chained through `previous`. */
  #free = none;
  #count = 0;
  #modRevision = new Float64Array(this.#capacity);
  #createRevision = new Float64Array(this.#capacity);
  #lease = new Float64Array(this.#capacity);
  #address = new Float64Array(this.#capacity);
  #length = new Int32Array(this.#capacity);
  #version = new Uint32Array(this.#capacity);
  #key = new Int32Array(this.#capacity);
  #previous = new Int32Array(this.#capacity);

  /** Records held. */
  get count(): number {
    return this.#count;
  }
  /** Slots lie below this. */
  get slots(): number {
    return this.#used;
  }

  /** Adds a record; `value` undefined makes it a tombstone. Returns its slot. */
  add(key: number, previous: number, modRevision: number, of: Meta, value: Uint8Array | undefined): number {
    let slot = this.#free;
    if (slot !== none) this.#free = this.#previous[slot]!;
    else {
      if (this.#used === this.#capacity) this.#grow();
      slot = this.#used++;
    }
    this.#count++;
    this.#key[slot] = key;
    this.#previous[slot] = previous;
    this.#modRevision[slot] = modRevision;
    this.#createRevision[slot] = of.createRevision;
    this.#version[slot] = of.version;
    this.#lease[slot] = of.lease;
    this.#length[slot] = value ? value.length : tombstone;
    this.#address[slot] = value ? this.slabs.adopt(value) : 0;
    return slot;
  }

  remove(slot: number): void {
    if (this.isPut(slot)) this.slabs.release(this.#address[slot]!, this.#length[slot]!);
    this.#length[slot] = tombstone;
    this.#key[slot] = none;
    this.#previous[slot] = this.#free;
    this.#free = slot;
    this.#count--;
  }

  /** The key's integer, or `none` for a free slot. */
  keyOf(slot: number): number {
    return this.#key[slot]!;
  }
  modRevisionOf(slot: number): number {
    return this.#modRevision[slot]!;
  }
  createRevisionOf(slot: number): number {
    return this.#createRevision[slot]!;
  }
  versionOf(slot: number): number {
    return this.#version[slot]!;
  }
  leaseOf(slot: number): number {
    return this.#lease[slot]!;
  }
  /** Slot of the version before this one, or `none`. */
  previousOf(slot: number): number {
    return this.#previous[slot]!;
  }
  forgetPrevious(slot: number): void {
    this.#previous[slot] = none;
  }
  /** False for a tombstone. */
  isPut(slot: number): boolean {
    return this.#length[slot]! !== tombstone;
  }
  /** Bytes of the value; 0 for a tombstone. */
  lengthOf(slot: number): number {
    return Math.max(0, this.#length[slot]!);
  }
  valueOf(slot: number): Uint8Array {
    return this.slabs.view(this.#address[slot]!, this.lengthOf(slot));
  }

  /** Moves the value out of its slab if that is one of `leaving`. @returns the bytes copied */
  relocate(slot: number, leaving: ReadonlySet<number>): number {
    const address = this.#address[slot]!, length = this.lengthOf(slot);
    if (length === 0 || !leaving.has(this.slabs.slabOf(address))) return 0;
    this.#address[slot] = this.slabs.write(this.slabs.view(address, length));
    this.slabs.release(address, length);
    return length;
  }

  #grow(): void {
    this.#capacity = Math.ceil(this.#capacity * 1.5);
    this.#modRevision = grown(this.#modRevision, new Float64Array(this.#capacity));
    this.#createRevision = grown(this.#createRevision, new Float64Array(this.#capacity));
    this.#lease = grown(this.#lease, new Float64Array(this.#capacity));
    this.#address = grown(this.#address, new Float64Array(this.#capacity));
    this.#length = grown(this.#length, new Int32Array(this.#capacity));
    this.#version = grown(this.#version, new Uint32Array(this.#capacity));
    this.#key = grown(this.#key, new Int32Array(this.#capacity));
    this.#previous = grown(this.#previous, new Int32Array(this.#capacity));
  }
}

/** What a version of a key carries beside its value. */
export interface Meta {
  readonly createRevision: number;
  readonly version: number;
  readonly lease: number;
}

function grown<A extends Float64Array | Int32Array | Uint32Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
