// One real node: Podman (or the emulated engine), nftables, the bridge, and the machine itself, put into an agent.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import type { Clock, Random } from "../shared/util/clock.ts";
import { runner } from "../shared/platform/process.ts";
import { ConfigError } from "../shared/util/config.ts";
import type { Log } from "../shared/util/log.ts";
import { type AgentParts, agentVersion, runAgent } from "./agent.ts";
import { type AgentConfig, labelsOf } from "./config.ts";
import { createNetwork, emulatedNetwork } from "./network/network.ts";
import { openMachine } from "./node/machine.ts";
import { pretendedChecks } from "./probes/prober.ts";
import { Nft } from "./proxy/nft.ts";
import { EmulatedFilter } from "./proxy/packet_filter.ts";
import { createProxy } from "./proxy/proxy.ts";
import { rulesetFile } from "./proxy/ruleset_file.ts";
import { EmulatedEngine } from "./runtime/emulated_engine.ts";
import { EmulatedRuntime } from "./runtime/emulated.ts";
import { plainMounter } from "./volumes/mounter.ts";
import { openPodman } from "./runtime/open_podman.ts";

const leaseFile = "/run/containers/networks/ipam.db";

export async function runNode(
  { clock, random, log }: { clock: Clock; random: Random; log: Log },
  config: AgentConfig,
  signal: AbortSignal,
): Promise<void> {
  const { dataDir, runDir, bridge } = config, isEmulated = config.runtime === "emulated";
  if (config.token === "" && !existsSync(`${dataDir}/identity/node.json`)) {
    throw new ConfigError(
      `This machine has not joined a cluster yet (nothing in ${dataDir}): give --master and --token; \`skerry-master token create\` prints one`,
    );
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const engine = isEmulated ? await emulated({ clock, random }) : await podman({ clock, random, log }, config, signal);
  const machine = await openMachine({ clock, log, runtime: engine.runtime }, {
    dataDir,
    engine: engine.name,
    agentVersion,
    labels: labelsOf(config.label),
  });
  const filter = isEmulated ? new EmulatedFilter() : new Nft({ run: runner(), clock, log }, { table: config.nftTable });
  const network = isEmulated ? emulatedNetwork : createNetwork({ log, clock, runtime: engine.maker }, {
    bridge,
    stub: [`${bridge.slice(0, 12)}-s0`, `${bridge.slice(0, 12)}-s1`],
    network: config.podmanNetwork,
  });
  const proxy = createProxy({ filter, clock, log: log.with({ part: "proxy" }), file: rulesetFile(`${dataDir}/state/ruleset.nft`) }, {
    table: config.nftTable,
    bridge,
  });
  const parts: AgentParts = {
    clock,
    random,
    log,
    runtime: engine.runtime,
    proxy,
    network,
    machine,
    ...(isEmulated && { mounter: plainMounter, checks: pretendedChecks }),
  };
  await runAgent(parts, {
    dataDir,
    runDir,
    keepaliveSeconds: config.keepalive,
    metered: config.metered,
    engine: engine.name,
    ...(!isEmulated && { leaseFile }),
    enrol: config.token === "" ? undefined : {
      masters: config.master,
      token: config.token,
      wish: { name: config.nodeName, labels: labelsOf(config.label) },
      ...(machine.serial && { serial: machine.serial }),
      ...(machine.machineIdHash && { machineIdHash: machine.machineIdHash }),
      agentVersion,
    },
  }, signal);
}

async function podman(needs: { clock: Clock; random: Random; log: Log }, config: AgentConfig, signal: AbortSignal) {
  const { dataDir, runDir, podmanStore: store, podmanSocket } = config;
  const { runtime, service } = await openPodman(needs, {
    dataDir,
    runDir,
    network: config.podmanNetwork,
    ...(podmanSocket && { socketPath: podmanSocket }),
    ...(store && { store: { root: `${store}/root`, runRoot: `${store}/run`, tmpDir: `${store}/tmp`, networkDir: `${store}/net` } }),
  }, signal);
  needs.log.info("Podman answers", { socket: service.socketPath, startedByUs: service.pid !== undefined });
  return { runtime, maker: runtime, name: "podman" };
}

function emulated({ clock, random }: { clock: Clock; random: Random }) {
  return Promise.resolve({ runtime: new EmulatedRuntime(new EmulatedEngine({ clock, random }, {})), maker: undefined, name: "emulated" });
}
