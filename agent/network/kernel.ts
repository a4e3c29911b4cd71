// Settings of the kernel that pods and service routes need, in the network namespace that `run` leads to.
import { connectionsTracked } from "../../shared/limits.ts";
import type { Run } from "../../shared/platform/process.ts";
import type { Log } from "../../shared/util/log.ts";

interface Setting {
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: number;
  /** Higher is well, too. */
  readonly atLeast?: boolean;
  /** What goes wrong without it. */
  readonly otherwise: string;
}
const bridged: Setting = {
  path: "net/bridge/bridge-nf-call-iptables",
  value: 1,
  otherwise: "services between pods of this node see the node's address instead of the client's",
};
// Service addresses are routed over the bridge. For a packet to one that nobody serves, the kernel would tell the pod to look for it on the bridge itself: the
// pod would do so for minutes, in vain, and the refusal would fall to the rate limit of such messages.
const redirects = (link: string): Setting => ({
  path: `net/ipv4/conf/${link}/send_redirects`,
  value: 0,
  otherwise: "pods may lose services for minutes that had no endpoints for a moment",
});
const wanted = (bridge: string): readonly Setting[] => [
  { path: "net/ipv4/ip_forward", value: 1, otherwise: "pods reach nothing beyond this node" },
  bridged,
  redirects("all"),
  redirects(bridge),
  {
    path: "net/netfilter/nf_conntrack_max",
    value: connectionsTracked,
    atLeast: true,
    otherwise: "many connections at once may be dropped",
  },
];

export class KernelSettings {
  readonly #run: Run;
  readonly #log: Log;
  readonly #settings: readonly Setting[];
  readonly #said = new Set<string>();

  constructor(run: Run, log: Log, bridge: string) {
    this.#run = run;
    this.#log = log;
    this.#settings = wanted(bridge);
  }

  /** Do bridged packets pass the netfilter hooks? Loads the module for it, if there is one. */
  async bridgeNetfilter(): Promise<boolean> {
    let seen = await this.#read();
    if (!seen.has(bridged.path)) {
      await this.#run(["modprobe", "br_netfilter"]).catch(() => {}); // built in, not built at all, or no modprobe: the next look tells
      seen = await this.#read();
    }
    return await this.#have(bridged, seen.get(bridged.path));
  }
  /** Once the bridge is there. What cannot be had is said once, with what follows from it. */
  async ensure(): Promise<void> {
    const seen = await this.#read();
    for (const setting of this.#settings) await this.#have(setting, seen.get(setting.path));
  }

  async #have({ path, value, atLeast, otherwise }: Setting, seen: number | undefined): Promise<boolean> {
    if (seen === value || (atLeast && seen !== undefined && seen > value)) return true;
    // In a container, and in another network namespace than the machine's, files may be there and not be ours to write.
    const written = seen !== undefined && (await this.#run(["tee", `/proc/sys/${path}`], { stdin: String(value) })).status === 0;
    if (!written && !this.#said.has(path)) {
      this.#said.add(path);
      this.#log.warn(`Cannot set ${path.replaceAll("/", ".")} to ${value}: ${otherwise}`, { seen: seen ?? "the kernel has none" });
    }
    return written;
  }
  async #read(): Promise<Map<string, number>> {
    const { stdout } = await this.#run(["grep", "-sH", "", ...this.#settings.map(({ path }) => `/proc/sys/${path}`)]);
    return new Map([...stdout.matchAll(/^\/proc\/sys\/([^:]+):(\d+)$/gm)].map(([, path, value]) => [path!, Number(value)]));
  }
}

/** A firewall that forwards nothing by default cuts pods off, and nothing that accepts in another table overrides that: its own chain must let them through. */
export async function allowForwarding(run: Run, bridge: string, log: Log): Promise<void> {
  const listed = await run(["iptables", "-w", "-S", "FORWARD"]).catch(() => undefined); // without iptables nobody has set its policy
  if (listed?.status !== 0 || !/^-P FORWARD DROP$/m.test(listed.stdout)) return;
  for (const direction of ["-i", "-o"]) {
    if (listed.stdout.includes(`-A FORWARD ${direction} ${bridge} -j ACCEPT`)) continue;
    const { status, stderr } = await run(["iptables", "-w", "-I", "FORWARD", direction, bridge, "-j", "ACCEPT"]);
    if (status !== 0) throw new Error(`Cannot let pods' traffic through the firewall's FORWARD chain: ${stderr.trim().slice(0, 200)}`);
    log.info("A firewall forwards nothing by default; pods' traffic is let through its FORWARD chain", { bridge, direction });
  }
}
