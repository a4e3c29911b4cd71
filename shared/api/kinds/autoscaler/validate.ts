// Rules of autoscalers. Order, places and words are Kubernetes' (pkg/apis/autoscaling/validation).
import type { Cause } from "../../decode.ts";
import { pathSegment } from "../../names.ts";
import { validateLabelSelector } from "../../labels.ts";
import { parseQuantity } from "../../quantity.ts";
import { forbidden, invalid, missing, unsupported } from "../../resource.ts";
import { each, obeysSyntax } from "../pod/check.ts";
import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from "../horizontal_pod_autoscaler.ts";
import type { CrossVersionObjectReference, MetricIdentifier, MetricSpec, MetricTarget } from "./metrics.ts";

export function validateAutoscaler({ minReplicas, maxReplicas, scaleTargetRef, metrics, behavior }: HorizontalPodAutoscalerSpec): Cause[] {
  const causes: Cause[] = [];
  if (minReplicas !== undefined && minReplicas < 1) {
    causes.push(invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  }
  if (maxReplicas < 1) causes.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    causes.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  return [
    ...causes,
    ...validateReference(scaleTargetRef, "spec.scaleTargetRef"),
    ...each(metrics, "spec.metrics", validateMetric),
    ...behavior?.scaleUp ? validateRules(behavior.scaleUp, "spec.behavior.scaleUp") : [],
    ...behavior?.scaleDown ? validateRules(behavior.scaleDown, "spec.behavior.scaleDown") : [],
  ];
}

const validateReference = ({ kind, name }: CrossVersionObjectReference, at: string): Cause[] =>
  Object.entries({ kind, name }).flatMap(([field, value]) =>
    value === "" ? [missing(`${at}.${field}`)] : obeysSyntax(`${at}.${field}`, value, pathSegment)
  );

/** Type → the field that it wants. */
const sources = {
  Object: "object",
  External: "external",
  Pods: "pods",
  Resource: "resource",
  ContainerResource: "containerResource",
} as const;
function validateMetric(metric: MetricSpec, at: string): Cause[] {
  const { type } = metric;
  if (type === "") return [missing(`${at}.type`, "must specify a metric source type")];
  if (!Object.hasOwn(sources, type)) return [unsupported(`${at}.type`, type, Object.keys(sources))];
  const wanted = sources[type as keyof typeof sources], present = Object.values(sources).filter((field) => metric[field] !== undefined);
  const first = present[0], others = present.filter((field) => field !== wanted);
  return [
    ...first ? validateSource(metric, first, `${at}.${first}`) : [],
    ...metric[wanted] ? [] : [missing(`${at}.${wanted}`, "must populate information for the given metric source")],
    ...others.map((field) => forbidden(`${at}.${field}`, "must populate the given metric source only")),
  ];
}
function validateSource({ object, external, pods, resource, containerResource }: MetricSpec, field: string, at: string): Cause[] {
  const valueOrAverage = "must set either a target value for metric or a per-pod target", average = `${at}.target.averageValue`;
  const none = ({ value, averageValue }: MetricTarget) => value === undefined && averageValue === undefined;
  if (field === "object" && object) {
    return [
      ...validateReference(object.describedObject, `${at}.describedObject`),
      ...validateIdentified(object, at),
      ...none(object.target) ? [missing(average, valueOrAverage)] : [],
    ];
  }
  if (field === "external" && external) {
    const { value, averageValue } = external.target;
    return [
      ...validateIdentified(external, at),
      ...none(external.target) ? [missing(average, valueOrAverage)] : [],
      ...value !== undefined && averageValue !== undefined
        ? [forbidden(`${at}.target.value`, "may not set both a target value for metric and a per-pod target")]
        : [],
    ];
  }
  if (field === "pods" && pods) {
    const good = pods.target.averageValue !== undefined && isPositive(pods.target.averageValue);
    return [...validateIdentified(pods, at), ...good ? [] : [missing(average, "must specify a positive target averageValue")]];
  }
  const source = containerResource && field === "containerResource" ? containerResource : resource!;
  const { name, target } = source, both = target.averageUtilization !== undefined && target.averageValue !== undefined;
  return [
    ...name === "" ? [missing(`${at}.name`, "must specify a resource name")] : [],
    ...source === containerResource && containerResource.container === "" ? [missing(`${at}.container`, "must specify a container")] : [],
    ...validateTarget(target, `${at}.target`),
    ...target.averageUtilization === undefined && target.averageValue === undefined
      ? [missing(`${at}.target.averageUtilization`, "must set either a target raw value or a target utilization")]
      : [],
    ...both ? [forbidden(average, "may not set both a target raw value and a target utilization")] : [],
  ];
}
const validateIdentified = ({ metric, target }: { metric: MetricIdentifier; target: MetricTarget }, at: string): Cause[] => [
  ...metric.name === ""
    ? [missing(`${at}.metric.name`, "must specify a metric name")]
    : obeysSyntax(`${at}.metric.name`, metric.name, pathSegment),
  ...metric.selector ? validateLabelSelector(metric.selector, `${at}.metric.selector`) : [],
  ...validateTarget(target, `${at}.target`),
];
const isPositive = (amount: string): boolean => parseQuantity(amount).nano > 0n;
function validateTarget({ type, value, averageValue, averageUtilization }: MetricTarget, at: string): Cause[] {
  const causes: Cause[] = [];
  if (type === "") causes.push(missing(`${at}.type`, "must specify a metric target type"));
  else if (type !== "Utilization" && type !== "Value" && type !== "AverageValue") {
    causes.push(invalid(`${at}.type`, type, "must be either Utilization, Value, or AverageValue"));
  }
  for (const [field, amount] of Object.entries({ value, averageValue })) {
    if (amount !== undefined && !isPositive(amount)) causes.push(invalid(`${at}.${field}`, amount, "must be positive"));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    causes.push(invalid(`${at}.averageUtilization`, averageUtilization, "must be greater than 0"));
  }
  return causes;
}

const windowSecondsMost = 3600, periodSecondsMost = 1800;
function validateRules(
  { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance }: HPAScalingRules,
  at: string,
): Cause[] {
  const causes: Cause[] = [], here = `${at}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) causes.push(invalid(here, window, "must be greater than or equal to zero"));
  if (window !== undefined && window > windowSecondsMost) {
    causes.push(invalid(here, window, `must be less than or equal to ${windowSecondsMost}`));
  }
  const choices = ["Max", "Min", "Disabled"];
  if (selectPolicy !== undefined && !choices.includes(selectPolicy)) {
    causes.push(unsupported(`${at}.selectPolicy`, selectPolicy, choices));
  }
  if (policies.length === 0) causes.push(missing(`${at}.policies`, "must specify at least one Policy"));
  if (tolerance !== undefined && parseQuantity(tolerance).nano < 0n) {
    causes.push(invalid(`${at}.tolerance`, tolerance, "must be greater or equal to zero"));
  }
  return [
    ...causes,
    ...each(policies, `${at}.policies`, ({ type, value, periodSeconds }, here) => [
      ...type === "Pods" || type === "Percent" ? [] : [unsupported(`${here}.type`, type, ["Percent", "Pods"])],
      ...value > 0 ? [] : [invalid(`${here}.value`, value, "must be greater than zero")],
      ...periodSeconds > 0 ? [] : [invalid(`${here}.periodSeconds`, periodSeconds, "must be greater than zero")],
      ...periodSeconds > periodSecondsMost
        ? [invalid(`${here}.periodSeconds`, periodSeconds, `must be less than or equal to ${periodSecondsMost}`)]
        : [],
    ]),
  ];
}
