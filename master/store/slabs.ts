// Memory for values. A hundred thousand buffers of their own cost a garbage collection of 300 ms; the same bytes as stretches of 1 MiB slabs, known by an
// address that is only a number, cost next to nothing. Slabs are written once, front to back: a view that was handed out never changes. What dies leaves
// holes; when too much of the memory is holes, what still lives in the emptiest slabs is copied to fresh ones and the slabs are let go (a view that
// somebody still holds keeps its slab, so nothing can dangle).
//
// A command of the log is kept as a whole, and the values in it where they lie: the log, which holds what came since the last snapshot, and the state do not have the
// same bytes twice. What surrounds the values is a hole from the beginning.

/** Bytes of a slab: small enough that a view kept for long pins little, and that moving half of one out takes 0.1 ms. */
const slabBytes = 1024 * 1024;
/** A value above this has a buffer of its own, so that the unused end of a slab stays below 7 %. */
const ownBufferBytes = 64 * 1024;
/** A command below this is mostly key and numbers: not worth a hole. */
const leastKeptBytes = 256;
/** Bytes in holes below which nothing is moved. */
const holesBytes = 4 * slabBytes;

interface Slab {
  readonly bytes: Uint8Array;
  /** Bytes that somebody still needs. */
  live: number;
}

const nothing = new Uint8Array(0);

export class Slabs {
  /** By number; numbers are not used again. */
  readonly #slabs = new Map<number, Slab>();
  #nextId = 0;
  /** Slab that is being filled, and how far. */
  #current = -1;
  #filled = 0;
  #allocatedBytes = 0;
  #liveBytes = 0;

  /** Bytes of all values held. */
  get liveBytes(): number {
    return this.#liveBytes;
  }
  /** Bytes of memory that they take. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Copies `value` in. Returns its address. */
  write(value: Uint8Array): number {
    const length = value.length;
    if (length === 0) return 0;
    this.#liveBytes += length;
    if (length > ownBufferBytes) {
      const id = this.#add(new Uint8Array(length));
      const slab = this.#slabs.get(id)!;
      slab.bytes.set(value);
      slab.live = length;
      return id * slabBytes;
    }
    const offset = this.#append(value);
    this.#slabs.get(this.#current)!.live += length;
    return this.#current * slabBytes + offset;
  }

  /** The same bytes, where the values in them can be `adopt`ed; or `command` itself, where that is not worth it. */
  keep(command: Uint8Array): Uint8Array {
    if (command.length < leastKeptBytes || command.length > ownBufferBytes) return command;
    const offset = this.#append(command);
    return new Uint8Array(this.#slabs.get(this.#current)!.bytes.buffer, offset, command.length);
  }

  /** Holds `value`, which is part of what was kept last, where it lies; any other is copied in. Returns its address. */
  adopt(value: Uint8Array): number {
    const slab = this.#slabs.get(this.#current), length = value.length;
    if (length === 0 || slab?.bytes.buffer !== value.buffer) return this.write(value);
    this.#liveBytes += length;
    slab.live += length;
    return this.#current * slabBytes + value.byteOffset;
  }

  /** Copies at most 64 KiB to the end of the slab that is being filled, or of a new one. Returns where they begin in it. */
  #append(bytes: Uint8Array): number {
    if (this.#current < 0 || this.#filled + bytes.length > slabBytes) {
      const full = this.#current;
      this.#current = this.#add(new Uint8Array(slabBytes));
      this.#filled = 0;
      if (full >= 0 && this.#slabs.get(full)!.live === 0) this.#drop(full);
    }
    const offset = this.#filled;
    this.#slabs.get(this.#current)!.bytes.set(bytes, offset);
    this.#filled += bytes.length;
    return offset;
  }

  /** The bytes at `address`, shared with everybody who asks. */
  view(address: number, length: number): Uint8Array {
    if (length === 0) return nothing;
    const id = Math.floor(address / slabBytes);
    return new Uint8Array(this.#slabs.get(id)!.bytes.buffer, address - id * slabBytes, length);
  }

  /** Nobody will ask for these bytes again. */
  release(address: number, length: number): void {
    if (length === 0) return;
    const id = Math.floor(address / slabBytes);
    const slab = this.#slabs.get(id)!;
    slab.live -= length;
    this.#liveBytes -= length;
    if (slab.live === 0 && id !== this.#current) this.#drop(id);
  }

  /** Slabs less than half live, if they waste enough to be worth moving what they still hold; to be emptied by `write` elsewhere and `release`. */
  sparse(): Set<number> | undefined {
    const sparse = new Set<number>();
    let holes = 0;
    for (const [id, slab] of this.#slabs) {
      if (id === this.#current || slab.live * 2 >= slab.bytes.length) continue;
      sparse.add(id);
      holes += slab.bytes.length - slab.live;
    }
    return holes >= Math.max(holesBytes, this.#allocatedBytes / 8) ? sparse : undefined;
  }

  /** The slab that an address lies in. */
  slabOf(address: number): number {
    return Math.floor(address / slabBytes);
  }

  #add(bytes: Uint8Array): number {
    const id = this.#nextId++;
    this.#slabs.set(id, { bytes, live: 0 });
    this.#allocatedBytes += bytes.length;
    return id;
  }

  #drop(id: number): void {
    this.#allocatedBytes -= this.#slabs.get(id)!.bytes.length;
    this.#slabs.delete(id);
  }
}
