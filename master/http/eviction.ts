// Asks a pod to go, as far as its disruption budget allows: what `kubectl drain` does.
import type { Pod } from "../../shared/api/kinds/pod.ts";
import { conditionIsTrue } from "../../shared/api/kinds/pod/summary.ts";
import { type PodDisruptionBudget, podDisruptionBudgets } from "../../shared/api/kinds/pod_disruption_budget.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { fromLabelSelector, matchLabels } from "../../shared/api/selector.ts";
import { ApiError, forbiddenObject } from "../../shared/api/status.ts";
import { disruptedPods } from "../../shared/limits.ts";
import { allowing } from "../registry/budget.ts";
import { timestamp } from "../registry/lifecycle.ts";
import type { DeleteOptions, Stored, WriteOptions } from "../registry/registry.ts";
import { evictionBody } from "./bodies.ts";
import type { Api, Operation } from "./context.ts";
import { deleteOptions } from "./delete_options.ts";
import { placeObject, readValue, writeOptions } from "./object.ts";
import { respondJson } from "./respond.ts";
import { success } from "./pod_verbs.ts";

/** @throws ApiError TooManyRequests: not now */
export async function evictPod({ api, c, kind, wanted }: Operation): Promise<Response> {
  const eviction = await readValue(c, evictionBody);
  placeObject(c, kind, eviction);
  const { options, dryRun } = deleteOptions(c, eviction.deleteOptions ?? {}), key = c.get("info").resource!;
  const pods = kind as unknown as Kind<Pod>, pod = await api.registry.get(pods, key), how = { ...writeOptions(c), dryRun };
  const preconditions = await permitted(api, pod, dryRun) === "as it is"
    ? { resourceVersion: String(pod.revision), ...options.preconditions }
    : options.preconditions;
  await evict(api, pod, { ...options, ...(preconditions && { preconditions }) }, how);
  return respondJson(c, success(), wanted, 201);
}

/** Neither has it begun, nor can anybody miss it. */
const isIdle = ({ object: { status }, deleting }: Stored<Pod>): boolean =>
  deleting || ["Pending", "Succeeded", "Failed"].includes(status?.phase ?? "Pending");
const isReady = ({ object: { status = {} } }: Stored<Pod>): boolean => conditionIsTrue(status, "Ready");

/** Takes it from the pod's budget, if it has one. "as it is": that it is not ready was the reason. @throws ApiError TooManyRequests, Forbidden, InternalError */
async function permitted(api: Api, pod: Stored<Pod>, dryRun: boolean): Promise<"as it is" | undefined> {
  if (isIdle(pod)) return;
  const { items } = await api.registry.list(podDisruptionBudgets, { namespace: pod.namespace });
  const [budget, ...more] = items.filter(({ object }) => matchLabels(fromLabelSelector(object.spec?.selector), pod.labels));
  if (!budget) return;
  if (more.length > 0) {
    throw new ApiError("InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  }
  const { spec, status: { currentHealthy = 0, desiredHealthy = 0 } = {} } = budget.object;
  const enough = currentHealthy >= desiredHealthy && desiredHealthy > 0;
  if (!isReady(pod) && (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow" || enough)) return "as it is";
  await api.registry.modify(podDisruptionBudgets, budget, (current) => taken(current, pod.name, api.clock.now()), {
    subresource: "status",
    dryRun,
  });
}

/** The budget, after one more has gone. Written at once, so that of two who ask for the last one only one gets it. */
function taken(budget: PodDisruptionBudget, podName: string, now: number): PodDisruptionBudget {
  const { metadata: { name = "", generation = 0 } = {}, status = {} } = budget;
  const { disruptionsAllowed = 0, observedGeneration = 0, desiredHealthy = 0, currentHealthy = 0 } = status;
  const refuse = (why: string, retryAfterSeconds?: number) =>
    new ApiError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
      details: { causes: [{ reason: "DisruptionBudget", message: why }], ...(retryAfterSeconds && { retryAfterSeconds }) },
    });
  if (observedGeneration < generation) throw refuse(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (Object.keys(status.disruptedPods ?? {}).length >= disruptedPods) {
    throw forbiddenObject(
      podDisruptionBudgets as never,
      name,
      "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
    );
  }
  if (disruptionsAllowed <= 0) {
    throw refuse(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`);
  }
  return {
    ...budget,
    status: { ...allowing(budget, disruptionsAllowed - 1, now), disruptedPods: { ...status.disruptedPods, [podName]: timestamp(now) } },
  };
}

/** Says in the pod why it goes, then lets it go. */
async function evict({ registry, clock }: Api, pod: Stored<Pod>, options: DeleteOptions, how: WriteOptions): Promise<void> {
  const pods = pod.kind;
  if (options.preconditions?.uid && options.preconditions.uid !== pod.uid) return void await registry.delete(pods, pod, options, how);
  const lastTransitionTime = timestamp(clock.now());
  const marked = await registry.modify(pods, pod, (object) => {
    const others = object.status?.conditions?.filter(({ type }) => type !== "DisruptionTarget") ?? [];
    const reason = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
    const resourceVersion = options.preconditions?.resourceVersion;
    if (resourceVersion) object.metadata!.resourceVersion = resourceVersion;
    object.status = {
      ...object.status,
      conditions: [...others, { type: "DisruptionTarget", status: "True", ...reason, lastTransitionTime }],
    };
  }, { ...how, subresource: "status" });
  const { uid } = pod, preconditions = { uid, ...options.preconditions?.resourceVersion && { resourceVersion: String(marked.revision) } };
  await registry.delete(pods, pod, { ...options, preconditions }, how);
}
