// What must be remembered of a pod when its containers, the agent or the power are gone. Pure; memory_file.ts keeps it on flash.
import type { ActualContainer } from "../runtime/runtime.ts";
import { afterEnd, type Crashes } from "./backoff.ts";
import type { DesiredPod } from "./desired.ts";

/** How a run of a container ended. */
export interface Termination {
  readonly attempt: number;
  readonly id: string;
  readonly exitCode: number;
  /** Completed, Error, OOMKilled, StartError … */
  readonly reason: string;
  readonly message?: string;
  /** ms since 1970. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly imageRef: string;
  readonly imageId: string;
}
export interface ContainerMemory {
  /** Highest attempt ever made. */
  readonly attempt: number;
  readonly last?: Termination;
  /** The run before `last`, so that `last` of a container that stays down still has a lastState. */
  readonly previous?: Termination;
  readonly crashes?: Crashes;
  /** What the probes last said, for an agent that starts beside running containers: neither may flap because of that. */
  readonly started?: boolean;
  readonly ready?: boolean;
}
export interface PodMemory {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** When this node took it on, ms since 1970. */
  readonly startTime: number;
  /** Seconds it may take to stop, should the set one day no longer have it. */
  readonly graceSeconds?: number;
  readonly address?: string;
  readonly containers: Readonly<Record<string, ContainerMemory>>;
  /** The end of the pod: from here on nothing of it is started. */
  readonly over?: { readonly phase: "Succeeded" | "Failed"; readonly reason?: string; readonly message?: string };
  /** lastTransitionTime and status of its conditions, as last reported. */
  readonly conditions?: Readonly<Record<string, { readonly status: string; readonly since: number }>>;
}

export const newMemory = (pod: Pick<DesiredPod, "uid" | "namespace" | "name"> & { spec?: DesiredPod["spec"] }, now: number): PodMemory => ({
  uid: pod.uid,
  namespace: pod.namespace,
  name: pod.name,
  startTime: now,
  ...(pod.spec?.terminationGracePeriodSeconds !== undefined && { graceSeconds: pod.spec.terminationGracePeriodSeconds }),
  containers: {},
});

/** Containers of one pod by name, the newest attempt of each. */
export function newest(containers: Iterable<ActualContainer>): Map<string, ActualContainer> {
  const found = new Map<string, ActualContainer>();
  for (const one of containers) if (one.attempt >= (found.get(one.container)?.attempt ?? -1)) found.set(one.container, one);
  return found;
}

/** Has it ended, or could it not begin? */
export const ended = ({ state, error }: ActualContainer): boolean => state === "exited" || (state === "created" && error !== undefined);

/** The memory after a look. The same object if nothing was learnt. `message`: of a container that has ended, its last words. */
export function learn(memory: PodMemory, containers: Iterable<ActualContainer>, message: (id: string) => string | undefined): PodMemory {
  const learnt: Record<string, ContainerMemory> = {};
  for (const [name, actual] of newest(containers)) {
    const known = memory.containers[name];
    if (known !== undefined && known.attempt > actual.attempt) continue;
    const { last, ...rest } = known ?? { attempt: actual.attempt };
    if (ended(actual) && last?.attempt !== actual.attempt) {
      const end = termination(actual, message(actual.id));
      const crashes = afterEnd(rest.crashes, actual.specHash, end);
      learnt[name] = { ...known, attempt: actual.attempt, last: end, ...(last && { previous: last }), crashes };
    } else if (known?.attempt !== actual.attempt) {
      // A new run: what the probes said was of the one before.
      learnt[name] = {
        attempt: actual.attempt,
        ...(last && { last }),
        ...(rest.crashes && { crashes: rest.crashes }),
      };
    }
  }
  return Object.keys(learnt).length === 0 ? memory : { ...memory, containers: { ...memory.containers, ...learnt } };
}

function termination(actual: ActualContainer, words: string | undefined): Termination {
  const { attempt, id, imageRef, imageId, startedAt, finishedAt, oomKilled, error } = actual;
  const failedStart = actual.state === "created";
  const exitCode = failedStart ? startErrorCode : actual.exitCode ?? unknownCode;
  const reason = failedStart ? "StartError" : oomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
  const message = words ?? error;
  return {
    attempt,
    id,
    exitCode,
    reason,
    ...(message && { message }),
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    imageRef,
    imageId,
  };
}
/** What Kubernetes reports for a container that could not be started, and for one whose end nobody saw. */
const startErrorCode = 128, unknownCode = 137;
