// The leader's part in a change of the members: what it takes on, and when it leads out of the joint configuration. What a change means is in membership.ts.
import type { Core, Refusal } from "./core.ts";
import { changed, type ConfChange, encodeConf, isJoint, isVoter, type MemberChange } from "./membership.ts";
import { isQuorum } from "./quorum.ts";
import { advanceCommit, appendAsLeader, broadcastHeartbeat, sendAppend } from "./replication.ts";

/** Entries a learner may lack when it is promoted. */
const promotionLagEntries = 1_000;

/** It changes nothing; of those who would decide then, too few answer now; who is to be promoted has not caught up. */
export type ConfRefusal = "Unchanged" | "NoQuorum" | "Behind";

/** One at a time, and (unless forced) none that would leave no quorum of those who answer now. */
export function proposeConf(core: Core, changes: readonly MemberChange[], time: number, force: boolean): Refusal | ConfRefusal | undefined {
  if (core.role !== "leader") return "NotLeader";
  if (core.transferee !== 0) return "Transferring";
  if (core.pendingConfIndex > core.log.applied || isJoint(core.conf) || !core.committedInTerm) return "Pending";
  const next = changed(core.conf, { changes });
  if (JSON.stringify(next) === JSON.stringify(core.conf)) return "Unchanged";
  if (next.voters.length === 0) return "NoQuorum";
  if (!force) {
    for (const change of changes) if (change.do === "promote" && !isCaughtUp(core, change.member)) return "Behind";
    if (!isQuorum(next, (member) => core.isActive(member))) return "NoQuorum";
  }
  appendConf(core, { changes }, time);
  return undefined;
}

/** Whether a learner may be promoted. */
export function isCaughtUp(core: Core, member: number): boolean {
  const progress = core.progress.get(member);
  return progress !== undefined && core.isActive(member) && progress.state !== "snapshot" &&
    progress.matchIndex + promotionLagEntries >= core.log.lastIndex && progress.catchUpTicks < core.config.electionTicks;
}

function appendConf(core: Core, change: ConfChange, time: number): void {
  const entry = appendAsLeader(core, { type: "configuration", time, proposer: 0, sequence: 0, payload: encodeConf(change) });
  core.pendingConfIndex = entry.index;
}

/** Out of the joint configuration as soon as it holds and leadership is not being handed over: no operator is needed to finish a change. */
export function leaveJoint(core: Core): void {
  if (core.role === "leader" && isJoint(core.conf) && core.pendingConfIndex <= core.log.applied && core.transferee === 0) {
    appendConf(core, { changes: [] }, 0);
  }
}

/** On every member, at the same index. */
export function applyConf(core: Core, change: ConfChange): void {
  core.conf = changed(core.conf, change);
  if (core.role !== "leader") return;
  core.followConf();
  // A leader that is no voter any more has led the change to its end, and goes.
  if (!isJoint(core.conf) && !isVoter(core.conf, core.id)) return core.becomeFollower(core.term, 0);
  if (advanceCommit(core)) broadcastHeartbeat(core);
  for (const member of core.progress.keys()) if (member !== core.id) sendAppend(core, member);
  if (core.transferee !== 0 && !core.conf.voters.includes(core.transferee)) core.transferee = 0;
}
