// The pods of this node: `createPods` puts the parts together. What it needs is handed in; it starts nothing before `run`, and does nothing before the first set.
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerStatus } from "../../shared/api/kinds/pod/pod_status.ts";
import { eventMessageCharacters, podBackoff } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { DesiredSet } from "../../shared/wire/desired.ts";
import type { NodeEvent } from "../../shared/wire/messages.ts";
import { collectImages, type CollectorDependencies } from "../images/collector.ts";
import { Images } from "../images/images.ts";
import { type Checks, Prober } from "../probes/prober.ts";
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
import type { Tools } from "./execute.ts";
import { Housekeeping } from "./housekeeping.ts";
import { MemoryFile } from "./memory_file.ts";
import { Reconciler } from "./reconciler.ts";
import { type LocalPod, type PodReport, Statuses } from "./statuses.ts";

export type PodEvent = Omit<NodeEvent, "count">;
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
  /** How probes reach pods; default: over the network. */
  readonly checks?: Checks | undefined;
}
export interface PodsConfig {
  readonly nodeName: string;
  /** On flash: state/pods.json, pods/, logs/. */
  readonly dataDir: string;
  /** In memory, or made so. */
  readonly runDir: string;
  /** Of the machine: another one means that everything that ran is gone. */
  readonly bootId: string;
  /** Address of the node; "": it is not known. */
  readonly hostIP: string;
  /** As it stands before a container's id: "podman". */
  readonly engine: string;
  /** As long as the set's Node object names none. Neither: the engine chooses addresses. */
  readonly podCIDR?: string;
  /** Of the agent's name server; none: pods ask whom the node asks. */
  readonly dnsServers: readonly string[];
  /** What pods may use of the machine. */
  readonly allocatable: Place["allocatable"];
  /** Of the machine. */
  readonly memoryBytes: number;
  /** netavark's leases; dropped after a boot. Only with Podman. */
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
  /** For exec and attach; undefined unless it runs. Without a name: any of the pod. */
  containerId(podUid: string, container?: string): string | undefined;
  /** The containers that run, by their ids. */
  running(): readonly { readonly podUid: string; readonly name: string; readonly id: string }[];
  /** By pod UID. */
  readonly local: ReadonlyMap<string, LocalPod>;
  /** Called when the address, readiness or existence of a local pod has changed. */
  subscribe(observer: () => void): () => void;
}

/** `podman://0123…` as the engine knows it. */
const engineId = (containerID: string): string => containerID.replace(/^.*:\/\//, "");

export function createPods(on: PodsDependencies, config: PodsConfig): Pods {
  const { runtime, clock, random, log, report } = on, { hostIP, allocatable, memoryBytes, dnsServers } = config;
  const logsDir = join(config.dataDir, "logs"), stateDir = join(config.dataDir, "state");
  const book = new Book(clock, new MemoryFile(join(stateDir, "pods.json")), config.bootId);
  const images = new Images({ runtime, clock, random, log });
  const volumes = new Volumes(on.mounter ?? systemMounter, config);
  const event: Tools["event"] = (uid, type, reason, message) =>
    on.event({ uid, type, reason, message: message.slice(0, eventMessageCharacters), at: clock.now() });
  const statuses = new Statuses({ clock, book, images, report }, config);
  const prober = new Prober({
    checks: on.checks,
    runtime,
    clock,
    random,
    changed: () => reconciler.lookAgain(),
    unhealthy: ({ podUid }, kind, message) =>
      event(podUid, "Warning", "Unhealthy", `${kind[0]!.toUpperCase()}${kind.slice(1)} probe failed: ${message}`),
  });
  let addresses: { readonly cidr: string; readonly pool: Addresses } | undefined;
  const place = (podIP: string | undefined): Place => ({ nodeName: config.nodeName, hostIP, allocatable, podIP });
  const housekeeping = new Housekeeping({ runtime, clock, log, volumes, book }, { logsDir, place });
  const reconciler = new Reconciler({ runtime, clock, random, log, images, volumes, event, book, prober, statuses, housekeeping }, {
    logsDir,
    memoryBytes,
    place,
    dns: ({ clusterDomain = "cluster.local" }) => ({ servers: dnsServers, clusterDomain }),
    addresses(desired) {
      const cidr = desired.podCIDR ?? config.podCIDR;
      if (cidr === undefined) return undefined;
      if (addresses?.cidr !== cidr) addresses = { cidr, pool: new Addresses(cidr, random()) };
      return addresses.pool;
    },
  });
  let desired: Desired | undefined, before: Desired | undefined;
  const collector: CollectorDependencies = {
    runtime,
    clock,
    log,
    images,
    async disk() {
      const { blocks, bavail, bsize } = await statfs(config.dataDir);
      return { bytes: blocks * bsize, freeBytes: bavail * bsize };
    },
    named: () => desired && [...desired.images, ...before?.images ?? []],
  };
  return {
    setDesired(set) {
      // "Previous" is the last set with other images: every label that changes makes a new set.
      const next = new Desired(set, on.reveal, desired);
      if (desired && [...desired.images].some((image) => !next.images.has(image))) before = desired;
      desired = next;
      reconciler.setDesired(desired);
    },
    async run({ signal }) {
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      await book.open(log);
      await boot(signal);
      if (!signal.aborted) await Promise.all([reconciler.run({ signal }), collectImages(collector, signal)]);
    },
    settled: () => reconciler.settled(),
    logPath(podUid, container, { previous = false } = {}) {
      const memory = book.get(podUid), attempt = (memory?.containers[container]?.attempt ?? -1) - (previous ? 1 : 0);
      return memory && attempt >= 0 ? containerLogPath(logsDir, memory, container, attempt) : undefined;
    },
    containerId(podUid, container) {
      const found = statusesOf(podUid).find(({ name, state }) => state?.running && name === (container ?? name));
      return found?.containerID && engineId(found.containerID);
    },
    running: () =>
      [...statuses.all.keys()].flatMap((podUid) =>
        statusesOf(podUid).flatMap(({ name, state, containerID }) =>
          state?.running && containerID ? [{ podUid, name, id: engineId(containerID) }] : []
        )
      ),
    get local() {
      return statuses.all;
    },
    subscribe: (observer) => statuses.subscribe(observer),
  };

  function statusesOf(podUid: string): ContainerStatus[] {
    const status = statuses.all.get(podUid)?.status;
    return [...status?.containerStatuses ?? [], ...status?.initContainerStatuses ?? [], ...status?.ephemeralContainerStatuses ?? []];
  }

  /** Before the first look. The engine may still be on its way up. */
  async function boot(signal: AbortSignal): Promise<void> {
    const boots = { before: book.writtenInBoot, now: config.bootId };
    if (boots.before === boots.now || config.leaseFile === undefined) return;
    for (let delayMs = 0; !signal.aborted;) {
      try {
        await dropStaleLeases({ log }, config.leaseFile, boots, await runtime.observe());
        return;
      } catch (error) {
        delayMs = nextDelay(podBackoff, delayMs, random);
        log.warn("Cannot look what this boot has left; trying again", { error, delayMs: Math.round(delayMs) });
        await sleep(clock, delayMs, signal).catch(() => {}); // an abort ends the loop
      }
    }
  }
}
