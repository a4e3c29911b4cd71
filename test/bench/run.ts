// `npm run bench [-- name…]`: how far we are from the bare thing, on the runtime that runs this. Subject and bare thing take turns, medians of the rounds are
// printed, and of each round's ratio: the machine may be shared, and a neighbour slows both.
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import process from "node:process";
import { say } from "./figures.ts";
import { runtime } from "./subject.ts";

const benches: Readonly<Record<string, () => Promise<{ bench(): Promise<void> }>>> = {
  api: () => import("./api.ts"),
  store: () => import("./store.ts"),
  apply: () => import("./apply.ts"),
  rss: () => import("./rss.ts"),
};

// By way of exit(), where everything that was started is ended: a signal alone would leave masters running, which nobody would miss but the next measurement.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(", ")}: there are ${Object.keys(benches).join(", ")}\n`);
  process.exit(2);
}
const load = (): string => loadavg().map((average) => average.toFixed(1)).join(" ");
say(
  `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, ${runtime}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, ${distribution()}, load average ${load()}`,
);
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  const { bench } = await benches[name]!();
  say(`\n## ${name} (load average ${load()})\n`);
  await bench();
}
process.exit(0);

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown distribution";
  } catch {
    return "unknown distribution";
  }
}
