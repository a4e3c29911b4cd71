// The leader's half of AppendEntries and the follower's (Raft §5.3), commitment (§5.4.2), heartbeats and confirmed reads.
import { appendMessageBytes, pendingReads, uncommittedBytes } from "../../../shared/limits.ts";
import type { Core } from "./core.ts";
import { isQuorum, quorumIndex } from "./quorum.ts";
import type { Progress } from "./progress.ts";
import { entrySize, type LogEntry, type MessageOf, type Proposal, type SnapshotMeta } from "./message.ts";

/** Appends to the leader's own log. Sending waits for the next take(), so that what comes together travels together. */
export function appendAsLeader(core: Core, proposal: Proposal): LogEntry {
  const entry: LogEntry = {
    index: core.log.lastIndex + 1,
    term: core.term,
    type: proposal.type,
    time: Math.max(proposal.time, core.log.lastTime),
    proposer: proposal.proposer,
    sequence: proposal.sequence,
    payload: proposal.payload,
  };
  core.log.append(entry);
  core.underWay.add(entry);
  return entry;
}

export const hasRoomFor = (core: Core, payload: Uint8Array): boolean =>
  core.underWay.bytes === 0 || core.underWay.bytes + entrySize({ payload }) <= uncommittedBytes;

/** Sends what is new to everybody, beside the leader's own write (thesis §10.2.1). */
export function broadcastAppend(core: Core): void {
  if (core.role !== "leader" || core.broadcast === core.log.lastIndex) return;
  core.broadcast = core.log.lastIndex;
  for (const member of core.progress.keys()) if (member !== core.id) sendAppend(core, member, false);
}

/**
 * Sends what `member` lacks, as far as its pipeline has room; with `evenEmpty`, also a message without entries, which tells the commit index and finds gaps. What does
 * not fill a message waits while another is unanswered (as in RFC 896): its disk is at work on that one, and what comes meanwhile travels together.
 */
export function sendAppend(core: Core, member: number, evenEmpty = true): void {
  const progress = core.progress.get(member);
  if (!progress || progress.paused) return;
  do {
    const previousIndex = progress.nextIndex - 1, previousTerm = core.log.term(previousIndex);
    if (previousTerm === undefined) return sendSnapshot(core, member);
    const maxBytes = core.config.appendBytes ?? appendMessageBytes, lacking = core.log.slice(progress.nextIndex, maxBytes);
    const bytes = lacking.reduce((sum, entry) => sum + entrySize(entry), 0);
    const fills = bytes >= maxBytes || previousIndex + lacking.length < core.log.lastIndex;
    const entries = fills || !progress.isAwaited ? lacking : [];
    if (entries.length === 0 && !evenEmpty) return;
    core.send(member, { type: "Append", previousIndex, previousTerm, entries, commit: core.log.commit });
    progress.sent(previousIndex + entries.length, bytes);
    progress.commitTold = Math.min(core.log.commit, previousIndex + entries.length);
    if (entries.length === 0) return;
    evenEmpty = false;
  } while (!progress.paused && progress.nextIndex <= core.log.lastIndex);
}

/** More was committed: everybody is told, beside new entries where there are some. Who is about to go is told at once: it may be the last that he hears. */
export function sendCommit(core: Core): void {
  const staying = [...core.conf.voters, ...core.conf.learners];
  for (const [member, progress] of core.progress) {
    if (member === core.id) continue;
    sendAppend(core, member, progress.state !== "replicate" || !staying.includes(member));
    tellCommit(core, member, progress);
  }
}
/** Who owes an answer is told with what is sent then; who holds all of it needs a word and no answer. */
function tellCommit(core: Core, member: number, progress: Progress): void {
  const { commit } = core.log;
  if (progress.state !== "replicate" || progress.isAwaited || progress.matchIndex < commit || progress.commitTold >= commit) return;
  core.send(member, { type: "Committed", index: commit, entryTerm: core.log.term(commit)! });
  progress.commitTold = commit;
}

function sendSnapshot(core: Core, member: number): void {
  const progress = core.progress.get(member)!;
  // Only to who answers: a snapshot is large, and who is away will need a newer one.
  if (!core.isActive(member) || !core.offered) return;
  progress.become("snapshot", core.offered.index);
  core.send(member, { type: "Snapshot", snapshot: core.offered });
}

export function broadcastHeartbeat(core: Core): void {
  for (const [member, progress] of core.progress) {
    if (member === core.id) continue;
    // Never beyond what the member is known to hold: what lies behind may contradict our log.
    core.send(member, { type: "Heartbeat", commit: Math.min(progress.matchIndex, core.log.commit), round: core.reads.round });
  }
}

/** Raft §5.4.2: only entries of the leader's own term are committed by counting; those before them come along. */
export function advanceCommit(core: Core): boolean {
  const index = quorumIndex(core.conf, (member) => core.matchIndex(member));
  if (index === Infinity || core.log.term(index) !== core.term) return false;
  const before = core.log.commit;
  if (!core.log.commitTo(index)) return false;
  for (let at = before + 1; at <= index; at++) core.underWay.remove(core.log.entry(at)!);
  answerEarlyReads(core);
  return true;
}

export function handleAppend(core: Core, message: MessageOf<"Append">): void {
  followLeader(core, message.from);
  const { previousIndex, previousTerm, entries } = message;
  if (previousIndex < core.log.commit && previousIndex + entries.length <= core.log.commit) {
    return core.send(message.from, { type: "AppendResponse", index: core.log.commit });
  }
  if (previousIndex >= core.log.commit && !core.log.matches(previousIndex, previousTerm)) {
    return core.send(message.from, {
      type: "AppendResponse",
      index: previousIndex,
      hint: core.log.agreement(previousIndex, previousTerm),
    });
  }
  core.log.merge(entries);
  const lastNew = previousIndex + entries.length;
  // Not beyond what this message covered: the rest of our log may be another leader's.
  core.log.commitTo(Math.min(message.commit, lastNew));
  core.send(message.from, { type: "AppendResponse", index: lastNew });
}

export function handleAppendResponse(core: Core, message: MessageOf<"AppendResponse">): void {
  const progress = core.progress.get(message.from);
  if (!progress) return;
  progress.silentTicks = 0;
  if (message.hint) {
    // Both sides skip whole terms that cannot agree (Raft §5.3, the accelerated form).
    const agreement = core.log.agreement(message.hint.index, message.hint.term).index;
    if (progress.refused(message.index, agreement)) sendAppend(core, message.from);
    return;
  }
  if (message.index > core.log.lastIndex) return; // not an answer to anything this leader has sent
  const wasPaused = progress.paused;
  if (!progress.matched(message.index)) {
    if (progress.state === "probe" && progress.matchIndex === message.index) progress.become("replicate");
    else if (!wasPaused) return;
  } else if (progress.state === "probe") progress.become("replicate");
  else if (progress.state === "snapshot" && progress.matchIndex + 1 >= core.log.firstIndex) {
    progress.become("probe");
    progress.become("replicate");
  }
  if (advanceCommit(core)) sendCommit(core);
  else {
    sendAppend(core, message.from, wasPaused);
    tellCommit(core, message.from, progress);
  }
  if (message.from === core.transferee && progress.matchIndex === core.log.lastIndex) core.send(message.from, { type: "TimeoutNow" });
}

export function handleHeartbeat(core: Core, message: MessageOf<"Heartbeat">): void {
  followLeader(core, message.from);
  core.log.commitTo(Math.min(message.commit, core.log.lastIndex));
  core.send(message.from, { type: "HeartbeatResponse", round: message.round });
}

export function handleHeartbeatResponse(core: Core, message: MessageOf<"HeartbeatResponse">): void {
  const progress = core.progress.get(message.from);
  if (!progress) return;
  progress.silentTicks = 0;
  progress.probing = false;
  if (progress.state === "replicate" && progress.paused) progress.freeOne();
  // Whether the offer was lost or the transfer takes long, a newer one does no harm: the member ignores what it is already fetching.
  if (progress.state === "snapshot" && progress.snapshotTicks >= core.config.electionTicks) sendSnapshot(core, message.from);
  if (progress.matchIndex < core.log.lastIndex || progress.state === "probe") sendAppend(core, message.from);
  const confirmed = core.reads.confirm(core.conf, core.id, message.from, message.round);
  if (!confirmed) return;
  for (const read of confirmed.reads) answerRead(core, read.from, read.context, confirmed.index);
  if (core.reads.start(core.log.commit)) broadcastHeartbeat(core);
}

/** A read on behalf of `from` (this member or a follower). */
export function readAsLeader(core: Core, from: number, context: number): void {
  if (!core.committedInTerm) {
    if (core.earlyReads.length < pendingReads) core.earlyReads.push({ from, context });
    else core.failRead(from, context);
    return;
  }
  if (core.isSoleVoter) return answerRead(core, from, context, core.log.commit);
  core.reads.add({ from, context });
  if (core.reads.start(core.log.commit)) broadcastHeartbeat(core);
}

function answerEarlyReads(core: Core): void {
  if (core.earlyReads.length === 0 || !core.committedInTerm) return;
  const reads = core.earlyReads;
  core.earlyReads = [];
  for (const read of reads) readAsLeader(core, read.from, read.context);
}

function answerRead(core: Core, from: number, context: number, index: number): void {
  if (from === core.id) core.readStates.push({ context, index });
  else core.send(from, { type: "ReadIndexResponse", context, index });
}

/** The follower's answer to an offered snapshot: what it has already, or the wish to install it. */
export function handleSnapshot(core: Core, message: MessageOf<"Snapshot">): void {
  followLeader(core, message.from);
  const { snapshot } = message;
  if (snapshot.index <= core.log.commit) return core.send(message.from, { type: "AppendResponse", index: core.log.commit });
  // A newer offer supersedes one that has not arrived yet.
  if (!core.installing || core.installing.index < snapshot.index) core.installing = snapshot;
}

/** The shell has made the snapshot durable and restored the state from it. */
export function snapshotInstalled(core: Core, snapshot: SnapshotMeta): void {
  if (core.installing && core.installing.index <= snapshot.index) core.installing = undefined;
  core.log.restore(snapshot.index, snapshot.term);
  core.conf = snapshot.conf;
  if (core.leader !== 0 && core.leader !== core.id) core.send(core.leader, { type: "AppendResponse", index: core.log.commit });
}

function followLeader(core: Core, leader: number): void {
  core.electionElapsed = 0;
  if (core.role !== "follower") core.becomeFollower(core.term, leader);
  core.leader = leader;
}

/** Thesis §6.2: a leader that no quorum answers steps down, so that clients do not wait for it. */
export function checkQuorum(core: Core): boolean {
  return isQuorum(core.conf, (member) => core.isActive(member));
}
