// The node's pod network: Podman's network, the bridge under it, the kernel's settings; made once, and looked after.
import { bridgeCheckMs } from "../../shared/limits.ts";
import { links, podmanNetwork } from "../../shared/names.ts";
import { type Run, runner } from "../../shared/platform/process.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { aborted, Wake } from "../../shared/util/signal.ts";
import { type BridgeWanted, gatewayOf, planBridge, type SeenLink, type SeenRoute } from "./bridge.ts";
import { allowForwarding, KernelSettings } from "./kernel.ts";

/** The part of the container runtime that makes the network which sandboxes join. */
export interface NetworkMaker {
  /** Idempotent. Fails with reason AlreadyExists when the bridge stands there without it. */
  ensureNetwork(network: { name: string; bridge: string; subnet: string; gateway: string; mtu: number }): Promise<void>;
}
export interface NetworkNeeds {
  readonly log: Log;
  readonly clock: Clock;
  /** None: only the bridge is made. */
  readonly runtime?: NetworkMaker | undefined;
  /** In whose namespace; default: the agent's. */
  readonly run?: Run;
}
export interface NetworkConfig {
  readonly bridge?: string;
  readonly stub?: readonly [string, string];
  /** Name of the runtime's network. */
  readonly network?: string;
  /** Bytes; small enough for a tunnel between nodes. */
  readonly mtu?: number;
}
export interface Network {
  /** Makes all of it. Call before pods start, and again when a network has changed. @throws when something that pods need cannot be made; `run` goes on trying */
  prepare(podCidr: string, serviceCidr: string): Promise<void>;
  /** A sandbox has a new port on the bridge. */
  onPodStarted(): void;
  /** Known after `prepare`; the proxy must hear of it (`setLocal`). */
  readonly bridgeNetfilter: boolean;
  run(signal: AbortSignal): Promise<void>;
  /** Takes bridge and stub away. Not while it runs. */
  purge(): Promise<void>;
}

export const createNetwork = (needs: NetworkNeeds, config: NetworkConfig = {}): Network => new BridgeNetwork(needs, config);

/** For devices that only pretend. */
export const emulatedNetwork: Network = {
  prepare: () => Promise.resolve(),
  onPodStarted() {},
  bridgeNetfilter: true,
  run: aborted,
  purge: () => Promise.resolve(),
};

class BridgeNetwork implements Network {
  readonly #needs: NetworkNeeds;
  readonly #run: Run;
  readonly #kernel: KernelSettings;
  readonly #config: Required<NetworkConfig>;
  readonly #wake = new Wake();
  #networks: { readonly pods: string; readonly services: readonly string[] } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #lastFailure = "";
  bridgeNetfilter = true;

  constructor(needs: NetworkNeeds, { bridge = links.bridge, stub = links.stub, network = podmanNetwork, mtu = 1450 }: NetworkConfig) {
    this.#needs = needs;
    this.#run = needs.run ?? runner();
    this.#kernel = new KernelSettings(this.#run, needs.log, bridge);
    this.#config = { bridge, stub, network, mtu };
  }

  async prepare(podCidr: string, serviceCidr: string): Promise<void> {
    gatewayOf(podCidr);
    const services = serviceCidr.split(",").map((cidr) => cidr.trim()).filter((cidr) => cidr !== "" && !cidr.includes(":"));
    this.#networks = { pods: podCidr, services };
    await this.#once();
  }
  onPodStarted(): void {
    this.#wake.set();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#wake.wait(this.#needs.clock, signal, bridgeCheckMs);
      if (signal.aborted) break;
      try {
        if (this.#networks) await this.#once();
        this.#lastFailure = "";
      } catch (error) {
        if (this.#lastFailure !== (this.#lastFailure = chain(error))) {
          this.#needs.log.error("The pod network is not as it should be", { error });
        }
      }
    }
    await this.#turn;
  }

  async purge(): Promise<void> {
    for (const link of [this.#config.stub[0], this.#config.bridge]) await this.#run(["ip", "link", "delete", "dev", link]);
  }

  /** One after another: `prepare` and the loop must not make the same link twice. */
  #once(): Promise<void> {
    const turn = this.#turn.then(() => this.#ensure());
    this.#turn = turn.catch(() => {});
    return turn;
  }
  async #ensure(): Promise<void> {
    const { bridge, stub } = this.#config, { pods, services } = this.#networks!, { log } = this.#needs;
    this.bridgeNetfilter = await this.#kernel.bridgeNetfilter();
    await this.#ensureRuntimeNetwork(pods);
    const wanted: BridgeWanted = { bridge, stub, gateway: gatewayOf(pods), services, hairpin: this.bridgeNetfilter };
    const commands = planBridge(wanted, await this.#links(), await this.#routes());
    for (const command of commands) await this.#ip(command);
    if (commands.length > 0) log.info("Pod network put in order", { bridge, commands: commands.map((command) => command.join(" ")) });
    await this.#kernel.ensure();
    await allowForwarding(this.#run, bridge, log);
  }

  /** Podman refuses to make its network once the link is there, so it comes first. A bridge of ours that nobody else uses gives way. */
  async #ensureRuntimeNetwork(pods: string): Promise<void> {
    const { runtime } = this.#needs, { network: name, bridge, mtu, stub } = this.#config;
    if (!runtime || this.#made === pods) return;
    const network = { name, bridge, subnet: pods, gateway: gatewayOf(pods).split("/")[0]!, mtu };
    try {
      await runtime.ensureNetwork(network);
    } catch (error) {
      const inTheWay = (error as { reason?: string }).reason === "AlreadyExists" &&
        (await this.#links()).every(({ ifname, master }) => master !== bridge || ifname === stub[0]);
      if (!inTheWay) throw error;
      await this.purge();
      await runtime.ensureNetwork(network);
    }
    this.#made = pods;
  }
  /** The network that the runtime is known to have. */
  #made: string | undefined;

  async #links(): Promise<SeenLink[]> {
    return JSON.parse(await this.#ip(["-j", "-d", "addr", "show"])) as SeenLink[];
  }
  async #routes(): Promise<SeenRoute[]> {
    const { status, stdout } = await this.#run(["ip", "-j", "route", "show", "dev", this.#config.bridge]);
    return status === 0 ? JSON.parse(stdout || "[]") as SeenRoute[] : []; // no such link yet
  }
  async #ip(args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#run(["ip", ...args]);
    if (status !== 0) throw new Error(`Cannot put the pod network in order: ip ${args.join(" ")}: ${stderr.trim().slice(0, 200)}`);
    return stdout;
  }
}
