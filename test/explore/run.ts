// `npm run explore`: goes through every order of what can happen to three members of the real state machine, within a scope, and says how far it has come.
import process from "node:process";
import { commandLine, say } from "../kit/command_line.ts";
import { raftSource } from "../kit/raft_source.ts";
import { type Bounds, Explorer } from "./explorer.ts";
import { huntBugs } from "./hunt.ts";
import { scriptOf } from "./script.ts";
import { situations } from "./situations.ts";

const help = `Usage: npm run explore -- [options]

Three members, breadth first: every message arrives at any time, never, or often; every write is done at any later time. After each step everything that Raft promises
is looked at. What is found wrong is printed as a scenario script, on a shortest way.

  --terms N      no election beyond this term (default 3)
  --entries N    nothing is proposed to a log that is as long (default 3); each leader's first entry comes in any case
  --crashes N    crashes in all, each followed by a start with what is on the disk (default 1)
  --ticks N      election timeouts, and of leaders heartbeats, in all (default 4)
  --from NAMES   where to begin: ${situations.map(({ name }) => name).join(", ")} (default: all of them at once)
  --minutes M    stop after that long (default 5)
  --memory MB    stop when the tables have that size (default 2000)
  --mutants      put bugs into copies of the state machine, one at a time, and say which of them it sees, each in --minutes at most
  --only WORD    of the mutants, those whose name contains it
  --help

Examples:
  npm run explore -- --from empty --terms 1 --entries 1 --ticks 1     # complete in a second
  npm run explore -- --minutes 60
  npm run explore -- --mutants --minutes 1

Exit status: 0 if nothing was wrong (every mutant that it can see was seen), 1 if something was, 2 for wrong options.
`;
const { values, number, refuse } = commandLine(help, {
  options: {
    terms: { type: "string" },
    entries: { type: "string" },
    crashes: { type: "string" },
    ticks: { type: "string" },
    from: { type: "string" },
    minutes: { type: "string" },
    memory: { type: "string" },
    mutants: { type: "boolean" },
    only: { type: "string" },
  },
});

const patienceMs = number("minutes", 5) * 60_000;
if (values.mutants) process.exit(await huntBugs({ patienceMs, only: values.only ?? "", say }) ? 0 : 1);

const bounds: Bounds = {
  terms: number("terms", 3),
  entries: number("entries", 3),
  crashes: number("crashes", 1),
  ticks: number("ticks", 4),
};
const names = values.from?.split(/[ ,]+/), beginnings = situations.filter(({ name }) => !names || names.includes(name));
if (beginnings.length < (names?.length ?? 1)) refuse(`Cannot begin --from ${values.from}: not all of these are situations`);
const source = await raftSource({ opened: true }), explorer = new Explorer(source, bounds, beginnings), began = performance.now();
let told = began;
const end = explorer.run({
  memoryBytes: number("memory", 2_000) * 1e6,
  isOver: () => {
    const now = performance.now();
    if (now - told > 60_000) {
      told = now;
      say(progress());
    }
    return now - began > patienceMs;
  },
});
say(progress());
if (typeof end === "object") say(`\nWRONG: ${end.words}\n\n${scriptOf(end, source.Raft)}`);
else say(end === "complete" ? "Complete: there is no other state in this scope." : `Not complete: the limit of ${end} was reached.`);
process.exit(typeof end === "object" ? 1 : 0);

function progress(): string {
  const seconds = (performance.now() - began) / 1000, { states, frontier, depth, members, bytes } = explorer;
  return `${seconds.toFixed(0)} s: ${states} states (${
    Math.round(states / seconds)
  }/s), ${frontier} of them not gone on from, all within ${depth} steps; ` +
    `${members.facts.length} states of members, ${members.messages.length} messages, ${members.transitions} transitions worked out; ${
      Math.round(bytes / 1e6)
    } MB`;
}
