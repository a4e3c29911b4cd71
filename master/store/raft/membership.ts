// Who is a member, and how that changes. Voters change by joint consensus (Raft §6, thesis §4.3): one change leads into a configuration in which the old
// and the new majority must both agree, a second one, proposed by the leader itself, leads out of it. Newcomers start as learners: they get the
// log and have no vote. A change takes effect when it is applied, on every member at the same index, and the log and the snapshots are the only place that knows it.

export interface ConfState {
  readonly voters: readonly number[];
  /** The voters before the change under way; empty when there is none. */
  readonly outgoing: readonly number[];
  readonly learners: readonly number[];
  /** Members that were, and whose ids never come back. */
  readonly removed: readonly number[];
  /** Where members can be reached, by id. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Learners that are to take the place of a voter as soon as they have caught up, and whose. Absent where there are none. */
  readonly replacing?: Readonly<Record<string, number>>;
}

export type MemberChange =
  | { readonly do: "addLearner"; readonly member: number; readonly address?: string; readonly replaces?: number }
  | { readonly do: "promote"; readonly member: number }
  | { readonly do: "remove"; readonly member: number }
  | { readonly do: "move"; readonly member: number; readonly address: string };

/** The payload of an entry of type "configuration"; an empty list leaves the joint configuration. */
export interface ConfChange {
  readonly changes: readonly MemberChange[];
  /** Of the first entry of every log: the members with which the cluster began, so that who joins later has the same history of members as all others. */
  readonly genesis?: ConfState;
}

/** What a member knows that joins: nothing, until the log or a snapshot tells. It elects nobody. */
export const nobody: ConfState = { voters: [], outgoing: [], learners: [], removed: [], addresses: {} };
export const soleVoter = (member: number): ConfState => ({ voters: [member], outgoing: [], learners: [], removed: [], addresses: {} });

export const isJoint = (conf: ConfState): boolean => conf.outgoing.length > 0;
export const isVoter = (conf: ConfState, member: number): boolean => conf.voters.includes(member) || conf.outgoing.includes(member);

/** Everybody who gets the log, in the order of ids, so that no run depends on the order of arrival. */
export function members(conf: ConfState): number[] {
  return [...new Set([...conf.voters, ...conf.outgoing, ...conf.learners])].sort((a, b) => a - b);
}

/** The configuration after `change`. What does not apply (adding who is there, removing who is not) changes nothing: apply must not fail. */
export function changed(conf: ConfState, change: ConfChange): ConfState {
  if (change.genesis) return change.genesis;
  if (change.changes.length === 0) return leave(conf);
  if (isJoint(conf)) return conf; // refused when proposed; a second one in the log has no effect
  let voters = conf.voters, learners = conf.learners, removed = conf.removed;
  const addresses = { ...conf.addresses }, replacing = { ...conf.replacing };
  for (const each of change.changes) {
    const { do: operation, member } = each;
    if (operation === "addLearner") {
      if (voters.includes(member) || learners.includes(member) || removed.includes(member)) continue;
      learners = sorted([...learners, member]);
      if (each.address !== undefined) addresses[member] = each.address;
      if (each.replaces !== undefined && voters.includes(each.replaces)) replacing[member] = each.replaces;
    } else if (operation === "move") {
      if (voters.includes(member) || learners.includes(member)) addresses[member] = each.address;
    } else if (operation === "promote") {
      if (!learners.includes(member)) continue;
      learners = learners.filter((id) => id !== member);
      voters = sorted([...voters, member]);
    } else {
      if (!voters.includes(member) && !learners.includes(member)) continue;
      if (voters.length === 1 && voters[0] === member) continue; // a cluster without a voter would be dead
      voters = voters.filter((id) => id !== member);
      learners = learners.filter((id) => id !== member);
      removed = sorted([...removed, member]);
    }
  }
  const sameVoters = voters.length === conf.voters.length && voters.every((id, at) => conf.voters[at] === id);
  const due = Object.entries(replacing).filter(([learner, voter]) => learners.includes(Number(learner)) && voters.includes(voter));
  const next = { voters, outgoing: sameVoters ? [] : conf.voters, learners, removed, addresses };
  return withoutStrangers(due.length > 0 ? { ...next, replacing: Object.fromEntries(due) } : next);
}

/** What puts learners in the place of those whom they are to replace, one change for each: at no moment is there a voter too many or too few. */
export const replacements = ({ replacing = {} }: ConfState): MemberChange[][] =>
  Object.entries(replacing).map(([learner, voter]) => [{ do: "promote", member: Number(learner) }, { do: "remove", member: voter }]);

const leave = (conf: ConfState): ConfState => isJoint(conf) ? withoutStrangers({ ...conf, outgoing: [] }) : conf;
/** Whoever is on the way out is still asked, and has to be found. */
const withoutStrangers = (conf: ConfState): ConfState => ({
  ...conf,
  addresses: Object.fromEntries(Object.entries(conf.addresses).filter(([id]) => members(conf).includes(Number(id)))),
});
const sorted = (ids: number[]): number[] => ids.sort((a, b) => a - b);

export const encodeConf = (value: ConfChange | ConfState): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
export const decodeConfChange = (payload: Uint8Array): ConfChange => JSON.parse(new TextDecoder().decode(payload));
export const decodeConfState = (payload: Uint8Array): ConfState => JSON.parse(new TextDecoder().decode(payload));
