// What must hold whatever happens (Raft Fig. 3 and what the store adds to it), looked at after every event. The first thing that does not ends the run.
import { crc32 } from "node:zlib";
import type { Entry } from "../../master/store/machine.ts";
import { type ConfState, isJoint } from "../../master/store/raft/membership.ts";
import type { Message } from "../../master/store/raft/message.ts";
import type { RaftView } from "../../master/store/replica_status.ts";
import { isDiskFull, type StorageError } from "../../master/store/storage_error.ts";
import type { TransactionResult } from "../../master/store/store.ts";
import { InvariantError } from "../../shared/util/assert.ts";
import type { Life, Observer, SimMember } from "./member.ts";
import { Disks } from "./judge_disks.ts";
import { Elections, isMajority } from "./judge_elections.ts";
import { LeaseTerms } from "./judge_leases.ts";
import { Memberships } from "./judge_members.ts";
import { type Must, Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What was committed at one index: the same on every member, for ever. */
export interface Committed {
  readonly index: number;
  readonly term: number;
  readonly time: number;
  readonly payload: Uint8Array;
  /** Of this entry, and of all that were committed before. */
  readonly chain: number;
  readonly outcome: unknown;
  /** When the first member applied it, in the order of the recorder. */
  readonly at: number;
  /** The term in which it was committed, at most: an old entry is committed by the first leader that commits one of its own behind it. */
  readonly inTerm: number;
}

/** What one life of a member was seen to have. */
interface Seen {
  term: number;
  commit: number;
  durable: number;
  first: number;
  applied: number;
  /** Index that its state machine is at; 0 where only the next entry will tell. */
  machine: number;
  conf: ConfState | undefined;
}
/** What a member has said to others in all its lives: the highest term it spoke in; and the highest entry that it said it holds to the last leader it said so to. */
interface Promised {
  term: number;
  index: number;
  /** Of that leader: what it promised to an earlier one, this one may have cut away. */
  indexTerm: number;
}

/** Entries that may come while a snapshot is written, and that share a segment with what is needed. */
const unhurriedEntries = 300;

export class Judge implements Observer {
  /** By index, from 1. */
  readonly committed: Committed[] = [];
  readonly #world: World;
  readonly #members: () => Iterable<SimMember>;
  readonly #moment: () => number;
  /** Told of every member that has won an election. */
  elected = (_id: number): void => {};
  /** Called when the members of somebody begin to change. */
  changing = (_conf: ConfState): void => {};
  readonly #elections: Elections;
  readonly #disks: Disks;
  readonly #memberships: Memberships;
  readonly #leases: LeaseTerms;
  readonly #promised = new Map<number, Promised>();
  readonly #lives = new WeakMap<Life, Seen>();
  /** By member: the last entry that it has applied in any life. */
  readonly #applied = new Map<number, number>();
  #broken: string | undefined;

  constructor(world: World, members: () => Iterable<SimMember>, moment: () => number) {
    this.#world = world;
    this.#members = members;
    this.#moment = moment;
    this.#elections = new Elections(this.#must);
    this.#disks = new Disks(this.#must);
    this.#memberships = new Memberships(this.#must);
    this.#leases = new LeaseTerms(this.#must);
  }
  /** Elections that were won. */
  get terms(): number {
    return this.#elections.leaders.size;
  }

  /** Not thrown here: most of this is called from inside the store, which would take the error for its own. look() throws it. */
  readonly #must: Must = (holds, what) => {
    if (!holds) this.#broken ??= what();
  };

  /** What it has promised in earlier lives, its disk must know. */
  started({ id, replica }: SimMember): void {
    this.#world.note(`start ${id}`);
    const { term, vote, lastIndex } = replica!.raft, promised = this.#promisedBy(id);
    this.#must(term >= promised.term, () => `${id} has spoken in term ${promised.term}, and starts again in term ${term}`);
    const voted = this.#elections.voteOf(id, term);
    this.#must(voted === undefined || voted === vote, () => `${id} has voted for ${voted} in term ${term}, and remembers ${vote}`);
    const applied = this.#applied.get(id) ?? 0;
    this.#must(lastIndex >= applied, () => `${id} has applied ${applied}, and its disk ends at ${lastIndex}`);
    // Of what it promised to a leader, a later one may have had it cut away what was not committed, and committed something else there.
    let kept = Math.min(promised.index, this.committed.length);
    while (kept > 0 && this.committed[kept - 1]!.term > promised.indexTerm) kept--;
    this.#must(lastIndex >= kept, () => `${id} has promised to keep the entries up to ${kept}, and starts again with ${lastIndex}`);
  }
  ended({ id, disk }: SimMember, error?: Error): void {
    this.#world.note(`end ${id}`);
    this.#must(!isDiskFull(error) || disk.failing.ENOSPC > 0, () => `${id} has stopped because its disk is full: ${error!.message}`);
    this.#must(!(error instanceof InvariantError), () => `${id} has stopped: ${error!.message}`);
  }
  refused({ id, disk }: SimMember, error: StorageError): void {
    this.#must(disk.isRotten, () => `${id} does not start, though nobody has touched its disk: ${error.message}`);
  }

  applied(member: SimMember, entry: Entry, outcome: unknown): void {
    const seen = this.#seen(member), { index, term, time, payload } = entry, { id } = member;
    this.#must(seen.machine === 0 || index === seen.machine + 1, () => `${id} applies ${index} behind ${seen.machine}`);
    seen.machine = index;
    this.#applied.set(id, Math.max(index, this.#applied.get(id) ?? 0));
    const before = this.committed[index - 2], known = this.committed[index - 1];
    const chain = crc32(payload, crc32(`${term} ${time}`, before?.chain ?? 0));
    this.#must(time >= (before?.time ?? 0), () => `log time goes back at entry ${index}`);
    if (known) {
      this.#must(
        known.chain === chain,
        () => `state machine safety: ${id} applies another entry of term ${term} at ${index}, where one of term ${known.term} was`,
      );
      this.#must(
        summary(known.outcome) === summary(outcome),
        () => `${id} at ${index} comes to ${summary(outcome)}, others came to ${summary(known.outcome)}`,
      );
      return;
    }
    this.#must(this.committed.length === index - 1, () => `${id} applies ${index}, and nobody has applied ${this.committed.length + 1}`);
    // Whoever commits is of this member's term by then, or of an earlier one; of a member that still recovers, it is only known that somebody has led.
    const inTerm = member.replica?.raft.term ?? Math.max(term, ...this.#elections.leaders.keys());
    this.#leases.applied(payload, outcome, member.life!.state.leases, this.#world.now);
    this.committed.push({ index, term, time, payload: payload.slice(), chain, outcome, at: this.#moment(), inTerm });
    this.#world.note(`${index}:${chain}`);
  }
  restored(member: SimMember): void {
    this.#seen(member).machine = 0;
  }

  /** Every message as it leaves: what it promises must be true already, and stay so. */
  sent(message: Message, sender: SimMember | undefined): void {
    this.#elections.sent(message, sender);
    if (sender) this.#disks.sent(message, sender);
    if (message.type === "PreVote" || message.type === "PreVoteResponse") return; // binds nobody to anything
    const promised = this.#promisedBy(message.from);
    promised.term = Math.max(promised.term, message.term);
    // What it says late to a leader that is none any more, may have been cut away meanwhile.
    const isLate = sender?.replica !== undefined && sender.replica.raft.term > message.term;
    if (message.type === "AppendResponse" && !message.hint && !isLate) promise(promised, message.term, message.index);
  }
  get known(): number {
    return this.committed.length;
  }
  /** Thesis §6.4: whatever was committed before a read was asked for, by whomever, it shows. */
  confirmed({ id }: SimMember, asked: number, index: number): void {
    this.#must(index >= asked, () => `${id} confirms a read at entry ${index}, and ${asked} was committed when it was asked for`);
  }
  received(member: SimMember, message: Message): void {
    this.#elections.received(member, message);
  }
  #promisedBy(id: number): Promised {
    let promised = this.#promised.get(id);
    if (!promised) this.#promised.set(id, promised = { term: 0, index: 0, indexTerm: 0 });
    return promised;
  }

  /** After every event. @throws Violation */
  look(): void {
    for (const member of this.#members()) if (member.replica) this.#lookAt(member, member.replica.raft);
    if (this.#broken !== undefined) throw new Violation(this.#broken);
  }

  #lookAt(member: SimMember, raft: RaftView): void {
    const { term, commitIndex, appliedIndex, durableIndex, conf } = raft, { id } = member, seen = this.#seen(member);
    if (durableIndex !== seen.durable || raft.firstIndex !== seen.first) {
      this.#disks.look(member, raft);
      Object.assign(seen, { durable: durableIndex, first: raft.firstIndex });
    }
    if (this.#world.steps % 64 === 0) this.#elections.reigns(member, raft);
    const isSame = term === seen.term && commitIndex === seen.commit && appliedIndex === seen.applied && conf === seen.conf;
    if (isSame && (raft.role !== "leader" || this.#elections.leaders.get(term) === id)) return;
    this.#must(term >= seen.term, () => `the term of ${id} went back from ${seen.term} to ${term}`);
    this.#must(commitIndex >= seen.commit, () => `the commit index of ${id} went back from ${seen.commit} to ${commitIndex}`);
    this.#must(
      appliedIndex <= Math.min(commitIndex, durableIndex),
      () => `${id} has applied ${appliedIndex}, of which ${commitIndex} is committed and ${durableIndex} on its disk`,
    );
    if (commitIndex > seen.commit) this.#lookAtCommit(id, raft, seen);
    // A sole voter is elected while it starts, and may have applied changes of the members since.
    const confs = seen.conf ? [conf, seen.conf] : [];
    if (appliedIndex !== seen.applied || conf !== seen.conf) this.#memberships.moved(id, raft, seen.applied, seen.conf);
    if (conf !== seen.conf && isJoint(conf)) this.changing(conf);
    Object.assign(seen, { term, commit: commitIndex, applied: appliedIndex, conf });
    if (raft.role === "candidate") this.#elections.stands(member, raft, confs.length > 0 ? confs : [conf]);
    if (raft.role !== "leader") return;
    if (this.#elections.leads(member, raft, confs)) this.#mustBeComplete(id, raft);
    // It counts its own copy without a word.
    const promised = this.#promisedBy(id);
    promise(promised, term, Math.min(durableIndex, commitIndex));
  }

  /** What is committed is on the disks of a majority (of both, while members change), and is the same entry wherever it is committed. */
  #lookAtCommit(id: number, raft: RaftView, seen: Seen): void {
    const { commitIndex, term, conf } = raft;
    for (const other of this.#members()) {
      const theirs = other.replica?.raft;
      if (!theirs || other.id === id) continue;
      const index = Math.min(commitIndex, theirs.commitIndex), a = raft.termAt(index), b = theirs.termAt(index);
      this.#must(
        a === undefined || b === undefined || a === b,
        () => `${id} has committed ${index} of term ${a}, ${other.id} that of term ${b}`,
      );
    }
    if (raft.role !== "leader" || this.#elections.leaders.get(term) !== id || seen.term !== term) return;
    this.#must(
      raft.termAt(commitIndex) === term,
      () => `${id} leads term ${term} and has committed ${commitIndex} of term ${raft.termAt(commitIndex)} by counting`,
    );
    const held = (voter: number): boolean => this.#disks.holds(voter, commitIndex, raft.termAt(commitIndex));
    // A change of members that takes effect in the same moment is committed by those before it.
    const enough = [conf, seen.conf ?? conf].some((members) => isMajority(members, held));
    this.#must(enough, () => `${id} has committed ${commitIndex}, which is not on the disks of a majority`);
  }

  /** Whoever is elected holds everything that was committed before (Raft §5.4.3). */
  #mustBeComplete(id: number, raft: RaftView): void {
    const { term } = raft;
    this.#world.note(`leader ${id} ${term}`);
    this.elected(id);
    for (let index = raft.firstIndex; index <= this.committed.length; index++) {
      const { term: was, inTerm } = this.committed[index - 1]!, is = raft.termAt(index);
      if (inTerm >= term) continue; // it has won late, and others have gone on without it: it commits nothing any more
      this.#must(
        is === was,
        () => `leader completeness: ${id} leads term ${term} with ${is ?? "nothing"} at ${index}, where term ${was} was committed`,
      );
    }
  }

  /** Snapshots have made the log short: in memory since the last one, on disk since the one before. */
  logsAreShort(): void {
    for (const member of this.#members()) {
      const raft = member.replica?.raft, { snapshotEntries, catchUpEntries } = member.sizes;
      if (!raft) continue;
      const most = 4 * snapshotEntries + catchUpEntries + unhurriedEntries, kept = raft.lastIndex - raft.firstIndex;
      this.#must(kept <= most, () => `${member.id} keeps ${kept} entries in memory, and takes a snapshot every ${snapshotEntries}`);
      const onDisk = this.#disks.entries(member);
      this.#must(onDisk <= most, () => `${member.id} keeps ${onDisk} entries on its disk, and takes a snapshot every ${snapshotEntries}`);
    }
    this.look();
  }

  #seen(member: SimMember): Seen {
    const life = member.life!;
    let seen = this.#lives.get(life);
    if (!seen) this.#lives.set(life, seen = { term: 0, commit: 0, durable: 0, first: 0, applied: 0, machine: 0, conf: undefined });
    return seen;
  }
}

function promise(promised: Promised, term: number, index: number): void {
  if (term > promised.indexTerm) Object.assign(promised, { indexTerm: term, index });
  else if (term === promised.indexTerm) promised.index = Math.max(promised.index, index);
}

/** Enough to tell two outcomes of one command apart. */
function summary(outcome: unknown): string {
  if (typeof outcome !== "object" || outcome === null) return String(outcome);
  if (!("results" in outcome)) return JSON.stringify(outcome);
  const { succeeded, revision, time, results } = outcome as TransactionResult;
  return `${succeeded} ${revision} ${time} ${
    results.map((item) => item && `${item.key}@${item.modRevision}/${item.createRevision}/${item.version}`)
  }`;
}
