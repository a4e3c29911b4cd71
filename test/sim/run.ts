// `npm run sim`: runs seeds, each a life of a whole cluster in virtual time, and says of each that fails what was wrong and how to see it again.
import process from "node:process";
import { commandLine, say } from "../kit/command_line.ts";
import { runtime } from "../kit/master_process.ts";
import { hunt } from "./hunt.ts";
import { type RunReport, simulate } from "./simulation.ts";

const help = `Usage: npm run sim -- [options]

  --seeds N      how many lives of a cluster to run (default 100)
  --from S       the first seed (default: drawn from the clock, and printed)
  --seed S       this one, with all that is known of it
  --minutes M    stop after that long, whatever is left of the seeds
  --first        stop at the first that fails
  --mutants      put bugs into copies of the store, one at a time, and say how many seeds it takes to see each
  --only WORD    of the mutants, those whose name contains it
  --help

Examples:
  npm run sim -- --seeds 1000
  npm run sim -- --seed 4711              # the same run on every machine, on Deno and on Node
  npm run sim -- --mutants --seeds 2000

Exit status: 0 if every seed was clean (every mutant was found), 1 if one was not, 2 for wrong options.
`;
const { values, number } = commandLine(help, {
  options: {
    seeds: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    minutes: { type: "string" },
    first: { type: "boolean" },
    mutants: { type: "boolean" },
    only: { type: "string" },
  },
});
if (values.mutants) process.exit(await hunt({ seeds: number("seeds", 2_000), only: values.only ?? "", say }) ? 0 : 1);

const one = values.seed !== undefined, seeds = one ? 1 : number("seeds", 100);
const from = one ? number("seed", 0) : number("from", Date.now() % 1e9), until = number("minutes", Infinity) * 60_000;
const began = performance.now();
let ran = 0, steps = 0, calls = 0, failed = 0, told = began;
for (let seed = from; seed < from + seeds && performance.now() - began < until; seed++) {
  const report = await simulate(seed);
  ran++;
  steps += report.steps;
  calls += report.calls;
  if (report.violations.length > 0) {
    failed++;
    say(`seed ${seed} FAILED: ${report.violations.slice(0, 5).join("\n  ")}\n  ${picture(report)}\n  again: npm run sim -- --seed ${seed}`);
    if (values.first) break;
  } else if (one) say(picture(report));
  if (performance.now() - told < 10_000) continue;
  told = performance.now();
  say(`${ran} seeds, ${failed} failed, ${rate()}`);
}
say(`${runtime}: seeds ${from}…${from + ran - 1}: ${ran} ran, ${failed} failed; ${steps} steps, ${calls} calls of clients; ${rate()}`);
process.exit(failed === 0 ? 0 : 1);

function rate(): string {
  const seconds = (performance.now() - began) / 1000;
  return `${Math.round(steps / seconds)} steps/s, ${seconds.toFixed(1)} s`;
}
function picture(report: RunReport): string {
  const { members, troubles, ms, terms, entries, answered, hash } = report;
  return `${members} members, ${troubles.join(" ") || "no trouble"}; ${
    (ms / 1000).toFixed(1)
  } s of its time, ${report.steps} steps, ${terms} leaders, ` +
    `${entries} entries, ${answered} of ${report.calls} calls answered; trace ${hash.toString(16).padStart(8, "0")}`;
}
