// The machine under the agent: read once what stays, look now and then at what changes, and tell the master when it has.
import { createHash } from "node:crypto";
import { readFile, statfs } from "node:fs/promises";
import { arch, availableParallelism, hostname, networkInterfaces, release, totalmem } from "node:os";
import { nodeLookMs } from "../../shared/limits.ts";
import type { NodeCondition } from "../../shared/api/kinds/node.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import type { ContainerRuntime, LocalImage } from "../runtime/runtime.ts";
import { type Amounts, noPressure, type Pressure, pressure } from "./pressure.ts";
import { type MachineFacts, nodeStatus, resources } from "./status.ts";

export interface OpenMachine {
  readonly bootId: string;
  readonly architecture: string;
  readonly hostIP: string;
  readonly memoryBytes: number;
  readonly allocatable: ReturnType<typeof resources>["allocatable"];
  /** Of the board, where it has one. */
  readonly serial: string | undefined;
  readonly machineIdHash: string | undefined;
  report(say: (state: Record<string, unknown>, urgent: boolean) => void, signal: AbortSignal): Promise<void>;
  /** CPU time of all cores since boot, and the memory that is not free for whoever wants it. */
  usage(): Promise<{ cpuNanoseconds: number; memoryBytes: number }>;
}

export async function openMachine(
  { clock, log, runtime }: { clock: Clock; log: Log; runtime: ContainerRuntime },
  { dataDir, engine, agentVersion, labels }: {
    dataDir: string;
    engine: string;
    agentVersion: string;
    labels: Readonly<Record<string, string>>;
  },
): Promise<OpenMachine> {
  const machineId = await text("/etc/machine-id"),
    bootId = await text("/proc/sys/kernel/random/boot_id") || "unknown",
    addresses = await hostAddresses();
  const engineInfo = await runtime.info().catch(() => undefined);
  const facts: MachineFacts = {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    architecture: kubernetesArch(arch()),
    hostname: hostname(),
    addresses,
    machineId,
    systemUuid: (await text("/sys/class/dmi/id/product_uuid")) || machineId,
    bootId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(await text("/etc/os-release"))?.[1] ?? "Linux",
    engineVersion: `${engine}://${engineInfo?.version ?? "unknown"}`,
    agentVersion,
  };
  const { allocatable } = resources(facts, (await disk(dataDir)).bytes);
  const allLabels = {
    "kubernetes.io/hostname": facts.hostname,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": facts.architecture,
    ...labels,
  };
  return {
    bootId,
    architecture: facts.architecture,
    hostIP: addresses[0] ?? "",
    memoryBytes: facts.memoryBytes,
    allocatable,
    serial: (await text("/proc/device-tree/serial-number")).replace(/\0/g, "") || undefined,
    machineIdHash: machineId ? createHash("sha256").update(`skerry ${machineId}`).digest("hex") : undefined,
    async usage() {
      const [stat, { memoryAvailableBytes }] = await Promise.all([text("/proc/stat"), amounts(dataDir, facts.memoryBytes)]);
      return { cpuNanoseconds: busyNanoseconds(stat), memoryBytes: facts.memoryBytes - memoryAvailableBytes };
    },
    async report(say, signal) {
      let before: Pressure = noPressure, conditions: readonly NodeCondition[] = [], images: readonly LocalImage[] = [];
      while (!signal.aborted) {
        try {
          const seen = await amounts(dataDir, facts.memoryBytes), now = pressure(seen, before);
          // The list is also how the engine is asked whether it answers: `info` would cost Podman thirty times as much, every ten seconds.
          const engineError = await runtime.images().then((list) => void (images = list), (error) => chain(error));
          const status = nodeStatus(facts, { ...now, diskBytes: seen.diskBytes, engineError, images }, conditions, clock.now());
          const urgent = conditions.some(({ type, status: had }) =>
            status.conditions?.find((condition) => condition.type === type)?.status !== had
          );
          say({ status, labels: allLabels }, urgent || conditions.length === 0);
          before = now;
          conditions = status.conditions ?? [];
        } catch (error) {
          log.warn("Cannot look at the machine", { error: chain(error) });
        }
        await sleep(clock, nodeLookMs, signal).catch(() => {}); // an abort ends the loop
      }
    },
  };
}

/** From /proc/stat, which counts hundredths of a second: all but idling and waiting for disks. Guests' time is within user's. */
export function busyNanoseconds(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu +(.*)/.exec(stat)?.[1] ?? "").split(" ").map(Number);
  return (user + nice + system + irq + softirq + steal) * 1e7;
}

const text = (path: string): Promise<string> => readFile(path, "utf8").then((content) => content.trim(), () => "");

function kubernetesArch(name: string): string {
  return ({ x64: "amd64", ia32: "386" } as Record<string, string>)[name] ?? name;
}

/** The address that leads out, first; loopback, link-local and our own bridges do not count. Without any, a node may still run what it has. */
async function hostAddresses(): Promise<string[]> {
  const route = (await text("/proc/net/route")).split("\n").slice(1).map((line) => line.split("\t")).find(([, destination]) =>
    destination === "00000000"
  )?.[0];
  const all = Object.entries(networkInterfaces()).filter(([name]) => !/^(sk|veth|podman|cni|docker|br-)/.test(name));
  all.sort(([a], [b]) => Number(b === route) - Number(a === route));
  const found = all.flatMap(([, list]) => list ?? []).filter(({ internal, family, address }) =>
    !internal && family === "IPv4" && !address.startsWith("169.254.")
  );
  return found.length > 0 ? found.map(({ address }) => address).slice(0, 4) : ["127.0.0.1"];
}

async function disk(path: string): Promise<{ bytes: number; freeBytes: number }> {
  const { blocks, bavail, bsize } = await statfs(path);
  return { bytes: blocks * bsize, freeBytes: bavail * bsize };
}

async function amounts(dataDir: string, memoryBytes: number): Promise<Amounts> {
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(await text("/proc/meminfo"))?.[1] ?? 0) * 1024,
    { bytes, freeBytes } = await disk(dataDir);
  const pids = Number(/^\S+ \S+ \S+ \d+\/(\d+)/.exec(await text("/proc/loadavg"))?.[1] ?? 0),
    pidsMost = Number(await text("/proc/sys/kernel/pid_max")) || 0;
  return { memoryBytes, memoryAvailableBytes: available, diskBytes: bytes, diskFreeBytes: freeBytes, pids, pidsMost };
}
