// What the shell is to do, as one value; and what of it is to be written.
import { groupCommitBytes } from "../../../shared/limits.ts";
import type { AppendToken, Core, ReadState, RejectedProposal } from "./core.ts";
import type { HardState, LogEntry, Message, SnapshotMeta } from "./message.ts";

/** What must be on disk, in this order: cut the log, add the entries, remember the state. */
export interface Append {
  /** Nothing behind the entry of this index and term stays. */
  readonly truncate?: { readonly index: number; readonly term: number };
  readonly entries: readonly LogEntry[];
  readonly hardState?: HardState;
  /** Leave only once all of this is durable. */
  readonly messages: readonly Message[];
  readonly token: AppendToken;
}

export interface Ready {
  readonly append?: Append;
  readonly messages: readonly Message[];
  /** To apply, in order; each is durable here and committed. */
  readonly committed: readonly LogEntry[];
  readonly reads: readonly ReadState[];
  readonly rejected: readonly RejectedProposal[];
  /** A snapshot to fetch from the leader and install. */
  readonly install?: SnapshotMeta;
}

/** What is new since the last write, as much as one write takes; undefined when nothing is. */
export function takeAppend(core: Core): Append | undefined {
  const moved = core.term !== core.saved.term || core.vote !== core.saved.vote;
  const unwritten = core.log.takeUnwritten(core.config.writeBytes ?? groupCommitBytes);
  if (!moved && !unwritten) return undefined;
  const hardState = { term: core.term, vote: core.vote, commit: Math.min(core.log.commit, core.log.takenIndex) };
  const withState = moved || hardState.commit !== core.saved.commit;
  if (withState) core.saved = hardState;
  core.appending = { term: core.term, lastIndex: core.log.takenIndex, generation: core.log.generation };
  core.appendTicks = 0;
  const messages = core.messagesAfterAppend;
  core.messagesAfterAppend = [];
  // More entries than one write takes: what promises the rest has to wait for the rest.
  if (core.log.hasUnwritten) {
    const early = messages.filter((message) => message.type !== "AppendResponse" || message.index <= core.log.takenIndex);
    core.messagesAfterAppend = messages.filter((message) => !early.includes(message));
    messages.splice(0, messages.length, ...early);
  }
  return {
    ...(unwritten?.truncate && { truncate: unwritten.truncate }),
    entries: unwritten?.entries ?? [],
    ...(withState && { hardState }),
    messages,
    token: core.appending,
  };
}
