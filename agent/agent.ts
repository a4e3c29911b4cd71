// Builds one node's agent and runs it. The order is the promise: what is on flash first (containers, routes), the network after. So a device whose master is
// gone, whose clock is wrong and whose certificate has run out brings up everything it had. Wiring alone, no decisions.
import { mkdir } from "node:fs/promises";
import { takeLock } from "../shared/platform/lock.ts";
import type { Clock, Random } from "../shared/util/clock.ts";
import type { Log } from "../shared/util/log.ts";
import { codecs } from "../shared/wire/codec.ts";
import type { DesiredSet } from "../shared/wire/desired.ts";
import { openSecret } from "../shared/wire/sealed_secret.ts";
import { enrol, type EnrolConfig } from "./link/enroll.ts";
import { EventRing } from "./link/events.ts";
import { type Identity, IdentityFiles } from "./link/identity.ts";
import { createLink, type Link } from "./link/link.ts";
import { Receiver } from "./link/receiver.ts";
import { Reporter } from "./link/reporter.ts";
import { SetLog } from "./link/set_log.ts";
import { reading, Tunnel } from "./link/tunnel.ts";
import { attachVerb, execVerb } from "./verbs/exec.ts";
import { forwardVerb } from "./verbs/forward.ts";
import { logsVerb } from "./verbs/logs.ts";
import { type Amounts, usageVerb } from "./verbs/usage.ts";
import type { Network } from "./network/network.ts";
import { createPods, type Pods, type PodsConfig } from "./pods/pods.ts";
import type { Checks } from "./probes/prober.ts";
import type { Proxy } from "./proxy/proxy.ts";
import type { ContainerRuntime } from "./runtime/runtime.ts";
import type { Mounter } from "./volumes/mounter.ts";

export const agentVersion = "0.1.0";
/** What a node says of itself goes by this name. */
const nodeUid = "node";

/** What the agent must know of the machine, and who tells the master how the machine is. */
export interface Machine {
  /** Another one means that everything that ran is gone. */
  readonly bootId: string;
  readonly architecture: string;
  readonly hostIP: string;
  readonly memoryBytes: number;
  readonly allocatable: PodsConfig["allocatable"];
  /** Says how the node is, and again whenever that has changed, until the signal aborts. */
  report(say: (state: Record<string, unknown>, urgent: boolean) => void, signal: AbortSignal): Promise<void>;
  /** What all that runs on it has used so far, and uses of its memory. */
  usage(): Promise<Amounts>;
}

export interface AgentParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly runtime: ContainerRuntime;
  readonly proxy: Proxy;
  readonly network: Network;
  readonly machine: Machine;
  readonly mounter?: Mounter;
  readonly checks?: Checks;
}
export interface AgentSettings {
  readonly dataDir: string;
  readonly runDir: string;
  readonly keepaliveSeconds: number;
  readonly metered: boolean;
  /** As it stands before a container's id: "podman". */
  readonly engine: string;
  /** netavark's record of addresses, which may outlive what had them; only with Podman. */
  readonly leaseFile?: string;
  /** Undefined once the device is enrolled. */
  readonly enrol: EnrolConfig | undefined;
}
export interface Agent {
  readonly identity: Identity;
  readonly link: Link;
  readonly pods: Pods;
  readonly current: () => DesiredSet;
}

/** Resolves when the signal has aborted and everything has stopped; containers and routes stay. */
export async function runAgent(
  parts: AgentParts,
  settings: AgentSettings,
  signal: AbortSignal,
  started: (agent: Agent) => void = () => {},
): Promise<void> {
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 });
  // Two agents with one identity would take the session from each other without end, and write into one set.
  const unlock = await takeLock(`${settings.dataDir}/lock`);
  try {
    await runAlone(parts, settings, signal, started);
  } finally {
    await unlock();
  }
}

async function runAlone(parts: AgentParts, settings: AgentSettings, signal: AbortSignal, started: (agent: Agent) => void): Promise<void> {
  const { clock, random, log, runtime, proxy, network, machine } = parts, { dataDir, runDir } = settings;
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const files = new IdentityFiles(`${dataDir}/identity`);
  const identity = await files.load() ?? await enrol({ files, clock, random, log }, settings.enrol!, signal);
  const { clusterId, nodeId, nodeName } = identity, sets = await SetLog.open(`${dataDir}/state`, { clusterId, nodeId }, log);

  // Each of these says things on the link, which is made last.
  const say: { link?: Link } = {};
  const reporter = new Reporter(clock, (report) => say.link?.send("report", report));
  const events = new EventRing(clock, (message) => say.link?.send("events", message));
  const pods = await createPods({
    runtime,
    clock,
    random,
    log: log.with({ part: "pods" }),
    report: ({ urgent, state, ...pod }) => reporter.put({ ...pod, ...(state && { state: state as Record<string, unknown> }) }, urgent),
    event: (event) => events.add({ ...event, count: 1 }),
    reveal: (secret) => openSecret(secret, identity.seal.privateKey, { clusterId, nodeId }),
    ...(parts.mounter && { mounter: parts.mounter }),
    checks: parts.checks,
  }, {
    nodeName,
    hostIP: machine.hostIP,
    engine: settings.engine,
    dataDir,
    runDir,
    bootId: machine.bootId,
    dnsServers: [],
    allocatable: machine.allocatable,
    memoryBytes: machine.memoryBytes,
    ...(settings.leaseFile && { leaseFile: settings.leaseFile }),
  });
  // The proxy believes this node's own pods before any EndpointSlice.
  const unsubscribe = pods.subscribe(() => {
    proxy.setLocal({ pods: new Map(pods.local) });
    network.onPodStarted();
  });

  let prepared = "";
  const apply = async (set: DesiredSet): Promise<void> => {
    const facts = nodeFacts(set, identity);
    if (facts && prepared !== facts.podCidr) {
      prepared = facts.podCidr;
      await network.prepare(facts.podCidr, facts.serviceCidr)
        .catch((error) => log.error("Cannot make all of the pod network; will go on trying", { error }));
      proxy.setLocal({ bridgeNetfilter: network.bridgeNetfilter });
    }
    proxy.setDesired(set);
    pods.setDesired(set);
    await pods.settled();
    reporter.keepOnly((uid) => uid === nodeUid || sets.current.objects.has(uid));
  };
  const tunnel = new Tunnel({ clock, log, send: (session, frame) => say.link?.sendBytes("session", frame, session) }, {
    logs: reading(logsVerb(clock, pods)),
    exec: execVerb(runtime, pods),
    attach: attachVerb(runtime, pods),
    portforward: forwardVerb(runtime, pods),
    usage: reading(usageVerb({ clock, runtime, machine, pods })),
  });
  const receiver = new Receiver({ sets, clock, random, log, send: (name, message) => say.link?.send(name, message), apply });

  // From flash, before any word from outside. What fails here is tried again by its own loop.
  if (sets.current.gen > 0) {
    log.info("Bringing up what was last wanted", { gen: sets.current.gen, objects: sets.current.objects.size });
    void apply(sets.current).catch((error) => log.error("Cannot bring up what was last wanted; will go on trying", { error }));
  }
  const stopParts = new AbortController(), until = stopParts.signal;
  const running = [
    pods.run({ signal: until }),
    proxy.run(until),
    network.run(until),
    machine.report((state, urgent) => reporter.put({ uid: nodeUid, state }, urgent), until),
  ];

  const link = say.link = createLink({
    identity,
    files,
    clock,
    random,
    log: log.with({ part: "link" }),
    users: {
      birth: () => {
        const { epoch, gen, hash } = sets.current;
        return {
          boot: machine.bootId,
          ver: agentVersion,
          wire: [1],
          arch: machine.architecture,
          ...(epoch && { have: { epoch, gen, hash } }),
          stateHash: reporter.stateHash,
          caps: [...codecs],
          link: { kind: "unknown", metered: settings.metered },
          clock: { t: clock.now() },
        };
      },
      connected: (session) => {
        receiver.connected();
        reporter.connected(session);
        events.connected(session);
      },
      disconnected: () => {
        receiver.disconnected();
        reporter.disconnected();
        events.disconnected();
        tunnel.disconnected();
      },
      message: (name, payload, id) => {
        if (name === "desired") receiver.head(payload);
        else if (name === "put") receiver.put(payload);
        else if (name === "session" && id !== undefined) tunnel.frame(id, payload);
      },
      cumulative: (message) => {
        if (message.retryAfter) receiver.retryAfter(message.retryAfter);
        reporter.cumulative(message);
        events.cumulative(message);
      },
    },
  }, { keepaliveSeconds: settings.keepaliveSeconds });
  started({ identity, link, pods, current: () => sets.current });
  log.info("The agent runs", { node: nodeName, masters: identity.masters, gen: sets.current.gen });

  await link.run(signal);
  stopParts.abort();
  await Promise.all(running);
  unsubscribe();
  await receiver.idle();
  await sets.close();
}

/** What the set says of the node itself. */
function nodeFacts(set: DesiredSet, { nodeName }: Identity): { podCidr: string; serviceCidr: string } | undefined {
  for (const { body } of set.objects.values()) {
    if (!body.includes('"kind":"Node"')) continue;
    const { kind, metadata, spec, cluster } = JSON.parse(body) as {
      kind: string;
      metadata: { name: string };
      spec?: { podCIDR?: string };
      cluster?: { serviceNetwork?: string };
    };
    if (kind === "Node" && metadata.name === nodeName && spec?.podCIDR && cluster?.serviceNetwork) {
      return { podCidr: spec.podCIDR, serviceCidr: cluster.serviceNetwork };
    }
  }
  return undefined;
}
