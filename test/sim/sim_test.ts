// A slice of `npm run sim` for every day: the same seeds each time, fresh ones for a while (SKERRY_SIM_SECONDS), and that a seed is the same run on both runtimes.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { root, runtime } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";
import { mutants, uncovered } from "./mutants.ts";
import { filesOf, mutated } from "./mutants/mutant.ts";
import { type RunReport, simulate } from "./simulation.ts";

const fixedSeeds = 15, freshMs = Number(process.env.SKERRY_SIM_SECONDS ?? 20) * 1000;
const test = suite("simulation", { timeoutMs: freshMs + 170_000 });

const mustBeClean = ({ seed, violations }: RunReport): void =>
  assert.equal(violations, [], `seed ${seed}; again: npm run sim -- --seed ${seed}`);

test("seeds that are always the same", async () => {
  for (let seed = 1; seed <= fixedSeeds; seed++) mustBeClean(await simulate(seed));
});

test("fresh seeds", async () => {
  const from = Date.now() % 1e9 + (runtime === "deno" ? 1e9 : 0), began = performance.now();
  let seeds = 0, steps = 0;
  for (; performance.now() - began < freshMs; seeds++) {
    const report = await simulate(from + seeds);
    mustBeClean(report);
    steps += report.steps;
  }
  process.stdout.write(`measured: ${seeds} fresh seeds from ${from}, ${steps} steps, all clean\n`);
});

test("a seed is the same run on the other runtime", async () => {
  const [other, ...args] = runtime === "node" ? [`${root}/node_modules/.bin/deno`, "run", "-A", "--quiet"] : [
    `${root}/node_modules/.bin/node`,
    "--no-warnings",
  ];
  for (const seed of [3, 5, 8, 13]) {
    const { stdout } = await promisify(execFile)(other!, [...args, `${root}/test/sim/run.ts`, "--seed", String(seed)]);
    const { hash } = await simulate(seed);
    assert.is(/trace ([0-9a-f]{8})/.exec(stdout)?.[1], hash.toString(16).padStart(8, "0"), `seed ${seed}`);
  }
});

test("each mutant has its place in the code", () => {
  for (const mutant of mutants) {
    for (const file of filesOf(mutant)) {
      const text = readFileSync(`${root}/master/store/${file}`, "utf8");
      assert.is.not(mutated(text, file, mutant), text);
    }
  }
  assert.is(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});

test("each classic has a mutant, or a reason why it has none", () => {
  assert.equal(uncovered(mutants), []);
});
