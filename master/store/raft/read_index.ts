// Linearizable reads without writing to the log (thesis §6.4). A leader may answer at its commit index once a quorum has confirmed, after the read
// arrived, that it still leads. All reads that wait while a round is under way share the next one. Rounds are numbered and never reused: an answer to an old
// heartbeat cannot confirm a new read.
import type { ConfState } from "./membership.ts";
import { isQuorum } from "./quorum.ts";

export interface PendingRead {
  /** Member that asked. */
  readonly from: number;
  /** Its own name for the read; a new one for every attempt. */
  readonly context: number;
}

export class ReadIndexQueue {
  #waiting: PendingRead[] = [];
  #round: { number: number; index: number; reads: PendingRead[]; confirmed: Set<number> } | undefined;
  #last = 0;

  add(read: PendingRead): void {
    this.#waiting.push(read);
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }
  /** Number of the round under way, for heartbeats; 0 = none. */
  get round(): number {
    return this.#round?.number ?? 0;
  }

  /** Starts a round at `commit` unless one is under way. @returns true when heartbeats must go out. */
  start(commit: number): boolean {
    if (this.#round || this.#waiting.length === 0) return false;
    this.#round = { number: ++this.#last, index: commit, reads: this.#waiting, confirmed: new Set() };
    this.#waiting = [];
    return true;
  }

  /** A member answered a heartbeat of `round`. @returns the reads that may be answered, and at which index. */
  confirm(conf: ConfState, self: number, member: number, round: number): { index: number; reads: readonly PendingRead[] } | undefined {
    if (!this.#round || round !== this.#round.number) return undefined;
    this.#round.confirmed.add(member);
    const { confirmed, index, reads } = this.#round;
    if (!isQuorum(conf, (id) => id === self || confirmed.has(id))) return undefined;
    this.#round = undefined;
    return { index, reads };
  }

  /** Takes out everything: this member leads no more. */
  clear(): PendingRead[] {
    const reads = [...(this.#round?.reads ?? []), ...this.#waiting];
    this.#round = undefined;
    this.#waiting = [];
    return reads;
  }
}
