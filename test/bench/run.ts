// `npm run bench [-- name…]`: how far we are from the bare thing, on the runtime that runs this. Subject and bare thing take turns, medians of the rounds are
// printed, and of each round's ratio: the machine may be shared, and a neighbour slows both.
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import process from "node:process";
import { commandLine } from "../kit/command_line.ts";
import { say } from "./figures.ts";
import { runtime } from "./subject.ts";

export interface Options {
  /** Of `store`. */
  readonly rounds: number;
  /** Of each side, of `failover`. */
  readonly kills: number;
}

const benches: Readonly<Record<string, () => Promise<{ bench(options: Options): Promise<void> }>>> = {
  api: () => import("./api.ts"),
  fsync: () => import("./fsync.ts"),
  store: () => import("./store.ts"),
  failover: () => import("./failover.ts"),
  apply: () => import("./apply.ts"),
  rss: () => import("./rss.ts"),
  fairness: () => import("./fairness.ts"),
};
const help = `Usage: npm run bench -- [name…] [--rounds N] [--kills N]        (all of them, when none is named)

  api        CPU of a request to a master, beside a bare node:https server          2 min
  fsync      a put through the store, beside a bare write and fdatasync             1 min
  store      the store beside Debian's etcd, on Node and Deno                      15 min with --rounds 5
  failover   kill -9 of the leader, a master of ours and of etcd in turns          12 min with --kills 100
  apply      from a request to createContainer on a node, beside bare fsyncs        3 min
  rss        memory of a master and of an agent at rest, beside bare runtimes       6 min
  fairness   one client beside another that has gone wild, with and without turns   1 min

  --rounds N   rounds of \`store\` (default 5; fewer are quicker, and worth less)
  --kills N    leaders killed on each side by \`failover\` (default 100)

Needs for store and failover, from Debian: etcd-server; for store also golang-go and golang-etcd-server-dev, of which the load generator is built.
SKERRY_BENCH_DIR: where the stores' files go (default: the temporary directory); a disk, not a tmpfs.

Examples:
  npm run bench -- store                        the figures of test/bench/README.md
  npm run bench -- store --rounds 1             does it work?
  npm run bench -- failover --kills 20

Exit codes: 0 measured, whatever the figures say; 1 something failed, or was stopped; 2 wrong words on the command line.
`;

if (import.meta.main) await main();

async function main(): Promise<void> {
  // By way of exit(), where everything that was started is ended: a signal alone would leave masters running, which nobody would miss but the next measurement.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  const { names, options } = read();
  const load = (): string => loadavg().map((average) => average.toFixed(1)).join(" ");
  say(
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, ${runtime}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, ${distribution()}, load average ${load()}`,
  );
  for (const name of names) {
    const { bench } = await benches[name]!();
    say(`\n## ${name} (load average ${load()})\n`);
    await bench(options);
  }
  process.exit(0);
}

function read(): { names: readonly string[]; options: Options } {
  const { positionals, number, refuse } = commandLine(help, {
    allowPositionals: true,
    options: { rounds: { type: "string" }, kills: { type: "string" } },
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) refuse(`There is no bench ${unknown.join(", ")}: there are ${Object.keys(benches).join(", ")}`);
  const count = (name: string, otherwise: number): number => {
    const value = number(name, otherwise, "above 0");
    return Number.isInteger(value) && value < 100_000
      ? value
      : refuse(`Cannot take --${name} ${value}: it must be a whole number below 100,000`);
  };
  const options = { rounds: count("rounds", 5), kills: count("kills", 100) };
  return { names: positionals.length > 0 ? positionals : Object.keys(benches), options };
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown distribution";
  } catch {
    return "unknown distribution";
  }
}
