// Resident memory at rest of a master and of an agent, each beside a bare runtime and beside the same libraries with nothing of ours around them.
import { existsSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { type AgentProcess, agentProcess } from "../kit/agent_process.ts";
import { eventually } from "../kit/eventually.ts";
import type { MasterProcess } from "../kit/master_process.ts";
import { figure, median, print, say } from "./figures.ts";
import { joinToken, rssMb, start, startMaster } from "./subject.ts";

const rounds = 5, podCount = 10, nodeCount = 50;
/** Milliseconds of rest before a look, and looks: what is being collected just then is not what a process needs. */
const restMs = 10_000, looks = 5, lookMs = 500;
const pods = "/api/v1/namespaces/default/pods";

export async function bench(): Promise<void> {
  const samples = new Map<string, number[]>();
  const record = async (what: string, pid: number): Promise<void> => {
    let most = 0;
    for (let look = 0; look < looks; look++) {
      most = Math.max(most, rssMb(pid));
      await delay(lookMs);
    }
    samples.set(what, [...samples.get(what) ?? [], most]);
  };
  for (let round = 0; round < rounds; round++) {
    const [bare, libraries, client, master] = await Promise.all([
      start("test/bench/bare_idle.ts", [], /waiting/),
      start("test/bench/bare_idle.ts", ["--libraries"], /waiting/),
      start("test/bench/bare_idle.ts", ["--mqtt"], /waiting/),
      startMaster(),
    ]);
    try {
      await delay(restMs);
      await record("bare runtime", bare.pid);
      await record("bare, Hono and Aedes listening", libraries.pid);
      await record("bare, mqtt.js loaded", client.pid);
      await record("master, 0 nodes", master.pid);
      await withAgent(master, "emulated", (agent) => record(`agent, ${podCount} pods, emulated engine`, agent.pid));
      await withNodes(master, () => record(`master, ${nodeCount} emulated nodes`, master.pid));
    } finally {
      await Promise.all([bare.stop(), libraries.stop(), client.stop(), master.close()]);
    }
  }
  if (process.getuid?.() === 0 && existsSync("/usr/bin/podman")) {
    const master = await startMaster();
    try {
      await withAgent(master, "podman", (agent) => record(`agent, ${podCount} pods, Podman (1 run)`, agent.pid));
    } finally {
      await master.close();
    }
  } else say("Without root and Podman, no agent with real pods is measured.\n");

  say(`${rounds} runs each, the most of ${looks} looks after ${restMs / 1000} s of rest; MB of 2^20 bytes\n`);
  const against: Readonly<Record<string, string>> = { master: "bare, Hono and Aedes listening", agent: "bare runtime" };
  print([
    ["", "RSS MB", "ratio", "to", "runs"],
    ...[...samples].map(([what, values]) => {
      const anchor = against[what.split(",")[0]!];
      const ratio = anchor === undefined ? "" : `${(median(values) / median(samples.get(anchor)!)).toFixed(2)}×`;
      return [what, figure(median(values)), ratio, anchor ?? "", values.map(figure).join(" ")];
    }),
  ]);
}

async function withAgent(
  master: MasterProcess,
  runtime: "emulated" | "podman",
  body: (agent: AgentProcess) => Promise<void>,
): Promise<void> {
  const agent = agentProcess({ master: `https://127.0.0.1:${master.port}`, token: await joinToken(master), runtime });
  const names = Array.from({ length: podCount }, (_, at) => `resting-${at}`);
  try {
    await agent.start();
    await agent.loadImage();
    for (const name of names) {
      const spec = { containers: [{ name: "one", image: "localhost/skerry-hello:1", imagePullPolicy: "IfNotPresent" }] };
      const { status, body: said } = await master.client.ask("POST", pods, { body: { metadata: { name }, spec } });
      if (status !== 201) throw new Error(`Cannot create ${name}: ${JSON.stringify(said)}`);
    }
    await eventually(`${podCount} pods run`, async () => {
      const { body: { items } } = await master.client.ask("GET", pods);
      return items.filter((pod: { status?: { phase?: string } }) => pod.status?.phase === "Running").length === podCount;
    }, { withinMs: 60_000 });
    await delay(restMs);
    await body(agent);
  } finally {
    for (const name of names) await master.client.ask("DELETE", `${pods}/${name}?gracePeriodSeconds=0`);
    await agent.close();
    await master.client.ask("DELETE", `/api/v1/nodes/${agent.nodeName}`);
  }
}

async function withNodes(master: MasterProcess, body: () => Promise<void>): Promise<void> {
  const args = [
    "emulate",
    "--count",
    String(nodeCount),
    "--master",
    `https://127.0.0.1:${master.port}`,
    "--token",
    await joinToken(master),
  ];
  const devices = await start("agent/main.ts", [...args, "--log-level", "warn"], new RegExp(`${nodeCount} of ${nodeCount} devices`));
  try {
    await eventually(`${nodeCount} nodes are ready`, async () => {
      const { body: { items } } = await master.client.ask("GET", "/api/v1/nodes");
      return items.filter(isReady).length === nodeCount;
    });
    await delay(restMs);
    await body();
  } finally {
    await devices.stop();
  }
}

interface Node {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
const isReady = ({ status }: Node): boolean => status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
