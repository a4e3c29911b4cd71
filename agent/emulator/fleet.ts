// Many devices in one process: the real agent over the real protocol, each with a key, a connection and a state of its own. For trying changes before a real
// device sees them, and for finding out what a master can hold.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as v from "valibot";
import { enrolmentsAtOnce } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import { ConfigError } from "../../shared/util/config.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { agentVersion, runAgent } from "../agent.ts";
import { type EmulateConfig, labelsOf } from "../config.ts";
import type { Fault } from "../runtime/emulated_engine.ts";
import { emulatedDevice } from "./device.ts";

const image = v.optional(v.string()), times = v.optional(v.number());
const Faults = v.array(v.variant("at", [
  v.object({ at: v.literal("pull"), image: v.string(), message: v.string(), times }),
  v.object({ at: v.literal("start"), image, command: v.optional(v.string()), message: v.string(), times }),
  v.object({
    at: v.literal("run"),
    image,
    container: v.optional(v.string()),
    afterMs: v.number(),
    exitCode: v.number(),
    oomKilled: v.optional(v.boolean()),
    times,
  }),
]));

export interface FleetNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly print: (line: string) => void;
}

/** Resolves when the signal has aborted and every device has stopped. */
export async function runFleet({ clock, random, log, print }: FleetNeeds, config: EmulateConfig, signal: AbortSignal): Promise<void> {
  const { count, prefix } = config, isTemporary = config.dataDir === "";
  const dataDir = isTemporary ? await mkdtemp(`${tmpdir()}/skerry-emulated-`) : config.dataDir, faults = readFaults(config.faults);
  if (config.token === "" && !existsSync(`${dataDir}/${prefix}-0/identity/node.json`)) {
    throw new ConfigError(
      "These devices have not joined a cluster yet: give --master and --token; `skerry-master token create` prints one",
    );
  }
  const begunMs = clock.monotonic(), bootId = `emulated-${Math.floor(random() * 2 ** 40).toString(36)}`;
  let connected = 0, joining = 0;
  const waiting: (() => void)[] = [];
  /** Keys, requests and signatures cost both sides CPU: a few at a time. */
  const turn = async (): Promise<void> => {
    if (joining >= enrolmentsAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    joining++;
  };
  const done = (): void => {
    joining--;
    waiting.shift()?.();
  };

  const device = async (index: number): Promise<void> => {
    const name = `${prefix}-${index}`, own = log.with({ device: name }), labels = labelsOf(config.label);
    await turn();
    let isJoining = true;
    const joined = (): void => {
      isJoining = false;
      done();
      if (++connected % 10 === 0 || connected === count) {
        print(`${connected} of ${count} devices have joined (${((clock.monotonic() - begunMs) / 1000).toFixed(1)} s)`);
      }
    };
    try {
      await runAgent(
        emulatedDevice({ clock, random, log: own }, { name, index, bootId, agentVersion, labels, faults, writeLogs: config.writeLogs }),
        {
          dataDir: `${dataDir}/${name}`,
          runDir: `${dataDir}/${name}/run`,
          keepaliveSeconds: config.keepalive,
          metered: false,
          engine: "emulated",
          enrol: config.token === "" ? undefined : { masters: config.master, token: config.token, wish: { name, labels }, agentVersion },
        },
        signal,
        joined,
      );
    } catch (error) {
      if (isJoining) done();
      if (!signal.aborted) print(`${name} has stopped: ${chain(error)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: count }, (_, index) => device(index)));
  } finally {
    if (isTemporary) await rm(dataDir, { recursive: true, force: true });
  }
}

function readFaults(path: string): readonly Fault[] {
  if (path === "") return [];
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), Faults), readFileSync(path, "utf8"));
  if (!result.success) throw new ConfigError(`Cannot use the faults in ${path}: ${result.issues[0].message}`);
  return result.output as readonly Fault[];
}
