// What a pod has that nobody wrote, as far as it depends on other fields; the rest stands beside the fields. All of it is idempotent.
import type { Container, EphemeralContainer } from "./container.ts";
import type { PodSpec } from "./pod_spec.ts";

/** Of pods and of templates. */
export function defaultPodSpec(spec: PodSpec): void {
  for (const container of allContainers(spec)) {
    if (container.image) container.imagePullPolicy ??= pullPolicyOf(container.image);
  }
  for (const volume of spec.volumes ?? []) {
    if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
    if (volume.image) volume.image.pullPolicy ??= pullPolicyOf(volume.image.reference ?? "");
  }
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) spec.serviceAccountName = spec.serviceAccount = account;
}

/**
 * Of pods alone; a template stays as it was written. Priority and ServiceAccount depend on other objects, so admission sets them. The two tolerations
 * for unready and unreachable nodes that Kubernetes adds are missing on purpose: here a node out of reach keeps its pods.
 */
export function defaultPod({ spec }: { spec?: PodSpec }): void {
  if (!spec) return;
  defaultPodSpec(spec);
  for (const container of [...spec.containers ?? [], ...spec.initContainers ?? []]) {
    const { limits } = container.resources ?? {};
    if (limits) container.resources = { ...container.resources, requests: { ...limits, ...container.resources?.requests } };
    if (spec.hostNetwork) { for (const port of container.ports ?? []) port.hostPort ||= port.containerPort; }
  }
  spec.enableServiceLinks ??= true;
}

/** What the system chose at a pod's birth and its writers need not repeat. */
export function inheritPod({ spec }: { spec?: PodSpec }, { spec: old }: { spec?: PodSpec }): void {
  if (!spec || !old) return;
  const account = spec.serviceAccountName ?? spec.serviceAccount ?? old.serviceAccountName;
  if (account !== undefined) spec.serviceAccountName = spec.serviceAccount = account;
  if (old.priority !== undefined) spec.priority ??= old.priority;
  if (old.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy;
}

/** In the order in which they start; `containers` may be missing in an object that is still to be validated. */
export const allContainers = (spec: PodSpec): (Container | EphemeralContainer)[] => [
  ...spec.initContainers ?? [],
  ...spec.containers ?? [],
  ...spec.ephemeralContainers ?? [],
];

/** `latest` and no tag at all may mean another image tomorrow. A digest never does. */
export function pullPolicyOf(image: string): "Always" | "IfNotPresent" {
  const [reference = "", digest] = image.split("@", 2);
  const tag = /:([^/:]+)$/.exec(reference)?.[1];
  return tag === "latest" || (tag === undefined && digest === undefined) ? "Always" : "IfNotPresent";
}
