// How firmly a pod's resources are promised. It decides who is killed first when a node runs out of memory.
import { compareQuantities, parseQuantity } from "../../quantity.ts";
import type { PodSpec } from "./pod_spec.ts";
import type { ResourceRequirements } from "./resources.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";
const counted = ["cpu", "memory"] as const;

/**
 * Guaranteed: every container (or the pod as a whole) has limits for cpu and memory, and requests as much.
 * BestEffort: nothing is requested or limited. Burstable: all others. A quantity of zero counts as none.
 */
export function qosClass({ spec }: { spec?: PodSpec }): QosClass {
  const containers = [...spec?.containers ?? [], ...spec?.initContainers ?? []];
  const all = spec?.resources && claims(spec.resources) ? [spec.resources] : containers.map(({ resources }) => resources ?? {});
  if (!all.some(claims)) return "BestEffort";
  return all.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

const amount = (resources: Record<string, string> | undefined, name: string): string | undefined => {
  const quantity = resources?.[name];
  return quantity !== undefined && parseQuantity(quantity).nano > 0n ? quantity : undefined;
};
const claims = ({ requests, limits }: ResourceRequirements): boolean =>
  counted.some((name) => amount(requests, name) !== undefined || amount(limits, name) !== undefined);
const isGuaranteed = ({ requests, limits }: ResourceRequirements): boolean =>
  counted.every((name) => {
    const limit = amount(limits, name), request = amount(requests, name);
    return limit !== undefined && request !== undefined && compareQuantities(limit, request) === 0;
  });
