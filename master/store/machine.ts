// What the replicated log drives. The replica knows only this interface; what the entries mean is in state.ts.

/** One committed entry of the log. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  /** Log time, ms since 1970: the leader's wall time, never less than that of the entry before. The only time that a state machine may know. */
  readonly time: number;
  /** Which process has proposed it (0: none), and under which of its numbers. */
  readonly proposer: number;
  readonly sequence: number;
  /** Empty: the entry that a new leader begins its term with (Raft §8). */
  readonly payload: Uint8Array;
}

/** What applying an entry gives whose proposal was applied before: nothing has changed, and the result has been given once. */
export const repeated = Symbol("repeated");

/** Deterministic and synchronous, with no clock and no I/O: the same entries give the same state and the same results on every member. */
export interface StateMachine {
  /**
   * The same bytes as `payload`, which is about to be applied, in memory that the state has, too: who holds these for long holds them at no cost. Whether it is asked
   * makes no difference to state and results.
   */
  keep(payload: Uint8Array): Uint8Array;
  /** Applies one committed entry, or says `repeated`. The result goes to the proposer, if it is on this member. */
  apply(entry: Entry): unknown;
  /** Whether an entry is to be written though the disk is full. Without this, none is. */
  mayOverfill?(payload: Uint8Array): boolean;
  /**
   * The state after the last applied entry, cut into pieces of at most a few hundred KiB (one value may be larger). It does not change while later entries
   * are applied. Compaction frees no memory until the iteration has ended: read it to the end, or call its iterator's `return`.
   */
  snapshot(): { readonly revision: number; readonly compactRevision: number; readonly bytes: Iterable<Uint8Array> };
  /** Replaces the state, or, when it rejects, leaves it as it was. The pieces may be cut anywhere. */
  restore(bytes: AsyncIterable<Uint8Array>): Promise<void>;
}
