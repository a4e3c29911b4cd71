// `npm run chaos`: real masters under kill -9, SIGSTOP, partitions and full disks, judged by what their clients have seen.
//
// That it can see was tried with --bug: follower_reads_itself, read_not_awaited and watch_skips_on_resume (kill, pause, partition) in one or two rounds,
// read_without_quorum, a leader that serves reads without asking whether it still leads (partition), in five. What only a loss of power shows, or messages that
// come twice, it cannot see: that is for the simulation.
import { tmpdir } from "node:os";
import process from "node:process";
import { commandLine, say } from "../kit/command_line.ts";
import { runtime } from "../kit/master_process.ts";
import { enclosedTrial, noEnclosure } from "./enclosure.ts";
import { type FaultKind, faultKinds, notHere } from "./fault.ts";
import { summary } from "./summary.ts";
import { withBug } from "./with_bug.ts";

const help = `Usage: npm run chaos -- [options]

  --minutes M      how long (default 5)
  --seed S         of what is drawn: faults, and what clients do (default: from the clock, and printed)
  --members N      3 or 5 masters (default 3)
  --faults A,B,…   which (default: all): ${faultKinds.join(", ")}
  --round SECONDS  of trouble between two looks at the whole history (default 25)
  --runtime R      node or deno, for masters and clients (default: the one that runs this)
  --bug NAME       masters with a bug of test/sim/mutants.ts, which must be seen
  --keep DIR       where history and logs are left when something is wrong (default: below ${tmpdir()})
  --help

Needs root on Linux, for namespaces of its own; the machine's network is not touched.
Not among the faults: ${Object.entries(notHere).map(([fault, why]) => `${fault} (${why})`).join("; ")}.

Examples:
  npm run chaos -- --minutes 5 --seed 7
  npm run chaos -- --minutes 2 --faults kill,pause,partition --runtime deno
  npm run chaos -- --minutes 2 --bug read_without_quorum     # exit status 1

Exit status: 0 if nothing was wrong, 1 if something was, 2 if it could not be run.
`;

const { values, number, refuse } = commandLine(help, {
  options: {
    minutes: { type: "string" },
    seed: { type: "string" },
    members: { type: "string" },
    faults: { type: "string" },
    round: { type: "string" },
    runtime: { type: "string" },
    bug: { type: "string" },
    keep: { type: "string" },
  },
});
const kinds = (text: string): FaultKind[] =>
  text.split(",").filter((word) => word !== "").map((word) => {
    if (Object.hasOwn(notHere, word)) return refuse(`There is no ${word} here: ${notHere[word]}`);
    return faultKinds.find((kind) => kind === word) ?? refuse(`There is no fault ${word}`);
  });

const why = noEnclosure();
if (why !== undefined) {
  say(`Cannot run chaos here: ${why}. It wants root on Linux, with iproute2, nftables and util-linux`);
  process.exit(2);
}
for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) process.on(signal, () => process.exit(status)); // and the kit cleans up

const seed = number("seed", Date.now() % 1_000_000, "above 0");
const wanted = values.runtime ?? runtime;
if (wanted !== "node" && wanted !== "deno") refuse(`There is no runtime ${wanted}`);
const members = number("members", 3);
if (members !== 3 && members !== 5) refuse(`Cannot take --members ${members}: it must be 3 or 5`);
const options = {
  seed,
  minutes: number("minutes", 5, "above 0"),
  members,
  faults: values.faults === undefined ? faultKinds : kinds(values.faults),
  roundMs: number("round", 25, "above 0") * 1000,
  keep: values.keep ?? `${tmpdir()}/chaos-seed-${seed}`,
  runtime: wanted as "node" | "deno",
};
say(
  `seed ${seed}, ${options.members} masters on ${options.runtime}, ${options.minutes} min, faults: ${options.faults.join(" ") || "none"}`,
);
try {
  const report = await withBug(values.bug, (source) => enclosedTrial({ ...options, ...(source !== undefined && { source }) }, say));
  say(summary(report, options));
  process.exit(report.violations.length === 0 ? 0 : 1);
} catch (error) {
  say(`Cannot say: ${(error as Error).message}`);
  process.exit(2);
}
