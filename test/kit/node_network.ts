// A node and its surroundings in network namespaces without a name: they and everything in them are gone when their processes are, whatever happens here.
//
//   pod1 10.201.1.21 ─┐ bridge                             ┌─ out  192.168.50.2, outside the cluster
//   pod2 10.201.1.22 ─┴── node 10.201.1.1 ── 192.168.50.1 ─┤
//                                        └── 192.168.51.1 ─── far  10.201.2.22, a pod of another node
import { type ChildProcess, spawn } from "node:child_process";
import type { Buffer } from "node:buffer";
import process from "node:process";
import { createInterface } from "node:readline";
import { createNetwork, type Network, type NetworkConfig } from "../../agent/network/network.ts";
import { type Run, runner } from "../../shared/platform/process.ts";
import { systemClock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Call } from "./net_peer.ts";
import { command } from "./master_process.ts";

/** Why packets cannot be sent through real rules here. */
export const noNamespaces = (): string | undefined =>
  process.platform !== "linux"
    ? "no network namespaces: not Linux"
    : process.getuid?.() !== 0
    ? "no network namespaces: not root"
    : undefined;

export class Peer {
  readonly name: string;
  readonly pid: number;
  readonly prefix: readonly string[];
  readonly run: Run;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (said: string) => void>();
  #calls = 0;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.pid = child.pid!;
    this.prefix = ["nsenter", "-t", String(child.pid), "-n", "--"];
    this.run = runner(this.prefix);
  }
  /** In a new namespace; resolves when it answers. */
  static async start(name: string): Promise<Peer> {
    const [program, args] = command("test/kit/net_peer.ts", name);
    const child = spawn("unshare", ["-n", program, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    const peer = new Peer(name, child);
    let errors = "";
    child.stderr.on("data", (bytes: Buffer) => errors += bytes);
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => reject(new Error(`peer ${name} has ended: ${errors}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "ready") return resolve();
        const { id, said } = JSON.parse(line) as { id: number; said: string };
        peer.#waiting.get(id)?.(said);
        peer.#waiting.delete(id);
      });
    });
    return peer;
  }
  /** The answer ("<name> <address it saw>"), an errno, or "timeout". */
  call(how: Call["do"], host: string, port: number, options: { localPort?: number; timeoutMs?: number } = {}): Promise<string> {
    const id = this.#calls++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin!.write(`${JSON.stringify({ id, do: how, host, port, timeoutMs: 3000, ...options })}\n`);
    });
  }
  /** Commands of `ip`, one a line. */
  async ip(lines: string): Promise<void> {
    const { status, stderr } = await this.run(["ip", "-batch", "-"], { stdin: lines });
    if (status !== 0) throw new Error(`ip in ${this.name}: ${stderr}`);
  }
  async nft(text: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(["nft", "-f", "-"], { stdin: text });
    if (status !== 0) throw new Error(`nft in ${this.name}: ${stderr}`);
    return stdout;
  }
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}

export interface NodeNetwork {
  readonly node: Peer;
  readonly pod1: Peer;
  readonly pod2: Peer;
  readonly out: Peer;
  readonly far: Peer;
  readonly network: Network;
  /** Puts a peer behind a new port of the bridge. */
  attach(peer: Peer, address: string): Promise<void>;
  close(): Promise<void>;
}
export const addresses = {
  pod1: "10.201.1.21",
  pod2: "10.201.1.22",
  far: "10.201.2.22",
  gateway: "10.201.1.1",
  out: "192.168.50.2",
  node: "192.168.50.1",
} as const;
export const podCidr = "10.201.1.0/24", podNetwork = "10.201.0.0/16", serviceNetwork = "10.202.0.0/16";

export async function startNodeNetwork(log: Log, config: NetworkConfig = {}): Promise<NodeNetwork> {
  const [node, pod1, pod2, out, far] = await Promise.all(["node", "pod1", "pod2", "out", "far"].map((name) => Peer.start(name))) as [
    Peer,
    Peer,
    Peer,
    Peer,
    Peer,
  ];
  const bridge = config.bridge ?? "skerry0";
  const network = createNetwork({ log, clock: systemClock, run: node.run }, config);
  const attach = async (peer: Peer, address: string): Promise<void> => {
    const port = `v${peer.name}`;
    await node.ip(`link add ${port} type veth peer name eth0 netns ${peer.pid}\nlink set ${port} master ${bridge}\nlink set ${port} up`);
    await peer.ip(`link set lo up\naddr add ${address}/24 dev eth0\nlink set eth0 up\nroute add default via ${addresses.gateway}`);
  };
  await node.ip("link set lo up");
  for (const [peer, subnet] of [[out, "192.168.50"], [far, "192.168.51"]] as const) {
    await node.ip(
      `link add v${peer.name} type veth peer name eth0 netns ${peer.pid}\naddr add ${subnet}.1/24 dev v${peer.name}\nlink set v${peer.name} up`,
    );
    await peer.ip(`link set lo up\naddr add ${subnet}.2/24 dev eth0\nlink set eth0 up\nroute add default via ${subnet}.1`);
  }
  await far.ip(`addr add ${addresses.far}/32 dev lo\nroute replace default via 192.168.51.1 src ${addresses.far}`);
  await node.ip(`route add 10.201.2.0/24 via 192.168.51.2`);
  // As netavark does it: whatever leaves the node's own pod network gets the node's address.
  await node.nft(`table ip nat {
    chain POSTROUTING { type nat hook postrouting priority 100; ip saddr ${podCidr} ip daddr != ${podCidr} masquerade; }
  }`);
  await network.prepare(podCidr, serviceNetwork);
  await attach(pod1, addresses.pod1);
  await attach(pod2, addresses.pod2);
  await network.prepare(podCidr, serviceNetwork);
  const close = async () => void await Promise.all([node, pod1, pod2, out, far].map((peer) => peer.close()));
  return { node, pod1, pod2, out, far, network, attach, close };
}
