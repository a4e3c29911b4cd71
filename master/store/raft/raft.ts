// The Raft state machine of one member: what it is told goes in by step(), tick(), propose() …; what must happen comes out of take(), as one value. The shell
// obeys it in this order: write `append`, send `messages` (at once) and `append.messages` (once written), apply `committed`; and reports back
// with appendDone() and applyDone(). Nothing here waits, and nothing here fails but by a broken invariant.
import { applySliceEntries } from "../../../shared/limits.ts";
import { type AppendToken, Core, type CoreConfig, type CoreStart, type Refusal, type Role } from "./core.ts";
import { believeCommitted, campaign, handleVote, handleVoteResponse, transferTo } from "./election.ts";
import { type ConfState, decodeConfChange, type MemberChange } from "./membership.ts";
import type { LogEntry, Message, Proposal, SnapshotMeta } from "./message.ts";
import type { Progress } from "./progress.ts";
import { type Ready, takeAppend } from "./ready.ts";
import { applyConf, type ConfRefusal, isCaughtUp, leaveJoint, proposeConf } from "./reconfiguration.ts";
import {
  advanceCommit,
  appendAsLeader,
  broadcastAppend,
  broadcastHeartbeat,
  checkQuorum,
  handleAppend,
  handleAppendResponse,
  handleHeartbeat,
  handleHeartbeatResponse,
  handleSnapshot,
  hasRoomFor,
  readAsLeader,
  sendCommit,
  snapshotInstalled,
} from "./replication.ts";

export class Raft {
  readonly #core: Core;
  #installTaken: SnapshotMeta | undefined;

  constructor(config: CoreConfig, start: CoreStart) {
    this.#core = new Core(config, start);
  }

  get id(): number {
    return this.#core.id;
  }
  get role(): Role {
    return this.#core.role;
  }
  get term(): number {
    return this.#core.term;
  }
  /** 0 = unknown. */
  get leader(): number {
    return this.#core.leader;
  }
  get conf(): ConfState {
    return this.#core.conf;
  }
  get commitIndex(): number {
    return this.#core.log.commit;
  }
  get appliedIndex(): number {
    return this.#core.log.applied;
  }
  get durableIndex(): number {
    return this.#core.log.durable;
  }
  get firstIndex(): number {
    return this.#core.log.firstIndex;
  }
  get lastIndex(): number {
    return this.#core.log.lastIndex;
  }
  get vote(): number {
    return this.#core.vote;
  }
  get isSoleVoter(): boolean {
    return this.#core.isSoleVoter;
  }
  /** True once this leader has committed an entry of its own term. */
  get isEstablished(): boolean {
    return this.#core.role === "leader" && this.#core.committedInTerm;
  }
  termAt(index: number): number | undefined {
    return this.#core.log.term(index);
  }
  entryAt(index: number): LogEntry | undefined {
    return this.#core.log.entry(index);
  }

  /** From now on the entry's payload is held in `payload`, which has the same bytes. */
  movePayload(index: number, payload: Uint8Array): void {
    this.#core.log.movePayload(index, payload);
  }

  /** One heartbeat interval of monotonic time has passed. */
  tick(): void {
    const core = this.#core;
    if (core.appending) core.appendTicks++;
    const stalled = core.appendTicks > core.config.electionTicks;
    core.electionElapsed++;
    if (core.role !== "leader") {
      // A disk that does not answer could not keep the vote either.
      if (core.electionElapsed >= core.electionTimeout && !stalled) {
        core.resetElectionTimer();
        campaign(core);
      }
      return;
    }
    // Others have better disks; a sole voter has nobody to hand over to.
    if (stalled && !core.isSoleVoter) return core.becomeFollower(core.term, 0);
    for (const progress of core.progress.values()) progress.tick(core.log.lastIndex);
    if (core.electionElapsed >= core.config.electionTicks) {
      core.electionElapsed = 0;
      core.transferee = 0;
      if (!checkQuorum(core)) return core.becomeFollower(core.term, 0);
      leaveJoint(core); // which a transfer that came to nothing has held up
    }
    if (++core.heartbeatElapsed >= core.config.heartbeatTicks) {
      core.heartbeatElapsed = 0;
      broadcastHeartbeat(core);
    }
  }

  /** This process stood still for longer than an election takes: it has to listen for a full timeout before it judges that the leader is gone. */
  woke(): void {
    this.#core.resetElectionTimer();
  }

  /** Holds an election now instead of waiting for the timeout. */
  campaign(): void {
    campaign(this.#core);
  }

  step(message: Message): void {
    const core = this.#core;
    if (message.to !== core.id) return;
    if (message.type === "Committed") return believeCommitted(core, message);
    if (message.term > core.term) {
      if (message.type === "PreVote" || message.type === "Vote") {
        // Thesis §4.2.3: who hears from a leader helps nobody to depose it, unless the leader wants it.
        if (!message.transfer && core.leader !== 0 && core.electionElapsed < core.config.electionTicks) return;
      }
      const hypothetical = message.type === "PreVote" || (message.type === "PreVoteResponse" && message.granted);
      if (!hypothetical) {
        const fromLeader = message.type === "Append" || message.type === "Heartbeat" || message.type === "Snapshot";
        core.becomeFollower(message.term, fromLeader ? message.from : 0);
      }
    } else if (message.term < core.term) return this.#answerStale(message);
    switch (message.type) {
      case "PreVote":
      case "Vote":
        return handleVote(core, message);
      case "PreVoteResponse":
      case "VoteResponse":
        return handleVoteResponse(core, message);
      case "Append":
        return handleAppend(core, message);
      case "Heartbeat":
        return handleHeartbeat(core, message);
      case "Snapshot":
        return handleSnapshot(core, message);
      case "AppendResponse":
        return core.role === "leader" ? handleAppendResponse(core, message) : undefined;
      case "HeartbeatResponse":
        return core.role === "leader" ? handleHeartbeatResponse(core, message) : undefined;
      case "TimeoutNow":
        return message.from === core.leader ? campaign(core, true) : undefined;
      case "ReadIndex":
        return core.role === "leader" ? readAsLeader(core, message.from, message.context) : undefined;
      case "ReadIndexResponse":
        return void core.readStates.push({ context: message.context, index: message.index });
      case "Propose":
        if (this.propose(message.proposal) !== undefined) {
          const { proposer, sequence } = message.proposal;
          core.send(message.from, { type: "ProposeRejected", proposer, sequence });
        }
        return;
      case "ProposeRejected":
      case "ProposeNoRoom": {
        const { proposer, sequence, from, type } = message;
        return void core.rejectedProposals.push({ proposer, sequence, by: from, noRoom: type === "ProposeNoRoom" });
      }
      default:
        message satisfies never;
    }
  }

  /** A word from a term that is over: whoever believes itself leader, or asks for votes, learns the new term by the answer. */
  #answerStale(message: Message): void {
    const core = this.#core;
    if (message.type === "Append" || message.type === "Heartbeat" || message.type === "Snapshot") {
      core.send(message.from, { type: "AppendResponse", index: 0, hint: { index: 0, term: 0 } });
    } else if (message.type === "PreVote") core.send(message.from, { type: "PreVoteResponse", granted: false });
    else if (message.type === "Vote") core.send(message.from, { type: "VoteResponse", granted: false });
    else if (message.type === "Propose") {
      core.send(message.from, { type: "ProposeRejected", proposer: message.proposal.proposer, sequence: message.proposal.sequence });
    }
  }

  /** Appends to the leader's log, or forwards to the leader. @returns why not, or undefined: then it may commit, even if nobody ever hears of it. */
  propose(proposal: Proposal): Refusal | undefined {
    const core = this.#core;
    if (core.role !== "leader") {
      if (core.leader === 0) return "NotLeader";
      core.send(core.leader, { type: "Propose", proposal });
      return undefined;
    }
    if (core.underWay.has(proposal)) return undefined;
    if (core.transferee !== 0) return "Transferring";
    if (!hasRoomFor(core, proposal.payload)) return "Overloaded";
    appendAsLeader(core, proposal);
    return undefined;
  }

  /** Answers another member's proposal that this disk has no room for. */
  refuse(from: number, { proposer, sequence }: Proposal): void {
    this.#core.send(from, { type: "ProposeNoRoom", proposer, sequence });
  }

  /** Proposes a change of the members. One at a time, and (unless forced) none that would leave no quorum of those who answer now. */
  proposeConf(changes: readonly MemberChange[], time: number, force = false): Refusal | ConfRefusal | undefined {
    return proposeConf(this.#core, changes, time, force);
  }

  /** Asks for an index at which a read is linearizable; the answer is in some Ready.reads. `context` must be new for each attempt. */
  readIndex(context: number): void {
    const core = this.#core;
    if (core.role === "leader") readAsLeader(core, core.id, context);
    else if (core.leader === 0) core.failRead(core.id, context);
    else core.send(core.leader, { type: "ReadIndex", context });
  }

  /** What this leader knows of a member's copy of the log: the last entry that it holds for certain, whether it answers, and whether it may be promoted. */
  progressOf(member: number): { readonly matchIndex: number; readonly active: boolean; readonly caughtUp: boolean } | undefined {
    const core = this.#core;
    if (!core.progress.has(member)) return undefined;
    return { matchIndex: core.matchIndex(member), active: core.isActive(member), caughtUp: isCaughtUp(core, member) };
  }
  /** What this leader sends to a member next, and how; `paused`: nothing, until it answers. */
  sendingTo(member: number): Pick<Progress, "nextIndex" | "state" | "paused"> | undefined {
    return this.#core.progress.get(member);
  }

  /** Who should lead after this leader: of the voters that answer, the one that holds most. Undefined: there is nobody, or this member does not lead. */
  successor(except: ReadonlySet<number> = new Set()): number | undefined {
    const core = this.#core;
    if (core.role !== "leader") return undefined;
    const able = core.conf.voters.filter((member) => member !== core.id && !except.has(member) && core.isActive(member));
    return able.sort((a, b) => core.matchIndex(b) - core.matchIndex(a))[0];
  }

  get isTransferring(): boolean {
    return this.#core.transferee !== 0;
  }
  /** @returns false when this member does not lead or `member` is no voter. */
  transfer(member: number): boolean {
    return transferTo(this.#core, member);
  }

  /** Everything that has to happen now; undefined when nothing has. Entries wait while an append is under way, and go together with the next. */
  take(): Ready | undefined {
    const core = this.#core;
    broadcastAppend(core);
    const append = core.appending ? undefined : takeAppend(core);
    const messages = core.messages;
    core.messages = [];
    if (!append && !core.appending && core.messagesAfterAppend.length > 0) {
      messages.push(...core.messagesAfterAppend);
      core.messagesAfterAppend = [];
    }
    const committed = core.log.takeCommitted(applySliceEntries);
    const reads = core.readStates, rejected = core.rejectedProposals;
    if (reads.length > 0) core.readStates = [];
    if (rejected.length > 0) core.rejectedProposals = [];
    const install = core.installing === this.#installTaken ? undefined : core.installing;
    this.#installTaken = core.installing;
    if (!append && !install && messages.length === 0 && committed.length === 0 && reads.length === 0 && rejected.length === 0) {
      return undefined;
    }
    return { ...(append && { append }), messages, committed, reads, rejected, ...(install && { install }) };
  }

  /** The append that `token` names is durable; its messages may leave now. */
  appendDone(token: AppendToken): void {
    const core = this.#core;
    if (core.appending === token) core.appending = undefined;
    core.appendTicks = 0;
    core.durableTerm = Math.max(core.durableTerm, token.term);
    core.log.written(token.lastIndex, token.generation);
    if (core.role === "leader" && advanceCommit(core)) sendCommit(core);
  }

  /** The state machine has applied everything up to `index`. Changes of the members take effect here. */
  applyDone(index: number): void {
    const core = this.#core;
    for (let at = core.log.applied + 1; at <= index; at++) {
      const entry = core.log.entry(at)!;
      if (entry.type === "configuration") applyConf(core, decodeConfChange(entry.payload));
    }
    core.log.appliedTo(index);
    leaveJoint(core);
  }

  /** A snapshot at `meta` is durable: entries up to `compactTo` may be forgotten, and who needs them gets the snapshot. */
  snapshotTaken(meta: SnapshotMeta, compactTo: number): void {
    this.#core.offered = meta;
    this.#core.log.compact(compactTo);
  }

  /** The snapshot that Ready.install asked for is durable and restored. */
  snapshotInstalled(meta: SnapshotMeta): void {
    snapshotInstalled(this.#core, meta);
    this.#core.offered = meta;
  }

  /** It could not be fetched; the leader will offer another. */
  installFailed(meta: SnapshotMeta): void {
    if (this.#core.installing !== meta) return;
    this.#core.installing = this.#installTaken = undefined;
  }
}
