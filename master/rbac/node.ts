// What a node may read, by its name alone: its Node, its Lease, the pods bound to it. What it may write, admission says (node restriction).
import type { Attributes } from "./user.ts";

export function ownedByNode(node: string, wanted: Attributes): boolean {
  if ("path" in wanted || !["get", "list", "watch"].includes(wanted.verb) || wanted.subresource) return false;
  const selected = (field: string) => wanted.fieldSelector?.split(",").some((part) => part === `${field}=${node}`) ?? false;
  const named = wanted.name === node || selected("metadata.name");
  if (wanted.group === "" && wanted.resource === "nodes") return named;
  if (wanted.group === "" && wanted.resource === "pods") return wanted.verb !== "get" && selected("spec.nodeName");
  return wanted.group === "coordination.k8s.io" && wanted.resource === "leases" && wanted.namespace === "kube-node-lease" && named;
}
