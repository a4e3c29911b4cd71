// An agent as users run it: a process of its own, on the runtime that runs this, with a Podman store, a bridge and an nftables table that are its alone.
import { Buffer } from "node:buffer";
import { existsSync, mkdirSync } from "node:fs";
import process from "node:process";
import { openPodman } from "../../agent/runtime/open_podman.ts";
import type { PodmanRuntime } from "../../agent/runtime/podman.ts";
import { PodmanTransport } from "../../agent/runtime/podman_transport.ts";
import { buildHelloImage, helloImage } from "../../examples/hello_image.ts";
import { withSbin } from "../../shared/platform/process.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { eventually } from "./eventually.ts";
import { command, root } from "./master_process.ts";
import { removeEverything } from "./podman.ts";
import { Program } from "./program.ts";
import { type Relay, relay } from "./relay.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

export interface AgentOptions {
  /** `https://host:port` */
  readonly master: string;
  readonly token: string;
  readonly runtime?: "podman" | "emulated";
  readonly nodeName?: string;
  readonly args?: readonly string[];
  /** Of the cluster whose networks it is in; default: one of its own. */
  readonly number?: number;
}
export interface AgentProcess {
  readonly nodeName: string;
  readonly directory: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly socketPath: string;
  readonly bridge: string;
  readonly table: string;
  readonly network: string;
  readonly pid: number;
  /** Resolves when it says that it runs, with the milliseconds that took. `args` come on top of those of the options, for this start alone. */
  start(args?: readonly string[]): Promise<number>;
  /** The hello image, for its Podman, under two names: `localhost/skerry-hello:1` and `:2`. Once it has been started. */
  loadImage(): Promise<void>;
  /** As `start`, with someone between it and its Podman who notes what it asks for. Once it has been started. */
  startWatched(args?: readonly string[]): Promise<number>;
  /** What it has asked of Podman since `startWatched` beside reading: "POST /containers/create". */
  podmanWrites(): string[];
  /** Another eye on its Podman. */
  podman(): Promise<PodmanRuntime>;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit status. */
  stop(): Promise<number | null>;
  /** What all its runs have printed, the last 256 KiB of it. */
  log(): string;
  /** What was logged since it was last started, line by line. */
  lines(): Record<string, unknown>[];
  rssBytes(): number;
  close(): Promise<void>;
}

let made = 0;

/** Names of links and tables that belong to the agent in this directory: they follow from its number alone. */
const namesOf = (number: number) => ({ bridge: `ska${number}`, table: `skerry_test_${number}`, network: `skerry-test-${number}` });

/** Networks that no other test on this machine has, by the agent's or cluster's number: 256 subnets of pods and as many of services. */
export const networksOf = (number: number) => {
  const low = `${(number & 63) * 4}`, high = number >> 6 & 63;
  return { pods: `10.${128 + high}.${low}.0/22`, services: `10.${high}.${low}.0/24` }; // between them is Podman's own default, 10.88.0.0/16
};
/** Of this process, and of one thing made in it. */
export const freshNumber = (): number => (process.pid * 8 + made++) % 4096;

/** A directory, and no agent in it yet. */
export function agentProcess(options: AgentOptions): AgentProcess {
  const number = options.number ?? freshNumber(), names = namesOf(number);
  const { runtime = "podman", nodeName = `rock-${number}` } = options;
  const agentProgram = new Program("agent");
  const elsewhere = { podmanRoot: "store/root", subnet: networksOf(number).pods, ...names };
  const directory = testDirectory("agent", elsewhere, () => agentProgram.killNow());
  const dataDir = `${directory}/data`, runDir = `${directory}/run`, store = `${directory}/store`, socketPath = `${runDir}/podman.sock`;
  mkdirSync(runDir);
  const writes: string[] = [];
  let watched: Relay | undefined;
  const agent: AgentProcess = {
    nodeName,
    directory,
    dataDir,
    runDir,
    socketPath,
    ...names,
    get pid() {
      return agentProgram.pid;
    },
    async start(more = []) {
      const from = performance.now();
      const [program, first] = command(
        "agent/main.ts",
        ...["run", "--master", options.master, "--token", options.token, "--node-name", nodeName, "--runtime", runtime],
        ...["--data-dir", dataDir, "--run-dir", runDir, "--podman-store", store, "--podman-network", names.network],
        ...["--bridge", names.bridge, "--nft-table", names.table, "--log-level", "debug", ...options.args ?? [], ...more],
      );
      await agentProgram.launch({ program, args: first, cwd: root, env: withSbin(), ready: (own) => own.includes(`"The agent runs"`) });
      return performance.now() - from;
    },
    async startWatched(more = []) {
      const path = `${directory}/watched.sock`;
      writes.length = 0;
      watched ??= await relay({ path }, { path: socketPath }, (data) => writes.push(...writingRequests(data)));
      return await agent.start(["--podman-socket", path, ...more]);
    },
    podmanWrites: () => [...writes],
    async loadImage() {
      if (runtime !== "podman") return;
      await eventually("Podman's socket", () => existsSync(socketPath));
      await buildHelloImage(socketPath);
      const path = `/images/${encodeURIComponent(helloImage)}/tag?repo=localhost%2Fskerry-hello&tag=2`;
      const response = await new PodmanTransport(systemClock, socketPath).call("POST", path);
      if (response.status !== 201) throw new Error(`Cannot tag ${helloImage}: ${response.status} ${await response.text()}`);
    },
    podman: async () => (await openStore(directory, names.network)).runtime,
    kill: () => agentProgram.kill(),
    stop: () => agentProgram.stop(),
    log: () => agentProgram.printed,
    lines: () => agentProgram.own.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}")).map((line) => JSON.parse(line)),
    rssBytes: () => agentProgram.rssBytes,
    async close() {
      await agentProgram.kill();
      await watched?.close();
      try {
        if (existsSync(store)) await removeEverything(await openStore(directory, names.network), names.network);
      } finally {
        removeTestDirectory(directory);
      }
    },
  };
  return agent;
}

/** Heads of HTTP requests come in one piece each. */
function writingRequests(data: Uint8Array): string[] {
  const heads = Buffer.from(data).toString("latin1").matchAll(/^(POST|PUT|PATCH|DELETE) \/v[\d.]+\/libpod(\S*) HTTP\/1\.1\r$/gm);
  return [...heads].map(([, method, path]) => `${method} ${path}`);
}

/** As the agent opens it. */
function openStore(directory: string, network: string) {
  const on = { clock: systemClock, random: systemRandom, log: silentLog }, path = `${directory}/store`;
  const store = { root: `${path}/root`, runRoot: `${path}/run`, tmpDir: `${path}/tmp`, networkDir: `${path}/net` };
  return openPodman(on, { dataDir: `${directory}/data`, runDir: `${directory}/run`, store, network });
}
