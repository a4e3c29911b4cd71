// What has been applied of each process that proposes: so a proposal that was made again, because nobody knew what had become of it, is applied once (Raft thesis
// §6.3). Part of the replicated state. A process numbers its proposals from 1; what of them has been applied are ranges, nearly always one.
import { proposerGaps, storeProposers } from "../../shared/limits.ts";

export interface SavedProposer {
  readonly id: number;
  /** Pairs: first and last of each range, ascending, with gaps between them. The first range begins with 0, which is no proposal. */
  readonly ranges: readonly number[];
}

export class Proposers {
  /** In the order of their last entries, the oldest first. */
  readonly #ranges = new Map<number, number[]>();
  #latest = 0;

  /** Notes that this proposal is applied now. @returns false: it has been before, or is older than anybody remembers; then it must change nothing */
  first(id: number, sequence: number): boolean {
    const ranges = this.#rangesOf(id), last = ranges.length - 1;
    if (sequence > ranges[last]!) {
      if (sequence === ranges[last]! + 1) ranges[last] = sequence;
      else ranges.push(sequence, sequence);
      // Whoever would still fill the oldest gap has long been told that the outcome is unknown.
      if (ranges.length > 2 * (proposerGaps + 1)) ranges.splice(1, 2);
      return true;
    }
    let at = last - 1;
    while (ranges[at]! > sequence) at -= 2;
    if (sequence <= ranges[at + 1]!) return false;
    const touchesLower = ranges[at + 1] === sequence - 1, touchesUpper = ranges[at + 2] === sequence + 1;
    if (touchesLower && touchesUpper) ranges.splice(at + 1, 2);
    else if (touchesLower) ranges[at + 1] = sequence;
    else if (touchesUpper) ranges[at + 2] = sequence;
    else ranges.splice(at + 2, 0, sequence, sequence);
    return true;
  }

  /** In the order of their last entries, the oldest first: it is part of the state, since the oldest is forgotten first. */
  *all(): Iterable<SavedProposer> {
    for (const [id, ranges] of this.#ranges) yield { id, ranges: ranges.slice() };
  }
  /** Puts back what was saved, in the same order. */
  restore({ id, ranges }: SavedProposer): void {
    this.#ranges.set(id, ranges.slice());
    this.#latest = id;
  }

  #rangesOf(id: number): number[] {
    let ranges = this.#ranges.get(id);
    if (ranges && id === this.#latest) return ranges;
    this.#ranges.delete(id);
    this.#ranges.set(id, ranges ??= [0, 0]);
    this.#latest = id;
    if (this.#ranges.size > storeProposers) this.#ranges.delete(this.#ranges.keys().next().value!);
    return ranges;
  }
}
