// Settings of the kernel that pods and service routes need, in the network namespace that `run` leads to.
import { connectionsTracked } from "../../shared/limits.ts";
import type { Run } from "../../shared/platform/process.ts";
import type { Log } from "../../shared/util/log.ts";

interface Setting {
  /** Below /proc/sys. */
  readonly path: string;
  readonly least: number;
  /** What goes wrong without it. */
  readonly otherwise: string;
}
const forwarding: Setting = { path: "net/ipv4/ip_forward", least: 1, otherwise: "pods reach nothing beyond this node" };
const bridged: Setting = {
  path: "net/bridge/bridge-nf-call-iptables",
  least: 1,
  otherwise: "services between pods of this node see the node's address instead of the client's",
};
const tracked: Setting = {
  path: "net/netfilter/nf_conntrack_max",
  least: connectionsTracked,
  otherwise: "many connections at once may be dropped",
};

export class KernelSettings {
  readonly #run: Run;
  readonly #log: Log;
  readonly #said = new Set<string>();

  constructor(run: Run, log: Log) {
    this.#run = run;
    this.#log = log;
  }

  /** Makes them so; what cannot be had is said once, with what follows from it. @returns do bridged packets pass the netfilter hooks? */
  async ensure(): Promise<{ bridgeNetfilter: boolean }> {
    let seen = await this.#read();
    if (!seen.has(bridged.path)) {
      await this.#run(["modprobe", "br_netfilter"]).catch(() => {}); // built in, not built at all, or no modprobe: the next look tells
      seen = await this.#read();
    }
    const had = new Map<Setting, boolean>();
    for (const setting of [forwarding, bridged, tracked]) had.set(setting, await this.#have(setting, seen.get(setting.path)));
    return { bridgeNetfilter: had.get(bridged)! };
  }

  async #have({ path, least, otherwise }: Setting, value: number | undefined): Promise<boolean> {
    if (value !== undefined && value >= least) return true;
    // In a container or another namespace than the machine's, files may be there and not be ours to write.
    const written = value !== undefined && (await this.#run(["tee", `/proc/sys/${path}`], { stdin: String(least) })).status === 0;
    if (!written && !this.#said.has(path)) {
      this.#said.add(path);
      this.#log.warn(`Cannot set ${path.replaceAll("/", ".")} to ${least}: ${otherwise}`, { value: value ?? "the kernel has none" });
    }
    return written;
  }
  async #read(): Promise<Map<string, number>> {
    const paths = [forwarding, bridged, tracked].map(({ path }) => `/proc/sys/${path}`);
    const { stdout } = await this.#run(["grep", "-H", "", ...paths]);
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
