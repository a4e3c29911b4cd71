// Keeps the status of PodDisruptionBudgets: how many of their pods may be evicted now. Evictions themselves (http/eviction.ts) take from that number.
import { pods } from "../../shared/api/kinds/pod.ts";
import {
  type PodDisruptionBudget,
  podDisruptionBudgets,
  type PodDisruptionBudgetStatus,
} from "../../shared/api/kinds/pod_disruption_budget.ts";
import { fromLabelSelector, matchLabels } from "../../shared/api/selector.ts";
import { qualified } from "../../shared/api/resource.ts";
import { evictionBelievedMs } from "../../shared/limits.ts";
import { allowing } from "../registry/budget.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import { type Controller, keyOf, splitKey } from "./controller.ts";
import { controllerOf, isReady, type StoredPod } from "./pods_of.ts";

/** Who makes a pod, and how many they are to be; undefined: nobody, or nobody who says so. */
export type ScaleOf = (pod: StoredPod) => { readonly uid: string; readonly replicas: number } | undefined;

/** Pure: the status, from the pods that the budget protects. @param now ms since 1970 */
export function planBudget(
  budget: PodDisruptionBudget,
  protectedPods: readonly StoredPod[],
  scaleOf: ScaleOf,
  now: number,
): PodDisruptionBudgetStatus {
  const { spec = {}, status = {}, metadata } = budget;
  // An eviction that has been allowed counts as done, until the pod is seen to go, or has had the time for it.
  const disruptedPods = Object.fromEntries(
    protectedPods.flatMap(({ name, deleting }) => {
      const since = status.disruptedPods?.[name];
      return since && !deleting && Date.parse(since) + evictionBelievedMs > now ? [[name, since]] : [];
    }),
  );
  const healthy = protectedPods.filter((pod) => !pod.deleting && isReady(pod) && !Object.hasOwn(disruptedPods, pod.name)).length;
  const bounds = expected(spec, protectedPods, scaleOf), generation = metadata?.generation ?? 0;
  if (typeof bounds === "string") return { ...allowing(budget, 0, now, bounds), disruptedPods, observedGeneration: generation };
  const { all, needed } = bounds, free = all > 0 ? Math.max(0, healthy - needed) : 0;
  return {
    ...allowing(budget, free, now),
    observedGeneration: generation,
    currentHealthy: healthy,
    desiredHealthy: needed,
    expectedPods: all,
    disruptedPods,
  };
}

/** How many pods there should be, and how many of them must stay; a text, if nobody can tell. */
function expected(
  spec: PodDisruptionBudget["spec"] & object,
  protectedPods: readonly StoredPod[],
  scaleOf: ScaleOf,
): { all: number; needed: number } | string {
  const { minAvailable, maxUnavailable } = spec;
  const part = (value: number | string, all: number): number => typeof value === "string" ? Math.ceil(parseInt(value) * all / 100) : value;
  if (maxUnavailable === undefined && typeof minAvailable !== "string") return { all: protectedPods.length, needed: minAvailable ?? 0 };
  const scales = new Map<string, number>();
  for (const pod of protectedPods) {
    if (!controllerOf(pod)) continue; // nobody replaces it: it counts as healthy while it lasts, and not as expected
    const scale = scaleOf(pod);
    if (!scale) return `found no controllers for pod "${pod.name}"`;
    scales.set(scale.uid, scale.replicas);
  }
  const all = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  if (maxUnavailable !== undefined) return { all, needed: Math.max(0, all - part(maxUnavailable, all)) };
  return { all, needed: part(minAvailable!, all) };
}

/** Kinds whose replicas say how many pods are expected. */
const scaled = ["deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers"];
const scaleIn = (cache: Cache): ScaleOf => (pod) => {
  const direct = cache.byUid(controllerOf(pod)!.uid), above = direct && controllerOf(direct as never)?.uid;
  const owner = above !== undefined && qualified(direct!.kind) === "replicasets.apps" ? cache.byUid(above) ?? direct : direct;
  if (!owner || !scaled.includes(qualified(owner.kind))) return undefined;
  return { uid: owner.uid, replicas: (owner as unknown as Stored<{ spec?: { replicas?: number } }>).object.spec?.replicas ?? 1 };
};
const selectorOf = ({ object }: Stored<PodDisruptionBudget>) => fromLabelSelector(object.spec?.selector);

export const disruptionController: Controller = {
  name: "disruption",
  *keysOf({ kind, before, after }, cache) {
    const { namespace } = (after ?? before)!;
    if (kind.plural === podDisruptionBudgets.plural) yield keyOf((after ?? before)!);
    else if (kind.plural === pods.plural && kind.group === pods.group) {
      for (const budget of cache.list(podDisruptionBudgets, namespace)) {
        if ([before, after].some((pod) => pod && matchLabels(selectorOf(budget), pod.labels))) yield keyOf(budget);
      }
    } else if (scaled.includes(qualified(kind))) {
      const replicas = (stored: typeof after) => (stored?.object as { spec?: { replicas?: number } } | undefined)?.spec?.replicas;
      const budgets = [...cache.list(podDisruptionBudgets, namespace)];
      if (budgets.length > 0 && replicas(before) !== replicas(after)) { for (const budget of budgets) yield keyOf(budget); }
    }
  },
  *allKeys(cache) {
    for (const budget of cache.list(podDisruptionBudgets)) yield keyOf(budget);
  },
  async reconcile(key, { cache, registry, clock }) {
    const { namespace, name } = splitKey(key), found = cache.get(podDisruptionBudgets, namespace, name);
    if (!found || found.deleting) return;
    const selector = selectorOf(found), now = clock.now();
    const mine = [...cache.list(pods, namespace)].filter(({ labels }) => matchLabels(selector, labels));
    // Counted over the status as it is then: an eviction that was allowed meanwhile stands in it.
    const { object: { status } } = await registry.modify(
      podDisruptionBudgets,
      { namespace, name },
      (budget) => void (budget.status = planBudget(budget, mine, scaleIn(cache), now)),
      { subresource: "status" },
    );
    const begun = Object.values(status?.disruptedPods ?? {}).map((since) => Date.parse(since));
    if (begun.length > 0) return Math.max(1000, Math.min(...begun) + evictionBelievedMs - now);
  },
};
