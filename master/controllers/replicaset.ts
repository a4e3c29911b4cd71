// As many pods of one template as wanted.
import { pods } from "../../shared/api/kinds/pod.ts";
import { type ReplicaSet, replicaSets, type ReplicaSetStatus } from "../../shared/api/kinds/replicaset.ts";
import { fromLabelSelector, matchLabels } from "../../shared/api/selector.ts";
import { podBurst } from "../../shared/limits.ts";
import type { Stored } from "../registry/face.ts";
import { type Controller, keyOf, splitKey } from "./controller.ts";
import { untilAvailable, writePods } from "./pod_control.ts";
import {
  claim,
  type Claimed,
  deletionOrder,
  isActive,
  isAvailable,
  isReady,
  ownersTouched,
  podFrom,
  podNames,
  type StoredPod,
} from "./pods_of.ts";

type StoredSet = Stored<ReplicaSet>;

export interface ReplicaSetPlan {
  /** Names of pods to make. */
  readonly create: readonly string[];
  readonly delete: readonly StoredPod[];
  readonly adopt: readonly StoredPod[];
  readonly release: readonly StoredPod[];
}

/** Pure. `taken`: is there a pod of that name already? */
export function planReplicaSet(set: StoredSet, { mine, adopt, release }: Claimed, taken: (name: string) => boolean): ReplicaSetPlan {
  const active = [...mine, ...adopt].filter(isActive), wanted = set.object.spec?.replicas ?? 1;
  if (set.deleting) return { create: [], delete: [], adopt: [], release: [] };
  if (active.length <= wanted) {
    return { create: podNames(set, Math.min(wanted - active.length, podBurst), taken), delete: [], adopt, release };
  }
  // Where more of its own pods are together, one goes first.
  const crowds = new Map<string, number>();
  for (const { object } of active) crowds.set(object.spec?.nodeName ?? "", (crowds.get(object.spec?.nodeName ?? "") ?? 0) + 1);
  const order = active.toSorted((a, b) => deletionOrder(a, b, (node) => crowds.get(node) ?? 0));
  return { create: [], delete: order.slice(0, Math.min(active.length - wanted, podBurst)), adopt, release };
}

/** Pure. */
export function replicaSetStatus(set: StoredSet, mine: readonly StoredPod[], now: number, failure?: string): ReplicaSetStatus {
  const { spec, status } = set.object,
    active = mine.filter(isActive),
    labels = fromLabelSelector({ matchLabels: spec?.template?.metadata?.labels ?? {} });
  const before = status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const conditions = failure === undefined ? [] : [{
    type: "ReplicaFailure",
    status: "True",
    lastTransitionTime: before?.status === "True" ? before.lastTransitionTime ?? time : time,
    reason: "FailedCreate",
    message: failure,
  }];
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => matchLabels(labels, pod.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => isAvailable(pod, spec?.minReadySeconds ?? 0, now)).length,
    observedGeneration: set.object.metadata?.generation ?? 0,
    ...(conditions.length > 0 && { conditions }),
  };
}

export const replicaSetController: Controller = {
  name: "replicaset",
  *keysOf(change, cache) {
    const { kind, before, after } = change;
    if (kind.plural === "replicasets") yield keyOf((after ?? before)!);
    if (kind.plural === "pods") yield* ownersTouched(change, replicaSets, selectorOf, cache);
  },
  *allKeys(cache) {
    for (const set of cache.list(replicaSets)) yield keyOf(set);
  },
  async reconcile(key, context) {
    const { namespace, name } = splitKey(key), { cache, registry, clock } = context;
    const set = cache.get(replicaSets, namespace, name);
    if (!set) return;
    const claimed = claim(set, selectorOf(set), cache);
    const plan = planReplicaSet(set, claimed, (name) => cache.get(pods, namespace, name) !== undefined);
    const create = plan.create.map((name) => podFrom(set.object.spec!.template!, set, name));
    const failure = await writePods(set, { ...plan, create }, context);
    // What was just made or deleted comes back as a change, and then the counts are right: one write instead of two.
    if (!failure && plan.create.length + plan.delete.length > 0) return;
    const { mine } = claimed;
    const status = replicaSetStatus(set, mine, clock.now(), failure?.message);
    await registry.modify(
      replicaSets,
      { namespace, name },
      (object) => void (object.status = { ...object.status, ...status, conditions: status.conditions ?? [] }),
      {
        subresource: "status",
      },
    );
    if (failure) throw failure;
    return untilAvailable(mine, set.object.spec?.minReadySeconds ?? 0, clock.now());
  },
};

const selectorOf = (set: StoredSet) => fromLabelSelector(set.object.spec?.selector);
