// Elections (Raft §5.2, §5.4.1) with a pre-vote before each (thesis §9.6): a member that could not win does not disturb who leads. And the handing over of leadership
// (thesis §3.10).
import type { Core } from "./core.ts";
import { members } from "./membership.ts";
import type { MessageOf } from "./message.ts";
import { tally } from "./quorum.ts";
import { appendAsLeader, sendAppend } from "./replication.ts";

/** Asks whether an election could be won, and if so holds it. `transfer`: the leader itself asked for it, so others need not believe that it is alive. */
export function campaign(core: Core, transfer = false): void {
  if (core.role === "leader" || !core.isVoter || core.hasUnappliedConf() || core.installing) return;
  if (transfer) return electMe(core, true);
  core.becomePreCandidate();
  core.votes.set(core.id, true);
  if (tally(core.conf, core.votes) === "won") return electMe(core, false);
  ask(core, "PreVote", core.term + 1, false);
}

function electMe(core: Core, transfer: boolean): void {
  core.becomeCandidate();
  // Its own vote counts before it is durable: nobody hears of this term before it is (see Core.send).
  core.votes.set(core.id, true);
  if (tally(core.conf, core.votes) === "won") return lead(core);
  ask(core, "Vote", core.term, transfer);
}

function ask(core: Core, type: "PreVote" | "Vote", term: number, transfer: boolean): void {
  const { lastIndex, lastTerm } = core.log;
  for (const member of members(core.conf)) {
    if (member === core.id || core.conf.learners.includes(member)) continue;
    core.send(member, { type, lastIndex, lastTerm, transfer }, term);
  }
}

function lead(core: Core): void {
  core.becomeLeader();
  // An entry of its own term is what lets it commit those of earlier ones (Raft §5.4.2) and answer reads (thesis §6.4).
  appendAsLeader(core, { type: "noop", time: 0, proposer: 0, sequence: 0, payload: new Uint8Array(0) });
}

export function handleVote(core: Core, message: MessageOf<"PreVote" | "Vote">): void {
  tellCommitted(core, message.from);
  const granted =
    (message.type === "PreVote" ? message.term > core.term : core.vote === message.from || (core.vote === 0 && core.leader === 0)) &&
    core.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (message.type === "PreVote") {
    // A refusal carries our own term, so that who is behind learns it.
    return core.send(message.from, { type: "PreVoteResponse", granted }, granted ? message.term : core.term);
  }
  if (granted) {
    core.vote = message.from;
    core.resetElectionTimer();
  }
  core.send(message.from, { type: "VoteResponse", granted });
}

/**
 * Who was removed will not stand for election, though its log may be the longest; and who does not know yet that its going is committed needs its vote. So it says
 * how far it knows the log to be committed (as raft-rs does with each vote): then the others know the configuration without it, and need it no more.
 */
function tellCommitted(core: Core, to: number): void {
  const { commit } = core.log, entryTerm = core.log.term(commit);
  if (core.conf.removed.includes(core.id) && entryTerm !== undefined) core.send(to, { type: "Committed", index: commit, entryTerm });
}
/** What is committed stays so: it is true in every term. Equal index and term mean the same log up to there (Raft §5.3, log matching). */
export function believeCommitted(core: Core, { index, entryTerm }: MessageOf<"Committed">): void {
  if (core.role !== "leader" && core.log.term(index) === entryTerm) core.log.commitTo(index);
}

/** An answer counts once for each member, and only for the question of this very term. */
export function handleVoteResponse(core: Core, message: MessageOf<"PreVoteResponse" | "VoteResponse">): void {
  const asked = message.type === "PreVoteResponse" ? core.role === "preCandidate" : core.role === "candidate";
  if (!asked) return;
  if (message.granted && message.term !== (message.type === "PreVoteResponse" ? core.term + 1 : core.term)) return;
  if (!core.votes.has(message.from)) core.votes.set(message.from, message.granted);
  const result = tally(core.conf, core.votes);
  if (result === "lost") return core.becomeFollower(core.term, 0);
  if (result === "won") return core.role === "preCandidate" ? electMe(core, false) : lead(core);
}

/** Hands leadership to `member`: no new proposals, wait until it holds everything, then tell it not to wait. Ends after one election timeout. */
export function transferTo(core: Core, member: number): boolean {
  const progress = core.progress.get(member);
  if (core.role !== "leader" || member === core.id || !progress || !core.conf.voters.includes(member)) return false;
  core.transferee = member;
  core.electionElapsed = 0;
  if (progress.matchIndex === core.log.lastIndex) core.send(member, { type: "TimeoutNow" });
  else sendAppend(core, member);
  return true;
}
