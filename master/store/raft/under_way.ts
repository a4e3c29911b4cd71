// What stands in a leader's log and is not committed yet: how much it is, since that is bounded; and which proposals, since one that is made again meanwhile is not
// appended again. (What is committed, the state machine knows.)
import { assert } from "../../../shared/util/assert.ts";
import { entrySize, type LogEntry, type Proposal } from "./message.ts";

export class UnderWay {
  #bytes = 0;
  readonly #sequences = new Map<number, Set<number>>();

  get bytes(): number {
    return this.#bytes;
  }
  has({ proposer, sequence }: Pick<Proposal, "proposer" | "sequence">): boolean {
    return this.#sequences.get(proposer)?.has(sequence) === true;
  }
  add(entry: LogEntry): void {
    const { proposer, sequence } = entry;
    this.#bytes += entrySize(entry);
    if (proposer === 0) return; // nobody's: nobody makes it again
    const sequences = this.#sequences.get(proposer);
    if (sequences) sequences.add(sequence);
    else this.#sequences.set(proposer, new Set([sequence]));
  }
  remove(entry: LogEntry): void {
    const { index, proposer, sequence } = entry, sequences = this.#sequences.get(proposer);
    this.#bytes -= entrySize(entry);
    assert(this.#bytes >= 0, `entry ${index} is committed, and was not under way`);
    if (sequences?.delete(sequence) && sequences.size === 0) this.#sequences.delete(proposer);
  }
  clear(): void {
    this.#bytes = 0;
    this.#sequences.clear();
  }
}
