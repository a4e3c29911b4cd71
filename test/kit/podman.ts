// A Podman of its own for one test: its own service, store, network and bridge in a temporary directory, and nothing left of it afterwards.
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type OpenedPodman, openPodman } from "../../agent/runtime/open_podman.ts";
import { type PodmanRuntime } from "../../agent/runtime/podman.ts";
import type { PodmanNetwork } from "../../agent/runtime/podman_network.ts";
import { buildHelloImage } from "../../examples/hello_image.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";

/** Why real containers cannot be had here; undefined if they can. */
export function noPodman(): string | undefined {
  if (process.platform !== "linux") return "no Podman: not Linux";
  if (process.getuid?.() !== 0) return "no Podman: not root";
  const found = `${process.env.PATH}:/usr/sbin:/usr/bin:/sbin:/bin`.split(":").some((directory) => {
    try {
      accessSync(join(directory, "podman"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ? undefined : "no Podman: not installed";
}

export interface TestPodman {
  readonly runtime: PodmanRuntime;
  readonly socketPath: string;
  readonly network: PodmanNetwork;
  /** Temporary; logs and volumes of the test may go here. */
  readonly directory: string;
  /** An address in the network that nobody else gets. */
  address(): string;
  /** Another runtime on the same engine, as after a restart of the agent. */
  reopen(): Promise<PodmanRuntime>;
  servicePids(): number[];
  /** Kills the service, as a crash does; containers run on. */
  killService(): void;
  close(): Promise<void>;
}

let opened = 0;

/** With the network made and the hello image loaded. */
export async function startTestPodman(): Promise<TestPodman> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-podman-"));
  const store = { root: `${directory}/root`, runRoot: `${directory}/run`, tmpDir: `${directory}/tmp`, networkDir: `${directory}/net` };
  // One number per process and test: names, bridges and subnets of tests that run side by side must not meet.
  const number = (process.pid * 4 + opened++) % 16_384;
  const subnet = `10.${192 + (number >> 8)}.${number & 255}`;
  const network = { name: `sktest${number}`, bridge: `skt${number}`, subnet: `${subnet}.0/24`, gateway: `${subnet}.1`, mtu: 1450 };
  const options = { dataDir: directory, runDir: directory, store, network: network.name };
  const open = (): Promise<OpenedPodman> => openPodman({ clock: systemClock, random: systemRandom, log: silentLog }, options);
  const socketPath = join(directory, "podman.sock");
  const close = async () => {
    try {
      await removeEverything(open);
    } finally {
      wipePodman(directory, socketPath);
      spawnSync("ip", ["link", "delete", network.bridge], { env: withSbin() });
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    }
  };
  try {
    const { runtime } = await open();
    await runtime.ensureNetwork(network);
    await buildHelloImage(socketPath);
    let host = 9;
    return {
      runtime,
      socketPath,
      network,
      directory,
      address: () => `${subnet}.${++host}`,
      reopen: async () => (await open()).runtime,
      servicePids: () => processesNaming(`unix://${socketPath}`),
      killService: () => killServices(socketPath),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ends the service and every process that works below the directory, and takes the mounts there away. */
export function wipePodman(directory: string, socketPath: string): void {
  killServices(socketPath);
  killMonitors(directory);
  unmountBelow(directory);
}

/** Through Podman, so that it takes its addresses, interfaces and packet filter rules back too. */
export async function removeEverything(open: () => Promise<OpenedPodman>): Promise<void> {
  const { runtime } = await open();
  for (const { id } of (await runtime.observe()).sandboxes) await runtime.removeSandbox(id);
}

export const withSbin = () => ({ ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` });

/** Processes whose command line has this word in it: the only mark that a service of ours has. */
export function processesNaming(word: string): number[] {
  const listed = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).stdout;
  return listed.split("\n").filter((line) => line.includes(word)).map((line) => Number.parseInt(line, 10)).filter((pid) =>
    pid !== process.pid
  );
}

export function killServices(socketPath: string): void {
  for (const pid of processesNaming(`unix://${socketPath}`)) kill(pid);
}
function killMonitors(directory: string): void {
  for (const pid of processesNaming(`${directory}/`)) kill(pid);
}
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as { code?: string }).code !== "ESRCH") throw error;
  }
}

/** Podman binds its store onto itself and leaves shared memory mounted where a container was not removed in order. */
function unmountBelow(directory: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const path of mounts.filter((path) => path.startsWith(`${directory}/`)).reverse()) {
    spawnSync("umount", ["-l", path], { env: withSbin() });
  }
}
