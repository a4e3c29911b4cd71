// A pod in three words, as `kubectl get pods` shows it. The order of the rules is Kubernetes' own (pkg/printers, printPod).
import type { ObjectMeta } from "../../meta.ts";
import type { Container } from "./container.ts";
import type { PodSpec } from "./pod_spec.ts";
import type { ContainerStatus, PodStatus } from "./pod_status.ts";

export interface Summary {
  readonly ready: number;
  /** Sidecars count, other init containers do not. */
  readonly containers: number;
  readonly status: string;
  readonly restarts: number;
  /** When the run before the newest one ended (RFC 3339). */
  readonly lastRestart: string | undefined;
}

export const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === "Always";
export const conditionIsTrue = (status: PodStatus, wanted: string): boolean =>
  status.conditions?.some(({ type, status }) => type === wanted && status === "True") ?? false;

export function summary({ metadata, spec, status = {} }: { metadata?: ObjectMeta; spec?: PodSpec; status?: PodStatus }): Summary {
  const inits = new Map(spec?.initContainers?.map((container) => [container.name, container]));
  const sidecars = [...inits.values()].filter(isSidecar).length;
  const begun = init(status.initContainerStatuses ?? [], inits);
  let word = status.reason || status.phase || "";
  if (status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated")) word = "SchedulingGated";
  if (begun.word) word = begun.word;
  let { ready, restarts } = begun;
  if (!begun.word || conditionIsTrue(status, "Initialized")) {
    const main = containers(status.containerStatuses ?? []);
    ready += main.ready;
    restarts = begun.ofSidecars.add(main.restarts);
    word = main.word ?? word;
    // One container is done, another runs on: the pod is not done.
    if (word === "Completed" && main.ready > 0) word = conditionIsTrue(status, "Ready") ? "Running" : "NotReady";
  }
  if (metadata?.deletionTimestamp && status.reason === "NodeLost") word = "Unknown";
  else if (metadata?.deletionTimestamp && status.phase !== "Succeeded" && status.phase !== "Failed") word = "Terminating";
  return {
    ready,
    containers: (spec?.containers.length ?? 0) + sidecars,
    status: word,
    restarts: restarts.count,
    lastRestart: restarts.last || undefined,
  };
}

/** How often, and when last. */
class Restarts {
  readonly count: number;
  readonly last: string;
  constructor(count = 0, last = "") {
    this.count = count;
    this.last = last;
  }
  add(other: Restarts): Restarts {
    const later = !this.last || Date.parse(other.last) > Date.parse(this.last) ? other.last : this.last;
    return new Restarts(this.count + other.count, later || this.last);
  }
  static of = ({ restartCount, lastState }: ContainerStatus) => new Restarts(restartCount, lastState?.terminated?.finishedAt);
}

/** The first init container that is neither done nor a sidecar that has started gives the word. */
function init(statuses: readonly ContainerStatus[], containers: Map<string, Container>) {
  let ready = 0, restarts = new Restarts(), ofSidecars = new Restarts(), word = "";
  for (const [i, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {};
    const sidecar = isSidecar(containers.get(status.name));
    restarts = restarts.add(Restarts.of(status));
    if (sidecar) ofSidecars = ofSidecars.add(Restarts.of(status));
    if (terminated?.exitCode === 0) continue;
    if (sidecar && status.started) {
      if (status.ready) ready++;
      continue;
    }
    if (terminated) word = `Init:${terminated.reason || ending(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") word = `Init:${waiting.reason}`;
    else word = `Init:${i}/${containers.size}`;
    break;
  }
  return { ready, restarts, ofSidecars, word };
}

/** The first container that waits or has ended gives the word. */
function containers(statuses: readonly ContainerStatus[]) {
  let ready = 0, restarts = new Restarts(), word: string | undefined;
  for (const status of statuses.toReversed()) {
    const { running, terminated, waiting } = status.state ?? {};
    restarts = restarts.add(Restarts.of(status));
    if (waiting?.reason) word = waiting.reason;
    else if (terminated) word = terminated.reason || ending(terminated);
    else if (status.ready && running) ready++;
  }
  return { ready, restarts, word };
}
const ending = ({ signal, exitCode }: { signal?: number; exitCode: number }): string =>
  signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
