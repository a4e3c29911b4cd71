// All bugs that the simulation has to see, and which classics are among them.
import { diskMutants } from "./mutants/disk.ts";
import { electionsMutants } from "./mutants/elections.ts";
import { fullDiskMutants } from "./mutants/full_disk.ts";
import { membersMutants } from "./mutants/members.ts";
import { readsMutants } from "./mutants/reads.ts";
import { replicationMutants } from "./mutants/replication.ts";
import { snapshotsMutants } from "./mutants/snapshots.ts";
import { stateMutants } from "./mutants/state.ts";
import { classicsOf, type Mutant } from "./mutants/mutant.ts";

export const mutants: readonly Mutant[] = [
  ...electionsMutants,
  ...replicationMutants,
  ...membersMutants,
  ...readsMutants,
  ...diskMutants,
  ...fullDiskMutants,
  ...snapshotsMutants,
  ...stateMutants,
];

/** The classics, B1 … B40, as the descriptions of mutants name them. */
export const classics: readonly string[] = Array.from({ length: 40 }, (_, at) => `B${at + 1}`);

/** Those that no replacement here can bring back, and why. */
export const inexpressible: Readonly<Record<string, string>> = {
  B40: "no two settings of a member are at odds; runs in which members have different sizes and timeouts look for it (etcd 8501)",
};

/** @returns the classics that none of these mutants brings back, and nobody explains */
export const uncovered = (chosen: readonly Mutant[]): string[] =>
  classics.filter((name) => !(name in inexpressible) && !chosen.some((mutant) => classicsOf(mutant).includes(name)));
