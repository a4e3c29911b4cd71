// As many replicas as the load wants, between bounds.
import { ageOf } from "../age.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { quantity, time } from "../scalars.ts";
import { atomic, field, int32, int64, kind, list, mergedBy, message, optional, required, string } from "../schema.ts";
import { autoscaling, CrossVersionObjectReference, MetricSpec, MetricStatus } from "./autoscaler/metrics.ts";
import { targetsText } from "./autoscaler/targets.ts";
import { validateAutoscaler } from "./autoscaler/validate.ts";
import { specUnchanged } from "./workload.ts";

export class HPAScalingPolicy extends message(`${autoscaling}.HPAScalingPolicy`, "How far it may go in a time.", {
  type: required(1, string, "Pods or Percent."),
  value: required(2, int32, "How many, or how many percent."),
  periodSeconds: required(3, int32, "In how many seconds."),
}) {}
export class HPAScalingRules extends message(`${autoscaling}.HPAScalingRules`, "How fast it goes in one direction.", {
  selectPolicy: optional(1, string, "Which policy counts: Max, Min; or Disabled: not in this direction."),
  policies: field(2, list(HPAScalingPolicy), "How far it may go in a time.", atomic),
  stabilizationWindowSeconds: optional(3, int32, "Seconds to look back before it follows."),
  tolerance: optional(4, quantity, "How far a metric may be off before anything is done; 10 percent, if left out."),
}) {}
export class HorizontalPodAutoscalerBehavior
  extends message(`${autoscaling}.HorizontalPodAutoscalerBehavior`, "How fast it goes up and down.", {
    scaleUp: optional(1, HPAScalingRules, "Up."),
    scaleDown: optional(2, HPAScalingRules, "Down."),
  }) {}
export class HorizontalPodAutoscalerSpec extends message(`${autoscaling}.HorizontalPodAutoscalerSpec`, "What is wanted of an autoscaler.", {
  scaleTargetRef: required(1, CrossVersionObjectReference, "What it scales: a Deployment, or whatever else has a scale subresource."),
  minReplicas: optional(2, int32, "The fewest replicas.", { default: 1 }),
  maxReplicas: required(3, int32, "The most."),
  metrics: field(4, list(MetricSpec), "By what it decides; the one that wants most wins. CPU at 80 percent, if left out.", atomic),
  behavior: optional(5, HorizontalPodAutoscalerBehavior, "How fast it goes up and down."),
}) {}
export class HorizontalPodAutoscalerCondition
  extends message(`${autoscaling}.HorizontalPodAutoscalerCondition`, "One aspect of an autoscaler's state.", {
    type: required(1, string, "Name of the aspect: AbleToScale, ScalingActive or ScalingLimited."),
    status: required(2, string, "True, False or Unknown."),
    lastTransitionTime: field(3, time, "When the status last changed."),
    reason: field(4, string, "Why, as one CamelCase word."),
    message: field(5, string, "Why, for people."),
  }) {}
export class HorizontalPodAutoscalerStatus extends message(`${autoscaling}.HorizontalPodAutoscalerStatus`, "How an autoscaler is.", {
  observedGeneration: optional(1, int64, "The generation this was seen for."),
  lastScaleTime: optional(2, time, "When it last changed the number of replicas."),
  currentReplicas: field(3, int32, "How many there are."),
  desiredReplicas: required(4, int32, "How many there should be.", { default: 0 }),
  currentMetrics: field(5, list(MetricStatus), "What the metrics are.", atomic),
  conditions: field(6, list(HorizontalPodAutoscalerCondition), "Its state, aspect by aspect.", mergedBy("type")),
}) {}
export class HorizontalPodAutoscaler
  extends kind("autoscaling/v2", `${autoscaling}.HorizontalPodAutoscaler`, "As many replicas as the load wants, between bounds.", {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    spec: required(2, HorizontalPodAutoscalerSpec, "What is wanted."),
    status: field(3, HorizontalPodAutoscalerStatus, "What is. Written by the system.", { default: { desiredReplicas: 0 } }),
  }) {}

const policy = (type: string, value: number): HPAScalingPolicy => ({ type, value, periodSeconds: 15 });

export const horizontalPodAutoscalers = resource(HorizontalPodAutoscaler, {
  plural: "horizontalpodautoscalers",
  short: ["hpa"],
  categories: ["all"],
  namespaced: true,
  status: true,
  columns: {
    Reference: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    Targets: ({ spec, status }) => targetsText(spec.metrics ?? [], status?.currentMetrics ?? []),
    MinPods: ({ spec }) => String(spec.minReplicas ?? "<unset>"),
    MaxPods: { type: "integer", cell: ({ spec }) => spec.maxReplicas },
    Replicas: { type: "integer", cell: ({ status }) => status?.currentReplicas ?? 0 },
    Age: ageOf,
  },
  defaults({ spec }) {
    if (!spec) return;
    const target = { type: "Utilization", averageUtilization: 80 };
    if (!spec.metrics?.length) spec.metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
    if (!spec.behavior) return;
    const { scaleUp, scaleDown } = spec.behavior;
    const up = { selectPolicy: "Max", policies: [policy("Pods", 4), policy("Percent", 100)], stabilizationWindowSeconds: 0 };
    spec.behavior = {
      scaleUp: { ...up, ...scaleUp },
      scaleDown: { selectPolicy: "Max", policies: [policy("Percent", 100)], ...scaleDown },
    };
  },
  validate: (autoscaler, old) => specUnchanged(autoscaler, old) ? [] : validateAutoscaler(autoscaler.spec),
});
