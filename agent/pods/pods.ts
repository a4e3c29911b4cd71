// The pods of this node: `createPods` puts the parts together. What it needs is handed in; it starts nothing before `run`, and does nothing before the first set.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { DesiredSet } from "../../shared/wire/desired.ts";
import { Images } from "../images/images.ts";
import { Prober } from "../probes/prober.ts";
import { containerLogPath } from "../runtime/logs.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import type { Mounter } from "../volumes/mounter.ts";
import { systemMounter } from "../volumes/mounter.ts";
import type { Place } from "../volumes/sources.ts";
import { Volumes } from "../volumes/volumes.ts";
import { Addresses } from "./addresses.ts";
import { Book } from "./book.ts";
import { dropStaleLeases } from "./boot.ts";
import { Desired, type Reveal } from "./desired.ts";
import { MemoryFile } from "./memory_file.ts";
import { Reconciler } from "./reconciler.ts";
import { type LocalPod, type PodReport, Statuses } from "./statuses.ts";

export interface PodEvent {
  readonly uid: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** ms since 1970. */
  readonly at: number;
}
export interface PodsDependencies {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  report(report: PodReport): void;
  event(event: PodEvent): void;
  /** Opens a Secret's sealed data; default: it is plain base64. */
  readonly reveal?: Reveal;
  readonly mounter?: Mounter;
}
export interface PodsConfig {
  readonly nodeName: string;
  readonly hostIP: string;
  /** Of the engine, as it stands before a container's id: "podman". */
  readonly engine: string;
  /** On flash: state/pods.json, pods/, logs/. */
  readonly dataDir: string;
  /** In memory, or made so. */
  readonly runDir: string;
  readonly bootId: string;
  /** As long as the set's Node object names none. Neither: the engine chooses addresses. */
  readonly podCIDR?: string;
  /** Of the agent's name server; empty: pods ask whom the node asks. */
  readonly dnsServers: readonly string[];
  readonly allocatable: Place["allocatable"];
  /** Of the machine. */
  readonly memoryBytes: number;
  /** netavark's /run/containers/networks/ipam.db; only with Podman. */
  readonly leaseFile?: string;
}
export interface Pods {
  setDesired(set: DesiredSet): void;
  /** Resolves when it has really stopped. Containers run on. */
  run(options: { signal: AbortSignal }): Promise<void>;
  /** Resolves when nothing is left to do for the current set but to wait: for back-offs, for what is missing. */
  settled(): Promise<void>;
  /** Undefined: this node has no such container, or it has not run (before). */
  logPath(podUid: string, container: string, options?: { previous?: boolean }): string | undefined;
  /** Newest container of that name, for exec and attach; undefined unless it runs. */
  containerId(podUid: string, container: string): string | undefined;
  /** By pod UID: what the routes of this node may rely on while the master is away. */
  readonly local: ReadonlyMap<string, LocalPod>;
  /** Called when the address, readiness or existence of a local pod has changed. */
  subscribe(observer: () => void): () => void;
  /** Images that the current set names. */
  readonly images: ReadonlySet<string>;
}

export async function createPods(on: PodsDependencies, config: PodsConfig): Promise<Pods> {
  const { runtime, clock, random, log, report } = on;
  const logsDir = join(config.dataDir, "logs"), stateDir = join(config.dataDir, "state");
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const book = await Book.open({ clock, log }, new MemoryFile(join(stateDir, "pods.json")), config.bootId);
  const images = new Images({ runtime, clock, random, log });
  const volumes = new Volumes(on.mounter ?? systemMounter, config);
  const event = (uid: string, type: PodEvent["type"], reason: string, message: string): void =>
    on.event({ uid, type, reason, message, at: clock.now() });
  const statuses = new Statuses({ clock, book, images, report }, config);
  const prober = new Prober({
    runtime,
    clock,
    random,
    changed: () => reconciler.lookAgain(),
    unhealthy: ({ podUid }, kind, message) =>
      event(podUid, "Warning", "Unhealthy", `${kind[0]!.toUpperCase()}${kind.slice(1)} probe failed: ${message}`),
  });
  let addresses: { readonly cidr: string; readonly pool: Addresses } | undefined;
  const reconciler = new Reconciler({ runtime, clock, random, log, images, volumes, event, book, prober, statuses }, {
    logsDir,
    memoryBytes: config.memoryBytes,
    place: (podIP) => ({ nodeName: config.nodeName, hostIP: config.hostIP, allocatable: config.allocatable, podIP }),
    dns: ({ clusterDomain = "cluster.local" }) => ({ servers: config.dnsServers, clusterDomain }),
    addresses(desired) {
      const cidr = desired.podCIDR ?? config.podCIDR;
      if (cidr === undefined) return undefined;
      if (addresses?.cidr !== cidr) addresses = { cidr, pool: new Addresses(cidr, random()) };
      return addresses.pool;
    },
  });
  let desired: Desired | undefined;
  return {
    setDesired(set) {
      desired = new Desired(set, on.reveal, desired);
      reconciler.setDesired(desired);
    },
    async run({ signal }) {
      await boot(signal);
      await reconciler.run({ signal });
    },
    settled: () => reconciler.settled(),
    logPath(podUid, container, { previous = false } = {}) {
      const memory = book.get(podUid), attempt = (memory?.containers[container]?.attempt ?? -1) - (previous ? 1 : 0);
      return memory && attempt >= 0 ? containerLogPath(logsDir, memory, container, attempt) : undefined;
    },
    containerId(podUid, container) {
      const status = statuses.all.get(podUid)?.status;
      const all = [...status?.containerStatuses ?? [], ...status?.initContainerStatuses ?? [], ...status?.ephemeralContainerStatuses ?? []];
      const found = all.find(({ name }) => name === container);
      return found?.state?.running ? found.containerID?.replace(/^.*:\/\//, "") : undefined;
    },
    get local() {
      return statuses.all;
    },
    subscribe: (observer) => statuses.subscribe(observer),
    get images() {
      const pods = [...desired?.pods.values() ?? []];
      return new Set(pods.flatMap(({ spec }) => [...spec.containers, ...spec.initContainers ?? []]).map(({ image }) => image ?? ""));
    },
  };

  async function boot(signal: AbortSignal): Promise<void> {
    const boots = { before: book.writtenInBoot, now: config.bootId };
    if (boots.before === boots.now || config.leaseFile === undefined) return;
    try {
      await dropStaleLeases({ log }, config.leaseFile, boots, await runtime.observe());
    } catch (error) {
      signal.throwIfAborted();
      log.warn("Cannot look what this boot has left; going on", { error });
    }
  }
}
