// One pod on every node that fits.
import { type DaemonSet, daemonSets, type DaemonSetStatus } from "../../shared/api/kinds/daemonset.ts";
import { type Node, nodes } from "../../shared/api/kinds/node.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import { fromLabelSelector } from "../../shared/api/selector.ts";
import { sameJson } from "../../shared/api/json.ts";
import { podBurst } from "../../shared/limits.ts";
import type { Change } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import { type Context, type Controller, keyOf, splitKey } from "./controller.ts";
import { historyOf, keepHistory, planHistory } from "./controller_history.ts";
import { byNode, type Place, planDaemonSet } from "./daemonset_plan.ts";
import { daemonPod, hashLabel, placed, podName, type StoredDaemonSet } from "./daemonset_pods.ts";
import { untilAvailable, writePods } from "./pod_control.ts";
import { claim, controllerOf, isAvailable, isReady, ownersTouched, type StoredPod } from "./pods_of.ts";

/** The scheduler's word on whether a pod belongs on a node, and whether it may stay there. */
export type DaemonFit = (pod: Pod, node: Node) => { readonly run: boolean; readonly keep: boolean };

/** Pure. */
export function daemonSetStatus(
  { object: { metadata, spec, status } }: StoredDaemonSet,
  hash: string,
  places: readonly Place[],
  mine: readonly StoredPod[],
  now: number,
): DaemonSetStatus {
  const there = byNode(mine.filter(({ deleting }) => !deleting)),
    count = { desired: 0, current: 0, astray: 0, ready: 0, available: 0, updated: 0 };
  for (const { name, run } of places) {
    const here = there.get(name) ?? [];
    if (!run) {
      if (here.length > 0) count.astray++;
      continue;
    }
    count.desired++;
    if (here.length === 0) continue;
    count.current++;
    if (here.some(isReady)) count.ready++;
    if (here.some((pod) => isAvailable(pod, spec?.minReadySeconds ?? 0, now))) count.available++;
    if (here.some((pod) => pod.labels[hashLabel] === hash)) count.updated++;
  }
  return {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.astray,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: metadata?.generation ?? 0,
    updatedNumberScheduled: count.updated,
    numberAvailable: count.available,
    numberUnavailable: count.desired - count.available,
    ...(status?.collisionCount !== undefined && { collisionCount: status.collisionCount }),
    ...(status?.conditions && { conditions: status.conditions }),
  };
}

export function daemonSetController(fit: DaemonFit): Controller {
  return {
    name: "daemonset",
    *keysOf(change, cache) {
      const { kind, before, after } = change;
      if (kind.plural === "daemonsets") yield keyOf((after ?? before)!);
      if (kind.plural === "nodes" && movesDaemons(change)) { for (const set of cache.list(daemonSets)) yield keyOf(set); }
      if (kind.plural === "controllerrevisions" && !after) {
        const owner = controllerOf(before!);
        if (owner?.kind === "DaemonSet") yield `${before!.namespace}/${owner.name}`;
      }
      if (kind.plural === "pods") yield* ownersTouched(change, daemonSets, selectorOf, cache);
    },
    *allKeys(cache) {
      for (const set of cache.list(daemonSets)) yield keyOf(set);
    },
    async reconcile(key, context) {
      const { namespace, name } = splitKey(key), { cache, registry, clock } = context, set = cache.get(daemonSets, namespace, name);
      if (!set || set.deleting) return;
      const claimed = claim(set, selectorOf(set), cache), mine = [...claimed.mine, ...claimed.adopt];
      const inUse = new Set(mine.map(({ labels }) => labels[hashLabel] ?? ""));
      const history = planHistory(set as never, historyOf(set, cache), inUse, set.object.status?.collisionCount ?? 0), { hash } = history;
      const all = new Map([...cache.list(nodes)].map((node) => [node.name, node])), pod = daemonPod(set, hash), now = clock.now();
      const places = [...all.values()].map((node): Place => ({ name: node.name, ...fit(pod, node.object) }));
      const plan = planDaemonSet(set, hash, places, mine, now), create = plan.create.slice(0, podBurst);
      if (await keepHistory(set as never, history, registry) === "collision") return await countCollision(set, context);
      const failure = await writePods(set, {
        create: create.map((name) => placed(pod, podName(set, all.get(name)!, hash), name)),
        delete: plan.delete.slice(0, podBurst),
        adopt: claimed.adopt,
        release: claimed.release,
      }, context);
      // What was just made or deleted comes back as a change, and then the counts are right.
      if (!failure && plan.create.length + plan.delete.length > 0) return;
      const status = daemonSetStatus(set, hash, places, claimed.mine, now);
      await registry.modify(daemonSets, set, (object) => void (object.status = status), { subresource: "status" });
      if (failure) throw failure;
      const dueMs = [plan.againMs, untilAvailable(claimed.mine, set.object.spec?.minReadySeconds ?? 0, now)].filter((ms) =>
        ms !== undefined
      );
      return dueMs.length > 0 ? Math.min(...dueMs) : undefined;
    },
  };
}

const selectorOf = (set: Stored<DaemonSet>) => fromLabelSelector(set.object.spec?.selector);

/** Where daemons run depends on a node's labels and taints, not on how it feels. */
function movesDaemons({ before, after }: Change): boolean {
  if (!before || !after) return true;
  const taints = (stored: Stored): unknown => (stored.object as Node).spec?.taints ?? [];
  return !sameJson(before.labels, after.labels) || !sameJson(taints(before), taints(after));
}

async function countCollision(set: StoredDaemonSet, { registry }: Context): Promise<void> {
  await registry.modify(
    daemonSets,
    set,
    (object) => void (object.status = { ...object.status, collisionCount: (object.status?.collisionCount ?? 0) + 1 } as DaemonSetStatus),
    { subresource: "status" },
  );
}
