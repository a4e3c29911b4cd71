// The default roles and bindings, made where they are missing and repaired at every start: what somebody took from them comes back, what somebody added stays.
// Who wants it otherwise annotates the object with autoupdate "false".
import { type ClusterRole, clusterRoles } from "../../shared/api/kinds/role.ts";
import { type ClusterRoleBinding, clusterRoleBindings } from "../../shared/api/kinds/role_binding.ts";
import { sameJson } from "../../shared/api/json.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { ApiError } from "../../shared/api/status.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Registry } from "../registry/face.ts";
import { autoupdate, defaultBindings, defaultRoles } from "./defaults.ts";
import { missingFrom } from "./rules.ts";

/** Every master may run it at every start. */
export async function prepareRoles({ registry, log }: { registry: Registry; log: Log }): Promise<void> {
  const changed = [
    ...await keep(registry, clusterRoles, defaultRoles, repairedRole),
    ...await keep(registry, clusterRoleBindings, defaultBindings, repairedBinding),
  ];
  if (changed.length > 0) log.info("Default roles and bindings written", { count: changed.length });
}

async function keep<T extends KubernetesObject>(
  registry: Registry,
  kind: Kind<T>,
  wanted: readonly T[],
  repaired: (had: T, wanted: T) => T,
) {
  const had = new Map((await registry.list(kind)).items.map((stored) => [stored.name, stored.object]));
  const changed = wanted.filter((one) => {
    const old = had.get(one.metadata!.name!);
    return !old || !sameJson(repaired(old, one), old);
  });
  await Promise.all(changed.map(async (one) => {
    const name = one.metadata!.name!;
    try {
      if (had.has(name)) await registry.modify(kind, { name }, (old) => repaired(old, one));
      else await registry.create(kind, one);
    } catch (error) {
      // Another master was faster, or somebody has just deleted it: the next start sees.
      if (!(error instanceof ApiError && (error.reason === "AlreadyExists" || error.reason === "NotFound"))) throw error;
    }
  }));
  return changed;
}

export function repairedRole(had: ClusterRole, wanted: ClusterRole): ClusterRole {
  if (isLeftAlone(had)) return had;
  const metadata = withOurs(had, wanted);
  if (wanted.aggregationRule) {
    const selectors = had.aggregationRule?.clusterRoleSelectors ?? [];
    const lacking = wanted.aggregationRule.clusterRoleSelectors!.filter((selector) =>
      !selectors.some((other) => sameJson(other, selector))
    );
    return { ...had, metadata, aggregationRule: { clusterRoleSelectors: [...selectors, ...lacking] } };
  }
  const rules = had.rules ?? [], lacking = (wanted.rules ?? []).filter((rule) => missingFrom(rules, [rule]).length > 0);
  return { ...had, metadata, rules: [...rules, ...lacking] };
}
/** Its roleRef cannot change: a binding of another role stays what somebody has made of it. */
export function repairedBinding(had: ClusterRoleBinding, wanted: ClusterRoleBinding): ClusterRoleBinding {
  if (isLeftAlone(had)) return had;
  const subjects = had.subjects ?? [], lacking = wanted.subjects!.filter((subject) => !subjects.some((other) => sameJson(other, subject)));
  return { ...had, metadata: withOurs(had, wanted), subjects: [...subjects, ...lacking] };
}
const isLeftAlone = ({ metadata }: KubernetesObject): boolean => metadata?.annotations?.[autoupdate] === "false";
const withOurs = ({ metadata }: KubernetesObject, wanted: KubernetesObject) => ({
  ...metadata,
  labels: { ...metadata?.labels, ...wanted.metadata?.labels },
  annotations: { ...wanted.metadata?.annotations, ...metadata?.annotations },
});
