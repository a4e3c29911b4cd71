// The configurations that the search of wgl.ts has been in.

/** Which of a number of calls are done. */
export class CallSet {
  readonly words: Uint32Array;
  constructor(calls: number) {
    this.words = new Uint32Array((calls + 31) >>> 5);
  }
  flip(call: number): void {
    this.words[call >>> 5]! ^= 1 << (call & 31);
  }
}

export class Memory {
  readonly #seen = new Map<string, Uint32Array[]>();

  /**
   * Notes the configuration. @returns false when the search need not go on from it: it has been there, or where the same was reached with fewer of the calls of
   * unknown outcome. From there more is possible, for no such call must ever be done.
   */
  isNew(known: CallSet, unknown: CallSet, state: string | undefined): boolean {
    const key = keyOf(known, state), sets = this.#seen.get(key);
    if (sets?.some((set) => set.every((word, at) => (word & ~unknown.words[at]!) === 0))) return false;
    if (sets) sets.push(unknown.words.slice());
    else this.#seen.set(key, [unknown.words.slice()]);
    return true;
  }
}

/** Most orders are near to that of time, and most words all done or all open: only the others are spelt out. */
function keyOf({ words }: CallSet, state: string | undefined): string {
  let at = 0;
  while (at < words.length && words[at] === 0xffffffff) at++;
  let text = `${at}`;
  for (; at < words.length; at++) if (words[at] !== 0) text += ` ${at}:${words[at]}`;
  return `${text}=${state === undefined ? "" : `"${state}`}`;
}
