// The newest status of each pod of this node: told to the master when it changes, and to the parts of the agent that route to pods that are ready.
import type { PodStatus } from "../../shared/api/kinds/pod/pod_status.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Images } from "../images/images.ts";
import type { Book } from "./book.ts";
import type { DesiredPod } from "./desired.ts";
import type { PodMemory } from "./memory.ts";
import type { ActualPod, Circumstances } from "./plan.ts";
import { podStatus } from "./status.ts";

export interface PodReport {
  readonly uid: string;
  readonly obsGen: number;
  /** Nothing of it is left here. */
  readonly gone: boolean;
  readonly state?: PodStatus;
  /** Something that people and controllers wait for has changed. */
  readonly urgent: boolean;
}
export interface LocalPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly address: string | undefined;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly status: PodStatus;
}
export interface StatusesDependencies {
  readonly clock: Clock;
  readonly book: Book;
  readonly images: Images;
  report(report: PodReport): void;
}

export class Statuses {
  readonly #on: StatusesDependencies;
  readonly #about: { readonly hostIP: string; readonly engine: string };
  readonly #pods = new Map<string, LocalPod & { readonly text: string }>();
  readonly #observers = new Set<() => void>();

  constructor(on: StatusesDependencies, about: { readonly hostIP: string; readonly engine: string }) {
    this.#on = on;
    this.#about = about;
  }

  get all(): ReadonlyMap<string, LocalPod> {
    return this.#pods;
  }
  /** Called when the address, readiness or existence of a pod has changed. */
  subscribe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }
  update(pod: DesiredPod, actual: ActualPod, around: Circumstances): void {
    const { book, clock, images, report } = this.#on, memory = book.take(pod), now = clock.now();
    const { status, conditions, containers, ready } = podStatus(pod, actual, memory, {
      ...around,
      images,
      hostIP: this.#about.hostIP,
      engine: this.#about.engine,
    }, now);
    // Ready must not be forgotten with the agent: it would be taken out of every service until it has been probed again.
    const becameReady = Object.entries(containers).some(([name, { ready }]) => ready && memory.containers[name]?.ready !== true);
    book.put(remembering(memory, conditions, containers), becameReady ? "soon" : "lazily");
    const before = this.#pods.get(pod.uid), text = JSON.stringify(status);
    const terminating = pod.deletion !== undefined, address = status.podIP;
    if (before?.text === text && before.terminating === terminating) return;
    this.#pods.set(pod.uid, { uid: pod.uid, namespace: pod.namespace, name: pod.name, address, ready, terminating, status, text });
    if (before?.text !== text) {
      const urgent = before === undefined || before.ready !== ready || before.status.phase !== status.phase;
      report({ uid: pod.uid, obsGen: pod.generation, gone: false, state: status, urgent });
    }
    if (before?.ready !== ready || before.address !== address || before.terminating !== terminating) this.#tell();
  }

  gone(uid: string): void {
    this.#on.report({ uid, obsGen: 0, gone: true, urgent: true });
    if (this.#pods.delete(uid)) this.#tell();
  }

  #tell(): void {
    for (const observer of this.#observers) observer();
  }
}

/** The same object if nothing is new. */
function remembering(
  memory: PodMemory,
  conditions: NonNullable<PodMemory["conditions"]>,
  containers: Readonly<Record<string, { readonly started: boolean; readonly ready: boolean }>>,
): PodMemory {
  const same = Object.entries(conditions).every(([type, { status }]) => memory.conditions?.[type]?.status === status) &&
    Object.entries(containers).every(([name, { started, ready }]) =>
      memory.containers[name]?.started === started && memory.containers[name].ready === ready
    );
  if (same) return memory;
  const updated = Object.entries(containers).flatMap(([name, results]) =>
    memory.containers[name] ? [[name, { ...memory.containers[name], ...results }]] : []
  );
  return { ...memory, conditions, containers: { ...memory.containers, ...Object.fromEntries(updated) } };
}
