// What one object takes of its namespace's quotas, and which quotas it counts for (upstream's evaluators, pkg/quota/v1/evaluator/core).
import type { PersistentVolumeClaim } from "../../../shared/api/kinds/persistent_volume_claim.ts";
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { qosClass } from "../../../shared/api/kinds/pod/qos.ts";
import { podTotals, quantitiesOf, type Totals, withOverhead } from "../../../shared/api/kinds/pod/totals.ts";
import type { ResourceQuota, ScopedResourceSelectorRequirement } from "../../../shared/api/kinds/resource_quota.ts";
import type { Service } from "../../../shared/api/kinds/service.ts";
import { parseQuantity, type Quantity } from "../../../shared/api/quantity.ts";
import { type Kind, type KubernetesObject, qualified } from "../../../shared/api/resource.ts";
import { matchLabels, type Requirement } from "../../../shared/api/selector.ts";

type Mutable = Record<string, Quantity>;
const pieces = (count: number): Quantity => parseQuantity(String(count));
const one = pieces(1);

/** Kinds of which nothing is counted, as upstream. */
const uncounted = ["events", "events.events.k8s.io"];
export const isCounted = (kind: Kind): boolean => kind.namespaced && !uncounted.includes(qualified(kind));

/** Names that are as good as `count/…` of the same kind. */
const counted = ["configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"];
const measured = ["cpu", "memory", "ephemeral-storage"];
/** Of these a container must say something where a quota has them: so it has been since before there was anything else to go by. */
const mustBeSaid = ["cpu", "memory"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]);
const ofPods = ["pods", ...measured.flatMap((name) => [name, `requests.${name}`, `limits.${name}`])];
const storageClassSuffix = ".storageclass.storage.k8s.io/";

/** Is it a resource that objects of this kind take any of? */
export function takes(kind: Kind, resource: string): boolean {
  const plural = qualified(kind);
  if (resource === `count/${plural}` || (resource === plural && counted.includes(plural))) return true;
  if (plural === "pods") return ofPods.includes(resource) || /^(requests\.)?hugepages-/.test(resource) || /^requests\..*\//.test(resource);
  if (plural === "services") return resource === "services.nodeports" || resource === "services.loadbalancers";
  return plural === "persistentvolumeclaims" && (resource === "requests.storage" || resource.includes(storageClassSuffix));
}

/** @param now ms: a pod whose grace period is over counts no more, whatever its node has to say */
export function usage(kind: Kind, object: KubernetesObject, now: number): Totals {
  const plural = qualified(kind), taken: Mutable = { [`count/${plural}`]: one };
  if (counted.includes(plural)) taken[plural] = one;
  if (plural === "pods") return { ...taken, ...lives(object as Pod, now) && ofPod((object as Pod).spec!) };
  if (plural === "services") return { ...taken, ...ofService(object as Service) };
  return plural === "persistentvolumeclaims" ? { ...taken, ...ofClaim(object as PersistentVolumeClaim) } : taken;
}

export function lives({ metadata, status }: Pod, now: number): boolean {
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  return metadata?.deletionTimestamp === undefined || now <= endOfGrace({ metadata });
}
/** The deletionTimestamp is the end of the grace period; once more as long is left to the node, as upstream. */
export const endOfGrace = ({ metadata: { deletionTimestamp = "", deletionGracePeriodSeconds = 0 } = {} }: Pick<Pod, "metadata">): number =>
  Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;

function ofPod(spec: PodSpec): Totals {
  const limits = podTotals(spec, "limits"), { overhead = {} } = spec;
  // What is not limited does not become so by what running the pod costs.
  const ofLimited = Object.fromEntries(Object.entries(overhead).filter(([name]) => Object.hasOwn(limits, name)));
  return { pods: one, ...compute(withOverhead(podTotals(spec, "requests"), overhead), withOverhead(limits, ofLimited)) };
}
function compute(requests: Totals, limits: Totals): Totals {
  const taken: Mutable = {};
  for (const [name, amount] of Object.entries(requests)) {
    if (measured.includes(name) || name.startsWith("hugepages-")) taken[name] = taken[`requests.${name}`] = amount;
    else if (name.includes("/")) taken[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(limits)) if (measured.includes(name)) taken[`limits.${name}`] = amount;
  return taken;
}
function ofService({ spec: { type, ports = [], allocateLoadBalancerNodePorts = true } = {} }: Service): Totals {
  const wanted = type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts);
  const asked = type === "LoadBalancer" ? ports.filter(({ nodePort }) => nodePort) : [];
  return {
    "services.nodeports": pieces((wanted ? ports : asked).length),
    "services.loadbalancers": pieces(type === "LoadBalancer" ? 1 : 0),
  };
}
function ofClaim({ metadata, spec }: PersistentVolumeClaim): Totals {
  const storage = quantitiesOf(spec?.resources?.requests).storage;
  const storageClass = metadata?.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec?.storageClassName;
  const taken: Mutable = storage ? { "requests.storage": storage } : {};
  if (!storageClass) return taken;
  taken[`${storageClass}${storageClassSuffix}persistentvolumeclaims`] = one;
  if (storage) taken[`${storageClass}${storageClassSuffix}requests.storage`] = storage;
  return taken;
}

/** What its containers do not say, of that which a quota wants said: `must specify limits.cpu for: a,b; …` */
export function unsaid(kind: Kind, object: KubernetesObject, resources: readonly string[]): string | undefined {
  if (qualified(kind) !== "pods") return undefined;
  const { containers = [], initContainers = [] } = (object as Pod).spec!;
  const missing = resources.filter((name) => mustBeSaid.includes(name)).sort().flatMap((name) => {
    const silent = [...containers, ...initContainers].filter(({ resources }) =>
      !Object.hasOwn(compute(quantitiesOf(resources?.requests), quantitiesOf(resources?.limits)), name)
    );
    return silent.length > 0 ? [`${name} for: ${[...new Set(silent.map((container) => container.name))].sort().join()}`] : [];
  });
  return missing.length > 0 ? `must specify ${missing.join("; ")}` : undefined;
}

/** Does the object count for the quota? Only pods can be told apart by scopes; a quota with scopes is about nothing else. */
export function inScope(kind: Kind, object: KubernetesObject, { spec: { scopes = [], scopeSelector } = {} }: ResourceQuota): boolean {
  const rules: ScopedResourceSelectorRequirement[] = [
    ...scopes.map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...scopeSelector?.matchExpressions ?? [],
  ];
  return rules.length === 0 || (qualified(kind) === "pods" && rules.every((rule) => holds(rule, object as Pod)));
}
function holds({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  const spec = pod.spec!, { priorityClassName = "", activeDeadlineSeconds = -1 } = spec;
  switch (scopeName) {
    case "Terminating":
      return activeDeadlineSeconds >= 0;
    case "NotTerminating":
      return activeDeadlineSeconds < 0;
    case "BestEffort":
      return qosClass(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClass(pod) !== "BestEffort";
    case "PriorityClass":
      return matchLabels(
        [{ key: scopeName, operator, values } as Requirement],
        priorityClassName ? { [scopeName]: priorityClassName } : {},
      );
    case "CrossNamespacePodAffinity":
      return crossesNamespaces(spec);
    default:
      return false;
  }
}
function crossesNamespaces({ affinity: { podAffinity, podAntiAffinity } = {} }: PodSpec): boolean {
  return [podAffinity, podAntiAffinity].some((terms) =>
    [
      ...terms?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
      ...(terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined)
  );
}
