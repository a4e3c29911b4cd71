// An agent as users run it: a process of its own, on the runtime that runs this, with a Podman store, a bridge and an nftables table that are its alone.
// Nothing of it stays, whatever becomes of the test: not even of a run that was killed, which the next one finds by its process id in the directory's name.
import { Buffer } from "node:buffer";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { openPodman } from "../../agent/runtime/open_podman.ts";
import type { PodmanRuntime } from "../../agent/runtime/podman.ts";
import { PodmanTransport } from "../../agent/runtime/podman_transport.ts";
import { buildHelloImage, helloImage } from "../../examples/hello_image.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { eventually } from "./eventually.ts";
import { command, root } from "./master_process.ts";
import { removeEverything, wipePodman, withSbin } from "./podman.ts";
import { type Relay, relay } from "./relay.ts";

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

/** Milliseconds a start may take on a machine that does much else. */
const startMs = 60_000;
const keptLogCharacters = 256 * 1024;
const prefix = "skerry-agent-";
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

const open = new Map<string, { number: number; child: () => ChildProcess | undefined }>();
process.on("exit", () => {
  for (const [directory, { number, child }] of open) {
    child()?.kill("SIGKILL");
    wipe(directory, number);
  }
});

/** A directory, and no agent in it yet. */
export function agentProcess(options: AgentOptions): AgentProcess {
  wipeLeftovers();
  const number = options.number ?? freshNumber(), directory = mkdtempSync(`${tmpdir()}/${prefix}${process.pid}-${number}-`);
  const { runtime = "podman", nodeName = `rock-${number}` } = options, names = namesOf(number);
  const dataDir = `${directory}/data`, runDir = `${directory}/run`, store = `${directory}/store`, socketPath = `${runDir}/podman.sock`;
  mkdirSync(runDir);
  const writes: string[] = [];
  let watched: Relay | undefined;
  let child: ChildProcess | undefined, exited: Promise<number | null> = Promise.resolve(null), printed = "", own = "";
  open.set(directory, { number, child: () => child });

  const agent: AgentProcess = {
    nodeName,
    directory,
    dataDir,
    runDir,
    socketPath,
    ...names,
    get pid() {
      if (child?.pid === undefined) throw new Error("The agent does not run");
      return child.pid;
    },
    async start(more = []) {
      const from = performance.now();
      const [program, first] = command(
        "agent/main.ts",
        ...["run", "--master", options.master, "--token", options.token, "--node-name", nodeName, "--runtime", runtime],
        ...["--data-dir", dataDir, "--run-dir", runDir, "--podman-store", store, "--podman-network", names.network],
        ...["--bridge", names.bridge, "--nft-table", names.table, "--log-level", "debug", ...options.args ?? [], ...more],
      );
      const started = spawn(program, first, {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, PATH: withSbin().PATH },
      });
      child = started;
      own = "";
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`The agent does not run after ${startMs} ms:\n${own.slice(-8_000)}`)), startMs);
        const heard = (data: Uint8Array): void => {
          own = (own + data).slice(-keptLogCharacters);
          printed = (printed + data).slice(-keptLogCharacters);
          if (!own.includes(`"The agent runs"`)) return;
          clearTimeout(timer);
          resolve();
        };
        started.stdout!.on("data", heard);
        started.stderr!.on("data", heard);
        exited = new Promise((ended) => {
          started.once("close", (code) => {
            clearTimeout(timer);
            if (child === started) child = undefined;
            reject(new Error(`The agent ended with status ${code}:\n${own.slice(-8_000)}`));
            ended(code);
          });
        });
      });
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
    async kill() {
      child?.kill("SIGKILL");
      await exited;
    },
    async stop() {
      if (child?.pid !== undefined) process.kill(child.pid, "SIGTERM"); // not child.kill: Deno then says that the signal has ended it, whatever did
      return await exited;
    },
    log: () => printed,
    lines: () => own.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}")).map((line) => JSON.parse(line)),
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))![1]) * 1024,
    async close() {
      await agent.kill();
      await watched?.close();
      try {
        if (existsSync(store)) await removeEverything(() => openStore(directory, names.network));
      } finally {
        wipe(directory, number);
        open.delete(directory);
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

/** Everything that Podman would not take away, or was not asked to because it is gone. Without a word where there is nothing. */
function wipe(directory: string, number: number): void {
  const { bridge, table } = namesOf(number),
    run = (program: string, ...args: string[]) => spawnSync(program, args, { env: withSbin(), encoding: "utf8" });
  wipePodman(directory, `${directory}/run/podman.sock`);
  for (const link of linksOf(bridge)) run("ip", "link", "delete", link);
  run("nft", "delete", "table", "inet", table);
  forgetSubnet(networksOf(number).pods);
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** The bridge, and whatever has its name for a beginning. */
function linksOf(bridge: string): string[] {
  const names = readdirSync("/sys/class/net").filter((name) => name === bridge || name.startsWith(`${bridge}-`));
  return names.sort((a, b) => b.length - a.length);
}

/** Rules that netavark made for containers which ended without it. */
function forgetSubnet(subnet: string): void {
  const own = subnet.split(".").slice(0, 2).join(".") + ".", low = Number(subnet.split(".")[2]);
  const isOurs = (line: string): boolean =>
    [...line.matchAll(/\d+\.\d+\.\d+\.\d+/g)].some(([address]) => address.startsWith(own) && (Number(address.split(".")[2]) & ~3) === low);
  const iptables = (...args: string[]): string =>
    spawnSync("iptables", ["-w", ...args], { env: withSbin(), encoding: "utf8" }).stdout ?? "";
  for (const table of ["nat", "filter"]) {
    const chains = new Set<string>();
    for (const line of iptables("-t", table, "-S").split("\n").filter((line) => line.startsWith("-A ") && isOurs(line))) {
      const rule = [...line.slice(3).matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
      iptables("-t", table, "-D", ...rule);
      for (const chain of line.match(/NETAVARK-[0-9A-F]{13}/g) ?? []) chains.add(chain);
    }
    for (const chain of chains) {
      iptables("-t", table, "-F", chain);
      iptables("-t", table, "-X", chain);
    }
  }
}

/** Of test runs that were killed. */
function wipeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid, number] = /^skerry-agent-(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) wipe(`${tmpdir()}/${name}`, Number(number));
  }
}
