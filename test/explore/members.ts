// One member and its disk, and everything that can happen to it: a message comes, time passes, a client proposes, a write is done, it crashes. Each member state has a
// number, and so has each message; what one does with the other is worked out once, on the real state machine, and looked up from then on. That is what makes millions
// of states of whole clusters affordable: a cluster is a few numbers.
//
// Time is one tick for an election timeout, so a tick is "now I doubt my leader", and for a leader "a heartbeat, and I count who has answered".
import { type ConfState, isVoter } from "../../master/store/raft/membership.ts";
import type { HardState, LogEntry, Message } from "../../master/store/raft/message.ts";
import type { Raft } from "../../master/store/raft/raft.ts";
import type { Append } from "../../master/store/raft/ready.ts";
import { store } from "../kit/raft_stage.ts";
import type { RaftSource } from "../kit/raft_source.ts";
import { freeze, type Renaming, thaw } from "./freeze.ts";
import { hashesOf, PairTable } from "./hashes.ts";
import type { Situation } from "./situations.ts";

export const ids = [1, 2, 3] as const;
/** All ways to deal the ids, the unchanged one first. A state counts as known if it is known under another dealing. */
export const renamings: readonly Renaming[] = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]].map((dealt) => (id) =>
  dealt[id - 1]!
);
/** What happens to a member besides messages. A crash loses what was being written, "crash written" does not; in both it starts again at once. */
export const happenings = ["tick", "propose", "write", "crash", "crash written"] as const;
export type Happening = typeof happenings[number];

interface Disk {
  hardState: HardState;
  base: { index: number; term: number };
  entries: LogEntry[];
}
export interface Member {
  raft: Raft;
  disk: Disk;
  writing: Append | undefined;
}
/** What the judge of a cluster wants to know of a member. */
export interface Facts {
  readonly id: number;
  readonly role: string;
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  /** Terms of the entries in memory, and on the disk. */
  readonly log: readonly number[];
  readonly disk: readonly number[];
  readonly diskTerm: number;
  readonly diskVote: number;
  readonly isWriting: boolean;
  /** Equal for two members of the same id that the history sees alike. */
  readonly shape: string;
}
export interface Transition {
  readonly next: number;
  readonly sent: readonly number[];
  /** What must not be: nothing goes on from there. */
  readonly broken?: string;
}
export interface Scope {
  /** No election is begun beyond this term. */
  readonly terms: number;
  /** Nothing is proposed to a longer log; a leader's first entry comes in any case. */
  readonly entries: number;
}

export class Members {
  readonly facts: Facts[] = [];
  readonly messages: Message[] = [];
  /** By number; see hashesOf(), with every dealing of the ids. */
  readonly memberHashes: Int32Array[] = [];
  readonly messageHashes: Int32Array[] = [];
  readonly #texts: string[] = [];
  readonly #memberNumbers = new Map<string, number>();
  readonly #messageNumbers = new Map<string, number>();
  readonly #transitions: Transition[] = [];
  readonly #known = new PairTable(true);
  readonly #source: RaftSource;
  readonly #scope: Scope;

  constructor(source: RaftSource, scope: Scope) {
    this.#source = source;
    this.#scope = scope;
  }
  /** Rough: texts, and what a transition takes. */
  get bytes(): number {
    return this.#texts.length * 2_500 + this.#transitions.length * 120 + this.#known.bytes + this.messages.length * 1_500;
  }
  get transitions(): number {
    return this.#transitions.length;
  }

  /** A member that starts, with what is on its disk: terms of entries. */
  initial(id: number, { term, vote, log }: Situation["disks"][number]): number {
    const entries = log.map((entryTerm, at) => entryOf(at + 1, entryTerm));
    const disk: Disk = { hardState: { term, vote, commit: 0 }, base: { index: 0, term: 0 }, entries };
    return this.number({ raft: this.#start(id, disk), disk, writing: undefined });
  }
  #start(id: number, { hardState, base, entries }: Disk): Raft {
    const log = { base, entries, commit: Math.min(hardState.commit, entries.length), applied: 0 };
    return new this.#source.Raft(config(id), { hardState, conf, log });
  }

  /** Undefined: that cannot happen now, or is outside the scope. */
  happens(member: number, happening: Happening): Transition | undefined {
    const { role, term, log, isWriting } = this.facts[member]!;
    if (happening === "tick" && role !== "leader" && term >= this.#scope.terms) return undefined;
    if (happening === "propose" && (role !== "leader" || log.length >= this.#scope.entries)) return undefined;
    if ((happening === "write" || happening === "crash written") && !isWriting) return undefined;
    return this.#transition(member, happenings.indexOf(happening));
  }
  hears(member: number, message: number): Transition {
    return this.#transition(member, happenings.length + message);
  }

  #transition(from: number, input: number): Transition {
    const known = this.#known.get(from + 1, input);
    if (known !== undefined) return this.#transitions[known]!;
    const transition = this.#workOut(from, input);
    this.#known.add(from + 1, input, this.#transitions.length);
    this.#transitions.push(transition);
    return transition;
  }

  #workOut(from: number, input: number): Transition {
    const member = this.thawed(from), before = this.facts[from]!, sent: Message[] = [];
    try {
      const happening = happenings[input];
      if (happening === undefined) member.raft.step(this.messages[input - happenings.length]!);
      else this.#happen(member, happening, sent);
      obey(member, sent);
      const next = this.number(member);
      const broken = brokenPromise(member, sent) ?? (happening?.startsWith("crash") ? undefined : stepBack(before, this.facts[next]!));
      const numbers = [...new Set(sent.map((message) => this.messageNumber(message)))].sort((a, b) => a - b);
      return broken === undefined ? { next, sent: numbers } : { next, sent: numbers, broken };
    } catch (error) {
      return { next: from, sent: [], broken: `${before.id} fails: ${(error as Error).message}` };
    }
  }

  #happen(member: Member, happening: Happening, sent: Message[]): void {
    const { raft, disk, writing } = member;
    if (happening === "tick") raft.tick();
    else if (happening === "propose") raft.propose({ type: "command", time: 0, proposer: 0, sequence: 0, payload });
    else if (happening === "write") {
      member.writing = undefined;
      store(disk, writing!);
      raft.appendDone(writing!.token);
      sent.push(...writing!.messages);
    } else {
      if (happening === "crash written") store(disk, writing!);
      member.writing = undefined;
      member.raft = this.#start(raft.id, disk);
    }
  }

  /** The member that would be there if the ids were dealt otherwise. */
  renamed(number: number, renaming: Renaming): number {
    return this.number(this.#thaw(freeze(this.thawed(number), renaming)));
  }
  renamedMessage(number: number, renaming: Renaming): number {
    return this.messageNumber(thaw(freeze(this.messages[number]!, renaming), this.#source.prototypes) as Message);
  }

  thawed(number: number): Member {
    return this.#thaw(this.#texts[number]!);
  }
  #thaw(text: string): Member {
    const member = thaw(text, this.#source.prototypes) as Member, { core } = opened(member.raft);
    core.config = config(core.id as number);
    // Two names of one thing: who completes a write shows what it was given.
    if (member.writing) (member.writing as { token: unknown }).token = core.appending;
    return member;
  }

  number(member: Member): number {
    normalise(member.raft);
    const text = freeze(member), known = this.#memberNumbers.get(text);
    if (known !== undefined) return known;
    const number = this.#texts.push(text) - 1;
    this.#memberNumbers.set(text, number);
    this.memberHashes.push(hashesOf(renamings.map((renaming, at) => at === 0 ? text : freeze(member, renaming))));
    this.facts.push(factsOf(member));
    return number;
  }
  messageNumber(message: Message): number {
    const text = freeze(message), known = this.#messageNumbers.get(text);
    if (known !== undefined) return known;
    const number = this.messages.push(message) - 1;
    this.#messageNumbers.set(text, number);
    this.messageHashes.push(hashesOf(renamings.map((renaming) => freeze(message, renaming))));
    return number;
  }
}

/** In situations, an entry is a leader's first one. */
const entryOf = (index: number, term: number): LogEntry => ({
  index,
  term,
  type: "noop",
  time: 0,
  proposer: 0,
  sequence: 0,
  payload: new Uint8Array(0),
});
const payload = new TextEncoder().encode("x");
const conf: ConfState = { voters: [...ids], outgoing: [], learners: [], removed: [], addresses: {} };
const config = (id: number) => ({ id, heartbeatTicks: 1, electionTicks: 1, random: () => 0 });

/** As test/kit/raft_stage.ts does with a slow disk. */
function obey(member: Member, sent: Message[]): void {
  for (let ready = member.raft.take(); ready; ready = member.raft.take()) {
    sent.push(...ready.messages);
    if (ready.append) member.writing = ready.append;
    const last = ready.committed.at(-1);
    if (last) member.raft.applyDone(last.index);
  }
}

type Fields = Record<string, unknown>;
interface Opened {
  core: Fields & { log: Fields; appending?: { generation: number }; role: string; progress: Map<number, Fields>; appendTicks: number };
}
/** Private fields by their names in an opened source. */
const opened = (raft: Raft): Opened => ({ core: (raft as unknown as { _core: Opened["core"] })._core });

/** Brings to one form what makes no difference in this scope: without it the same state would have many texts. */
function normalise(raft: Raft): void {
  const { core } = opened(raft);
  // Of generations only "the same or not" is ever asked.
  if (core.appending) core.appending = { ...core.appending, generation: core.appending.generation === core.log._generation ? 0 : -1 };
  core.log._generation = 0;
  // Beyond the bound, longer is not different.
  core.electionElapsed = Math.min(core.electionElapsed as number, 1);
  core.appendTicks = Math.min(core.appendTicks, 2);
  // A leader begins with these anew.
  if (core.role !== "leader") Object.assign(core, { broadcast: 0, pendingConfIndex: 0 });
  // Nobody is promoted, no snapshot is offered, and no pipeline gets full.
  for (const progress of core.progress.values()) {
    Object.assign(progress, { snapshotTicks: 0, catchUpTicks: Infinity, _round: undefined, _inFlight: [], _bytes: 0 });
  }
}

function factsOf({ raft, disk, writing }: Member): Facts {
  const { id, role, term, vote, commitIndex: commit, lastIndex } = raft,
    log = Array.from({ length: lastIndex }, (_, at) => raft.termAt(at + 1)!);
  return {
    id,
    role,
    term,
    vote,
    commit,
    log,
    disk: disk.entries.map((entry) => entry.term),
    diskTerm: disk.hardState.term,
    diskVote: disk.hardState.vote,
    isWriting: writing !== undefined,
    shape: `${role === "leader"} ${term} ${commit} ${log}`,
  };
}

/** What a member must not do on its own account. @returns what it did */
function brokenPromise({ raft, disk }: Member, sent: readonly Message[]): string | undefined {
  const { id, durableIndex, appliedIndex, commitIndex } = raft, { hardState, entries } = disk;
  for (const message of sent) {
    const { type, term, to } = message;
    // A pre-vote, and the answer to one, promises nothing.
    if (type !== "PreVote" && type !== "PreVoteResponse" && term > hardState.term) {
      return `${id} says ${type} in term ${term}, and its disk is in term ${hardState.term}`;
    }
    // In a term that its disk has left behind it can vote no more, so nothing it says of that one can come to be untrue.
    const voted = type === "Vote" ? id : type === "VoteResponse" && message.granted ? to : 0;
    if (voted !== 0 && hardState.term === term && hardState.vote !== voted) {
      return `${id} says that it votes for ${voted} in term ${term}, and its disk says ${hardState.vote}`;
    }
    if (type === "AppendResponse" && !message.hint && message.index > entries.length) {
      return `${id} says that it has ${message.index}, and its disk has ${entries.length}`;
    }
  }
  for (let index = 1; index <= durableIndex; index++) {
    if (entries[index - 1]?.term !== raft.termAt(index)) return `${id} believes that entry ${index} is on its disk`;
  }
  if (appliedIndex > Math.min(durableIndex, commitIndex)) {
    return `${id} applies ${appliedIndex}: durable ${durableIndex}, commit ${commitIndex}`;
  }
  if (raft.role === "leader" && !isVoter(raft.conf, id)) return `${id} leads and is no voter`;
  return undefined;
}

/** What must not go back but by a crash. */
function stepBack(before: Facts, after: Facts): string | undefined {
  const { id } = after;
  if (after.term < before.term) return `${id} goes back from term ${before.term} to ${after.term}`;
  if (after.diskTerm < before.diskTerm) return `${id}'s disk goes back from term ${before.diskTerm} to ${after.diskTerm}`;
  if (after.term === before.term && before.vote !== 0 && after.vote !== before.vote) {
    return `${id} has voted for ${before.vote} in term ${after.term}, and now for ${after.vote}`;
  }
  if (after.commit < before.commit) return `${id} takes its commit index back from ${before.commit} to ${after.commit}`;
  return undefined;
}
