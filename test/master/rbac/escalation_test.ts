import * as assert from "uvu/assert";
import { clusterRoles, type PolicyRule, roles } from "../../../shared/api/kinds/role.ts";
import { clusterRoleBindings, roleBindings } from "../../../shared/api/kinds/role_binding.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { notFound } from "../../../shared/api/status.ts";
import { grantedRights } from "../../../shared/limits.ts";
import type { Authorizer } from "../../../master/rbac/authorizer.ts";
import { escalation } from "../../../master/rbac/escalation.ts";
import { allows } from "../../../master/rbac/rules.ts";
import type { User } from "../../../master/rbac/user.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("escalation()");
const jane: User = { name: "jane", groups: ["crew", "system:authenticated"] };
const rule = (verb: string, resource: string, group = "", ...resourceNames: string[]): PolicyRule => ({
  verbs: [verb],
  apiGroups: [group],
  resources: [resource],
  ...(resourceNames.length > 0 && { resourceNames }),
});
const rbac = "rbac.authorization.k8s.io",
  existing: Record<string, readonly PolicyRule[]> = { reader: [rule("get", "pods")], all: [rule("*", "*", "*")] };
/** Somebody with these rights, and the roles `reader` and `all`. */
const holding = (...rules: PolicyRule[]): Authorizer => ({
  authorize: (_, wanted) => ({ allowed: rules.some((one) => allows(one, wanted)), reason: "" }),
  rightsOf: () => ({ rules, incomplete: false }),
  rulesOf({ name }) {
    if (!existing[name]) throw notFound(roles as never, name);
    return existing[name];
  },
});
const why = (authorizer: Authorizer, kind: unknown, object: object, old?: object, user = jane): string | undefined =>
  escalation(authorizer, user, { kind: kind as Kind, object, ...(old && { old }) })?.message;
const metadata = { name: "r", namespace: "n" };
const binding = (name: string, kind = "Role") => ({ metadata, subjects: [], roleRef: { apiGroup: rbac, kind, name } });

test("escalation() lets somebody write a role of what they have, and no other, in Kubernetes' words", () => {
  const authorizer = holding(rule("get", "pods"), rule("list", "pods"));
  assert.is(why(authorizer, roles, { metadata, rules: [{ verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] }] }), undefined);
  assert.is(
    why(authorizer, roles, { metadata, rules: [{ verbs: ["get", "delete"], apiGroups: [""], resources: ["pods"] }] }),
    'roles.rbac.authorization.k8s.io "r" is forbidden: user "jane" (groups=["crew" "system:authenticated"]) is attempting to grant RBAC permissions not ' +
      'currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
  );
});
test("escalation() lets administrators, and whoever may escalate or bind, give anything", () => {
  const everything = { metadata, rules: [rule("*", "*", "*")] };
  assert.is(why(holding(), roles, everything, undefined, { name: "a", groups: ["system:masters"] }), undefined);
  assert.is(why(holding(rule("escalate", "roles", rbac)), roles, everything), undefined);
  assert.match(why(holding(rule("escalate", "roles", rbac)), clusterRoles, everything)!, /not currently held/);
  assert.match(why(holding(rule("escalate", "roles", rbac, "other")), roles, everything)!, /not currently held/);
  assert.is(why(holding(rule("bind", "roles", rbac, "all")), roleBindings, binding("all")), undefined);
  assert.match(why(holding(rule("bind", "clusterroles", rbac, "all")), roleBindings, binding("all"))!, /not currently held/);
});
test("escalation() looks at what a bound role allows; one that is not there nobody may bind", () => {
  assert.is(why(holding(rule("get", "pods")), roleBindings, binding("reader")), undefined);
  assert.match(why(holding(rule("get", "pods")), clusterRoleBindings, binding("all", "ClusterRole"))!, /Verbs:\["\*"\]/);
  assert.match(why(holding(rule("get", "pods")), roleBindings, binding("nothing"))!, /"nothing" not found$/);
});
test("escalation() takes an aggregation for all that there can be", () => {
  const object = { metadata, rules: [], aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } };
  assert.match(
    why(holding(rule("get", "*", "*")), clusterRoles, object)!,
    /must have cluster-admin privileges to use the aggregationRule$/,
  );
  assert.is(why(holding(rule("*", "*", "*"), { verbs: ["*"], nonResourceURLs: ["*"] }), clusterRoles, object), undefined);
});
test("escalation() lets owners and finalizers change, but no label: that could feed an aggregation", () => {
  const old = { metadata, rules: [rule("delete", "pods")] };
  assert.is(why(holding(), roles, { ...old, metadata: { ...metadata, finalizers: ["a/b"] } }, old), undefined);
  assert.match(why(holding(), roles, { ...old, metadata: { ...metadata, labels: { a: "b" } } }, old)!, /not currently held/);
});
test("escalation() does not look for more single rights than it should", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `x${i}`), side = Math.ceil(grantedRights ** (1 / 3)) + 1;
  const rules = [{ verbs: many(side), apiGroups: many(side), resources: many(side) }];
  assert.match(why(holding(), roles, { metadata, rules })!, /gives more than \d+ rights at once/);
});
