// A whole cluster as users run it: a master, one node with real containers, and kubectl; each a process of its own.
import { spawn } from "node:child_process";
import process from "node:process";
import * as assert from "uvu/assert";
import { type AgentOptions, type AgentProcess, agentProcess, freshNumber, networksOf } from "./agent_process.ts";
import { eventually } from "./eventually.ts";
import { type Kubectl, kubectl, kubectls } from "./kubectl.ts";
import { type Relay, relay } from "./relay.ts";
import { command, type MasterOptions, type MasterProcess, masterProcess, root } from "./master_process.ts";

export interface ClusterOptions {
  readonly master?: MasterOptions;
  readonly agent?: Partial<AgentOptions>;
  /** Nodes and clients reach the master through relays. */
  readonly relayed?: boolean;
}
export interface Cluster {
  readonly master: MasterProcess;
  readonly agent: AgentProcess;
  /** Between agent and broker, where it was asked for. */
  readonly link: Relay | undefined;
  /** The newest kubectl here. */
  readonly k: Kubectl;
  /** Milliseconds from the agent's start to its node's Ready, enrolment included. */
  readonly joinMs: number;
  /** Every pod of the namespace Ready, none that is ending, and this many of them. */
  ready(pods: number, options?: { withinMs?: number }): Promise<PodFacts[]>;
  close(): Promise<void>;
}
/** What a restart would change. */
export interface PodFacts {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly containerIds: readonly string[];
  readonly startedAt: readonly string[];
  readonly restarts: number;
}

/** Prints a join token. */
export async function createToken(master: MasterProcess, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(...command("master/main.ts", "token", "create", "--data-dir", master.dataDir, ...args));
  assert.is(code, 0, err);
  return out.trim();
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], { input = "" } = {}): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: process.env });
    let out = "", err = "";
    child.stdout.on("data", (data) => out += data);
    child.stderr.on("data", (data) => err += data);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, out, err }));
    child.stdin.end(input);
  });
}

/** Master and agent run, the node is Ready, its Podman has the hello image. */
export async function startCluster(
  { master: masterOptions = {}, agent: agentOptions = {}, relayed }: ClusterOptions = {},
): Promise<Cluster> {
  const number = freshNumber(), networks = networksOf(number), relays: Relay[] = [];
  const front = `127.1.${number >> 8}.${number & 255}`; // the relays' address: same ports, so that what the master advertises leads to them
  const master = await masterProcess({
    ...masterOptions,
    ...(relayed && { advertise: front }),
    args: ["--pod-network", networks.pods, "--service-network", networks.services, ...masterOptions.args ?? []],
  });
  let agent: AgentProcess | undefined;
  const close = async (): Promise<void> => {
    try {
      await agent?.close();
    } finally {
      await Promise.all(relays.map((each) => each.close()));
      await master.close();
    }
  };
  try {
    await master.start();
    if (relayed) {
      for (const port of [master.mqttPort, master.port]) relays.push(await relay({ host: front, port }, { host: "127.0.0.1", port }));
    }
    const token = await createToken(master);
    const k = kubectl(kubectls().at(-1)!.path, master);
    const made = agent = agentProcess({ master: master.client.url, token, number, ...agentOptions });
    const from = performance.now();
    await made.start();
    await eventually(`node ${made.nodeName} Ready`, async () => (await nodeReady(master, made.nodeName)) === "True");
    const joinMs = performance.now() - from;
    await made.loadImage();
    return { master, agent: made, link: relays[0], k, joinMs, ready: (pods, options) => readyPods(master, pods, options), close };
  } catch (error) {
    const why = error instanceof Error ? error : new Error(String(error));
    why.message += lastLines(master, agent);
    await close();
    throw why;
  }
}

/** Runs a cluster for as long as `body` takes. What went wrong in there is told with the last words of master and agent. */
export async function withCluster<T>(body: (cluster: Cluster) => Promise<T>, options: ClusterOptions = {}): Promise<T> {
  const cluster = await startCluster(options);
  try {
    return await body(cluster);
  } catch (error) {
    const why = error instanceof Error ? error : new Error(String(error));
    why.message += lastLines(cluster.master, cluster.agent);
    throw why;
  } finally {
    await cluster.close();
  }
}
/** What tells of a failure. */
export const clusterLog = ({ master, agent }: Pick<Cluster, "master" | "agent">): string => lastLines(master, agent);
const lastLines = (master: MasterProcess, agent: AgentProcess | undefined): string =>
  `\nThe master's last lines:\n${master.log().slice(-3_000)}\nThe agent's last lines:\n${
    agent?.log().slice(-5_000) ?? "it has not been started"
  }`;

async function nodeReady(master: MasterProcess, name: string): Promise<string | undefined> {
  const { body } = await master.client.ask("GET", `/api/v1/nodes/${name}`);
  return body.status?.conditions?.find(({ type }: { type: string }) => type === "Ready")?.status;
}

export function readyPods(
  master: MasterProcess,
  count: number,
  { withinMs = 60_000, namespace = "default" } = {},
): Promise<PodFacts[]> {
  return eventually(`${count} pods Ready`, async () => {
    const { body } = await master.client.ask("GET", `/api/v1/namespaces/${namespace}/pods`);
    const all = body.items.map((pod: ShownPod) => ({ pod, facts: factsOf(pod) }));
    const isReady = ({ metadata, status }: ShownPod): boolean =>
      metadata.deletionTimestamp === undefined && status.conditions?.find(({ type }) => type === "Ready")?.status === "True";
    if (all.length === count && all.every(({ pod }: { pod: ShownPod }) => isReady(pod))) {
      return all.map(({ facts }: { facts: PodFacts }) => facts);
    }
    throw new Error(
      all.map(({ pod }: { pod: ShownPod }) =>
        `${pod.metadata.name} ${pod.status.phase} ${JSON.stringify(pod.status.containerStatuses?.map(({ state }) => state))}`
      ).join("; ") || "no pods",
    );
  }, { withinMs });
}

interface ShownPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly restartCount: number;
      readonly state?: { readonly running?: { readonly startedAt: string } };
    }[];
  };
}
const factsOf = ({ metadata: { name, uid }, status }: ShownPod): PodFacts => ({
  name,
  uid,
  ip: status.podIP ?? "",
  containerIds: (status.containerStatuses ?? []).map(({ containerID }) => containerID ?? ""),
  startedAt: (status.containerStatuses ?? []).map(({ state }) => state?.running?.startedAt ?? ""),
  restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
});
