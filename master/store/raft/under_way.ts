// Proposals in a leader's log that are not committed yet: one that is made again meanwhile is not appended again. (What is committed, the state machine knows.)
import type { Proposal } from "./message.ts";

export class UnderWay {
  readonly #sequences = new Map<number, Set<number>>();

  has({ proposer, sequence }: Proposal): boolean {
    return this.#sequences.get(proposer)?.has(sequence) === true;
  }
  add({ proposer, sequence }: Proposal): void {
    if (proposer === 0) return; // nobody's: nobody makes it again
    const sequences = this.#sequences.get(proposer);
    if (sequences) sequences.add(sequence);
    else this.#sequences.set(proposer, new Set([sequence]));
  }
  remove({ proposer, sequence }: Proposal): void {
    const sequences = this.#sequences.get(proposer);
    if (sequences?.delete(sequence) && sequences.size === 0) this.#sequences.delete(proposer);
  }
  clear(): void {
    this.#sequences.clear();
  }
}
