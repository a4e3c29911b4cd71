// Which pods a DaemonSet makes and ends next. Pure. The rules are those of Kubernetes (pkg/controller/daemon, KEP-1591 for surges), with one difference: a node
// that cannot be heard is left alone. Its pod neither counts against the bounds of a rolling update nor is replaced; when the node is back, it is its turn.
import { failedDaemonMs } from "../../shared/limits.ts";
import { hashLabel, nodeOf, type StoredDaemonSet } from "./daemonset_pods.ts";
import { isAvailable, isReady, type StoredPod } from "./pods_of.ts";

/** A node as the DaemonSet sees it. */
export interface Place {
  readonly name: string;
  /** Should a pod be here? */
  readonly run: boolean;
  /** May a pod that is here stay? */
  readonly keep: boolean;
}
export interface DaemonSetPlan {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly delete: readonly StoredPod[];
  /** Milliseconds after which a pod that has failed may be made anew. */
  readonly againMs?: number;
}

/** Pods by the node they are on or meant for. */
export function byNode(pods: readonly StoredPod[]): Map<string, StoredPod[]> {
  const map = new Map<string, StoredPod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod) ?? "";
    map.set(node, [...map.get(node) ?? [], pod]);
  }
  return map;
}

const ended = ({ object }: StoredPod): boolean => object.status?.phase === "Failed" || object.status?.phase === "Succeeded";
const madeAt = ({ object }: StoredPod): number => Date.parse(object.metadata?.creationTimestamp ?? "");
const oldestFirst = (pods: readonly StoredPod[]): StoredPod[] =>
  pods.toSorted((a, b) => madeAt(a) - madeAt(b) || (a.name < b.name ? -1 : 1));

/** How many nodes a rolling update may have without, or with two, at once. Percentages are rounded up. */
export function daemonBounds(set: StoredDaemonSet, desired: number): { unavailable: number; surge: number } {
  const { updateStrategy: { type, rollingUpdate = {} } = {} } = set.object.spec!;
  if (type === "OnDelete") return { unavailable: 0, surge: 0 };
  const count = (value: number | string | undefined, otherwise: number): number =>
    typeof value === "string" ? Math.ceil(parseInt(value) * desired / 100) : value ?? otherwise;
  const surge = count(rollingUpdate.maxSurge, 0), unavailable = count(rollingUpdate.maxUnavailable, surge > 0 ? 0 : 1);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function planDaemonSet(
  set: StoredDaemonSet,
  hash: string,
  places: readonly Place[],
  pods: readonly StoredPod[],
  now: number,
): DaemonSetPlan {
  if (set.deleting) return { create: [], delete: [] };
  const there = byNode(pods), create = new Set<string>(), remove = new Set<StoredPod>();
  const { surge, unavailable } = daemonBounds(set, places.filter(({ run }) => run).length);
  const minReady = set.object.spec?.minReadySeconds ?? 0, rolls = set.object.spec?.updateStrategy?.type !== "OnDelete";
  const available = (pod: StoredPod): boolean => isAvailable(pod, minReady, now),
    isNew = (pod: StoredPod) => pod.labels[hashLabel] === hash;
  let againMs: number | undefined;

  // First, on every node for itself: one pod where one should be, none elsewhere.
  const running = new Map<string, { fresh: StoredPod | undefined; old: StoredPod | undefined }>();
  for (const { name, run, keep } of places) {
    const here = there.get(name) ?? [];
    there.delete(name);
    if (!keep) {
      for (const pod of here) remove.add(pod);
      continue;
    }
    if (here.length === 0) {
      if (run) create.add(name);
      continue;
    }
    const going = here.filter(({ deleting }) => deleting), failed = here.filter((pod) => !pod.deleting && ended(pod));
    for (const pod of failed) {
      // Made anew at once, what fails at once would be made and fail all day.
      const leftMs = madeAt(pod) + failedDaemonMs - now;
      if (leftMs > 0) againMs = Math.min(againMs ?? Infinity, leftMs);
      else remove.add(pod);
    }
    const alive = oldestFirst(here.filter((pod) => !pod.deleting && !ended(pod)));
    // Without a surge there is one at a time.
    const kept = surge === 0 ? alive.slice(0, 1) : [alive.find(isNew), alive.find((pod) => !isNew(pod))].filter((pod) => pod !== undefined);
    for (const pod of alive) if (!kept.includes(pod)) remove.add(pod);
    const fresh = kept.find(isNew), old = kept.find((pod) => !isNew(pod));
    // Two are an update with a surge: the old one goes when the new one serves, or when it serves nobody itself.
    if (fresh && old && (!isReady(old) || available(fresh))) remove.add(old);
    // One that is going, or has failed and waits, stands for the one to come, but for a surge.
    if (run && (alive.length > 0 || going.length + failed.length > 0)) running.set(name, { fresh, old });
  }
  // Meant for a node that is gone, and never placed. Those that were are not ours to end: the node may come back.
  for (const stray of there.values()) for (const pod of stray) if (nodeOf(pod) !== undefined && !pod.object.spec?.nodeName) remove.add(pod);

  // Then over all nodes: replace old ones, within the bounds.
  if (rolls) {
    const replace: string[] = [];
    let away = 0, twice = 0;
    for (const [name, { fresh, old }] of running) {
      if (surge > 0) {
        if (fresh && old) twice += remove.has(old) ? 0 : 1;
        else if (old && !available(old)) create.add(name);
        else if (old) replace.push(name);
      } else if (old && !available(old)) {
        away++;
        remove.add(old); // it serves nobody: nothing is lost
      } else if (old && !remove.has(old)) replace.push(name);
      else if (!fresh || !available(fresh)) away++;
    }
    for (const name of create) if (!running.has(name)) away++;
    if (surge > 0) { for (const name of replace.slice(0, Math.max(0, surge - twice))) create.add(name); }
    else for (const name of replace.slice(0, Math.max(0, unavailable - away))) remove.add(running.get(name)!.old!);
  }
  return { create: [...create], delete: [...remove].filter(({ deleting }) => !deleting), ...(againMs !== undefined && { againMs }) };
}
