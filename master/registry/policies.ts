// The policies among the steps of admission, one function each; admission.ts has their order.
import { type Kind, qualified } from "../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../shared/api/status.ts";
import type { Change, PriorityClassFacts } from "./change.ts";

const is = (kind: Kind, name: string): boolean => qualified(kind) === name;

/** A label by which selectors can name a namespace. */
export function namespaceNameLabel({ kind, object: { metadata } }: Change): undefined {
  if (is(kind, "namespaces")) metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name! };
}

/** Every Pod runs as somebody. `serviceAccount` is the old name of the same field. */
export function podServiceAccount({ kind, object, old }: Change): undefined {
  if (!is(kind, "pods") || old || !object.spec) return;
  const spec = object.spec as { serviceAccountName?: string; serviceAccount?: string };
  spec.serviceAccountName ||= spec.serviceAccount || "default";
  spec.serviceAccount = spec.serviceAccountName;
}

/** Known without an object (scheduling.k8s.io, SystemPriorityClasses). */
const builtIn: readonly PriorityClassFacts[] = [
  { name: "system-node-critical", value: 2_000_001_000, globalDefault: false, preemptionPolicy: "PreemptLowerPriority" },
  { name: "system-cluster-critical", value: 2_000_000_000, globalDefault: false, preemptionPolicy: "PreemptLowerPriority" },
];
export function podPriority({ kind, object, old, context }: Change): ApiError | undefined {
  if (!is(kind, "pods") || old || !object.spec) return undefined;
  const { name = "" } = object.metadata, known = [...(context.priorityClasses ?? []), ...builtIn];
  const spec = object.spec as { priorityClassName?: string; priority?: number; preemptionPolicy?: string };
  let chosen: PriorityClassFacts | undefined;
  if (spec.priorityClassName) {
    chosen = known.find((candidate) => candidate.name === spec.priorityClassName);
    if (!chosen) return forbiddenObject(kind, name, `no PriorityClass with name ${spec.priorityClassName} was found`);
  } else {
    // Of several defaults the lowest, as upstream.
    chosen = known.filter((candidate) => candidate.globalDefault).sort((a, b) => a.value - b.value)[0];
    if (chosen) spec.priorityClassName = chosen.name;
  }
  const value = chosen?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== value) {
    const why =
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    return forbiddenObject(kind, name, why);
  }
  spec.priority = value;
  if (chosen) spec.preemptionPolicy = chosen.preemptionPolicy;
  return undefined;
}

/** Who asks for a certificate is not the asker's to say. */
export function certificateRequester({ kind, object, old, context: { user } }: Change): undefined {
  if (!is(kind, "certificatesigningrequests.certificates.k8s.io") || old || !user || !object.spec) return;
  object.spec = { ...object.spec, username: user.name, groups: [...user.groups], ...(user.uid && { uid: user.uid }) };
}

/** Nodes are confined to their own Node, Lease and Pods (NodeRestriction). */
export function nodeRestriction(
  { kind, object, old, context, deleting = false }: Change & { readonly deleting?: boolean },
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
