// States that were found and not gone on from: first in, first out, so that what is found first is found on a shortest way. Each is a few numbers in seven-bit bytes.

const blockBytes = 1 << 20;

export class Frontier {
  readonly #blocks: Uint8Array[] = [new Uint8Array(blockBytes)];
  #writeAt = 0;
  #readAt = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }
  get bytes(): number {
    return this.#blocks.length * blockBytes;
  }

  /** @param numbers whole, ≥ 0 */
  push(numbers: Int32Array, length: number): void {
    if (this.#writeAt + length * 5 + 5 > blockBytes) {
      this.#put(endOfBlock);
      this.#blocks.push(new Uint8Array(blockBytes));
      this.#writeAt = 0;
    }
    this.#put(length);
    for (let at = 0; at < length; at++) this.#put(numbers[at]!);
    this.#size++;
  }
  #put(number: number): void {
    const block = this.#blocks[this.#blocks.length - 1]!;
    for (; number > 127; number >>>= 7) block[this.#writeAt++] = (number & 127) | 128;
    block[this.#writeAt++] = number;
  }

  /** Takes the oldest. @returns how many numbers it has, 0 when there is none */
  shift(into: Int32Array): number {
    if (this.#size === 0) return 0;
    let length = this.#get();
    if (length === endOfBlock) {
      this.#blocks.shift();
      this.#readAt = 0;
      length = this.#get();
    }
    for (let at = 0; at < length; at++) into[at] = this.#get();
    this.#size--;
    return length;
  }
  #get(): number {
    const block = this.#blocks[0]!;
    let number = 0, shift = 0, byte = block[this.#readAt++]!;
    for (; byte > 127; byte = block[this.#readAt++]!, shift += 7) number |= (byte & 127) << shift;
    return number | (byte << shift);
  }
}

/** No state has so many numbers. */
const endOfBlock = 16_000;
