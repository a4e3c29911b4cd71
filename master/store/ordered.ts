// Strings in order, each with a small integer: chunks of sorted arrays. A page of 500 out of 25,000 names is two binary searches and a walk, where sorting
// a Map for every list costs a thousand times that; a balanced tree would be as fast and an object per node dearer for the garbage collector.
// Order is that of UTF-16 code units (JavaScript's own `<`), which equals byte order except beside characters outside the basic plane.
//
// Each chunk counts those of its keys that are alive (the caller says which), so that "how many are left behind this page" costs a step per chunk.

/** Keys per chunk. Inserting moves half a chunk on average, splitting moves the list of chunks: 512 keeps both below some µs at a million keys. */
const chunkKeys = 512;

interface Chunk {
  keys: string[];
  values: number[];
  alive: number;
}

export class Ordered {
  #chunks: Chunk[] = [{ keys: [], values: [], alive: 0 }];
  #size = 0;
  readonly #isAlive: (value: number) => boolean;

  constructor(isAlive: (value: number) => boolean) {
    this.#isAlive = isAlive;
  }

  get size(): number {
    return this.#size;
  }

  /** The integer of `key`, or -1. */
  find(key: string): number {
    const chunk = this.#chunks[this.#chunkOf(key)]!;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at]! : -1;
  }

  /** Adds a key that is not there yet; it counts as dead until `aliveChanged`. */
  insert(key: string, value: number): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index]!;
    const at = lowerBound(chunk.keys, key);
    this.#size++;
    if (chunk.keys.length < chunkKeys) {
      chunk.keys.splice(at, 0, key);
      chunk.values.splice(at, 0, value);
    } else if (at === chunkKeys && index === this.#chunks.length - 1) {
      // Keys that come in order (a restore, a series of names) fill their chunks instead of leaving each half empty.
      this.#chunks.push({ keys: [key], values: [value], alive: 0 });
    } else {
      const upper: Chunk = { keys: chunk.keys.splice(chunkKeys / 2), values: chunk.values.splice(chunkKeys / 2), alive: 0 };
      for (const moved of upper.values) if (this.#isAlive(moved)) upper.alive++;
      chunk.alive -= upper.alive;
      this.#chunks.splice(index + 1, 0, upper);
      const [target, position] = at <= chunkKeys / 2 ? [chunk, at] : [upper, at - chunkKeys / 2];
      target.keys.splice(position, 0, key);
      target.values.splice(position, 0, value);
    }
  }

  /** Removes a key that is there and dead. */
  remove(key: string): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index]!;
    const at = lowerBound(chunk.keys, key);
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size--;
    if (chunk.keys.length === 0 && this.#chunks.length > 1) this.#chunks.splice(index, 1);
  }

  /** Tells that `key` came alive (+1) or died (-1). */
  aliveChanged(key: string, by: 1 | -1): void {
    this.#chunks[this.#chunkOf(key)]!.alive += by;
  }

  /** Visits keys ≥ `from` and < `until` (undefined: no end) in order until `visit` returns false. The keys must not change meanwhile. */
  scan(from: string, until: string | undefined, visit: (key: string, value: number) => boolean): void {
    let index = this.#chunkOf(from);
    let at = lowerBound(this.#chunks[index]!.keys, from);
    for (; index < this.#chunks.length; index++, at = 0) {
      const { keys, values } = this.#chunks[index]!;
      for (; at < keys.length; at++) {
        const key = keys[at]!;
        if (until !== undefined && key >= until || !visit(key, values[at]!)) return;
      }
    }
  }

  /** Living keys ≥ `from` and < `until`. */
  countAlive(from: string, until: string | undefined): number {
    let count = 0;
    for (let index = this.#chunkOf(from); index < this.#chunks.length; index++) {
      const { keys, values, alive } = this.#chunks[index]!;
      if (keys.length === 0) continue;
      if (until !== undefined && keys[0]! >= until) break;
      if (keys[0]! >= from && (until === undefined || keys[keys.length - 1]! < until)) {
        count += alive;
        continue;
      }
      const end = until === undefined ? keys.length : lowerBound(keys, until);
      for (let at = lowerBound(keys, from); at < end; at++) if (this.#isAlive(values[at]!)) count++;
    }
    return count;
  }

  /** The last chunk that begins at or before `key`, or the first. */
  #chunkOf(key: string): number {
    let low = 0, high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first key ≥ `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0, high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The least string behind every string that begins with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  for (let length = prefix.length; length > 0; length--) {
    const unit = prefix.charCodeAt(length - 1);
    if (unit < 0xffff) return prefix.slice(0, length - 1) + String.fromCharCode(unit + 1);
  }
  return undefined;
}

/** The least string behind `key`. */
export const keyAfter = (key: string): string => key + "\0";
