// Steps become calls of the engine.
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import { postStartMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { credentials } from "../images/credentials.ts";
import type { Images } from "../images/images.ts";
import { containerLogPath, rotatedLogPath } from "../runtime/logs.ts";
import type { ContainerRuntime, Mount } from "../runtime/runtime.ts";
import { Missing, type Place } from "../volumes/sources.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Desired, DesiredPod } from "./desired.ts";
import { expand, resolveEnv } from "./env.ts";
import { runHook } from "./hooks.ts";
import type { PodMemory } from "./memory.ts";
import type { ActualPod, Step } from "./plan.ts";
import { containerSpec, type Dns, sandboxSpec } from "./spec.ts";

export interface Tools {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly images: Images;
  readonly volumes: Volumes;
  event(podUid: string, type: "Normal" | "Warning", reason: string, message: string): void;
}
/** What a step is about: the pod as it was when it was planned. */
export interface Work {
  readonly pod: DesiredPod | undefined;
  readonly desired: Desired;
  readonly actual: ActualPod;
  readonly memory: PodMemory;
  readonly place: Place;
  readonly dns: Dns;
  readonly logsDir: string;
  readonly memoryBytes: number;
  /** Chooses and remembers one; undefined: the engine chooses. @throws Missing if none is free */
  address(): string | undefined;
}

/** @throws RuntimeError, Missing, and the signal's reason */
export async function execute(step: Step, tools: Tools, work: Work, signal: AbortSignal): Promise<void> {
  const { runtime, volumes } = tools;
  switch (step.do) {
    case "createSandbox": {
      const pod = work.pod!;
      await runtime.createSandbox(sandboxSpec(pod, pod.spec.hostNetwork ? undefined : work.address(), work.dns), signal);
      return;
    }
    case "startSandbox":
      await runtime.startSandbox(step.id, signal);
      return;
    case "pull":
      return await pull(step, tools, work, signal);
    case "create":
      return await create(step, tools, work, signal);
    case "start":
      return await start(step, tools, work, signal);
    case "stop":
      return await stop(step, tools, work, signal);
    case "remove":
      return await runtime.removeContainer(step.id, signal);
    case "removeSandbox":
      return await runtime.removeSandbox(step.id, signal);
    case "forget":
      await volumes.remove(step.podUid);
      return await rm(dirname(dirname(logPath(work, { name: "_" }, 0))), { recursive: true, force: true });
    default:
      step satisfies never;
  }
}

const containerOf = ({ pod }: Work, name: string): Container => {
  const spec = pod!.spec, all = [...spec.initContainers ?? [], ...spec.containers, ...spec.ephemeralContainers ?? []];
  return all.find((container) => container.name === name) as Container;
};
const logPath = ({ logsDir, memory }: Work, { name }: { name: string }, attempt: number): string =>
  containerLogPath(logsDir, memory, name, attempt);

async function pull(step: Step & { do: "pull" }, { images, event, clock }: Tools, work: Work, signal: AbortSignal): Promise<void> {
  const { pod, desired } = work, began = clock.monotonic();
  const secrets = (pod!.spec.imagePullSecrets ?? []).flatMap(({ name = "" }) => desired.secret(pod!.namespace, name) ?? []);
  event(step.podUid, "Normal", "Pulling", `Pulling image "${step.image}"`);
  await images.pull(step.image, credentials(step.image, secrets), signal);
  event(
    step.podUid,
    "Normal",
    "Pulled",
    `Successfully pulled image "${step.image}" in ${((clock.monotonic() - began) / 1000).toFixed(1)}s`,
  );
}

async function create(
  step: Step & { do: "create" },
  { runtime, images, volumes, event }: Tools,
  work: Work,
  signal: AbortSignal,
): Promise<void> {
  const pod = work.pod!, container = containerOf(work, step.container), { desired, place } = work;
  const image = images.get(container.image ?? "");
  if (image === undefined) throw new Missing(`image ${container.image} is not on this node`);
  const env = resolveEnv(pod, container, { sources: desired, services: desired.services, place });
  const wanted = (container.volumeMounts ?? []).map((mount) =>
    mount.subPathExpr ? { ...mount, resolvedSubPath: expand(mount.subPathExpr, env) } : mount
  );
  const mounts = await volumes.prepare(pod, place, desired, wanted);
  mounts.push(await lastWords(volumes, pod, container, step.attempt));
  const path = logPath(work, container, step.attempt), older = step.attempt - 2;
  await mkdir(dirname(path), { recursive: true });
  // Two runs are kept: this one's and, for `kubectl logs --previous`, the one before.
  if (older >= 0) {
    for (const old of [logPath(work, container, older), rotatedLogPath(logPath(work, container, older))]) await rm(old, { force: true });
  }
  const spec = containerSpec(pod, container, { attempt: step.attempt, env, mounts, logPath: path, image, memoryBytes: work.memoryBytes });
  await runtime.createContainer(work.actual.sandboxes[0]!.id, spec, signal);
  event(pod.uid, "Normal", "Created", `Created container: ${container.name}`);
}

export const lastWordsPath = (volumes: Volumes, podUid: string, container: string, attempt: number): string =>
  join(volumes.directory(podUid), "last_words", `${container}-${attempt}`);

/** The file whose content becomes the container's termination message. Anybody may write it: the container's user is anybody. */
async function lastWords(volumes: Volumes, pod: DesiredPod, container: Container, attempt: number): Promise<Mount> {
  const source = lastWordsPath(volumes, pod.uid, container.name, attempt);
  await mkdir(dirname(source), { recursive: true, mode: 0o700 });
  await rm(lastWordsPath(volumes, pod.uid, container.name, attempt - 1), { force: true });
  await writeFile(source, "");
  await chmod(source, 0o666); // not by writeFile: the umask would have its say
  return { source, target: container.terminationMessagePath || "/dev/termination-log", readOnly: false };
}

async function start(step: Step & { do: "start" }, tools: Tools, work: Work, signal: AbortSignal): Promise<void> {
  await tools.runtime.startContainer(step.id, signal);
  tools.event(step.podUid, "Normal", "Started", `Started container ${step.container}`);
  if (!step.postStart) return;
  const container = containerOf(work, step.container), target = { id: step.id, container, address: work.place.podIP };
  const failure = await runHook(tools, step.postStart, target, postStartMs, signal);
  if (failure === undefined) return;
  tools.event(step.podUid, "Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`);
  await tools.runtime.stopContainer(step.id, 0, signal);
}

async function stop(step: Step & { do: "stop" }, tools: Tools, work: Work, signal: AbortSignal): Promise<void> {
  const { runtime, clock, event } = tools, began = clock.monotonic();
  event(step.podUid, "Normal", "Killing", `Stopping container ${step.container}: ${step.why}`);
  if (step.preStop && step.graceSeconds > 0) {
    const target = { id: step.id, container: containerOf(work, step.container), address: work.place.podIP };
    const failure = await runHook(tools, step.preStop, target, step.graceSeconds * 1000, signal);
    if (failure !== undefined) event(step.podUid, "Warning", "FailedPreStopHook", `PreStopHook failed: ${failure}`);
  }
  const left = step.graceSeconds - (clock.monotonic() - began) / 1000;
  // After a hook that took it all there are still two seconds for SIGTERM, as in Kubernetes.
  await runtime.stopContainer(step.id, Math.ceil(step.preStop && step.graceSeconds > 0 ? Math.max(2, left) : step.graceSeconds), signal);
}
