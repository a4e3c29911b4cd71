// Linearizability where every answer carries its revision: nothing has to be searched. All writes are replayed in the order of their revisions through a model
// of the keyspace, every answer is compared with what the model says at its revision, and the revisions with real time. O(n log n).
//
// Not judged, because a history does not show whether it was right: a refusal for want of room, of a leader or of a lease, and how long anything took.
import { resolveByEvidence } from "./evidence.ts";
import { type Committed, type Compaction, empty, type History, type Initial } from "./history.ts";
import { checkRealTime } from "./real_time.ts";
import { checkRefusals, replay } from "./replay.ts";
import { resolveByLog, type Resolved } from "./resolve.ts";
import { checkWatches, eventLog } from "./watches.ts";

export interface Known {
  /** The whole log behind `initial`. Without it, writes of unknown outcome are recognised by what others saw of them. */
  readonly committed?: readonly Committed[] | undefined;
  readonly initial?: Initial | undefined;
  /** All there were, by whomever. Absent: what refusals and watches say of them is believed. */
  readonly compactions?: readonly Compaction[] | undefined;
  /** Revision up to which every watch that still runs has had time to deliver. */
  readonly caughtUp?: number | undefined;
}

/** @returns what is wrong with the calls, a sentence each; nothing when they are linearizable */
export function linearize(history: History, known: Known = {}): string[] {
  const resolved = resolve(history, known);
  return resolved.violations.length > 0 ? [...resolved.violations] : checkCalls(history, resolved, known);
}

/** The same, and the watches. */
export function checkHistory(history: History, known: Known = {}): string[] {
  const resolved = resolve(history, known);
  if (resolved.violations.length > 0) return [...resolved.violations];
  const log = eventLog(resolved.writes.map(({ transaction, logged }) => ({ transaction, at: logged?.at })), known.initial);
  return [...checkCalls(history, resolved, known), ...checkWatches(history.watches, log, known)];
}

function resolve(history: History, { committed, initial = empty }: Known): Resolved {
  return committed ? resolveByLog(history, committed, initial.revision) : resolveByEvidence(history, initial);
}

function checkCalls(history: History, { writes }: Resolved, { initial = empty, compactions }: Known): string[] {
  return [...replay(history, writes, initial), ...checkRefusals(history, compactions), ...checkRealTime(history, writes)];
}
