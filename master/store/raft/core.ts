// What all parts of the state machine share: one member's state, the ways between the roles, and the outbox. No clock, no disk, no network, no chance but
// the generator that is handed in: the same calls give the same state.
import type { Random } from "../../../shared/util/clock.ts";
import { assert } from "../../../shared/util/assert.ts";
import { type ConfState, isVoter, members } from "./membership.ts";
import { type Body, type HardState, type LogEntry, type Message, type SnapshotMeta } from "./message.ts";
import { Progress } from "./progress.ts";
import { ReadIndexQueue } from "./read_index.ts";
import { type LogStart, RaftLog } from "./log.ts";
import { UnderWay } from "./under_way.ts";

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

export interface CoreConfig {
  readonly id: number;
  /** Ticks between heartbeats. */
  readonly heartbeatTicks: number;
  /** Least ticks without a leader before an election; each wait is drawn between this and twice this. */
  readonly electionTicks: number;
  /** Bytes of entries in one message, unless one entry alone is larger. */
  readonly appendBytes?: number;
  /** Bytes of entries in one write, unless one entry alone is larger. */
  readonly writeBytes?: number;
  readonly random: Random;
}

export interface CoreStart {
  readonly hardState: HardState;
  readonly conf: ConfState;
  readonly log: LogStart;
}

/** How a read that was asked for ends. No index: it was not confirmed, and may be asked again under a new context. */
export interface ReadState {
  readonly context: number;
  readonly index?: number;
}

/** Why a proposal is not taken. */
export type Refusal = "NotLeader" | "Overloaded" | "Pending" | "Transferring" | "NoRoom";

/** A forwarded proposal that was not appended: this copy of it. */
export interface RejectedProposal {
  readonly proposer: number;
  readonly sequence: number;
  /** The member that says so; and whether it does because its disk is full. */
  readonly by: number;
  readonly noRoom: boolean;
}

/** Names an append, so that its completion says exactly what became durable. */
export interface AppendToken {
  readonly term: number;
  readonly lastIndex: number;
  readonly generation: number;
}

export class Core {
  readonly id: number;
  readonly config: CoreConfig;
  readonly log: RaftLog;
  conf: ConfState;
  role: Role = "follower";
  term: number;
  vote: number;
  /** 0 = unknown. */
  leader = 0;
  /** Of everybody who gets the log, in the order of ids; kept by the leader only. */
  progress = new Map<number, Progress>();
  votes = new Map<number, boolean>();
  readonly reads = new ReadIndexQueue();
  /** Reads that came before this leader had committed in its term. */
  earlyReads: { from: number; context: number }[] = [];
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout = 0;
  /** Member that leadership is being handed to; 0 = none. */
  transferee = 0;
  /** No change of the members may be proposed before this index is applied. */
  pendingConfIndex = 0;
  /** Nothing, where it does not lead. */
  readonly underWay = new UnderWay();
  /** Last index that was offered to all members. */
  broadcast = 0;
  /** The term that is on disk: nothing of a later term may leave this member. */
  durableTerm: number;
  saved: HardState;
  appending: AppendToken | undefined;
  /** Ticks for which the append under way has not come back. */
  appendTicks = 0;
  /** A snapshot from the leader that the shell is to install. */
  installing: SnapshotMeta | undefined;
  offered: SnapshotMeta | undefined;
  messages: Message[] = [];
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];
  rejectedProposals: RejectedProposal[] = [];

  constructor(config: CoreConfig, start: CoreStart) {
    this.id = config.id;
    this.config = config;
    this.term = this.durableTerm = start.hardState.term;
    this.vote = start.hardState.vote;
    this.saved = start.hardState;
    this.conf = start.conf;
    this.log = new RaftLog(start.log);
    this.resetElectionTimer();
  }

  get isSoleVoter(): boolean {
    return this.conf.voters.length === 1 && this.conf.voters[0] === this.id && this.conf.outgoing.length === 0;
  }
  get isVoter(): boolean {
    return isVoter(this.conf, this.id);
  }
  /** Raft §5.4.2, thesis §6.4: before that, a leader knows neither what is committed nor what a read must see. */
  get committedInTerm(): boolean {
    return this.log.term(this.log.commit) === this.term;
  }

  /** Queues a message; whatever promises durability leaves only once it is true (Raft Fig. 2: "updated on stable storage before responding"). */
  send(to: number, body: Body, term = this.term): void {
    const message = { ...body, from: this.id, to, term } as Message;
    (this.#promisesDurability(body) ? this.messagesAfterAppend : this.messages).push(message);
  }

  #promisesDurability(body: Body): boolean {
    switch (body.type) {
      case "PreVote":
      case "PreVoteResponse":
        return false; // binds nobody to anything
      case "Vote":
        return true;
      case "VoteResponse":
        return body.granted || this.term > this.durableTerm;
      case "AppendResponse":
        return body.hint === undefined || this.term > this.durableTerm;
      default:
        return this.term > this.durableTerm;
    }
  }

  becomeFollower(term: number, leader: number): void {
    assert(term >= this.term, `term ${this.term} would go back to ${term}`);
    if (term > this.term) {
      this.term = term;
      this.vote = 0; // only with a new term: a vote given in this one stays given
      // What was promised to the old term and is not on disk yet may never get there.
      this.messagesAfterAppend = this.messagesAfterAppend.filter((message) => message.term >= term);
    }
    this.#leaveRole("follower");
    this.leader = leader;
  }

  becomePreCandidate(): void {
    this.#leaveRole("preCandidate");
    this.leader = 0;
  }

  becomeCandidate(): void {
    this.term++;
    this.vote = this.id;
    this.#leaveRole("candidate");
    this.leader = 0;
  }

  becomeLeader(): void {
    assert(this.role === "candidate", `a ${this.role} cannot become leader`);
    this.#leaveRole("leader");
    this.leader = this.id;
    this.progress.clear();
    this.followConf();
    // Entries of earlier terms may contain a change that is not applied yet.
    this.pendingConfIndex = this.log.lastIndex;
    for (let index = this.log.commit + 1; index <= this.log.lastIndex; index++) this.underWay.add(this.log.entry(index)!);
    this.broadcast = 0;
  }

  #leaveRole(next: Role): void {
    if (this.role === "leader") {
      this.underWay.clear();
      for (const read of [...this.reads.clear(), ...this.earlyReads]) this.failRead(read.from, read.context);
      this.earlyReads = [];
      this.progress.clear();
    }
    this.role = next;
    this.votes = new Map();
    this.transferee = 0;
    this.heartbeatElapsed = 0;
    this.resetElectionTimer();
  }

  failRead(from: number, context: number): void {
    if (from === this.id) this.readStates.push({ context });
    // Others ask again: their attempt has a deadline.
  }

  resetElectionTimer(): void {
    const ticks = this.config.electionTicks;
    this.electionElapsed = 0;
    this.electionTimeout = ticks + Math.floor(this.config.random() * ticks);
  }

  /** Makes `progress` list exactly the members, newcomers beginning with a probe at the end of the log. */
  followConf(): void {
    const before = this.progress;
    this.progress = new Map(members(this.conf).map((id) => [id, before.get(id) ?? this.#newcomer(id)]));
  }
  #newcomer(id: number): Progress {
    const progress = new Progress(this.log.lastIndex + 1);
    if (id === this.id) progress.become("replicate");
    return progress;
  }

  /** Whether a member of this leader was heard within the last election timeout. */
  isActive(member: number): boolean {
    return member === this.id || (this.progress.get(member)?.silentTicks ?? Infinity) <= this.config.electionTicks;
  }
  /** Index up to which `member` holds this leader's log; of the leader itself, what its own disk has. */
  matchIndex(member: number): number {
    return member === this.id ? this.log.durable : this.progress.get(member)?.matchIndex ?? 0;
  }

  /** True when a change of the members is committed and not applied yet: until then this member does not know by whom to be elected. */
  hasUnappliedConf(): boolean {
    for (let index = this.log.applied + 1; index <= this.log.commit; index++) {
      if ((this.log.entry(index) as LogEntry).type === "configuration") return true;
    }
    return false;
  }
}
