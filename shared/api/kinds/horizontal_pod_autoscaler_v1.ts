// autoscaling/v1: an autoscaler by CPU alone. It is stored as v2; what v1 has no field for stands in annotations, so that a v1 client that reads, changes
// and writes an autoscaler takes nothing from it. What v2's metrics are at the moment v1 shows of CPU only.
import { decode } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { resource, viewOf } from "../resource.ts";
import { time } from "../scalars.ts";
import { field, int32, int64, kind, type Message, message, optional, required, string } from "../schema.ts";
import type { MetricSpec } from "./autoscaler/metrics.ts";
import { fromV1Metric, toV1Metric } from "./autoscaler/v1_metrics.ts";
import {
  HorizontalPodAutoscaler as Autoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  horizontalPodAutoscalers,
} from "./horizontal_pod_autoscaler.ts";

const autoscaling = "k8s.io.api.autoscaling.v1";

export class CrossVersionObjectReference extends message(`${autoscaling}.CrossVersionObjectReference`, "An object of any kind.", {
  kind: required(1, string, "Kind of the object."),
  name: required(2, string, "Name of the object."),
  apiVersion: field(3, string, "Group and version of its schema."),
}, { map: "atomic" }) {}
export class HorizontalPodAutoscalerSpec extends message(`${autoscaling}.HorizontalPodAutoscalerSpec`, "What is wanted of an autoscaler.", {
  scaleTargetRef: required(1, CrossVersionObjectReference, "What it scales: a Deployment, or whatever else has a scale subresource."),
  minReplicas: optional(2, int32, "The fewest replicas.", { default: 1 }),
  maxReplicas: required(3, int32, "The most."),
  targetCPUUtilizationPercentage: optional(4, int32, "Percent of the requested CPU that its pods are to use on average."),
}) {}
export class HorizontalPodAutoscalerStatus extends message(`${autoscaling}.HorizontalPodAutoscalerStatus`, "How an autoscaler is.", {
  observedGeneration: optional(1, int64, "The generation this was seen for."),
  lastScaleTime: optional(2, time, "When it last changed the number of replicas."),
  currentReplicas: required(3, int32, "How many there are.", { default: 0 }),
  desiredReplicas: required(4, int32, "How many there should be.", { default: 0 }),
  currentCPUUtilizationPercentage: optional(5, int32, "Percent of the requested CPU that its pods use on average."),
}) {}
export class HorizontalPodAutoscaler
  extends kind("autoscaling/v1", `${autoscaling}.HorizontalPodAutoscaler`, "As many replicas as the CPU's load wants, between bounds.", {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    spec: required(2, HorizontalPodAutoscalerSpec, "What is wanted."),
    status: field(3, HorizontalPodAutoscalerStatus, "What is. Written by the system."),
  }) {}

const prefix = "autoscaling.alpha.kubernetes.io/";
const isCpu = ({ type, resource }: MetricSpec): boolean =>
  type === "Resource" && resource?.name === "cpu" && resource.target.averageUtilization !== undefined;

export function toV1({ metadata = {}, spec, status }: Autoscaler): HorizontalPodAutoscaler {
  const { metrics = [], behavior, ...rest } = spec, at = metrics.findIndex(isCpu);
  const { currentMetrics = [], conditions, ...now } = status ?? { desiredReplicas: 0 };
  const others = metrics.filter((_, i) => i !== at).map(toV1Metric), target = metrics[at]?.resource?.target.averageUtilization;
  const current = currentMetrics.find(({ type, resource }) => type === "Resource" && resource?.name === "cpu")?.resource?.current;
  const annotations = {
    ...metadata.annotations,
    ...others.length > 0 && { [`${prefix}metrics`]: JSON.stringify(others) },
    ...behavior && { [`${prefix}behavior`]: JSON.stringify(behavior) },
    ...conditions && { [`${prefix}conditions`]: JSON.stringify(conditions) },
  };
  return {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: { ...metadata, ...Object.keys(annotations).length > 0 && { annotations } },
    spec: { ...rest, ...target !== undefined && { targetCPUUtilizationPercentage: target } },
    ...status && {
      status: {
        currentReplicas: 0,
        ...now,
        ...current?.averageUtilization !== undefined && { currentCPUUtilizationPercentage: current.averageUtilization },
      },
    },
  };
}

export function fromV1({ metadata = {}, spec, status }: HorizontalPodAutoscaler): Autoscaler {
  const { targetCPUUtilizationPercentage: target, ...rest } = spec ?? {} as HorizontalPodAutoscalerSpec;
  const annotations = { ...metadata.annotations };
  const take = <T>(name: string, read: (json: unknown) => T | undefined): T | undefined => {
    const value = read(jsonOf(annotations[prefix + name]));
    if (value !== undefined) delete annotations[prefix + name]; // it has a field; what cannot be read stays an annotation
    return value;
  };
  const metrics = take("metrics", (json) => Array.isArray(json) ? json.map(fromV1Metric) : undefined) ?? [];
  const behavior = take("behavior", readerOf(HorizontalPodAutoscalerBehavior));
  const condition = readerOf(HorizontalPodAutoscalerCondition);
  const conditions = take("conditions", (json) => {
    const read = Array.isArray(json) ? json.map(condition) : undefined;
    return read?.includes(undefined) ? undefined : read as HorizontalPodAutoscalerCondition[] | undefined;
  });
  const cpu: MetricSpec[] = target === undefined
    ? []
    : [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: target } } }];
  const { annotations: _, ...meta } = metadata, { currentCPUUtilizationPercentage: percent, ...now } = status ?? { desiredReplicas: 0 };
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { ...meta, ...Object.keys(annotations).length > 0 && { annotations } },
    spec: { ...rest, metrics: [...metrics, ...cpu], ...behavior && { behavior } },
    ...status && {
      status: {
        ...now,
        ...percent !== undefined && {
          currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: percent } } }],
        },
        ...conditions && { conditions },
      },
    },
  };
}
function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined; // whoever wrote it may keep it
  }
}
const readerOf = <T>(message: Message<T>) => (json: unknown): T | undefined => {
  if (json === undefined) return undefined;
  const { value, unreadable, causes } = decode(message, json);
  return unreadable.length + causes.length > 0 ? undefined : value;
};

export const horizontalPodAutoscalersV1 = resource(HorizontalPodAutoscaler, {
  plural: "horizontalpodautoscalers",
  short: ["hpa"],
  categories: ["all"],
  namespaced: true,
  status: true,
  view: viewOf(horizontalPodAutoscalers, { read: toV1, write: fromV1 }),
  columns: Object.fromEntries(
    Object.entries(horizontalPodAutoscalers.columns ?? {}).map(([name, column]) => {
      const { cell, ...look } = typeof column === "function" ? { cell: column } : column;
      return [name, { ...look, cell: (autoscaler: HorizontalPodAutoscaler, now: number) => cell(fromV1(autoscaler), now) }];
    }),
  ),
});
