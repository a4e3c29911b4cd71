// Masters with a bug put back into a copy of their source: what the checkers must see.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { root } from "../kit/master_process.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";
import { mutants } from "../sim/mutants.ts";
import { filesOf, mutated } from "../sim/mutants/mutant.ts";

/** @param name of a mutant; undefined: the source as it is @throws Error where there is no such mutant */
export async function withBug<T>(name: string | undefined, body: (source: string | undefined) => Promise<T>): Promise<T> {
  if (name === undefined) return await body(undefined);
  const mutant = mutants.find((one) => one.name === name);
  if (!mutant) throw new Error(`There is no mutant ${name}; test/sim/mutants.ts has ${mutants.map((one) => one.name).join(", ")}`);
  const directory = testDirectory("bug");
  try {
    for (const part of ["master", "shared"]) cpSync(`${root}/${part}`, `${directory}/${part}`, { recursive: true });
    for (const part of ["package.json", "deno.json", "node_modules"]) symlinkSync(`${root}/${part}`, `${directory}/${part}`);
    for (const file of filesOf(mutant)) {
      const path = `${directory}/master/store/${file}`;
      writeFileSync(path, mutated(readFileSync(path, "utf8"), file, mutant));
    }
    return await body(directory);
  } finally {
    removeTestDirectory(directory);
  }
}
