// How many pods of a group may be away at once because somebody wants it so: drained nodes, evictions.
import { ageOf } from "../age.ts";
import { validateLabelSelector } from "../labels.ts";
import { Condition, LabelSelector, ObjectMeta } from "../meta.ts";
import { invalid, resource } from "../resource.ts";
import { intOrString, time } from "../scalars.ts";
import { field, int32, int64, kind, list, map, mergedBy, message, oneOf, optional } from "../schema.ts";
import { atMostAll, notNegative, validateCount } from "./workload.ts";

const policy = "k8s.io.api.policy.v1";

export class PodDisruptionBudgetSpec extends message(`${policy}.PodDisruptionBudgetSpec`, "What is wanted of a budget.", {
  minAvailable: optional(1, intOrString, "Pods that must stay: a number, or percent of all. Not with maxUnavailable."),
  selector: optional(2, LabelSelector, "The pods that it protects.", { patch: { strategy: "replace" } }),
  maxUnavailable: optional(3, intOrString, "Pods that may be away: a number, or percent of all. Not with minAvailable."),
  unhealthyPodEvictionPolicy: optional(
    4,
    oneOf("IfHealthyBudget", "AlwaysAllow"),
    "May pods that are not ready be evicted always, or only while the others are enough? IfHealthyBudget, if left out.",
  ),
}) {}
export class PodDisruptionBudgetStatus extends message(`${policy}.PodDisruptionBudgetStatus`, "How a budget is.", {
  observedGeneration: field(1, int64, "The generation this was seen for."),
  disruptedPods: field(2, map(time), "Pods whose eviction has been allowed and that have not begun to go, and when."),
  disruptionsAllowed: field(3, int32, "How many more may go now.", { default: 0 }),
  currentHealthy: field(4, int32, "Its pods that are ready.", { default: 0 }),
  desiredHealthy: field(5, int32, "How many must be.", { default: 0 }),
  expectedPods: field(6, int32, "How many pods it protects.", { default: 0 }),
  conditions: field(7, list(Condition), "Its state, aspect by aspect.", mergedBy("type")),
}) {}
export class PodDisruptionBudget extends kind("policy/v1", `${policy}.PodDisruptionBudget`, "How many pods may be away at once.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, PodDisruptionBudgetSpec, "What is wanted."),
  status: field(3, PodDisruptionBudgetStatus, "What is. Written by the system.", { default: {} }),
}) {}

export const podDisruptionBudgets = resource(PodDisruptionBudget, {
  plural: "poddisruptionbudgets",
  short: ["pdb"],
  namespaced: true,
  status: true,
  conditionalUpdate: true,
  columns: {
    "Min Available": ({ spec }) => String(spec?.minAvailable ?? "N/A"),
    "Max Unavailable": ({ spec }) => String(spec?.maxUnavailable ?? "N/A"),
    "Allowed Disruptions": { type: "integer", cell: ({ status }) => status?.disruptionsAllowed ?? 0 },
    Age: ageOf,
  },
  validate({ spec = {}, status = {} }) {
    const { minAvailable, maxUnavailable, selector } = spec;
    return [
      ...minAvailable !== undefined && maxUnavailable !== undefined
        ? [invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")]
        : [],
      ...validateCount("spec.minAvailable", minAvailable),
      ...atMostAll("spec.minAvailable", minAvailable),
      ...validateCount("spec.maxUnavailable", maxUnavailable),
      ...atMostAll("spec.maxUnavailable", maxUnavailable),
      ...selector ? validateLabelSelector(selector, "spec.selector") : [],
      ...(["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const).flatMap((field) =>
        notNegative(`status.${field}`, status[field])
      ),
    ];
  },
});
