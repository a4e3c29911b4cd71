// Copies of the Raft state machine: with a bug put in, or with its private fields open to who has to save and restore a whole member.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Raft } from "../../master/store/raft/raft.ts";
import { mutants } from "../sim/mutants.ts";
import { filesOf, type Mutant, mutated } from "../sim/mutants/mutant.ts";
import { root } from "./master_process.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

/** Those of the simulation's mutants that are in the state machine itself. */
export const raftMutants: readonly Mutant[] = mutants.filter((mutant) => filesOf(mutant).every((file) => file.startsWith("raft/")));

const folder = "master/store/raft";
const files = readdirSync(`${root}/${folder}`).map((name) => name.replace(/\.ts$/, ""));

export interface RaftSource {
  readonly Raft: typeof Raft;
  /** Prototypes of all its classes, by name. */
  readonly prototypes: ReadonlyMap<string, object>;
}

/** Modules of its own for each call. `opened`: what is `#name` in the source is `_name`, and nothing else is different. */
export async function raftSource({ mutant, opened = false }: { mutant?: Mutant; opened?: boolean } = {}): Promise<RaftSource> {
  const directory = testDirectory("raft-source");
  try {
    for (const path of ["package.json", "shared/limits.ts", "shared/util/assert.ts", "shared/util/clock.ts"]) {
      cpSync(`${root}/${path}`, `${directory}/${path}`);
    }
    mkdirSync(`${directory}/${folder}`, { recursive: true });
    for (const file of files) {
      const text = readFileSync(`${root}/${folder}/${file}.ts`, "utf8");
      const changed = mutant ? mutated(text, `raft/${file}.ts`, mutant) : text;
      writeFileSync(`${directory}/${folder}/${file}.ts`, opened ? changed.replaceAll(/#(?=[a-z])/g, "_") : changed);
    }
    const prototypes = new Map<string, object>();
    for (const file of files) {
      const module = await import(pathToFileURL(`${directory}/${folder}/${file}.ts`).href) as Record<string, unknown>;
      for (const [name, value] of Object.entries(module)) {
        if (typeof value === "function" && value.prototype) prototypes.set(name, value.prototype);
      }
    }
    return { Raft: prototypes.get("Raft")!.constructor as typeof Raft, prototypes };
  } finally {
    removeTestDirectory(directory);
  }
}
