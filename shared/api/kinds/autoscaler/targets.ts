// "cpu: 12%/80%, 3/5 (avg) + 1 more...": what is, and what is to be, as `kubectl get hpa` shows it (pkg/printers, formatHPAMetrics).
import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "./metrics.ts";

/** Metrics that are shown; of further ones, how many there are. */
const shownMost = 2;

export function targetsText(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return "<none>";
  const texts = specs.map((spec, i) => metricText(spec, statuses[i])), more = texts.length - shownMost;
  return `${texts.slice(0, shownMost).join(", ")}${more > 0 ? ` + ${more} more...` : ""}`;
}

const unknown = "<unknown>";
function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case "External":
      return valueText(spec.external?.target, status?.external?.current);
    case "Object":
      return valueText(spec.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods?.target.averageValue ?? unknown}`;
    case "Resource":
      return resourceText(spec.resource, status?.resource?.current);
    case "ContainerResource":
      return resourceText(spec.containerResource, status?.containerResource?.current);
    default:
      return "<unknown type>";
  }
}
function valueText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current?.value ?? unknown}/${target?.value ?? unknown}`;
}
function resourceText(source: { name: string; target: MetricTarget } | undefined, current: MetricValueStatus | undefined): string {
  if (!source) return unknown;
  const { name, target } = source;
  if (target.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
  const percent = (value: number | undefined, otherwise: string) => value === undefined ? otherwise : `${value}%`;
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target.averageUtilization, "<auto>")}`;
}
