// What to do next for one pod. Pure: everything it knows comes in, and what comes out is data. It plans the next steps, not the whole road: the world is looked at
// again after them. No steps and no `lookAgainAt`: it is as it should be.
//
// What decides whether a container is touched is (pod uid, container name, spec hash) alone, and these stand in its labels: whoever made it, however long ago, a
// running container whose hash is the wanted one is left alone. A sandbox that is lost takes its containers with it, and both are made anew.
import type { LifecycleHandler, Probe } from "../../shared/api/kinds/pod/probe.ts";
import type { ProbeResults } from "../probes/probe.ts";
import type { ActualContainer, ActualSandbox } from "../runtime/runtime.ts";
import { dueAt } from "./backoff.ts";
import { defaultGraceSeconds, type DesiredPod } from "./desired.ts";
import type { PodMemory } from "./memory.ts";
import { podEnd, type Standing, standings } from "./standing.ts";

export type Step =
  | { readonly do: "createSandbox"; readonly podUid: string }
  | { readonly do: "startSandbox"; readonly podUid: string; readonly id: string }
  | { readonly do: "pull"; readonly podUid: string; readonly container: string; readonly image: string }
  | { readonly do: "create"; readonly podUid: string; readonly container: string; readonly attempt: number }
  | {
    readonly do: "start";
    readonly podUid: string;
    readonly container: string;
    readonly id: string;
    readonly postStart?: LifecycleHandler;
  }
  | {
    readonly do: "stop";
    readonly podUid: string;
    readonly container: string;
    readonly id: string;
    readonly graceSeconds: number;
    readonly why: string;
    /** Its time counts against the grace. */
    readonly preStop?: LifecycleHandler;
  }
  | { readonly do: "remove"; readonly podUid: string; readonly container: string; readonly id: string }
  | { readonly do: "removeSandbox"; readonly podUid: string; readonly id: string }
  /** Nothing of it runs any more: its directories may go, and the master may hear that it is gone. */
  | { readonly do: "forget"; readonly podUid: string };

/** What of this pod the engine has. */
export interface ActualPod {
  readonly sandboxes: readonly ActualSandbox[];
  readonly containers: readonly ActualContainer[];
}
/** What is known of images. */
export interface ImageView {
  has(reference: string): boolean;
  /** When it may be asked for again, ms since 1970, after a pull that failed. */
  notBefore(reference: string): number | undefined;
}
/** Something that went wrong on this node and is tried again. Not remembered over a restart: it is found out again. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
  readonly failures: number;
  /** ms since 1970. */
  readonly at: number;
  readonly delayMs: number;
}
/** What this process knows beside what is remembered. */
export interface Circumstances {
  /** By `troubleKey` of the step that failed. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  /** Attempts for which an image with pullPolicy Always has been asked for. */
  readonly pulled: ReadonlyMap<string, number>;
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeResults>;
}
export interface Plan {
  readonly steps: readonly Step[];
  /** ms since 1970: even if nothing happens before. */
  readonly lookAgainAt?: number;
}

/** What failed is tried again after a while; other steps of the same pod do not wait for that. */
export const troubleKey = (step: Step): string => `${step.do} ${"container" in step ? step.container : ""}`;

/** `pod` undefined: it is not in the set (any more). */
export function plan(
  pod: DesiredPod | undefined,
  actual: ActualPod,
  images: ImageView,
  memory: PodMemory,
  around: Circumstances,
  now: number,
): Plan {
  const wanted = nextSteps(pod, actual, images, memory, around, now);
  const steps: Step[] = [];
  let lookAgainAt = wanted.lookAgainAt ?? Infinity;
  for (const step of wanted.steps) {
    const trouble = around.troubles.get(troubleKey(step));
    const due = trouble === undefined ? now : dueAt(trouble.at, trouble.delayMs, now);
    if (due <= now) steps.push(step);
    else lookAgainAt = Math.min(lookAgainAt, due);
  }
  return { steps, ...(lookAgainAt < Infinity && { lookAgainAt }) };
}

function nextSteps(...[pod, actual, images, memory, around, now]: Parameters<typeof plan>): Plan {
  if (pod === undefined) return orphan(actual, memory);
  const all = standings(pod, actual.containers, memory, now);
  if (pod.deletion) return removal(pod, actual, all, pod.deletion.graceSeconds, "it is deleted", [{ do: "forget", podUid: pod.uid }]);
  const over = podEnd(pod, all, memory, now);
  if (over) return removal(pod, actual, all, graceOf(pod), over.reason ?? "the pod has ended", []);

  const [sandbox, ...more] = actual.sandboxes;
  if (sandbox === undefined) {
    // Somebody removed the sandbox alone: what is left has no network.
    const homeless = actual.containers.map(({ container, id }) => ({ do: "remove", podUid: pod.uid, container, id }) as const);
    return { steps: [...homeless, { do: "createSandbox", podUid: pod.uid }] };
  }
  if (more.length > 0) return { steps: more.map(({ id }) => ({ do: "removeSandbox", podUid: pod.uid, id })) };
  if (sandbox.specHash !== pod.sandboxHash) return removal(pod, actual, all, graceOf(pod), "its sandbox has to be another", []);
  if (sandbox.state === "lost") return removal(pod, actual, all, graceOf(pod), "its sandbox is lost", []);
  if (sandbox.state === "created") return { steps: [{ do: "startSandbox", podUid: pod.uid, id: sandbox.id }] };

  return withDeadline(pod, memory, containers(pod, all, images, around, now));
}

/** Init containers one after another; sidecars before whoever comes after them; then all others. */
function containers(pod: DesiredPod, all: readonly Standing[], images: ImageView, around: Circumstances, now: number): Plan {
  const known = new Set(all.map(({ name }) => name)), plans: Plan[] = [];
  // The init containers had their time: they may have been cleaned away since.
  const underWay = all.some(({ role, current }) => role === "main" && current !== undefined);
  for (const one of all) {
    if (one.role === "init" && underWay) continue;
    plans.push(next(pod, one, images, around, now));
    if (one.role === "init" && !one.done) break;
    if (one.role === "sidecar" && !underWay && !isStarted(one, around)) break;
  }
  const stray = all.flatMap(({ leftovers }) => leftovers).filter(({ state }) => state !== "running");
  const lookAgain = plans.flatMap(({ lookAgainAt }) => lookAgainAt ?? []);
  return {
    steps: [
      ...stray.filter(({ container }) => known.has(container)).map(({ container, id }) =>
        ({ do: "remove", podUid: pod.uid, container, id }) as const
      ),
      ...plans.flatMap(({ steps }) => steps),
    ],
    ...(lookAgain.length > 0 && { lookAgainAt: Math.min(...lookAgain) }),
  };
}

/** Has the sidecar come so far that the next may start? */
export function isStarted({ container, current }: Standing, { probes }: Pick<Circumstances, "probes">): boolean {
  if (current?.state !== "running") return false;
  return container.startupProbe === undefined || probes.get(current.id)?.startup === true;
}

function next(pod: DesiredPod, one: Standing, images: ImageView, around: Circumstances, now: number): Plan {
  const { current, container } = one, of = { podUid: pod.uid, container: one.name };
  if (current?.state === "running") {
    if (current.specHash !== one.specHash) return { steps: [stop(pod, one, "its definition has changed")] };
    const failed = failedProbe(around.probes.get(current.id));
    if (!failed) return { steps: [] };
    const { terminationGracePeriodSeconds: grace } = (failed === "liveness" ? container.livenessProbe : container.startupProbe) as Probe;
    return { steps: [stop(pod, one, `its ${failed} probe failed`, grace)] };
  }
  if (one.done) return { steps: [] };
  if (current?.state === "created" && current.error === undefined && current.specHash === one.specHash) {
    const { postStart } = container.lifecycle ?? {};
    return { steps: [{ do: "start", ...of, id: current.id, ...(postStart && { postStart }) }] };
  }
  if (one.startAt > now) return { steps: [], lookAgainAt: one.startAt };
  const attempt = one.attempt + 1, image = container.image ?? "", present = images.has(image);
  if (!present || (container.imagePullPolicy === "Always" && around.pulled.get(one.name) !== attempt)) {
    if (container.imagePullPolicy === "Never") return { steps: [] }; // until somebody brings it: ErrImageNeverPull
    const notBefore = images.notBefore(image);
    if (notBefore === undefined || notBefore <= now) return { steps: [{ do: "pull", ...of, image }] };
    // A node that is cut off runs what it has.
    if (!present) return { steps: [], lookAgainAt: notBefore };
  }
  return { steps: [...(current ? [{ do: "remove", ...of, id: current.id } as const] : []), { do: "create", ...of, attempt }] };
}

const failedProbe = (results: ProbeResults | undefined): "startup" | "liveness" | undefined =>
  results?.startup === false ? "startup" : results?.liveness === false ? "liveness" : undefined;

/** Everything stops: main containers together, then sidecars from the last to the first. Then the sandbox goes, and `then` happens. */
function removal(
  pod: DesiredPod,
  actual: ActualPod,
  all: readonly Standing[],
  graceSeconds: number,
  why: string,
  then: readonly Step[],
): Plan {
  const running = all.filter(({ current }) => current?.state === "running");
  const first = running.filter(({ role }) => role !== "sidecar"), last = running.findLast(({ role }) => role === "sidecar");
  const stopping = first.length > 0 ? first : last ? [last] : [];
  if (stopping.length > 0) return { steps: stopping.map((one) => stop(pod, one, why, graceSeconds)) };
  const strays = stopStrays(actual, new Set(all.map(({ name }) => name)), graceSeconds, why);
  if (strays.length > 0) return { steps: strays };
  if (actual.sandboxes.length > 0) return { steps: actual.sandboxes.map(({ id }) => ({ do: "removeSandbox", podUid: pod.uid, id })) };
  return { steps: then };
}

/** A pod that the set no longer has: how long it may take nobody says any more. */
function orphan(actual: ActualPod, memory: PodMemory): Plan {
  const podUid = memory.uid;
  const strays = stopStrays(actual, new Set(), memory.graceSeconds ?? defaultGraceSeconds, "its pod is no longer wanted here");
  if (strays.length > 0) return { steps: strays };
  if (actual.sandboxes.length > 0) return { steps: actual.sandboxes.map(({ id }) => ({ do: "removeSandbox", podUid, id })) };
  // A container without a sandbox: its sandbox was removed by somebody else.
  if (actual.containers.length > 0) {
    return { steps: actual.containers.map(({ id, container }) => ({ do: "remove", podUid, container, id })) };
  }
  return { steps: [{ do: "forget", podUid }] };
}

const stopStrays = (actual: ActualPod, known: ReadonlySet<string>, graceSeconds: number, why: string): Step[] =>
  actual.containers.filter(({ state, container }) => state === "running" && !known.has(container)).map(({ podUid, container, id }) => ({
    do: "stop",
    podUid,
    container,
    id,
    graceSeconds,
    why,
  }));

function stop(pod: DesiredPod, { name, current, container }: Standing, why: string, graceSeconds = graceOf(pod)): Step {
  const { preStop } = container.lifecycle ?? {};
  return { do: "stop", podUid: pod.uid, container: name, id: current!.id, graceSeconds, why, ...(preStop && { preStop }) };
}

export const graceOf = ({ spec }: DesiredPod): number => spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;

function withDeadline({ spec }: DesiredPod, { startTime }: PodMemory, { steps, lookAgainAt = Infinity }: Plan): Plan {
  const deadline = spec.activeDeadlineSeconds === undefined ? Infinity : startTime + spec.activeDeadlineSeconds * 1000;
  const at = Math.min(deadline, lookAgainAt);
  return { steps, ...(at < Infinity && { lookAgainAt: at }) };
}
