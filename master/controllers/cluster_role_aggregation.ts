// A ClusterRole with an aggregationRule has the rules of all ClusterRoles that it selects: so `view` learns of kinds that somebody adds.
import { type ClusterRole, clusterRoles, type PolicyRule } from "../../shared/api/kinds/role.ts";
import { sameJson } from "../../shared/api/json.ts";
import { fromLabelSelector, matchLabels } from "../../shared/api/selector.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import type { Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";

/** By name of the roles, each rule once. */
export function planRules(role: Stored<ClusterRole>, all: Iterable<Stored<ClusterRole>>): PolicyRule[] {
  const selectors = (role.object.aggregationRule?.clusterRoleSelectors ?? []).map(fromLabelSelector), found = new Map<string, PolicyRule>();
  const selected = [...all].filter(({ name, labels }) => name !== role.name && selectors.some((selector) => matchLabels(selector, labels)));
  for (const { object } of selected.sort((a, b) => a.name < b.name ? -1 : 1)) {
    for (const rule of object.rules ?? []) found.set(JSON.stringify(rule), rule);
  }
  return [...found.values()];
}

export const clusterRoleAggregationController: Controller = {
  name: "cluster-role-aggregation",
  *keysOf({ kind }, cache) {
    if (kind.group === clusterRoles.group && kind.plural === clusterRoles.plural) yield* aggregated(cache);
  },
  allKeys: aggregated,
  async reconcile(name, { cache, registry }) {
    const role = cache.get(clusterRoles, "", name);
    if (!role?.object.aggregationRule || role.deleting) return;
    const rules = planRules(role, cache.list(clusterRoles));
    if (sameJson(rules, role.object.rules)) return;
    await registry.modify(clusterRoles, { name }, (object) => void (object.rules = rules)).catch(unless("NotFound"));
  },
};

function* aggregated(cache: Cache): Iterable<string> {
  for (const { name, object } of cache.list(clusterRoles)) if (object.aggregationRule) yield name;
}
