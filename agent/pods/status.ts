// What the master hears of a pod: Kubernetes' PodStatus, in the words its users know. Pure.
import type {
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  PodCondition,
  PodStatus,
} from "../../shared/api/kinds/pod/pod_status.ts";
import { qosClass } from "../../shared/api/kinds/pod/qos.ts";
import type { PullFailure } from "../images/images.ts";
import type { DesiredPod } from "./desired.ts";
import type { PodMemory, Termination } from "./memory.ts";
import { type ActualPod, type Circumstances, isStarted } from "./plan.ts";
import { initialized, podEnd, type Standing, standings } from "./standing.ts";

export interface StatusView extends Circumstances {
  readonly images: { has(reference: string): boolean; failure(reference: string): PullFailure | undefined };
  /** Images being pulled now are no failures. */
  readonly hostIP: string;
  /** Of the engine: "podman". */
  readonly engine: string;
}
export interface Observed {
  readonly status: PodStatus;
  /** To be remembered: what conditions said, and since when. */
  readonly conditions: NonNullable<PodMemory["conditions"]>;
  /** By container name: what the probes say of those that run. */
  readonly containers: Readonly<Record<string, { readonly started: boolean; readonly ready: boolean }>>;
  readonly ready: boolean;
}

export function podStatus(pod: DesiredPod, actual: ActualPod, memory: PodMemory, view: StatusView, now: number): Observed {
  const all = standings(pod, actual.containers, memory, now);
  const over = podEnd(pod, all, memory, now);
  const sandbox = actual.sandboxes.find(({ state }) => state === "ready");
  const isInitialized = initialized(all);
  const statuses = new Map(
    all.map((
      one,
    ) => [
      one.name,
      containerStatus(one, pod, memory, view, { over: over !== undefined, sandbox: sandbox !== undefined, isInitialized }, now),
    ]),
  );
  const of = (...roles: Standing["role"][]) => all.filter(({ role }) => roles.includes(role)).map(({ name }) => statuses.get(name)!);
  const main = of("main"), sidecars = of("sidecar");
  const phase = over?.phase ??
    (all.some(({ role, attempt, current }) => role === "main" && (attempt >= 0 && (current?.state !== "created" || attempt > 0)))
      ? "Running"
      : "Pending");

  const unready = [...main, ...sidecars].filter(({ ready }) => !ready).map(({ name }) => name);
  const containersReady = !over && unready.length === 0;
  const gates = (pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const unreadyReason = over ? (over.phase === "Succeeded" ? "PodCompleted" : "PodFailed") : "ContainersNotReady";
  const unreadyMessage = over ? "" : `containers with unready status: [${unready.join(" ")}]`;
  const uninitialized = all.filter(({ role, done }) => role === "init" && !done).map(({ name }) => name);
  // What a gate waits for is written by somebody else, into the API; a node does not see it.
  const isReady = containersReady && gates.length === 0;
  const wanted: [type: string, holds: boolean, reason?: string, message?: string][] = [
    ["PodReadyToStartContainers", sandbox !== undefined],
    [
      "Initialized",
      isInitialized || over?.phase === "Succeeded",
      "ContainersNotInitialized",
      `containers with incomplete status: [${uninitialized.join(" ")}]`,
    ],
    ["ContainersReady", containersReady, unreadyReason, unreadyMessage],
    [
      "Ready",
      isReady,
      containersReady ? "ReadinessGatesNotReady" : unreadyReason,
      containersReady ? `not known to the node: ${gates.join(", ")}` : unreadyMessage,
    ],
  ];
  const conditions: Record<string, { status: string; since: number }> = {};
  const listed = wanted.map(([type, holds, reason, message]): PodCondition => {
    const status = holds ? "True" : "False", before = memory.conditions?.[type];
    conditions[type] = before?.status === status ? before : { status, since: now };
    return {
      type,
      status,
      lastTransitionTime: time(conditions[type]!.since)!,
      ...(!holds && reason && { reason, ...(message && { message }) }),
      ...(pod.generation > 0 && { observedGeneration: pod.generation }),
    };
  });
  const podIP = pod.spec.hostNetwork ? (sandbox && view.hostIP) : sandbox?.address;
  const init = of("init", "sidecar"), ephemeral = of("ephemeral");
  return {
    status: {
      phase,
      conditions: listed,
      ...(over?.message && { message: over.message }),
      ...(over?.reason && { reason: over.reason }),
      ...(view.hostIP && { hostIP: view.hostIP, hostIPs: [{ ip: view.hostIP }] }),
      ...(podIP && { podIP, podIPs: [{ ip: podIP }] }),
      startTime: time(memory.startTime)!,
      containerStatuses: main,
      ...(init.length > 0 &&
        { initContainerStatuses: all.filter(({ role }) => role === "init" || role === "sidecar").map(({ name }) => statuses.get(name)!) }),
      ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
      qosClass: qosClass({ spec: pod.spec }),
      ...(pod.generation > 0 && { observedGeneration: pod.generation }),
    },
    conditions,
    containers: Object.fromEntries(
      all.filter(({ current }) => current?.state === "running").map(({ name }) => {
        const { ready, started = false } = statuses.get(name)!;
        return [name, { ready, started }];
      }),
    ),
    ready: isReady,
  };
}

interface Around {
  readonly over: boolean;
  readonly sandbox: boolean;
  readonly isInitialized: boolean;
}

function containerStatus(
  one: Standing,
  pod: DesiredPod,
  memory: PodMemory,
  view: StatusView,
  around: Around,
  now: number,
): ContainerStatus {
  const { current, container, name } = one, remembered = memory.containers[name];
  const runs = current?.state === "running";
  const started = runs &&
    (isStarted(one, view) ||
      (container.startupProbe !== undefined && remembered?.started === true && view.probes.get(current.id)?.startup !== false));
  const isOver = one.done || around.over || pod.deletion !== undefined;
  const wait = runs || (isOver && one.end !== undefined) ? undefined : waiting(one, pod, view, around, now);
  const terminated = !runs && one.end !== undefined && wait === undefined;
  const state: ContainerState = runs
    ? { running: { ...(current.startedAt !== undefined && { startedAt: time(current.startedAt)! }) } }
    : terminated
    ? { terminated: terminatedState(one.end!, view.engine) }
    : { waiting: wait ?? creating(one, pod, around) };
  const last = terminated ? remembered?.previous : remembered?.last;
  const seen = current ?? one.end;
  const id = current?.id ?? one.end?.id;
  return {
    name,
    state,
    lastState: last === undefined ? {} : { terminated: terminatedState(last, view.engine) },
    ready: ready(one, started, remembered?.ready, view),
    restartCount: Math.max(0, one.attempt),
    image: container.image ?? "",
    imageID: seen?.imageId ?? "",
    ...(id !== undefined && { containerID: `${view.engine}://${id}` }),
    started,
  };
}

function ready(
  { role, container, current, done, end }: Standing,
  started: boolean,
  remembered: boolean | undefined,
  { probes }: Circumstances,
): boolean {
  if (role === "init") return done && end!.exitCode === 0;
  if (current?.state !== "running" || !started || role === "ephemeral") return false;
  if (container.readinessProbe === undefined) return true;
  return probes.get(current.id)?.readiness ?? remembered ?? false;
}

const terminatedState = (
  { id, exitCode, reason, message, startedAt, finishedAt }: Termination,
  engine: string,
): ContainerStateTerminated => ({
  exitCode,
  reason,
  ...(message && { message }),
  ...(startedAt !== undefined && { startedAt: time(startedAt)! }),
  ...(finishedAt !== undefined && { finishedAt: time(finishedAt)! }),
  containerID: `${engine}://${id}`,
});

/** Undefined: nothing stands in its way. */
function waiting(
  one: Standing,
  pod: DesiredPod,
  view: StatusView,
  { sandbox }: Around,
  now: number,
): { reason: string; message?: string } | undefined {
  const image = one.container.image ?? "", has = view.images.has(image);
  const trouble = view.troubles.get(`create ${one.name}`) ?? view.troubles.get(`start ${one.name}`);
  if (trouble) return { reason: trouble.reason, message: trouble.message };
  if (one.container.imagePullPolicy === "Never" && !has && sandbox && !one.current) {
    return { reason: "ErrImageNeverPull", message: `Container image "${image}" is not present with pull policy of Never` };
  }
  const failure = view.images.failure(image);
  if (failure && !has) {
    // The first time the error itself, as the kubelet shows it.
    return failure.failures === 1
      ? { reason: "ErrImagePull", message: failure.message }
      : { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ${failure.message}` };
  }
  if (one.end !== undefined && one.startAt > now) {
    return {
      reason: "CrashLoopBackOff",
      message: `back-off restarting failed container=${one.name} pod=${pod.name}_${pod.namespace}(${pod.uid})`,
    };
  }
  const outside = view.troubles.get("createSandbox ") ?? view.troubles.get("startSandbox ");
  return outside && { reason: "ContainerCreating", message: outside.message };
}

const creating = ({ role }: Standing, { spec }: DesiredPod, { isInitialized }: Around): { reason: string } => {
  const waitsForInit = (role === "main" || role === "ephemeral") && (spec.initContainers?.length ?? 0) > 0 && !isInitialized;
  return { reason: waitsForInit ? "PodInitializing" : "ContainerCreating" };
};

/** RFC 3339 in seconds, as Kubernetes writes times. */
const time = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
