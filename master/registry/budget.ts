// How a PodDisruptionBudget says how many pods may still go: the controller counts them, and every eviction takes one away.
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../shared/api/kinds/pod_disruption_budget.ts";
import type { Condition } from "../../shared/api/meta.ts";
import { timestamp } from "./lifecycle.ts";

/** Its status, with so many disruptions allowed. `failure`: why they could not be counted. @param now ms since 1970 */
export function allowing(
  { metadata, status = {} }: PodDisruptionBudget,
  disruptionsAllowed: number,
  now: number,
  failure?: string,
): PodDisruptionBudgetStatus {
  const others = status.conditions?.filter(({ type }) => type !== "DisruptionAllowed") ?? [];
  const before = status.conditions?.find(({ type }) => type === "DisruptionAllowed");
  const value = disruptionsAllowed > 0 ? "True" : "False", time = timestamp(now);
  const condition: Condition = {
    type: "DisruptionAllowed",
    status: value,
    reason: failure !== undefined ? "SyncFailed" : disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: failure ?? "",
    observedGeneration: metadata?.generation ?? 0,
    lastTransitionTime: before?.status === value ? before.lastTransitionTime : time,
  };
  return { ...status, disruptionsAllowed, conditions: [...others, condition] };
}
