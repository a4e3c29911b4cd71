// How each container of a pod stands: what it is to the pod, what runs of it, and whether it is to run (again). Plan and status both read this. Pure.
import type { Container, EphemeralContainer } from "../../shared/api/kinds/pod/container.ts";
import type { ActualContainer } from "../runtime/runtime.ts";
import { dueAt, restartDelayMs } from "./backoff.ts";
import type { DesiredPod } from "./desired.ts";
import { ended, newest, type PodMemory, type Termination } from "./memory.ts";

/** init: runs to its end before the next. sidecar: an init container that stays. ephemeral: added to look into a running pod. */
export type Role = "init" | "sidecar" | "main" | "ephemeral";

export interface Standing {
  readonly name: string;
  readonly role: Role;
  readonly container: Container;
  readonly specHash: string;
  /** Its newest container on the node. */
  readonly current: ActualContainer | undefined;
  /** Older ones. */
  readonly leftovers: readonly ActualContainer[];
  /** How its newest run ended, even if the container is gone; undefined while it runs, or if it never did. */
  readonly end: Termination | undefined;
  /** Highest attempt ever made; -1: none. */
  readonly attempt: number;
  /** It has ended and is not started again. */
  readonly done: boolean;
  /** When it may be started, ms since 1970; not after now: at once. */
  readonly startAt: number;
}

export function standings(pod: DesiredPod, actual: readonly ActualContainer[], memory: PodMemory, now: number): Standing[] {
  const current = newest(actual);
  const stand = (role: Role) => (container: Container): Standing => {
    const { name } = container, specHash = pod.hashes.get(name)!, remembered = memory.containers[name], here = current.get(name);
    const end = here === undefined || ended(here) ? remembered?.last : undefined;
    const attempt = Math.max(here?.attempt ?? -1, remembered?.attempt ?? -1);
    // An init container is over only within its sandbox: a new sandbox is a new start of the pod.
    const counts = role === "init" ? here && end : end;
    return {
      name,
      role,
      container,
      specHash,
      current: here,
      leftovers: actual.filter((one) => one.container === name && one !== here),
      end,
      attempt,
      done: counts !== undefined && !restarts(role, container, pod, counts),
      startAt: end === undefined ? now : dueAt(end.finishedAt, restartDelayMs(remembered?.crashes, specHash), now),
    };
  };
  return [
    ...(pod.spec.initContainers ?? []).map((container) => stand(container.restartPolicy === "Always" ? "sidecar" : "init")(container)),
    ...pod.spec.containers.map(stand("main")),
    ...(pod.spec.ephemeralContainers ?? []).map((container: EphemeralContainer) => stand("ephemeral")(container as Container)),
  ];
}

function restarts(role: Role, container: Container, { spec }: DesiredPod, { exitCode }: Termination): boolean {
  if (role === "ephemeral") return false;
  if (role === "sidecar") return true;
  const always = role === "main" ? "Always" : "OnFailure"; // an init container has only to succeed once
  const policy = container.restartPolicy ??
    (spec.restartPolicy === undefined || spec.restartPolicy === "Always" ? always : spec.restartPolicy);
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

/** How the pod has ended, if it has: all its containers for good, or an init container in vain. */
export function podEnd(pod: DesiredPod, all: readonly Standing[], memory: PodMemory, now: number): PodMemory["over"] {
  if (memory.over) return memory.over;
  const deadline = pod.spec.activeDeadlineSeconds;
  if (deadline !== undefined && now - memory.startTime >= deadline * 1000) {
    return { phase: "Failed", reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" };
  }
  const init = all.find(({ role, done, end }) => role === "init" && done && end!.exitCode !== 0);
  if (init) return { phase: "Failed" };
  const main = all.filter(({ role }) => role === "main");
  if (!main.every(({ done }) => done)) return undefined;
  return { phase: main.every(({ end }) => end!.exitCode === 0) ? "Succeeded" : "Failed" };
}

/** Once one of the main containers was started in this sandbox, all init containers had ended well. */
export const initialized = (all: readonly Standing[]): boolean =>
  all.some(({ role, current }) => role === "main" && current !== undefined) || all.every(({ role, done }) => role !== "init" || done);
