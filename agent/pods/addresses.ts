// Addresses of the node's pod subnet. The next one after the last given is taken, so that an address rests before somebody else gets it. Pure.

/** First address and number of addresses of an IPv4 subnet such as 10.201.3.0/24. @throws RangeError */
export function subnet(cidr: string): { first: number; size: number } {
  const [text = "", length] = cidr.split("/"), bits = Number(length), parts = text.split(".").map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
  if (!isAddress || !Number.isInteger(bits) || bits < 8 || bits > 30) {
    throw new RangeError(`Cannot use pod subnet ${cidr}: expected IPv4, /8 to /30`);
  }
  const size = 2 ** (32 - bits), address = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { first: address - address % size, size };
}
const textOf = (address: number): string => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");

export class Addresses {
  readonly #cidr: { first: number; size: number };
  /** Taken by somebody who is not ours: address → until when it is left alone, ms. */
  readonly #refused = new Map<string, number>();
  #last: number;

  /** `seed` in [0, 1): where to begin, so that a restarted agent does not give out at once what was just freed. */
  constructor(cidr: string, seed: number) {
    this.#cidr = subnet(cidr);
    this.#last = Math.floor(seed * this.#cidr.size);
  }

  /** Undefined: all are taken. Never the network's own, its broadcast, nor the first, which is the bridge's. */
  next(used: ReadonlySet<string>, nowMs: number): string | undefined {
    const { first, size } = this.#cidr;
    for (let tried = 0; tried < size; tried++) {
      this.#last = (this.#last + 1) % size;
      if (this.#last < 2 || this.#last === size - 1) continue;
      const address = textOf(first + this.#last), refusedUntil = this.#refused.get(address);
      if (used.has(address) || (refusedUntil !== undefined && refusedUntil > nowMs)) continue;
      this.#refused.delete(address);
      return address;
    }
    return undefined;
  }
  contains(address: string): boolean {
    const { first, size } = this.#cidr, number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    return number >= first && number < first + size;
  }
  /** The engine says that somebody has it. */
  refuse(address: string, nowMs: number): void {
    this.#refused.set(address, nowMs + refusedMs);
  }
}
const refusedMs = 10 * 60_000;
