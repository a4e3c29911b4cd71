// A real agent but for its container engine, which says on standard output when it is asked to create a container: `create <pod> <syncs>`, with the calls that
// made something durable (fsync, fdatasync) since the last SIGUSR2. `node stamping_agent.ts <master> <token> <directory>`
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import process from "node:process";
import { type AgentParts, agentVersion, runAgent } from "../../agent/agent.ts";
import { emulatedNetwork } from "../../agent/network/network.ts";
import { openMachine } from "../../agent/node/machine.ts";
import { EmulatedFilter } from "../../agent/proxy/packet_filter.ts";
import { createProxy } from "../../agent/proxy/proxy.ts";
import { rulesetFile } from "../../agent/proxy/ruleset_file.ts";
import { EmulatedEngine } from "../../agent/runtime/emulated_engine.ts";
import { EmulatedRuntime } from "../../agent/runtime/emulated.ts";
import type { ContainerSpec } from "../../agent/runtime/runtime.ts";
import { systemClock as clock, systemRandom as random } from "../../shared/util/clock.ts";
import { standardErrorLog } from "../../shared/util/log.ts";

const [master, token, directory] = process.argv.slice(2) as [string, string, string];
let syncs = 0;
process.on("SIGUSR2", () => {
  syncs = 0;
  process.stdout.write("counting\n");
});
await countSyncs();

class StampingRuntime extends EmulatedRuntime {
  override createContainer(sandboxId: string, spec: ContainerSpec, signal?: AbortSignal): Promise<{ id: string }> {
    process.stdout.write(`create ${spec.podName} ${syncs}\n`);
    return super.createContainer(sandboxId, spec, signal);
  }
}

const stop = new AbortController(), log = standardErrorLog(clock.now, "info"), dataDir = `${directory}/data`, runDir = `${directory}/run`;
await mkdir(dataDir, { recursive: true });
process.once("SIGTERM", () => stop.abort(new Error("stopped")));
const runtime = new StampingRuntime(new EmulatedEngine({ clock, random }, {}));
const machine = await openMachine({ clock, log, runtime }, { dataDir, engine: "emulated", agentVersion, labels: {} });
const proxy = createProxy({ filter: new EmulatedFilter(), clock, log, file: rulesetFile(`${dataDir}/state/ruleset.nft`) }, {
  table: "skerry_bench",
  bridge: "skbench0",
});
const parts: AgentParts = { clock, random, log, runtime, proxy, network: emulatedNetwork, machine };
await runAgent(parts, {
  dataDir,
  runDir,
  keepaliveSeconds: 60,
  metered: false,
  engine: "emulated",
  enrol: { masters: [master], token, wish: { name: "bench", labels: {} }, agentVersion },
}, stop.signal);
process.exit(0);

/** Every open file's sync and datasync counts from now on: files are opened through node:fs/promises everywhere in the agent. */
async function countSyncs(): Promise<void> {
  const place = await mkdtemp(`${directory}/probe-`), file = await open(place, "r");
  const prototype = Object.getPrototypeOf(file) as Record<"sync" | "datasync", () => Promise<void>>;
  for (const name of ["sync", "datasync"] as const) {
    const real = prototype[name];
    prototype[name] = function (this: unknown) {
      syncs++;
      return real.call(this as never);
    };
  }
  await file.close();
  await rm(place, { recursive: true });
}
