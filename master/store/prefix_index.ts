/** Members by prefix. Finding those whose prefix begins a key costs a lookup for each length of prefix in use, however many members there are. */
export class PrefixIndex<T> {
  readonly #byPrefix = new Map<string, Set<T>>();
  /** Distinct prefixes of each length, and the lengths in order. */
  readonly #ofLength = new Map<number, number>();
  #lengths: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(prefix: string, member: T): void {
    let members = this.#byPrefix.get(prefix);
    if (!members) {
      this.#byPrefix.set(prefix, members = new Set());
      this.#count(prefix.length, 1);
    }
    if (!members.has(member)) this.#size++;
    members.add(member);
  }

  remove(prefix: string, member: T): void {
    const members = this.#byPrefix.get(prefix);
    if (!members?.delete(member)) return;
    this.#size--;
    if (members.size > 0) return;
    this.#byPrefix.delete(prefix);
    this.#count(prefix.length, -1);
  }

  /** Members whose prefix begins `key`. */
  *of(key: string): Generator<T> {
    for (const length of this.#lengths) {
      if (length > key.length) return;
      const members = this.#byPrefix.get(key.slice(0, length));
      if (members) yield* members;
    }
  }

  *all(): Generator<T> {
    for (const members of this.#byPrefix.values()) yield* members;
  }

  #count(length: number, by: number): void {
    const count = (this.#ofLength.get(length) ?? 0) + by;
    if (count > 0) this.#ofLength.set(length, count);
    else this.#ofLength.delete(length);
    this.#lengths = [...this.#ofLength.keys()].sort((a, b) => a - b);
  }
}
