// `npm run fuzz`: sends damaged requests, packets and frames to every part that takes bytes from strangers, and says of each finding how to see it again.
import process from "node:process";
import { commandLine, say } from "../kit/command_line.ts";
import { runtime } from "../kit/master_process.ts";
import { collectGarbage, residentBytes } from "./memory.ts";
import { seeded } from "../../shared/util/clock.ts";
import { live, type Ran } from "./fuzz.ts";
import { caseSeed } from "./target.ts";
import { targets } from "./targets.ts";

const help = `Usage: npm run fuzz -- [options]

  --cases N      how many cases in all (default 100000)
  --seed S       where they come from (default: drawn from the clock, and printed)
  --only WORD    of the targets, those whose name contains it
  --case T:I     the case with the index I of target T, after those of its life that come before it; needs --seed
  --alone        with --case: without those before it
  --print        with --case: only say what it would be
  --first        stop at the first finding
  --help

Targets: ${targets.map(({ name }) => name).join(" ")}

Examples:
  npm run fuzz -- --cases 1000000 --seed 1
  npm run fuzz -- --seed 1 --case api:1234        # the same case on every machine, on Deno and on Node

A finding is an answer that must not be (500), an error that nobody caught, more than a second of work, or an end that does not come. The process may not
grow by more than 64 MiB from the first twentieth of the cases to the last.

Exit status: 0 if there was no finding, 1 if there was one, 2 for wrong options.
`;
const { values, number, refuse } = commandLine(help, {
  options: {
    cases: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    case: { type: "string" },
    alone: { type: "boolean" },
    print: { type: "boolean" },
    first: { type: "boolean" },
  },
});
const grownBytes = 64 * 2 ** 20, progressMs = 10_000, shownFindings = 50;
const seed = number("seed", Date.now() % 1e9, "from 0"), ran: Ran = { findings: [], slowest: { ms: 0, target: "", index: 0 } };
let told = 0;

if (values.case !== undefined) process.exit(await again(values.case));

async function again(which: string): Promise<number> {
  if (values.seed === undefined) return refuse("--case needs the --seed that it was found with");
  const [name, text] = which.split(":"), index = Number(text), chosen = targets.find((target) => target.name === name);
  if (!chosen || !Number.isInteger(index) || index < 0) return refuse(`--case: ${which} is not TARGET:INDEX`);
  say(chosen.show(chosen.make(seeded(caseSeed(seed, chosen.name, index)))));
  if (!values.print) await live(chosen, seed, values.alone ? index : index - index % chosen.casesPerLife, index + 1, ran);
  tell();
  return ran.findings.some((finding) => finding.index === index) ? 1 : 0;
}

const cases = number("cases", 100_000), chosen = targets.filter(({ name }) => name.includes(values.only ?? ""));
if (chosen.length === 0) refuse(`--only ${values.only}: there is no such target`);
const began = performance.now(), done = new Map(chosen.map(({ name }) => [name, 0]));
let ranCases = 0, said = began, startBytes: number | undefined;
say(`${runtime}: seed ${seed}, ${cases} cases`);
while (ranCases < cases && !(values.first && ran.findings.length > 0)) {
  for (const target of chosen) {
    const from = done.get(target.name)!, to = from + Math.min(target.casesPerLife, cases - ranCases);
    const lived = await live(target, seed, from, to, ran, () => (values.first ?? false) && ran.findings.length > 0);
    done.set(target.name, from + lived);
    ranCases += lived;
    tell();
    if (startBytes === undefined && ranCases >= cases / 20) startBytes = measured();
    if (performance.now() - said < progressMs) continue;
    said = performance.now();
    say(`${ranCases} cases, ${ran.findings.length} findings, ${rate()}, ${mib(measured())} MiB`);
  }
}
const endBytes = measured(), grown = endBytes - (startBytes ?? endBytes), { slowest } = ran;
say(`slowest: ${slowest.target}:${slowest.index} worked for ${Math.round(slowest.ms)} ms`);
say(`memory: ${mib(startBytes ?? endBytes)} MiB after the first twentieth, ${mib(endBytes)} MiB at the end`);
if (grown > grownBytes) say(`It has grown by ${mib(grown)} MiB`);
say(`${runtime}: seed ${seed}: ${ranCases} cases, ${ran.findings.length} findings; ${rate()}`);
process.exit(ran.findings.length === 0 && grown <= grownBytes ? 0 : 1);

function tell(): void {
  for (const { target, index, what, shown } of ran.findings.slice(told, shownFindings)) {
    say(`FOUND ${target}:${index}: ${what}\n${shown}\n  again: npm run fuzz -- --seed ${seed} --case ${target}:${index}\n`);
  }
  told = ran.findings.length;
}
function measured(): number {
  collectGarbage();
  return residentBytes();
}
function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
function rate(): string {
  const seconds = (performance.now() - began) / 1000;
  return `${Math.round(ranCases / seconds)} cases/s, ${seconds.toFixed(0)} s`;
}
