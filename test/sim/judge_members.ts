// How the members may change: step by step, each step known to a majority of those before it and of those behind it, the same on every member (Raft §6).
import { type ConfState, isJoint } from "../../master/store/raft/membership.ts";
import type { RaftView } from "../../master/store/replica_status.ts";
import type { Must } from "./violation.ts";

export class Memberships {
  readonly #must: Must;
  /** By the index of the entry behind which it holds. */
  readonly #confs = new Map<number, string>();

  constructor(must: Must) {
    this.#must = must;
  }

  /** A member has come from one applied entry to another. @param before undefined at the beginning of a life; who joins knows nobody at first */
  moved(id: number, raft: RaftView, from: number, before: ConfState | undefined): void {
    const { conf, appliedIndex } = raft, text = JSON.stringify(conf), known = this.#confs.get(appliedIndex);
    this.#must(known === undefined || known === text, () => `${id} has ${text} after entry ${appliedIndex}, another had ${known}`);
    this.#confs.set(appliedIndex, text);
    if (!before || before.voters.length === 0 || raft.firstIndex > from + 1) return;
    const changes: number[] = [];
    for (let index = from + 1; index <= appliedIndex; index++) {
      const entry = raft.entryAt(index);
      if (entry?.type === "configuration" && entry.term > 0) changes.push(index); // of term 0 is only the one that all begin with
    }
    // Who sees two at once leaves them to the leader, who proposes the second when it has applied the first.
    if (changes.length !== 1) return;
    const was = JSON.stringify(before);
    this.#must(was !== text, () => `the change of members at ${changes[0]} was accepted, and has changed nothing of ${was}`);
    this.#must(
      !isJoint(before) || !isJoint(conf),
      () => `a change of members begins at ${changes[0]} before the last one has ended: ${was}, ${text}`,
    );
    this.#must(
      alwaysMeet(before, conf),
      () => `majorities before and behind entry ${changes[0]} may have nobody in common: ${was}, ${text}`,
    );
  }
}

/** Whether each majority of one has somebody in common with each of the other: in a joint configuration, of one half is enough. */
function alwaysMeet(a: ConfState, b: ConfState): boolean {
  const halves = ({ voters, outgoing }: ConfState) => [voters, outgoing].filter((half) => half.length > 0);
  return halves(a).some((one) => halves(b).some((other) => meet(one, other)));
}
function meet(a: readonly number[], b: readonly number[]): boolean {
  const common = a.filter((id) => b.includes(id)).length, needed = (half: readonly number[]) => (half.length >> 1) + 1;
  // As few as possible of those that both have.
  const ofCommon = (half: readonly number[]) => Math.max(0, needed(half) - (half.length - common));
  return ofCommon(a) + ofCommon(b) > common;
}
