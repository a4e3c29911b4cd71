// The source of a later release, for tests of old beside new: a copy of this one with a change in it.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { root } from "./master_process.ts";
import { testDirectory } from "./test_directory.ts";

/** @returns its directory. @throws Error where `from` does not stand in the file exactly once */
export function nextRelease({ file, from, to }: { file: string; from: string; to: string }): string {
  const directory = testDirectory("next-release");
  for (const name of ["master", "shared", "package.json", "deno.json"]) {
    cpSync(`${root}/${name}`, `${directory}/${name}`, { recursive: true });
  }
  symlinkSync(`${root}/node_modules`, `${directory}/node_modules`);
  const text = readFileSync(`${directory}/${file}`, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${file} does not have this exactly once: ${from}`);
  writeFileSync(`${directory}/${file}`, text.replace(from, to));
  return directory;
}
