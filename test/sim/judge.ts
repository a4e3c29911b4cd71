// What must hold whatever happens (Raft Fig. 3 and what the store adds to it), looked at after every event. The first thing that does not ends the run.
import { crc32 } from "node:zlib";
import type { Entry } from "../../master/store/machine.ts";
import type { ConfState } from "../../master/store/raft/membership.ts";
import type { Message } from "../../master/store/raft/message.ts";
import type { RaftView } from "../../master/store/replica_status.ts";
import { isDiskFull, type StorageError } from "../../master/store/storage_error.ts";
import type { TransactionResult } from "../../master/store/store.ts";
import { InvariantError } from "../../shared/util/assert.ts";
import type { Life, Observer, SimMember } from "./member.ts";
import type { World } from "./world.ts";

export class Violation extends Error {
  override name = "Violation";
}

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

export class Judge implements Observer {
  /** By index, from 1. */
  readonly committed: Committed[] = [];
  readonly #world: World;
  readonly #members: () => Iterable<SimMember>;
  readonly #moment: () => number;
  /** Told of every member that has won an election. */
  elected = (_id: number): void => {};
  readonly #leaders = new Map<number, number>();
  readonly #votes = new Map<string, number>();
  readonly #confs = new Map<number, string>();
  readonly #promised = new Map<number, Promised>();
  readonly #lives = new WeakMap<Life, Seen>();
  /** By member: how far its disk holds the log, as was last seen; that stays when it dies. */
  readonly #durable = new Map<number, number>();
  /** By member: the last entry that it has applied in any life. */
  readonly #applied = new Map<number, number>();
  #broken: string | undefined;

  constructor(world: World, members: () => Iterable<SimMember>, moment: () => number) {
    this.#world = world;
    this.#members = members;
    this.#moment = moment;
  }
  /** Elections that were won. */
  get terms(): number {
    return this.#leaders.size;
  }

  /** Not thrown here: most of this is called from inside the store, which would take the error for its own. look() throws it. */
  #must(holds: boolean, what: () => string): void {
    if (!holds) this.#broken ??= what();
  }

  /** What it has promised in earlier lives, its disk must know. */
  started({ id, replica }: SimMember): void {
    this.#world.note(`start ${id}`);
    const { term, vote, lastIndex } = replica!.raft, promised = this.#promisedBy(id);
    this.#must(term >= promised.term, () => `${id} has spoken in term ${promised.term}, and starts again in term ${term}`);
    const voted = this.#votes.get(`${id}@${term}`);
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
    const inTerm = member.replica?.raft.term ?? Math.max(term, ...this.#leaders.keys());
    this.committed.push({ index, term, time, payload: payload.slice(), chain, outcome, at: this.#moment(), inTerm });
    this.#world.note(`${index}:${chain}`);
  }
  restored(member: SimMember): void {
    this.#seen(member).machine = 0;
  }

  /** Every message as it leaves: what it promises must be true already, and stay so. */
  sent(message: Message, sender: SimMember | undefined): void {
    if (message.type === "PreVote" || message.type === "PreVoteResponse") return; // binds nobody to anything
    const promised = this.#promisedBy(message.from);
    promised.term = Math.max(promised.term, message.term);
    if (message.type === "Vote") this.#voted(message.from, message.term, message.from);
    else if (message.type === "VoteResponse" && message.granted) this.#voted(message.from, message.term, message.to);
    else if (message.type === "AppendResponse" && !message.hint && sender?.replica) {
      const { durableIndex, term } = sender.replica.raft, { index, from } = message;
      if (term > message.term) return; // said to a leader that is none any more: true when it was written, and cut away since
      this.#must(index <= durableIndex, () => `${from} says that it holds ${index}, and ${durableIndex} is on its disk`);
      promise(promised, message.term, index);
    }
  }
  #voted(voter: number, term: number, candidate: number): void {
    const key = `${voter}@${term}`, before = this.#votes.get(key);
    this.#must(before === undefined || before === candidate, () => `${voter} votes for ${before} and for ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
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
    this.#durable.set(id, durableIndex);
    const isSame = term === seen.term && commitIndex === seen.commit && appliedIndex === seen.applied && conf === seen.conf;
    if (isSame && (raft.role !== "leader" || this.#leaders.get(term) === id)) return;
    this.#must(term >= seen.term, () => `the term of ${id} went back from ${seen.term} to ${term}`);
    this.#must(commitIndex >= seen.commit, () => `the commit index of ${id} went back from ${seen.commit} to ${commitIndex}`);
    this.#must(
      appliedIndex <= Math.min(commitIndex, durableIndex),
      () => `${id} has applied ${appliedIndex}, of which ${commitIndex} is committed and ${durableIndex} on its disk`,
    );
    if (commitIndex > seen.commit) this.#lookAtCommit(id, raft, seen);
    Object.assign(seen, { term, commit: commitIndex, applied: appliedIndex, conf });
    const text = JSON.stringify(conf), known = this.#confs.get(appliedIndex);
    this.#must(known === undefined || known === text, () => `${id} has ${text} after entry ${appliedIndex}, another had ${known}`);
    this.#confs.set(appliedIndex, text);
    if (raft.role !== "leader") return;
    this.#leads(id, raft);
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
    if (raft.role !== "leader" || this.#leaders.get(term) !== id || seen.term !== term) return;
    this.#must(
      raft.termAt(commitIndex) === term,
      () => `${id} leads term ${term} and has committed ${commitIndex} of term ${raft.termAt(commitIndex)} by counting`,
    );
    const held = (voters: readonly number[]): boolean =>
      voters.filter((voter) => (this.#durable.get(voter) ?? 0) >= commitIndex).length > voters.length / 2 || voters.length === 0;
    // A change of members that takes effect in the same moment is committed by those before it.
    const enough = [conf, seen.conf ?? conf].some(({ voters, outgoing }) => held(voters) && held(outgoing));
    this.#must(enough, () => `${id} has committed ${commitIndex}, which is not on the disks of a majority`);
  }

  #leads(id: number, raft: RaftView): void {
    const { term } = raft, other = this.#leaders.get(term);
    this.#must(other === undefined || other === id, () => `election safety: ${other} and ${id} both lead term ${term}`);
    if (other !== undefined) return;
    this.#leaders.set(term, id);
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

  #seen(member: SimMember): Seen {
    const life = member.life!;
    let seen = this.#lives.get(life);
    if (!seen) this.#lives.set(life, seen = { term: 0, commit: 0, applied: 0, machine: 0, conf: undefined });
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
