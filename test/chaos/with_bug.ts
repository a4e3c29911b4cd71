// Masters with a bug put back into a copy of their source: what the checkers must see.
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";
import { mutants } from "../sim/mutants.ts";
import { copySource } from "../sim/mutants/copy.ts";

/** @param name of a mutant; undefined: the source as it is @throws Error where there is no such mutant */
export async function withBug<T>(name: string | undefined, body: (source: string | undefined) => Promise<T>): Promise<T> {
  if (name === undefined) return await body(undefined);
  const mutant = mutants.find((one) => one.name === name);
  if (!mutant) throw new Error(`There is no mutant ${name}; test/sim/mutants.ts has ${mutants.map((one) => one.name).join(", ")}`);
  const directory = testDirectory("bug");
  try {
    copySource(directory, ["master", "shared"], mutant);
    return await body(directory);
  } finally {
    removeTestDirectory(directory);
  }
}
