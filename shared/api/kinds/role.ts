// What may be done: Role in one namespace, ClusterRole everywhere. Only bindings give it to anybody.
import type { Cause } from "../decode.ts";
import { validateLabelSelector } from "../labels.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { type Column, invalid, type KubernetesObject, missing, resource } from "../resource.ts";
import { atomic, field, kind, list, message, optional, required, string } from "../schema.ts";

export const rbacGroup = "rbac.authorization.k8s.io";
const rbac = "k8s.io.api.rbac.v1";

export class PolicyRule extends message(`${rbac}.PolicyRule`, "What may be done with some resources, or at some paths.", {
  verbs: required(1, list(string), "The verbs; `*` for all.", { ...atomic, default: [] }),
  apiGroups: field(2, list(string), "The groups that the resources are in; empty text for the core, `*` for all.", atomic),
  resources: field(3, list(string), "The kinds, by their plurals, or `plural/subresource`; `*` for all.", atomic),
  resourceNames: field(4, list(string), "The objects, by their names; none for all.", atomic),
  nonResourceURLs: field(5, list(string), "Paths that name no resource; `*` at the end stands for anything. In ClusterRoles only.", atomic),
}) {}

export class AggregationRule extends message(`${rbac}.AggregationRule`, "Of which ClusterRoles the rules of another are made.", {
  clusterRoleSelectors: field(1, list(LabelSelector), "Whatever one of these selects.", atomic),
}) {}

const rules = field(2, list(PolicyRule), "What may be done: whatever one of them says.", { ...atomic, default: [] });

export class Role extends kind(`${rbacGroup}/v1`, `${rbac}.Role`, "What may be done in one namespace.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  rules,
}) {}
export class ClusterRole extends kind(`${rbacGroup}/v1`, `${rbac}.ClusterRole`, "What may be done, in one namespace or in all.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  rules,
  aggregationRule: optional(3, AggregationRule, "The rules are those of other ClusterRoles; a controller keeps them so."),
}) {}

const createdAt: Column<KubernetesObject> = { type: "date", cell: ({ metadata }) => metadata?.creationTimestamp ?? "" };
const facts = { names: "path", age: false, columns: { "Created At": createdAt } } as const;

export const roles = resource(Role, {
  ...facts,
  plural: "roles",
  namespaced: true,
  validate: ({ rules = [] }) => rules.flatMap((rule, i) => validateRule(rule, `rules[${i}]`, true)),
});
export const clusterRoles = resource(ClusterRole, {
  ...facts,
  plural: "clusterroles",
  namespaced: false,
  validate: ({ rules = [], aggregationRule }) => [
    ...rules.flatMap((rule, i) => validateRule(rule, `rules[${i}]`, false)),
    ...aggregationRule ? validateAggregation(aggregationRule) : [],
  ],
});

function validateRule(
  { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs }: PolicyRule,
  at: string,
  namespaced: boolean,
): Cause[] {
  const causes: Cause[] = [];
  if (verbs.length === 0) causes.push(missing(`${at}.verbs`, "verbs must contain at least one value"));
  if (nonResourceURLs) {
    const here = `${at}.nonResourceURLs`;
    if (namespaced) causes.push(invalid(here, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      causes.push(invalid(here, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"));
    }
    return causes;
  }
  if (apiGroups.length === 0) causes.push(missing(`${at}.apiGroups`, "resource rules must supply at least one api group"));
  if (resources.length === 0) causes.push(missing(`${at}.resources`, "resource rules must supply at least one resource"));
  return causes;
}

function validateAggregation({ clusterRoleSelectors = [] }: AggregationRule): Cause[] {
  const at = "aggregationRule.clusterRoleSelectors";
  if (clusterRoleSelectors.length === 0) return [missing(at, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return clusterRoleSelectors.flatMap((selector, i) => validateLabelSelector(selector, `${at}[${i}]`));
}
