// The exploration's own test: does it see bugs? Each of the simulation's mutants of the state machine is explored in the scopes below, until one shows it.
import { raftMutants, type RaftSource, raftSource } from "../kit/raft_source.ts";
import type { Mutant } from "../sim/mutants/mutant.ts";
import { type Bounds, Explorer, type Finding } from "./explorer.ts";
import { situations } from "./situations.ts";

/** Each from every situation. The first one sees most, and soon. */
export const scopes: readonly Bounds[] = [
  { terms: 3, entries: 1, crashes: 0, ticks: 1 },
  { terms: 3, entries: 1, crashes: 0, ticks: 2 },
  { terms: 3, entries: 3, crashes: 0, ticks: 1 },
];
/** Not seen in the first one: they need a second timeout, or proposals. */
export const late = ["vote_cleared_in_term", "stale_vote_counted", "truncated_by_prefix", "heartbeat_commits_too_much"];
/** What is outside of every scope: no members change, no snapshots, no reads; of what should happen nothing is asked; and of three, one vote beside the own is enough. */
const outside =
  /learner|joint|members|changes|conf_|snapshot|read|proposal|log_time|probe|pipeline|counted_twice|voter|genesis|second_change|pre_vote|check_quorum|hung_disk|handed_over/;
export const visibleMutants: readonly Mutant[] = raftMutants.filter(({ name }) => !outside.test(name));

export interface BugHunt {
  /** Milliseconds to spend on one. */
  readonly patienceMs: number;
  /** Part of the names. */
  readonly only: string;
  readonly say: (line: string) => void;
}

/** @returns whether all were seen, and there were some */
export async function huntBugs({ patienceMs, only, say }: BugHunt): Promise<boolean> {
  const chosen = visibleMutants.filter(({ name }) => name.includes(only));
  let seen = 0;
  for (const mutant of chosen) {
    const found = await hunted(mutant, patienceMs);
    if (found) seen++;
    const what = found
      ? `${
        String(found.states).padStart(9)
      } ${mutant.name}: ${mutant.bug}\n          ${found.finding.words}, in ${found.finding.steps.length} steps`
      : `${"ALIVE".padStart(9)} ${mutant.name}: ${mutant.bug}`;
    say(what);
  }
  say(`${chosen.length} mutants, ${seen} seen; ${raftMutants.length - visibleMutants.length} others are outside of every scope`);
  return seen === chosen.length && chosen.length > 0;
}

/** @returns what shows it, and how many states were found until then */
export async function hunted(
  mutant: Mutant,
  patienceMs: number,
  within = scopes,
): Promise<{ finding: Finding; states: number; source: RaftSource } | undefined> {
  const source = await raftSource({ mutant, opened: true });
  let states = 0;
  for (const bounds of within) {
    const explorer = new Explorer(source, bounds, situations), until = performance.now() + patienceMs / within.length;
    const end = explorer.run({ memoryBytes: 2e9, isOver: () => performance.now() > until });
    states += explorer.states;
    if (typeof end === "object") return { finding: end, states, source };
  }
  return undefined;
}
