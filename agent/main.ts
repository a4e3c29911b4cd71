// skerry-agent: the command line. Everything it does is in the files it calls.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { cardFile, paths } from "../shared/names.ts";
import { type Clock, systemClock, systemRandom } from "../shared/util/clock.ts";
import { ConfigError, describe, readConfig, shown } from "../shared/util/config.ts";
import { chain, standardErrorLog } from "../shared/util/log.ts";
import { agentVersion } from "./agent.ts";
import { emulateOptions, options } from "./config.ts";
import { EnrolError } from "./link/enroll.ts";

const help = `skerry-agent ${agentVersion}: runs one node of a fleet.

  skerry-agent run [options]         run this machine as a node
  skerry-agent emulate [options]     pretend to be many nodes, over the real protocol

Examples
  skerry-agent run --master https://master.example.net:6443 --token sk1.…      the first time: joins
  skerry-agent run                                                             from then on
  skerry-agent emulate --count 50 --master https://localhost:6443 --token sk1.…

Options of run (also as SKERRY_MASTER … in the environment, or in ${paths.etc}/${cardFile})
${describe(options)}

Options of emulate
${describe(emulateOptions)}
`;

const needed = [22, 18], running = process.versions.node.split(".").map(Number);
if (running[0]! < needed[0]! || (running[0] === needed[0] && running[1]! < needed[1]!)) {
  process.stderr.write(
    `Skerry needs Node ${
      needed.join(".")
    } or later (this is ${process.versions.node}), or Deno 2.9: \`npm run agent\` brings the right one\n`,
  );
  process.exit(2);
}

const [command, ...argv] = process.argv.slice(2);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort(new Error("stopped")));
try {
  if (command === undefined || command === "help" || process.argv.includes("--help")) process.stdout.write(help);
  else if (command === "run") await run(argv);
  else if (command === "emulate") await emulate(argv);
  else throw new ConfigError(`Unknown command: ${command}. --help shows what there is`);
} catch (error) {
  if (stop.signal.aborted) process.exit(0);
  const expected = error instanceof ConfigError || error instanceof EnrolError;
  process.stderr.write(`${expected ? error.message : `skerry-agent: ${chain(error)}`}\n`);
  process.exit(expected ? 2 : 1);
}

async function run(argv: readonly string[]): Promise<void> {
  const path = `${paths.etc}/${cardFile}`, file = existsSync(path) ? { path, text: readFileSync(path, "utf8") } : undefined;
  const { config } = readConfig(options, { argv, env: process.env, ...(file && { file }) });
  if (config.printConfig) return void process.stdout.write(`${JSON.stringify(shown(options, config), null, 2)}\n`);
  const clock = shifted(config.clockOffset), log = standardErrorLog(() => clock.now(), config.logLevel);
  const { runNode } = await import("./run_node.ts"); // what only a real node needs is loaded only there
  await runNode({ clock, random: systemRandom, log }, config, stop.signal);
  process.exit(0);
}

async function emulate(argv: readonly string[]): Promise<void> {
  const { config } = readConfig(emulateOptions, { argv, env: process.env });
  const log = standardErrorLog(() => systemClock.now(), config.logLevel);
  const { runFleet } = await import("./emulator/fleet.ts");
  await runFleet(
    { clock: systemClock, random: systemRandom, log, print: (line) => void process.stdout.write(`${line}\n`) },
    config,
    stop.signal,
  );
  process.exit(0);
}

/** The machine's clock, moved: how a test makes a board that believes it is 1970. */
function shifted(offsetMs: number): Clock {
  return offsetMs === 0 ? systemClock : { ...systemClock, now: () => systemClock.now() + offsetMs };
}
