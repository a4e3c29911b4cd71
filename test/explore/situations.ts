// Where explorations begin: everybody with an empty disk, or in the middle of a story that it would take long to come to. Each can come about in Raft, with these members.
import type { Message } from "../../master/store/raft/message.ts";
import type { History } from "./history.ts";

export interface Situation {
  readonly name: string;
  /** Of members 1, 2, 3. All have just started. */
  readonly disks: readonly { readonly term: number; readonly vote: number; readonly log: readonly number[] }[];
  /** By term - 1; 0 = nobody. */
  readonly leaders: History["leaders"];
  readonly committed: History["committed"];
  /** Still on their way. */
  readonly messages?: readonly Message[];
}

export const situations: readonly Situation[] = [
  {
    name: "empty",
    disks: [{ term: 0, vote: 0, log: [] }, { term: 0, vote: 0, log: [] }, { term: 0, vote: 0, log: [] }],
    leaders: [],
    committed: [],
  },
  {
    // Member 1 led and committed with 2; member 3 has heard of the term alone.
    name: "behind",
    disks: [{ term: 1, vote: 1, log: [1] }, { term: 1, vote: 1, log: [1] }, { term: 1, vote: 0, log: [] }],
    leaders: [1],
    committed: [{ term: 1, inTerm: 1 }],
  },
  {
    // Member 1 led and had two entries for itself; member 2 led after it and committed one with 3.
    name: "longer",
    disks: [{ term: 2, vote: 0, log: [1, 1] }, { term: 2, vote: 2, log: [2] }, { term: 2, vote: 2, log: [2] }],
    leaders: [1, 2],
    committed: [{ term: 2, inTerm: 2 }],
  },
  {
    // Raft Fig. 8, with three: 1 led, then 3, each with an entry that nobody else has.
    name: "figure8",
    disks: [{ term: 1, vote: 1, log: [1] }, { term: 2, vote: 3, log: [] }, { term: 2, vote: 3, log: [2] }],
    leaders: [1, 3],
    committed: [],
  },
  {
    // Member 3 led and had a second entry for itself; member 1 led after it, put another in its place, and committed that with 2.
    name: "diverged",
    disks: [{ term: 2, vote: 1, log: [1, 2] }, { term: 2, vote: 1, log: [1, 2] }, { term: 1, vote: 3, log: [1, 1] }],
    leaders: [3, 1],
    committed: [{ term: 1, inTerm: 1 }, { term: 2, inTerm: 2 }],
  },
  {
    // Member 1 led and sent its first entry to 3; it crashed before its own disk had it.
    name: "overtaken",
    disks: [{ term: 1, vote: 1, log: [] }, { term: 1, vote: 1, log: [] }, { term: 1, vote: 0, log: [] }],
    leaders: [1],
    committed: [],
    messages: [{
      type: "Append",
      from: 1,
      to: 3,
      term: 1,
      previousIndex: 0,
      previousTerm: 0,
      commit: 0,
      entries: [{ index: 1, term: 1, type: "noop", time: 0, proposer: 0, sequence: 0, payload: new Uint8Array(0) }],
    }],
  },
];
