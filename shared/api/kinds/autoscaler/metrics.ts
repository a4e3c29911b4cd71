// By what an autoscaler measures, what it aims at, and what it has found.
import { LabelSelector } from "../../meta.ts";
import { quantity } from "../../scalars.ts";
import { field, int32, message, optional, required, string } from "../../schema.ts";

export const autoscaling = "k8s.io.api.autoscaling.v2";

export class CrossVersionObjectReference extends message(`${autoscaling}.CrossVersionObjectReference`, "An object of any kind.", {
  kind: required(1, string, "Kind of the object."),
  name: required(2, string, "Name of the object."),
  apiVersion: field(3, string, "Group and version of its schema."),
}) {}
export class MetricIdentifier extends message(`${autoscaling}.MetricIdentifier`, "Which metric is meant.", {
  name: required(1, string, "Name of the metric."),
  selector: optional(2, LabelSelector, "Which of its series, by their labels."),
}) {}
export class MetricTarget extends message(`${autoscaling}.MetricTarget`, "What a metric is to be.", {
  type: required(1, string, "Utilization, Value or AverageValue."),
  value: optional(2, quantity, "The value as a whole."),
  averageValue: optional(3, quantity, "The value a pod."),
  averageUtilization: optional(4, int32, "Percent of what the pods request, on average."),
}) {}
export class MetricValueStatus extends message(`${autoscaling}.MetricValueStatus`, "What a metric is.", {
  value: optional(1, quantity, "The value as a whole."),
  averageValue: optional(2, quantity, "The value a pod."),
  averageUtilization: optional(3, int32, "Percent of what the pods request, on average."),
}) {}

const metric = "Which metric.", target = "What it is to be.", current = "What it is.", ofResource = "The resource: cpu or memory.";

export class ObjectMetricSource extends message(`${autoscaling}.ObjectMetricSource`, "A metric of one object.", {
  describedObject: required(1, CrossVersionObjectReference, "The object."),
  target: required(2, MetricTarget, target),
  metric: required(3, MetricIdentifier, metric),
}) {}
export class PodsMetricSource extends message(`${autoscaling}.PodsMetricSource`, "A metric of each pod.", {
  metric: required(1, MetricIdentifier, metric),
  target: required(2, MetricTarget, target),
}) {}
export class ResourceMetricSource extends message(`${autoscaling}.ResourceMetricSource`, "What the pods use of a resource.", {
  name: required(1, string, ofResource),
  target: required(2, MetricTarget, target),
}) {}
export class ContainerResourceMetricSource
  extends message(`${autoscaling}.ContainerResourceMetricSource`, "What one container of each pod uses of a resource.", {
    name: required(1, string, ofResource),
    target: required(2, MetricTarget, target),
    container: required(3, string, "Name of the container."),
  }) {}
export class ExternalMetricSource extends message(`${autoscaling}.ExternalMetricSource`, "A metric from outside the cluster.", {
  metric: required(1, MetricIdentifier, metric),
  target: required(2, MetricTarget, target),
}) {}
export class MetricSpec
  extends message(`${autoscaling}.MetricSpec`, "A metric and what it is to be. Only the field that `type` names is set.", {
    type: required(1, string, "Resource, ContainerResource, Pods, Object or External."),
    object: optional(2, ObjectMetricSource, "A metric of one object."),
    pods: optional(3, PodsMetricSource, "A metric of each pod."),
    resource: optional(4, ResourceMetricSource, "What the pods use of a resource."),
    external: optional(5, ExternalMetricSource, "A metric from outside the cluster."),
    containerResource: optional(7, ContainerResourceMetricSource, "What one container of each pod uses of a resource."),
  }) {}

export class ObjectMetricStatus extends message(`${autoscaling}.ObjectMetricStatus`, "What a metric of one object is.", {
  metric: required(1, MetricIdentifier, metric),
  current: required(2, MetricValueStatus, current),
  describedObject: required(3, CrossVersionObjectReference, "The object."),
}) {}
export class PodsMetricStatus extends message(`${autoscaling}.PodsMetricStatus`, "What a metric of each pod is.", {
  metric: required(1, MetricIdentifier, metric),
  current: required(2, MetricValueStatus, current),
}) {}
export class ResourceMetricStatus extends message(`${autoscaling}.ResourceMetricStatus`, "What the pods use of a resource.", {
  name: required(1, string, ofResource),
  current: required(2, MetricValueStatus, current),
}) {}
export class ContainerResourceMetricStatus
  extends message(`${autoscaling}.ContainerResourceMetricStatus`, "What one container of each pod uses of a resource.", {
    name: required(1, string, ofResource),
    current: required(2, MetricValueStatus, current),
    container: required(3, string, "Name of the container."),
  }) {}
export class ExternalMetricStatus extends message(`${autoscaling}.ExternalMetricStatus`, "What a metric from outside the cluster is.", {
  metric: required(1, MetricIdentifier, metric),
  current: required(2, MetricValueStatus, current),
}) {}
export class MetricStatus extends message(`${autoscaling}.MetricStatus`, "A metric as it is. Only the field that `type` names is set.", {
  type: required(1, string, "Resource, ContainerResource, Pods, Object or External."),
  object: optional(2, ObjectMetricStatus, "A metric of one object."),
  pods: optional(3, PodsMetricStatus, "A metric of each pod."),
  resource: optional(4, ResourceMetricStatus, "What the pods use of a resource."),
  external: optional(5, ExternalMetricStatus, "A metric from outside the cluster."),
  containerResource: optional(7, ContainerResourceMetricStatus, "What one container of each pod uses of a resource."),
}) {}
