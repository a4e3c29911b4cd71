// A copy of our source that can be run, with a bug put in.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { root } from "../../kit/master_process.ts";
import { filesOf, type Mutant, mutated } from "./mutant.ts";

/** @param parts files and folders that are copied; what is installed, and what says how it is run, is there in any case. @param mutant undefined: as it is */
export function copySource(directory: string, parts: readonly string[], mutant: Mutant | undefined): void {
  for (const part of parts) cpSync(`${root}/${part}`, `${directory}/${part}`, { recursive: true });
  for (const part of ["package.json", "deno.json", "node_modules"]) symlinkSync(`${root}/${part}`, `${directory}/${part}`);
  for (const file of mutant ? filesOf(mutant) : []) {
    const path = `${directory}/master/store/${file}`;
    writeFileSync(path, mutated(readFileSync(path, "utf8"), file, mutant!));
  }
}
