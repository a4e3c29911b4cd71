// What an emulated device has instead of a machine: a container engine, a packet filter and a network that only pretend, and a board of its own description.
import type { Clock, Random } from "../../shared/util/clock.ts";
import { aborted } from "../../shared/util/signal.ts";
import type { AgentParts, Machine } from "../agent.ts";
import { emulatedNetwork } from "../network/network.ts";
import { noPressure } from "../node/pressure.ts";
import { type MachineFacts, nodeStatus, resources } from "../node/status.ts";
import { pretendedChecks } from "../probes/prober.ts";
import { EmulatedFilter } from "../proxy/packet_filter.ts";
import { createProxy } from "../proxy/proxy.ts";
import { EmulatedRuntime } from "../runtime/emulated.ts";
import { EmulatedEngine, type Fault } from "../runtime/emulated_engine.ts";
import { plainMounter } from "../volumes/mounter.ts";
import type { Log } from "../../shared/util/log.ts";

/** A Raspberry Pi 4 with 4 GiB and a card of 32 GB. */
const board = { cpus: 4, memoryBytes: 4 * 2 ** 30, diskBytes: 32e9, cpuShare: 0.1, architecture: "arm64" } as const;

export interface DeviceOptions {
  readonly name: string;
  readonly index: number;
  readonly bootId: string;
  readonly agentVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Shared by all devices, and changed while they run. */
  readonly faults: readonly Fault[];
  readonly writeLogs: boolean;
}

export function emulatedDevice({ clock, random, log }: { clock: Clock; random: Random; log: Log }, options: DeviceOptions): AgentParts {
  const engine = new EmulatedEngine({ clock, random }, { faults: options.faults, writeLogs: options.writeLogs });
  return {
    clock,
    random,
    log,
    runtime: new EmulatedRuntime(engine),
    proxy: createProxy({ filter: new EmulatedFilter(), clock, log }),
    network: emulatedNetwork,
    machine: emulatedMachine(clock, options),
    mounter: plainMounter,
    checks: pretendedChecks,
  };
}

function emulatedMachine(clock: Clock, { name, index, bootId, agentVersion, labels }: DeviceOptions): Machine {
  const address = `10.${100 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`, { diskBytes } = board;
  const facts: MachineFacts = {
    cpus: board.cpus,
    memoryBytes: board.memoryBytes,
    architecture: board.architecture,
    hostname: name,
    addresses: [address],
    machineId: name,
    systemUuid: name,
    bootId,
    kernelVersion: "emulated",
    osImage: "Skerry emulated board",
    engineVersion: "emulated://1",
    agentVersion,
  };
  const own = { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": facts.architecture, ...labels };
  return {
    bootId,
    architecture: facts.architecture,
    hostIP: address,
    memoryBytes: board.memoryBytes,
    allocatable: resources(facts, diskBytes).allocatable,
    report(say, signal) {
      say(
        { status: nodeStatus(facts, { ...noPressure, diskBytes, engineError: undefined, images: [] }, [], clock.now()), labels: own },
        true,
      );
      return aborted(signal);
    },
    usage: () => Promise.resolve({ cpuNanoseconds: clock.monotonic() * 1e6 * board.cpuShare, memoryBytes: board.memoryBytes / 8 }),
  };
}
