// A metric as the annotation `autoscaling.alpha.kubernetes.io/metrics` of an autoscaling/v1 object has it: flat, with other names.
import type { MetricSpec, MetricTarget } from "./metrics.ts";

type Flat = Record<string, unknown>;

export function toV1Metric({ type, object, pods, resource, external, containerResource }: MetricSpec): Flat {
  const utilization = ({ averageUtilization, averageValue }: MetricTarget) => ({
    targetAverageUtilization: averageUtilization,
    targetAverageValue: averageValue,
  });
  return {
    type,
    ...object && {
      object: {
        target: object.describedObject,
        metricName: object.metric.name,
        targetValue: object.target.value,
        selector: object.metric.selector,
        averageValue: object.target.averageValue,
      },
    },
    ...pods && { pods: { metricName: pods.metric.name, targetAverageValue: pods.target.averageValue, selector: pods.metric.selector } },
    ...resource && { resource: { name: resource.name, ...utilization(resource.target) } },
    ...external && {
      external: {
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      },
    },
    ...containerResource && {
      containerResource: { name: containerResource.name, ...utilization(containerResource.target), container: containerResource.container },
    },
  };
}

/** Somebody may have written anything: admission looks at what comes of it as at any autoscaler. */
export function fromV1Metric(flat: unknown): MetricSpec {
  const { type, object, pods, resource, external, containerResource } = (flat ?? {}) as Record<string, Flat | undefined>;
  const given = (fields: Flat): Flat => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const metric = (name: unknown, selector: unknown) => given({ name, selector });
  const target = (value: unknown, averageValue: unknown, averageUtilization?: unknown) =>
    given({
      type: averageUtilization !== undefined ? "Utilization" : averageValue !== undefined ? "AverageValue" : "Value",
      value,
      averageValue,
      averageUtilization,
    });
  const utilization = ({ targetAverageUtilization, targetAverageValue }: Flat) =>
    target(undefined, targetAverageValue, targetAverageUtilization);
  return {
    type,
    ...object && {
      object: {
        describedObject: object.target,
        target: target(object.averageValue === undefined ? object.targetValue : undefined, object.averageValue),
        metric: metric(object.metricName, object.selector),
      },
    },
    ...pods && { pods: { metric: metric(pods.metricName, pods.selector), target: target(undefined, pods.targetAverageValue) } },
    ...resource && { resource: { name: resource.name, target: utilization(resource) } },
    ...external && {
      external: {
        metric: metric(external.metricName, external.metricSelector),
        target: target(external.targetValue, external.targetAverageValue),
      },
    },
    ...containerResource && {
      containerResource: { name: containerResource.name, target: utilization(containerResource), container: containerResource.container },
    },
  } as never;
}
