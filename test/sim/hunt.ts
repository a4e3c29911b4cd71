// Puts each mutant into a copy of the source and lets seeds run until one sees it: the simulation's own test.
import { spawn } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { commandIn, root } from "../kit/master_process.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";
import { type Mutant, mutants } from "./mutants.ts";

export interface Hunt {
  /** Most seeds to spend on one. */
  readonly seeds: number;
  /** Part of the names. */
  readonly only: string;
  readonly say: (line: string) => void;
}
/** Milliseconds that a mutant which hangs the runtime may cost. */
const patienceMs = 600_000;

/** The replaced text. @throws Error where it does not stand in the file exactly once */
export function mutated(text: string, { name, file, from, to }: Mutant): string {
  if (text.split(from).length !== 2) throw new Error(`Mutant ${name}: ${file} does not have this exactly once: ${from}`);
  return text.replace(from, () => to);
}

/** @returns whether all were found */
export async function hunt({ seeds, only, say }: Hunt): Promise<boolean> {
  const chosen = mutants.filter(({ name }) => name.includes(only)), needed: number[] = [];
  let survived = 0;
  for (const mutant of chosen) {
    const found = await find(mutant, seeds);
    if (found) needed.push(found.seeds);
    else survived++;
    say(
      `${found ? String(found.seeds).padStart(6) : "ALIVE ".padStart(6)} ${mutant.name}: ${mutant.bug}${
        found ? `\n         ${found.words}` : ""
      }`,
    );
  }
  needed.sort((a, b) => a - b);
  say(
    `${chosen.length} mutants, ${needed.length} found (seeds needed: median ${needed[needed.length >> 1] ?? "–"}, most ${
      needed.at(-1) ?? "–"
    }), ` +
      `${survived} alive after ${seeds} seeds`,
  );
  return survived === 0;
}

async function find(mutant: Mutant, seeds: number): Promise<{ seeds: number; words: string } | undefined> {
  const directory = testDirectory("mutant");
  try {
    for (const part of ["master/store", "shared", "test/sim", "test/history", "test/kit"]) {
      cpSync(`${root}/${part}`, `${directory}/${part}`, { recursive: true });
    }
    for (const part of ["package.json", "deno.json", "node_modules"]) symlinkSync(`${root}/${part}`, `${directory}/${part}`);
    const path = `${directory}/master/store/${mutant.file}`;
    writeFileSync(path, mutated(readFileSync(path, "utf8"), mutant));
    const output = await outputOf(...commandIn(directory, "test/sim/run.ts", "--from", "1", "--seeds", String(seeds), "--first"));
    const seed = /^seed (\d+) FAILED: (.*)$/m.exec(output);
    if (seed) return { seeds: Number(seed[1]), words: seed[2]!.slice(0, 160) };
    // One that does not even start, or hangs the runtime, is seen, too.
    return / 0 failed; /.test(output) ? undefined : { seeds: 1, words: output.slice(-160).trim() || "the run did not end" };
  } finally {
    removeTestDirectory(directory);
  }
}

function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    child.stdout.on("data", (data) => output += data);
    child.stderr.on("data", (data) => output += data);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}
