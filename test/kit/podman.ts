// A Podman of its own for one test: its own service, store, network and bridge in a temporary directory, and nothing left of it afterwards.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type OpenedPodman, openPodman } from "../../agent/runtime/open_podman.ts";
import { type PodmanRuntime } from "../../agent/runtime/podman.ts";
import type { PodmanNetwork } from "../../agent/runtime/podman_network.ts";
import { PodmanTransport } from "../../agent/runtime/podman_transport.ts";
import { buildHelloImage } from "../../examples/hello_image.ts";
import { kill } from "../../shared/platform/podman_leftovers.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

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
  // One number per process and test: names, bridges and subnets of tests that run side by side must not meet.
  const number = (process.pid * 4 + opened++) % 16_384;
  const subnet = `10.${192 + (number >> 8)}.${number & 255}`;
  const network = { name: `sktest${number}`, bridge: `skt${number}`, subnet: `${subnet}.0/24`, gateway: `${subnet}.1`, mtu: 1450 };
  const directory = testDirectory("podman", { podmanRoot: "root", subnet: network.subnet, bridge: network.bridge });
  const store = { root: `${directory}/root`, runRoot: `${directory}/run`, tmpDir: `${directory}/tmp`, networkDir: `${directory}/net` };
  const options = { dataDir: directory, runDir: directory, store, network: network.name };
  const open = (): Promise<OpenedPodman> => openPodman({ clock: systemClock, random: systemRandom, log: silentLog }, options);
  const socketPath = join(directory, "podman.sock");
  const close = async () => {
    try {
      await removeEverything(await open(), network.name);
    } finally {
      removeTestDirectory(directory);
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

/** Pods and network, through Podman, so that it takes back the addresses, interfaces and packet filter rules they have. */
export async function removeEverything({ runtime, service }: OpenedPodman, network: string): Promise<void> {
  for (const { id } of (await runtime.observe()).sandboxes) await runtime.removeSandbox(id);
  const response = await new PodmanTransport(systemClock, service.socketPath).call("DELETE", `/networks/${network}`);
  if (!response.ok && response.status !== 404) {
    throw new Error(`Cannot remove network ${network}: ${response.status} ${await response.text()}`);
  }
}

/** Processes whose command line has this word in it: the only mark that a service of ours has. */
export function processesNaming(word: string): number[] {
  const listed = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).stdout;
  return listed.split("\n").filter((line) => line.includes(word)).map((line) => Number.parseInt(line, 10)).filter((pid) =>
    pid !== process.pid
  );
}

function killServices(socketPath: string): void {
  for (const pid of processesNaming(`unix://${socketPath}`)) kill(pid);
}
