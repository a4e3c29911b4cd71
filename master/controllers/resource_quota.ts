// Counts what the objects of a namespace take of its quotas. What comes is counted as it is written (registry/quotas.ts); what goes, what a pod that has ended
// gives back, and what was there before the quota, is counted here. Written only over the very quota that was looked at, so that nothing is counted twice.
import { pods } from "../../shared/api/kinds/pod.ts";
import { sum, type Totals } from "../../shared/api/kinds/pod/totals.ts";
import { type ResourceQuota, resourceQuotas, type ResourceQuotaStatus } from "../../shared/api/kinds/resource_quota.ts";
import { sameJson } from "../../shared/api/json.ts";
import { parseQuantity } from "../../shared/api/quantity.ts";
import { type Kind, type KubernetesObject, qualified } from "../../shared/api/resource.ts";
import { quotaRecountMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import { written } from "../registry/policies/quota.ts";
import { endOfGrace, inScope, isCounted, lives, takes, usage } from "../registry/policies/quota_usage.ts";
import { type Controller, keyOf, splitKey } from "./controller.ts";
import { unless } from "./expected_errors.ts";

export interface Population {
  readonly kind: Kind;
  readonly objects: Iterable<KubernetesObject>;
}
/** What the quota's status should say. A resource that nothing served here takes any of is left out: it is not enforced either. */
export function planQuotaStatus(quota: ResourceQuota, populations: Iterable<Population>, now: number): ResourceQuotaStatus {
  const hard = quota.spec?.hard ?? {}, wanted = Object.keys(hard);
  let used: Totals = {};
  for (const { kind, objects } of populations) {
    const resources = wanted.filter((resource) => takes(kind, resource));
    if (resources.length === 0) continue;
    used = sum(Object.fromEntries(resources.map((resource) => [resource, parseQuantity("0")])), used);
    for (const object of objects) {
      if (!inScope(kind, object, quota)) continue;
      const taken = usage(kind, object, now);
      used = sum(
        used,
        Object.fromEntries(resources.filter((resource) => Object.hasOwn(taken, resource)).map((name) => [name, taken[name]!])),
      );
    }
  }
  return { hard, used: written(used) };
}

export const resourceQuotaController = (clock: Clock): Controller => ({
  name: "resource-quota",
  *keysOf(change, cache) {
    const { kind, before, after } = change, name = qualified(kind), stored = after ?? before!;
    if (name === "resourcequotas" && after) yield keyOf(after);
    // Kinds come and go with definitions: what could not be counted can be now.
    if (name === "customresourcedefinitions.apiextensions.k8s.io") { for (const quota of cache.list(resourceQuotas)) yield keyOf(quota); }
    if (!isCounted(kind) || !matters(change)) return;
    for (const quota of cache.list(resourceQuotas, stored.namespace)) {
      const countedWhenWritten = !before && quota.revision === after?.revision;
      if (!countedWhenWritten) yield keyOf(quota);
    }
  },
  *allKeys(cache) {
    for (const quota of cache.list(resourceQuotas)) yield keyOf(quota);
  },
  async reconcile(key, { cache, registry }) {
    const { namespace, name } = splitKey(key), found = cache.get(resourceQuotas, namespace, name), now = clock.now();
    if (!found || found.deleting) return;
    // No await between the quota and what is counted for it: both are of one revision.
    const status = planQuotaStatus(found.object, populations(cache, namespace), now);
    const ends = [...cache.list(pods, namespace)].filter(({ deleting, object }) => deleting && lives(object, now)).map(({ object }) =>
      endOfGrace(object)
    );
    if (!sameJson(status, found.object.status)) {
      // Somebody was let in meanwhile: the quota has changed, so it comes again.
      await registry.update(resourceQuotas, { ...found.object, status }, { subresource: "status" }).catch(unless("Conflict", "NotFound"));
    }
    return Math.max(1, Math.min(now + quotaRecountMs, ...ends.map((end) => end + 1)) - now);
  },
});

function* populations(cache: Cache, namespace: string): Iterable<Population> {
  for (const kind of cache.kinds.stored) if (isCounted(kind)) yield { kind, objects: objects(cache.list(kind, namespace)) };
}
function* objects(all: Iterable<Stored>): Iterable<KubernetesObject> {
  for (const { object } of all) yield object;
}
/** Most changes of pods are reports of how they are. */
function matters({ kind, before, after }: Change): boolean {
  if (!before || !after) return true;
  if (qualified(kind) === "pods") {
    return before.fields["status.phase"] !== after.fields["status.phase"] || before.deleting !== after.deleting;
  }
  return ["services", "persistentvolumeclaims"].includes(qualified(kind));
}
