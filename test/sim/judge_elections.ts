// Who may lead, and for how long. Votes are counted here once more, from the messages that carried them (Raft §5.2; thesis §4.2.3, §6.2, §9.6).
import { raftTickMs } from "../../shared/limits.ts";
import { type ConfState, isVoter } from "../../master/store/raft/membership.ts";
import type { Message } from "../../master/store/raft/message.ts";
import type { RaftView } from "../../master/store/replica_status.ts";
import type { Life, SimMember } from "./member.ts";
import type { Must } from "./violation.ts";

/** One life at the head of one term, in milliseconds of its own that it has not stood still. */
interface Reign {
  readonly term: number;
  /** By member: when it was last heard, at the earliest when the members became who they are. */
  readonly heard: Map<number, number>;
  conf: ConfState;
  /** What its disk holds, and since when it was seen to owe more than that. */
  durable: number;
  owesSince: number | undefined;
}

export class Elections {
  /** Leaders by term. */
  readonly leaders = new Map<number, number>();
  readonly #must: Must;
  /** `voter@term` → for whom. */
  readonly #votes = new Map<string, number>();
  /** `voter@term>candidate`, of pre-votes. */
  readonly #willing = new Set<string>();
  readonly #reigns = new WeakMap<Life, Reign>();
  /** Of who stands for election: the term, and the members when it began; they may have changed since. */
  readonly #campaigns = new WeakMap<Life, { readonly term: number; readonly confs: readonly ConfState[] }>();

  constructor(must: Must) {
    this.#must = must;
  }

  voteOf(voter: number, term: number): number | undefined {
    return this.#votes.get(`${voter}@${term}`);
  }

  sent(message: Message, sender: SimMember | undefined): void {
    const { from, to, term } = message;
    if (message.type === "PreVoteResponse" && message.granted) this.#willing.add(`${from}@${term}>${to}`);
    else if (message.type === "VoteResponse" && message.granted) this.#voted(from, term, to);
    else if (message.type === "Vote") {
      this.#voted(from, term, from);
      const raft = sender?.replica?.raft;
      if (message.transfer || raft?.role !== "candidate" || raft.term !== term) return;
      const campaign = this.#campaigns.get(sender!.life!), confs = campaign?.term === term ? campaign.confs : [raft.conf];
      const isWilling = (voter: number) => voter === from || this.#willing.has(`${voter}@${term}>${from}`);
      this.#must(
        confs.some((conf) => isMajority(conf, isWilling)),
        () => `${from} asks for votes in term ${term}, and no majority was willing to give them`,
      );
    }
  }
  /** Somebody is a candidate. @param confs the members by whom it was found fit to be one: those of now, and those of just before */
  stands({ life }: SimMember, { term }: RaftView, confs: readonly ConfState[]): void {
    if (this.#campaigns.get(life!)?.term !== term) this.#campaigns.set(life!, { term, confs });
  }
  #voted(voter: number, term: number, candidate: number): void {
    const before = this.voteOf(voter, term);
    this.#must(before === undefined || before === candidate, () => `${voter} votes for ${before} and for ${candidate} in term ${term}`);
    this.#votes.set(`${voter}@${term}`, candidate);
  }

  /** @param confs the members by whom it may have been elected; nothing where nobody has seen them. @returns whether that is news */
  leads({ id, life }: SimMember, { term, durableIndex, conf }: RaftView, confs: readonly ConfState[]): boolean {
    const other = this.leaders.get(term);
    this.#must(other === undefined || other === id, () => `election safety: ${other} and ${id} both lead term ${term}`);
    if (other !== undefined) return false;
    this.leaders.set(term, id);
    this.#reigns.set(life!, { term, conf, heard: new Map(), durable: durableIndex, owesSince: undefined });
    if (confs.length === 0) return true;
    this.#must(confs.some((members) => isVoter(members, id)), () => `${id} leads term ${term}, and is no voter`);
    this.#must(
      confs.some((members) => isMajority(members, (voter) => voter === id || this.voteOf(voter, term) === id)),
      () => `${id} leads term ${term}, and no majority has voted for it`,
    );
    return true;
  }

  /** A message has reached a member that was awake. */
  received({ life }: SimMember, { from }: Message): void {
    const reign = life && this.#reigns.get(life);
    if (reign) reign.heard.set(from, life.process.awakeMs);
  }

  /** Whoever leads must be able to: others answer, and its disk does. Looked at now and then. */
  reigns({ id, life, sizes }: SimMember, { term, role, conf, durableIndex, lastIndex }: RaftView): void {
    const reign = this.#reigns.get(life!), isSole = conf.voters.length === 1 && conf.outgoing.length === 0;
    // Who closes says nothing more to anybody, though he may have led.
    if (!reign || life!.isClosing || role !== "leader" || reign.term !== term || isSole) return;
    const now = life!.process.awakeMs;
    // One timeout until the check that finds them silent, one before it in which they were heard for the last time, and one for clocks that differ.
    const patienceMs = 3 * (sizes.electionTicks + 1) * raftTickMs;
    // Before it was a voter, nobody had to hear it.
    if (reign.conf !== conf) reign.heard.clear();
    reign.conf = conf;
    const answers = (voter: number): boolean => {
      if (!reign.heard.has(voter)) reign.heard.set(voter, now);
      return voter === id || now - reign.heard.get(voter)! <= patienceMs;
    };
    this.#must(isMajority(conf, answers), () => `${id} leads term ${term}, and has heard of no majority for ${patienceMs} ms`);
    if (durableIndex !== reign.durable || lastIndex === durableIndex) Object.assign(reign, { durable: durableIndex, owesSince: undefined });
    if (lastIndex > durableIndex) reign.owesSince ??= now;
    this.#must(
      now - (reign.owesSince ?? now) <= patienceMs,
      () => `${id} leads term ${term}, and its disk has taken no entry behind ${durableIndex} for ${patienceMs} ms`,
    );
  }
}

/** Of both, while members change. */
export function isMajority({ voters, outgoing }: ConfState, agrees: (voter: number) => boolean): boolean {
  return [voters, outgoing].every((half) => half.length === 0 || half.filter(agrees).length * 2 > half.length);
}
