// The words that members say to each other, and what an entry of the log is. Terms, indexes and member ids are whole numbers below 2^53.
import type { ConfState } from "./membership.ts";

/** What an entry carries: nothing (a leader's first word in its term), a command for the state machine, or a change of the members. */
export type EntryType = "noop" | "command" | "configuration";

/** What a member asks the leader to append. */
export interface Proposal {
  readonly type: EntryType;
  /** Wall time of the leader, ms since 1970; the log clamps it so that it never runs backwards. */
  readonly time: number;
  /** Incarnation of the proposing process and its own count: by these, never by the index, the proposer knows its entry again. */
  readonly proposer: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export interface LogEntry extends Proposal {
  readonly index: number;
  readonly term: number;
}

/** What must survive a crash besides the log (Raft Fig. 2, "persistent state"). `commit` is only a hint that shortens recovery. */
export interface HardState {
  readonly term: number;
  /** Member that got this member's vote in `term`; 0 = none. */
  readonly vote: number;
  readonly commit: number;
}

/** Where in the log a snapshot stands. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly conf: ConfState;
}

interface Envelope {
  readonly from: number;
  readonly to: number;
  /** Term of the sender; of a (granted) pre-vote, the term that is asked for. */
  readonly term: number;
}

export type Body =
  | { readonly type: "PreVote" | "Vote"; readonly lastIndex: number; readonly lastTerm: number; readonly transfer: boolean }
  | { readonly type: "PreVoteResponse" | "VoteResponse"; readonly granted: boolean }
  | {
    readonly type: "Append";
    readonly previousIndex: number;
    readonly previousTerm: number;
    readonly entries: readonly LogEntry[];
    readonly commit: number;
  }
  // `index`: the last entry that matches, or with `hint` the previousIndex that was refused and where the logs may agree.
  | { readonly type: "AppendResponse"; readonly index: number; readonly hint?: { readonly index: number; readonly term: number } }
  | { readonly type: "Heartbeat"; readonly commit: number; readonly round: number }
  | { readonly type: "HeartbeatResponse"; readonly round: number }
  // The state itself travels beside the messages, as chunks of the snapshot file.
  | { readonly type: "Snapshot"; readonly snapshot: SnapshotMeta }
  | { readonly type: "TimeoutNow" }
  // Somebody knows that this entry is committed, a leader or a member that has gone: who holds it may believe it, in whatever term. No answer is wanted.
  | { readonly type: "Committed"; readonly index: number; readonly entryTerm: number }
  | { readonly type: "ReadIndex"; readonly context: number }
  | { readonly type: "ReadIndexResponse"; readonly context: number; readonly index: number }
  | { readonly type: "Propose"; readonly proposal: Proposal }
  // This copy of the proposal was certainly not appended.
  | { readonly type: "ProposeRejected"; readonly proposer: number; readonly sequence: number }
  // The same, because the leader's disk is full.
  | { readonly type: "ProposeNoRoom"; readonly proposer: number; readonly sequence: number };

export type Message = Envelope & Body;
export type MessageOf<T extends Body["type"]> = Envelope & Extract<Body, { type: T }>;

/** Bytes that an entry counts for in every bound: its payload and what surrounds it. */
export const entrySize = (entry: { readonly payload: Uint8Array }): number => entry.payload.length + 64;
