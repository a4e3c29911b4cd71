// The downward API: fields of the pod and resources of its containers as text, for variables and for files. Pure.
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "../../shared/api/kinds/pod/env.ts";
import { addQuantities, compareQuantities, parseQuantity } from "../../shared/api/quantity.ts";
import { Missing, type Place, type PodFacts } from "./sources.ts";

/** @throws Missing for a field that does not exist */
export function fieldText(pod: PodFacts, place: Place, { fieldPath }: Pick<ObjectFieldSelector, "fieldPath">): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed) return pod[keyed[1] as "labels" | "annotations"][keyed[2]!] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return pod.name;
    case "metadata.namespace":
      return pod.namespace;
    case "metadata.uid":
      return pod.uid;
    case "metadata.labels":
      return lines(pod.labels);
    case "metadata.annotations":
      return lines(pod.annotations);
    case "spec.nodeName":
      return place.nodeName;
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return place.hostIP;
    case "status.podIP":
    case "status.podIPs":
      return pod.spec.hostNetwork ? place.hostIP : place.podIP ?? "";
    default:
      throw new Missing(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** As Kubernetes writes them: `key="value"`, sorted. */
const lines = (map: Readonly<Record<string, string>>): string =>
  Object.entries(map).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join("\n");

/** Whole units of the divisor, rounded up. @throws Missing for a container or resource that does not exist */
export function resourceText(pod: PodFacts, place: Place, self: Container | undefined, selector: ResourceFieldSelector): string {
  const { containerName, resource, divisor } = selector;
  const container = containerName
    ? [...pod.spec.containers, ...pod.spec.initContainers ?? []].find(({ name }) => name === containerName)
    : self;
  if (!container) throw new Missing(`container ${containerName ?? ""} not found`);
  const [side, ...rest] = resource.split("."), name = rest.join(".");
  if (side !== "limits" && side !== "requests" || name === "") throw new Missing(`unsupported container resource: ${resource}`);
  const most = place.allocatable[name as keyof Place["allocatable"]];
  const amount = container.resources?.[side]?.[name] ?? (side === "limits" ? most : "0") ?? "0";
  // "0" stands for the usual unit: cores and bytes.
  const unit = parseQuantity(!divisor || parseQuantity(divisor).nano === 0n ? "1" : divisor).nano;
  const { nano } = parseQuantity(amount);
  return String((nano + unit - 1n) / unit);
}

/** What a pod asks for in all: the sum of its containers, or its largest init container if that is more. */
export function requested(pod: PodFacts, resource: "cpu" | "memory"): string {
  const amount = (container: Container): string => container.resources?.requests?.[resource] ?? "0";
  const sum = pod.spec.containers.reduce((total, container) => addQuantities(total, amount(container)), "0");
  return (pod.spec.initContainers ?? []).map(amount).reduce((most, one) => compareQuantities(one, most) > 0 ? one : most, sum);
}
