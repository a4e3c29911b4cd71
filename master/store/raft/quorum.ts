// Majorities, and joint majorities: while members change, a decision needs both the old and the new one.
import type { ConfState } from "./membership.ts";

/** Members of `voters` that must agree. */
export const majority = (voters: number): number => (voters >> 1) + 1;

/** The highest index that a majority of `voters` has reached. No voters: no bound. */
function reached(voters: readonly number[], matchIndex: (member: number) => number): number {
  if (voters.length === 0) return Infinity;
  if (voters.length === 1) return matchIndex(voters[0]!);
  const indexes = voters.map(matchIndex).sort((a, b) => b - a);
  return indexes[majority(voters.length) - 1]!;
}

/** The highest index that a quorum of `conf` has reached. */
export const quorumIndex = (conf: ConfState, matchIndex: (member: number) => number): number =>
  Math.min(reached(conf.voters, matchIndex), reached(conf.outgoing, matchIndex));

export type Tally = "won" | "lost" | "pending";

function tallyOf(voters: readonly number[], votes: ReadonlyMap<number, boolean>): Tally {
  let granted = 0, missing = 0;
  for (const member of voters) {
    const vote = votes.get(member);
    if (vote === true) granted++;
    else if (vote === undefined) missing++;
  }
  const needed = majority(voters.length);
  if (voters.length === 0 || granted >= needed) return "won";
  return granted + missing >= needed ? "pending" : "lost";
}

/** Counts each voter once, by id: a repeated answer changes nothing. */
export function tally(conf: ConfState, votes: ReadonlyMap<number, boolean>): Tally {
  const incoming = tallyOf(conf.voters, votes), outgoing = tallyOf(conf.outgoing, votes);
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return incoming === "won" && outgoing === "won" ? "won" : "pending";
}

/** True when those for whom `holds` is true form a quorum of `conf`. */
export function isQuorum(conf: ConfState, holds: (member: number) => boolean): boolean {
  const enough = (voters: readonly number[]) => voters.length === 0 || voters.filter(holds).length >= majority(voters.length);
  return enough(conf.voters) && enough(conf.outgoing);
}
