// Puts each mutant into a copy of the source and lets seeds run until one sees it: the simulation's own test.
import { spawn } from "node:child_process";
import { commandIn } from "../kit/master_process.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";
import { inexpressible, mutants, uncovered } from "./mutants.ts";
import { copySource } from "./mutants/copy.ts";
import { classicsOf, type Mutant } from "./mutants/mutant.ts";

export interface Hunt {
  /** Most seeds to spend on one. */
  readonly seeds: number;
  /** Part of the names. */
  readonly only: string;
  readonly say: (line: string) => void;
}
/** Milliseconds for which a run may say nothing: it speaks every ten seconds, unless the mutant hangs the runtime. */
const silenceMs = 60_000;

/** @returns whether all were found, and there were some @throws Error when a copy without a bug does not run: then all would be "found", for that */
export async function hunt({ seeds, only, say }: Hunt): Promise<boolean> {
  const sound = await find(undefined, 1);
  if (sound) throw new Error(`A copy without any mutant does not pass: ${sound.words}`);
  const chosen = mutants.filter(({ name }) => name.includes(only)), found: { mutant: Mutant; seeds: number }[] = [];
  for (const mutant of chosen) {
    const seen = await find(mutant, seeds);
    if (seen) found.push({ mutant, seeds: seen.seeds });
    say(
      `${seen ? String(seen.seeds).padStart(6) : "ALIVE ".padStart(6)} ${mutant.name}: ${mutant.bug}${
        seen ? `\n         ${seen.words}` : ""
      }`,
    );
  }
  const needed = found.map((each) => each.seeds).sort((a, b) => a - b), alive = chosen.length - found.length;
  say(
    `${chosen.length} mutants, ${found.length} found (seeds needed: median ${needed[needed.length >> 1] ?? "–"}, most ${
      needed.at(-1) ?? "–"
    }), ${alive} alive after ${seeds} seeds`,
  );
  sayClassics(found.map(({ mutant }) => mutant), say);
  return alive === 0 && chosen.length > 0;
}

function sayClassics(found: readonly Mutant[], say: Hunt["say"]): void {
  const number = (name: string) => Number(name.slice(1));
  const seen = [...new Set(found.flatMap(classicsOf))].sort((a, b) => number(a) - number(b)), missed = uncovered(found);
  say(`Classics seen: ${seen.join(" ") || "none"}${missed.length > 0 ? `; not seen: ${missed.join(" ")}` : ""}`);
  for (const [name, why] of Object.entries(inexpressible)) say(`  ${name} has no mutant: ${why}`);
}

/** @param mutant undefined: none, of which nothing must be seen */
async function find(mutant: Mutant | undefined, seeds: number): Promise<{ seeds: number; words: string } | undefined> {
  const directory = testDirectory("mutant");
  try {
    copySource(directory, ["master/store", "shared", "test/sim", "test/history", "test/kit"], mutant);
    const output = await outputOf(...commandIn(directory, "test/sim/run.ts", "--from", "1", "--seeds", String(seeds), "--first"));
    const seed = /^seed (\d+) FAILED: (.*)$/m.exec(output);
    if (seed) return { seeds: Number(seed[1]), words: seed[2]!.slice(0, 160) };
    // One that does not even start, or hangs the runtime, is seen, too.
    if (/ 0 failed; /.test(output)) return undefined;
    const ran = Number(/^(\d+) seeds, 0 failed/m.exec(output.split("\n").toReversed().join("\n"))?.[1] ?? 0);
    return { seeds: ran + 1, words: output.includes("Error") ? output.slice(-160).trim() : `nothing happens any more for ${silenceMs} ms` };
  } finally {
    removeTestDirectory(directory);
  }
}

/** All that it says until it ends, or falls silent. */
function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), silenceMs);
    let output = "";
    const hear = (data: unknown): void => {
      output += data;
      timer.refresh();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}
