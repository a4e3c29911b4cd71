// Nodes are confined to their own Node, Lease and Pods (upstream's NodeRestriction).
import { type Kind, qualified } from "../../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import type { Change } from "../change.ts";

const is = (kind: Kind, name: string): boolean => qualified(kind) === name;

export function nodeRestriction(
  { kind, object, old, context, deleting = false }: Change,
): ApiError | undefined {
  const { user, subresource } = context;
  if (!user?.groups.includes("system:nodes") || !user.name.startsWith("system:node:")) return undefined;
  const node = user.name.slice("system:node:".length), { name = "", namespace = "" } = object.metadata;
  const refuse = (why: string) => forbiddenObject(kind, name, why);
  if (is(kind, "nodes")) {
    if (deleting) return refuse(`node "${node}" is not allowed to delete nodes`);
    if (name !== node) return refuse(`node "${node}" is not allowed to modify node "${name}"`);
    if (old && JSON.stringify(old.spec?.taints ?? []) !== JSON.stringify(object.spec?.taints ?? [])) {
      return refuse(`node "${node}" is not allowed to modify taints`);
    }
    const kept = keptLabels(old?.metadata.labels ?? {}, object.metadata.labels ?? {});
    if (kept.length > 0) return refuse(`node "${node}" is not allowed to modify labels: ${kept.join(", ")}`);
  } else if (is(kind, "leases.coordination.k8s.io")) {
    if (namespace !== "kube-node-lease") return refuse('can only access leases in the "kube-node-lease" system namespace');
    if (name !== node) return refuse("can only access node lease with the same name as the requesting node");
  } else if (is(kind, "pods")) {
    const own = old?.spec?.nodeName === node;
    if (!old) return refuse(`pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`);
    if (deleting) return own ? undefined : refuse(`node "${node}" can only delete pods with spec.nodeName set to itself`);
    if (subresource !== "status") return refuse(`node "${node}" can only update the status of pods`);
    if (!own) return refuse(`node "${node}" can only update pod status for pods with spec.nodeName set to itself`);
  }
  return undefined;
}

/** Changed labels by which Kubernetes and we tell nodes apart, but for those that a machine says of itself. */
function keptLabels(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]);
  return changed.filter((key) => {
    const domain = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
    return ofTheCluster.test(domain) && !ownDomains.test(domain) && !ownLabels.includes(key);
  }).sort();
}
const ofTheCluster = /(^|\.)(kubernetes\.io|k8s\.io|skerry\.dev)$/, ownDomains = /^((.+\.)?kubelet|(.+\.)?node)\.kubernetes\.io$/;
const ownLabels: readonly string[] = [
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
];
