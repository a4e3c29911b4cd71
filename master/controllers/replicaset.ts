// As many pods of one template as wanted.
import { pods } from "../../shared/api/kinds/pod.ts";
import { type ReplicaSet, replicaSets, type ReplicaSetStatus } from "../../shared/api/kinds/replicaset.ts";
import { fromLabelSelector, matchLabels } from "../../shared/api/selector.ts";
import { podBurst } from "../../shared/limits.ts";
import type { Stored } from "../registry/face.ts";
import { type Context, type Controller, keyOf, splitKey } from "./controller.ts";
import { isNamespaceEnding, unless } from "./expected_errors.ts";
import {
  claim,
  type Claimed,
  controllerOf,
  deletionOrder,
  isActive,
  isAvailable,
  isReady,
  ownerReference,
  podFrom,
  podNames,
  readySince,
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

/** Pure. Neighbours: all pods of the namespace on the same nodes count as a crowd. */
export function planReplicaSet(set: StoredSet, { mine, adopt, release }: Claimed): ReplicaSetPlan {
  const active = [...mine, ...adopt].filter(isActive), wanted = set.object.spec?.replicas ?? 1;
  if (set.deleting) return { create: [], delete: [], adopt: [], release: [] };
  if (active.length <= wanted) {
    const names = new Set(mine.map(({ name }) => name)), count = Math.min(wanted - active.length, podBurst);
    return { create: podNames(set, count, (name) => names.has(name)), delete: [], adopt, release };
  }
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
  *keysOf({ kind, before, after }, cache) {
    if (kind.plural === "replicasets") yield keyOf((after ?? before)!);
    if (kind.plural !== "pods") return;
    for (const pod of [before, after]) {
      const owner = pod && controllerOf(pod);
      if (owner?.kind === "ReplicaSet") yield `${pod!.namespace}/${owner.name}`;
      // An orphan: whose selector matches it?
      else if (pod && !owner) { for (const set of cache.list(replicaSets, pod.namespace)) if (selects(set, pod.labels)) yield keyOf(set); }
    }
  },
  *allKeys(cache) {
    for (const set of cache.list(replicaSets)) yield keyOf(set);
  },
  async reconcile(key, context) {
    const { namespace, name } = splitKey(key), { cache, registry, clock } = context;
    const set = cache.get(replicaSets, namespace, name);
    if (!set) return;
    const claimed = claim(set, fromLabelSelector(set.object.spec?.selector), cache), plan = planReplicaSet(set, claimed);
    const failure = await execute(set, plan, context);
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

const selects = (set: StoredSet, labels: Readonly<Record<string, string>>): boolean =>
  matchLabels(fromLabelSelector(set.object.spec?.selector), labels);

/** @returns why not everything could be done; what could be is done */
async function execute(set: StoredSet, plan: ReplicaSetPlan, { registry, recorder }: Context): Promise<Error | undefined> {
  const reference = ownerReference(set);
  const results = await Promise.allSettled([
    ...plan.adopt.map((pod) =>
      registry.modify(pods, pod, (object) => {
        if (object.metadata?.uid !== pod.uid || object.metadata.ownerReferences?.some(({ controller }) => controller)) return;
        (object.metadata.ownerReferences ??= []).push(reference);
      })
    ),
    ...plan.release.map((pod) =>
      registry.modify(pods, pod, (object) => {
        if (object.metadata?.ownerReferences) {
          object.metadata.ownerReferences = object.metadata.ownerReferences.filter(({ uid }) => uid !== set.uid);
        }
      })
    ),
    ...plan.create.map(async (name) => {
      await registry.create(pods, podFrom(set.object.spec!.template!, set, name)).catch(unless("AlreadyExists"));
      recorder.record(set, "Normal", "SuccessfulCreate", `Created pod: ${name}`);
    }),
    ...plan.delete.map(async (pod) => {
      await registry.delete(pods, pod, { preconditions: { uid: pod.uid } }).catch(unless("NotFound", "Conflict"));
      recorder.record(set, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.name}`);
    }),
  ]);
  const failed = results.find((result) => result.status === "rejected");
  if (!failed) return undefined;
  const error = failed.reason instanceof Error ? failed.reason : new Error(String(failed.reason));
  if (plan.create.length > 0) recorder.record(set, "Warning", "FailedCreate", `Error creating: ${error.message}`);
  return error;
}

/** Milliseconds until the next ready pod counts as available. */
export function untilAvailable(mine: readonly StoredPod[], minReadySeconds: number, now: number): number | undefined {
  const due = mine.map((pod) => (readySince(pod) ?? -Infinity) + minReadySeconds * 1000 - now).filter((ms) =>
    ms > 0 && Number.isFinite(ms)
  );
  return minReadySeconds > 0 && due.length > 0 ? Math.min(...due) : undefined;
}
