// Sets of 64-bit hashes and tables by pairs of 32-bit numbers, in typed arrays: tens of millions of entries without an object each.

/** 64 well-mixed bits of each text, as two numbers (cyrb53's two lanes, all bits kept). */
export function hashesOf(texts: readonly string[]): Int32Array {
  const hashes = new Int32Array(texts.length * 2);
  texts.forEach((text, index) => {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      a = Math.imul(a ^ code, 2654435761);
      b = Math.imul(b ^ code, 1597334677);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    hashes.set([a, b], index * 2);
  });
  return hashes;
}

/** From a pair of 32-bit numbers, not both 0, to a number ≥ 0. Open addressing; grows by doubling. */
export class PairTable {
  #high = new Uint32Array(1 << 16);
  #low = new Uint32Array(1 << 16);
  #values: Uint32Array | undefined;
  #size = 0;

  /** @param hasValues else it is a set */
  constructor(hasValues: boolean) {
    if (hasValues) this.#values = new Uint32Array(1 << 16);
  }
  get size(): number {
    return this.#size;
  }
  get bytes(): number {
    return this.#high.length * (this.#values ? 12 : 8);
  }
  /** Bytes it will hold at once while it grows, if it has to before the next entry. */
  get bytesToGrow(): number {
    return this.#isFull() ? this.bytes * 3 : this.bytes;
  }
  #isFull(): boolean {
    return this.#size >= this.#high.length * 0.7;
  }

  get(high: number, low: number): number | undefined {
    const at = this.#find(high >>> 0, low >>> 0);
    return this.#isEmpty(at) ? undefined : this.#values![at]!;
  }
  /** @returns false when it was there */
  add(high: number, low: number, value = 0): boolean {
    let at = this.#find(high >>> 0, low >>> 0);
    if (!this.#isEmpty(at)) return false;
    if (this.#isFull()) {
      this.#grow();
      at = this.#find(high >>> 0, low >>> 0);
    }
    this.#put(at, high >>> 0, low >>> 0, value);
    this.#size++;
    return true;
  }

  #isEmpty(at: number): boolean {
    return this.#high[at] === 0 && this.#low[at] === 0;
  }
  #find(high: number, low: number): number {
    const mask = this.#high.length - 1;
    let at = (Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b) ^ (low >>> 15)) & mask;
    while (!this.#isEmpty(at) && (this.#low[at] !== low || this.#high[at] !== high)) at = (at + 1) & mask;
    return at;
  }
  #put(at: number, high: number, low: number, value: number): void {
    this.#high[at] = high;
    this.#low[at] = low;
    if (this.#values) this.#values[at] = value;
  }
  #grow(): void {
    const highs = this.#high, lows = this.#low, values = this.#values, length = highs.length * 2;
    this.#high = new Uint32Array(length);
    this.#low = new Uint32Array(length);
    if (values) this.#values = new Uint32Array(length);
    for (let at = 0; at < highs.length; at++) {
      const high = highs[at]!, low = lows[at]!;
      if (high !== 0 || low !== 0) this.#put(this.#find(high, low), high, low, values ? values[at]! : 0);
    }
  }
}

/** Numbers below 2^32, many. */
export class GrowingArray {
  #blocks: Uint32Array[] = [];
  #length = 0;
  get bytes(): number {
    return this.#blocks.length * 4 << 18;
  }
  push(value: number): void {
    const at = this.#length++;
    if ((at & 0x3ffff) === 0) this.#blocks.push(new Uint32Array(1 << 18));
    this.#blocks[at >> 18]![at & 0x3ffff] = value;
  }
  get(at: number): number {
    return this.#blocks[at >> 18]![at & 0x3ffff]!;
  }
}
