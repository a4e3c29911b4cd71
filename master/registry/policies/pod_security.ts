// Pods are as harmless as their namespace's labels want them (upstream's PodSecurity): who makes another one is refused or warned, and so is warned who makes
// something that would make such pods, or asks for more than the pods in a namespace can stand. (`audit` is checked and not recorded: there is no audit log.)
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import { allContainers } from "../../../shared/api/kinds/pod/defaults.ts";
import type { PodSpec, PodTemplateSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { sameJson } from "../../../shared/api/json.ts";
import { qualified } from "../../../shared/api/resource.ts";
import { type ApiError, forbiddenObject, invalidObject } from "../../../shared/api/status.ts";
import { podSecurityPods } from "../../../shared/limits.ts";
import type { Change } from "../change.ts";
import type { Draft } from "../lifecycle.ts";
import { checkLabels, isStricter, type Level, levelOf, levelText, violations } from "./pod_security/levels.ts";

export async function podSecurity(change: Change): Promise<ApiError | undefined> {
  const { kind, object, old, context: { world, warn, subresource = "" } } = change, name = qualified(kind);
  if (name === "namespaces") return await ofNamespace(change);
  const isPod = name === "pods", made = isPod ? object as unknown as PodTemplateSpec : templateIn(name, object);
  if (!made?.spec || (subresource !== "" && subresource !== "ephemeralcontainers")) return undefined;
  if (isPod && old && sameJson(images(made.spec), images((old as unknown as Pod).spec!))) return undefined;
  const labels = await world.namespaceLabels(object.metadata.namespace ?? "") ?? {};
  const against = (level: Level) => {
    const found = violations(level, made.metadata ?? {}, made.spec!).map(({ reason, detail }) => `${reason} (${detail})`).join(", ");
    return found && `violate PodSecurity ${JSON.stringify(levelText(level))}: ${found}`;
  };
  const refused = isPod && against(levelOf(labels, "enforce"));
  if (refused) return forbiddenObject(kind, object.metadata.name ?? "", refused.replace("violate", "violates"));
  const warned = warn && against(levelOf(labels, "warn"));
  if (warned) warn(`would ${warned}`);
  return undefined;
}

async function ofNamespace(
  { kind, object: { metadata }, old, context: { world, warn, subresource = "" } }: Change,
): Promise<ApiError | undefined> {
  const { name = "", labels = {} } = metadata;
  if (subresource !== "") return undefined;
  const causes = checkLabels(labels, old?.metadata.labels), level = levelOf(labels, "enforce");
  if (causes.length > 0) return invalidObject(kind, name, causes);
  if (!warn || !old || !isStricter(level, levelOf(old.metadata.labels ?? {}, "enforce"))) return undefined;
  const found = new Map<string, string[]>();
  for (const { metadata = {}, spec } of await world.pods(name, podSecurityPods)) {
    const reasons = violations(level, metadata, spec!).map(({ reason }) => reason).join(", ");
    if (reasons) found.set(reasons, [...found.get(reasons) ?? [], metadata.name!].sort());
  }
  if (found.size > 0) {
    warn(
      `existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level ${JSON.stringify(levelText(level))}`,
    );
  }
  for (const words of [...found].map(([reasons, pods]) => `${pods[0]}${others(pods.length - 1)}: ${reasons}`).sort()) warn(words);
  return undefined;
}
const others = (count: number): string => count === 0 ? "" : ` (and ${count} other ${count === 1 ? "pod" : "pods"})`;

/** Of what can change in a pod, only what runs in it can make it worse. */
const images = (spec: PodSpec) => allContainers(spec).map(({ name, image }) => [name, image]);

const workloads = ["deployments.apps", "replicasets.apps", "daemonsets.apps", "statefulsets.apps", "jobs.batch", "replicationcontrollers"];
function templateIn(name: string, object: Draft): PodTemplateSpec | undefined {
  const { spec, template } = object as {
    spec?: { template?: PodTemplateSpec; jobTemplate?: { spec?: { template?: PodTemplateSpec } } };
    template?: PodTemplateSpec;
  };
  if (name === "podtemplates") return template;
  if (name === "cronjobs.batch") return spec?.jobTemplate?.spec?.template;
  return workloads.includes(name) ? spec?.template : undefined;
}
