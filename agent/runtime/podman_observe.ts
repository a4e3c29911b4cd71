// Podman's list and inspect answers as `Actual`. Pure: what is alive was asked before.
import type { InspectContainerData, ListContainer } from "podman-api-client";
import { containerFormat, containerLabels } from "../../shared/names.ts";
import type { Actual, ActualContainer, ActualSandbox, ContainerState, Identity, SandboxState } from "./runtime.ts";

/** What inspect knows and list does not. Read once per state that a container enters. */
export interface Detail {
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly conmonPid: number | undefined;
  /** Of the infra container: the pod's. */
  readonly address: string | undefined;
}
/** One container in Podman's list, with what was found out about it. */
export interface Seen {
  readonly entry: ListContainer;
  readonly detail: Detail | undefined;
  /** Of a container that Podman calls running: whether its process and its monitor are there. */
  readonly process: boolean;
  readonly monitor: boolean;
  /** Why its last start failed, as far as this agent remembers. */
  readonly startError: string | undefined;
}

/** Changes whenever the container has entered another state: the key of the inspect cache. */
export const signature = (entry: ListContainer): string =>
  `${entry.State} ${entry.Pid ?? 0} ${entry.StartedAt ?? 0} ${entry.ExitedAt ?? 0}`;
export const runs = (entry: ListContainer): boolean => ["running", "paused", "stopping"].includes(entry.State ?? "");

export function detailOf(inspected: InspectContainerData): Detail {
  const state = inspected.State;
  const networks = Object.values(inspected.NetworkSettings?.Networks ?? {}) as { IPAddress?: string }[];
  return {
    startedAt: time(state?.StartedAt),
    finishedAt: time(state?.FinishedAt),
    exitCode: state?.ExitCode ?? 0,
    oomKilled: state?.OOMKilled ?? false,
    conmonPid: state?.ConmonPid || undefined,
    address: networks.map((network) => network.IPAddress).find((address) => address),
  };
}

/** Containers without our labels, or in a format of a later agent, are not ours to judge. */
export function toActual(seen: readonly Seen[], oomKills: ReadonlySet<string>): Actual {
  const sandboxes: ActualSandbox[] = [], containers: ActualContainer[] = [];
  for (const one of seen) {
    const identity = identityOf(one.entry.Labels ?? {});
    if (identity === undefined) continue;
    if (one.entry.IsInfra) sandboxes.push(sandbox(one, identity));
    else containers.push(container(one, identity, oomKills));
  }
  return { sandboxes, containers };
}

function identityOf(labels: Readonly<Record<string, string>>): Identity | undefined {
  const podUid = labels[containerLabels.podUid];
  if (podUid === undefined || labels[containerLabels.format] !== containerFormat) return undefined;
  return {
    podUid,
    podNamespace: labels[containerLabels.podNamespace] ?? "",
    podName: labels[containerLabels.podName] ?? "",
    specHash: labels[containerLabels.specHash] ?? "",
  };
}

function sandbox({ entry, detail, process }: Seen, identity: Identity): ActualSandbox {
  const state = sandboxState(entry, detail, process);
  return {
    ...identity,
    id: entry.Pod ?? "",
    state,
    address: state === "ready" ? detail?.address : undefined,
    createdAt: time(entry.Created) ?? 0,
  };
}

/** A sandbox whose infra process has ended cannot be healed: its network namespace is gone. So it is after a reboot, when Podman calls it created once more. */
function sandboxState(entry: ListContainer, detail: Detail | undefined, process: boolean): SandboxState {
  if (runs(entry)) return process ? "ready" : "lost";
  return fresh(entry) && detail?.startedAt === undefined ? "created" : "lost";
}

const fresh = (entry: ListContainer): boolean => ["created", "configured", "initialized"].includes(entry.State ?? "");

function container(seen: Seen, identity: Identity, oomKills: ReadonlySet<string>): ActualContainer {
  const { entry, detail } = seen;
  const labels = entry.Labels ?? {};
  const { state, exitCode, error } = containerState(seen);
  return {
    ...identity,
    id: entry.Id ?? "",
    container: labels[containerLabels.container] ?? "",
    attempt: Number(labels[containerLabels.attempt] ?? 0),
    state,
    imageRef: entry.Image ?? "",
    imageId: entry.ImageID ?? "",
    pid: state === "running" ? entry.Pid || undefined : undefined,
    startedAt: detail?.startedAt,
    finishedAt: state === "exited" ? detail?.finishedAt : undefined,
    exitCode,
    // cgroup v1: conmon never reports it, the kernel's log does.
    oomKilled: state === "exited" && (detail?.oomKilled === true || (exitCode === killed && oomKills.has(entry.Id ?? ""))),
    error,
  };
}

/** 128 + SIGKILL. Also what Kubernetes reports for a container whose end nobody saw. */
const killed = 137;

function containerState(seen: Seen): { state: ContainerState; exitCode: number | undefined; error: string | undefined } {
  const { entry, detail } = seen;
  if (runs(entry)) {
    // With a monitor, Podman will hear of the end in a moment. Without one, the process is the only truth.
    if (seen.process || seen.monitor) return { state: "running", exitCode: undefined, error: undefined };
    return { state: "exited", exitCode: killed, error: "its monitor (conmon) was killed, so its exit status is lost" };
  }
  if (fresh(entry)) {
    if (detail?.startedAt === undefined) return { state: "created", exitCode: undefined, error: seen.startError };
    return { state: "exited", exitCode: killed, error: "the machine went down while it ran" };
  }
  return { state: "exited", exitCode: detail?.exitCode ?? entry.ExitCode ?? 0, error: undefined };
}

/** RFC 3339 as ms since 1970; Go's zero time (year 1) is "never". */
function time(text: string | undefined): number | undefined {
  if (text === undefined || text.startsWith("0001-")) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
