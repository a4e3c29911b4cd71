// The stores under comparison, each as 1 or 3 processes on this machine that can be killed and started again: ours on either runtime, and Debian's etcd with the
// same 100 ms between heartbeats and 1,000 ms to an election. Ours talk to each other over mutual TLS; etcd, to be as fast as it can, in plain text.
import process from "node:process";
import { mkdirSync, rmSync } from "node:fs";
import { openPki } from "../../master/pki/pki.ts";
import { eventually } from "../kit/eventually.ts";
import { root, type Runtime, serverCommand } from "../kit/master_process.ts";
import { freePort } from "../kit/free_port.ts";
import { Program } from "../kit/program.ts";
import { plainSource } from "./plain.ts";
import { askEtcd, askFrames, type Asks } from "./store_client.ts";
import { temporary } from "./subject.ts";

export type Engine = "etcd" | Runtime;
export const engines: readonly Engine[] = ["etcd", "node", "deno"];
export const titleOf: Readonly<Record<Engine, string>> = { etcd: "etcd", node: "ours on Node", deno: "ours on Deno" };

export interface Member {
  readonly name: string;
  /** What its clients call, `127.0.0.1:port`. */
  readonly endpoint: string;
  readonly pid: number;
  readonly ask: Asks;
  /** Starts it, again on the same ports, and does not wait. */
  launch(): void;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
  /** What it has printed. */
  log(): string;
}
export interface Cluster {
  readonly engine: Engine;
  readonly members: readonly Member[];
  readonly pids: readonly number[];
  /** The member that leads, as soon as one does. */
  leader(): Promise<Member>;
  close(): Promise<void>;
}

const programs = new Set<Program>();
process.on("exit", () => programs.forEach((program) => program.killNow()));

/** A new one, empty, with a leader. */
export async function startCluster(engine: Engine, count: 1 | 3): Promise<Cluster> {
  const directory = await temporary(), places: Place[] = [];
  for (let at = 0; at < count; at++) {
    places.push({ name: `m${at}`, dataDir: `${directory}/m${at}`, port: await freePort(), peerPort: await freePort() });
  }
  if (engine !== "etcd") {
    mkdirSync(`${directory}/pki`);
    await openPki(`${directory}/pki`, []);
  }
  const plain = engine === "etcd" ? "" : await (plainMade ??= plainSource());
  const members = places.map((place) => {
    const command = engine === "etcd" ? etcdCommand(place, places) : ourCommand(engine, plain, place, places, `${directory}/pki`);
    return member(engine, place, command);
  });
  const cluster: Cluster = {
    engine,
    members,
    get pids() {
      return members.map(({ pid }) => pid);
    },
    leader: () =>
      eventually(`a member of ${titleOf[engine]} leads`, async () => {
        for (const one of members) if (await one.ask.leads().catch(() => false)) return one;
        return false;
      }, { withinMs: 60_000, everyMs: 20 }),
    async close() {
      await Promise.all(members.map((one) => one.kill()));
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  try {
    for (const one of members) one.launch();
    await cluster.leader();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw new Error(`${titleOf[engine]} does not come up:\n${members.map((one) => one.log().slice(-1_000)).join("\n")}`, { cause: error });
  }
}

interface Place {
  readonly name: string;
  readonly dataDir: string;
  readonly port: number;
  readonly peerPort: number;
}

function member(engine: Engine, place: Place, [first, ...args]: readonly string[]): Member {
  const program = new Program(`${titleOf[engine]} ${place.name}`), endpoint = `127.0.0.1:${place.port}`;
  programs.add(program);
  return {
    name: place.name,
    endpoint,
    get pid() {
      return program.pid;
    },
    ask: engine === "etcd" ? askEtcd(place.port) : askFrames(place.port),
    launch: () => {
      // Nobody waits for what it prints: whether it serves, its clients find out.
      program.launch({ program: first!, args, cwd: root, env: { ...process.env, ETCD_UNSUPPORTED_ARCH: "arm64" }, ready: () => true })
        .catch(() => {});
    },
    kill: () => program.kill(),
    stop: async () => void await program.stop(),
    log: () => program.printed,
  };
}

/** What ours run: made once. */
let plainMade: Promise<string> | undefined;

function ourCommand(runtime: Runtime, plain: string, { name, dataDir, port }: Place, places: readonly Place[], pkiDir: string): string[] {
  const list = places.length > 1 ? places.map((one) => `${one.name}=127.0.0.1:${one.peerPort}`) : [];
  const [program, args] = serverCommand(runtime, plain, "test/bench/store_member.js", dataDir, pkiDir, name, String(port), ...list);
  return [program, ...args];
}

function etcdCommand({ name, dataDir, port, peerPort }: Place, places: readonly Place[]): string[] {
  const peer = (of: number): string => `http://127.0.0.1:${of}`, client = `http://127.0.0.1:${port}`;
  return [
    ...["etcd", "--name", name, "--data-dir", dataDir, "--logger", "zap", "--log-level", "warn"],
    ...["--heartbeat-interval", "100", "--election-timeout", "1000"],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer(peerPort), "--initial-advertise-peer-urls", peer(peerPort)],
    ...["--initial-cluster", places.map((one) => `${one.name}=${peer(one.peerPort)}`).join(","), "--initial-cluster-state", "new"],
  ];
}
