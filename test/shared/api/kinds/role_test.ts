import * as assert from "uvu/assert";
import { clusterRoles, roles } from "../../../../shared/api/kinds/role.ts";
import { clusterRoleBindings, roleBindings } from "../../../../shared/api/kinds/role_binding.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("roles and their bindings");
const metadata = { name: "a:b", creationTimestamp: "2026-01-02T03:04:05Z" };
const group = "rbac.authorization.k8s.io", roleRef = { apiGroup: group, kind: "ClusterRole", name: "view" };
const rule = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };

test("Roles show when they were made", () => {
  assert.equal(cells(roles, admit(roles, { metadata, rules: [rule] }).object), { Name: "a:b", "Created At": "2026-01-02T03:04:05Z" });
});
test("Roles without rules have an empty list of them", () => {
  assert.equal(admit(clusterRoles, { metadata }).object.rules, []);
});
test("a rule is about resources or about paths, and about something", () => {
  const causes = (rule: object, kind: typeof clusterRoles = clusterRoles) => admit(kind, { metadata, rules: [rule] }).causes;
  assert.equal(causes(rule), []);
  assert.equal(causes({ verbs: ["get"], nonResourceURLs: ["/metrics"] }), []);
  assert.equal(causes({ apiGroups: [""] }), [
    "rules[0].verbs: Required value: verbs must contain at least one value",
    "rules[0].resources: Required value: resource rules must supply at least one resource",
  ]);
  assert.equal(causes({ verbs: ["get"], resources: ["pods"] }), [
    "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
  ]);
  assert.equal(causes({ ...rule, nonResourceURLs: ["/x"] }), [
    'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
  ]);
  assert.equal(causes({ verbs: ["get"], nonResourceURLs: ["/x"] }, roles as never), [
    'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
  ]);
});
test("an aggregation selects something, by labels that can be", () => {
  const causes = (clusterRoleSelectors: object[]) => admit(clusterRoles, { metadata, aggregationRule: { clusterRoleSelectors } }).causes;
  assert.equal(causes([{ matchLabels: { a: "b" } }]), []);
  assert.equal(causes([]), [
    "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
  ]);
  assert.match(causes([{ matchLabels: { "!": "b" } }])[0]!, /^aggregationRule\.clusterRoleSelectors\[0\]\.matchLabels: Invalid value: "!"/);
});

test("bindings show their role, and with -o wide whom they are for", () => {
  const subjects = [
    { kind: "User", name: "u" },
    { kind: "Group", name: "g" },
    { kind: "User", name: "v" },
    { kind: "ServiceAccount", name: "s", namespace: "n" },
  ];
  const { object } = admit(roleBindings, { metadata, roleRef: { kind: "ClusterRole", name: "view" }, subjects });
  assert.equal(cells(roleBindings, object, Date.parse("2026-01-02T03:05:05Z")), {
    Name: "a:b",
    Role: "ClusterRole/view",
    Age: "60s",
    Users: "u, v",
    Groups: "g",
    ServiceAccounts: "n/s",
  });
  assert.equal([object.roleRef.apiGroup, ...object.subjects!.map(({ apiGroup }) => apiGroup)], [group, group, group, group, undefined]);
});
test("a binding names a role that there can be, and somebody", () => {
  const causes = (change: object, kind: typeof roleBindings = roleBindings) => admit(kind, { metadata, roleRef, ...change }).causes;
  assert.equal(causes({}), []);
  assert.equal(causes({ roleRef: { apiGroup: "x", kind: "Group", name: "a/b" } }), [
    'roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"',
    'roleRef.kind: Unsupported value: "Group": supported values: "ClusterRole", "Role"',
    "roleRef.name: Invalid value: \"a/b\": may not contain '/'",
  ]);
  assert.equal(causes({ roleRef: { ...roleRef, kind: "Role" } }, clusterRoleBindings as never), [
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
  ]);
  const subject = (subject: object, kind?: typeof roleBindings) => causes({ subjects: [subject] }, kind);
  assert.equal(subject({ kind: "User" }), ["subjects[0].name: Required value"]);
  assert.equal(subject({ kind: "user", name: "a" }), [
    'subjects[0].kind: Unsupported value: "user": supported values: "Group", "ServiceAccount", "User"',
  ]);
  assert.equal(subject({ kind: "User", name: "a", apiGroup: "x" }), [
    'subjects[0].apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"',
  ]);
  assert.equal(subject({ kind: "ServiceAccount", name: "a" }), []);
  assert.equal(subject({ kind: "ServiceAccount", name: "a" }, clusterRoleBindings as never), ["subjects[0].namespace: Required value"]);
  assert.equal(subject({ kind: "ServiceAccount", name: "a", namespace: "n", apiGroup: group }), [
    'subjects[0].apiGroup: Unsupported value: "rbac.authorization.k8s.io": supported values: ""',
  ]);
  assert.match(
    subject({ kind: "ServiceAccount", name: "A:b" })[0]!,
    /^subjects\[0\]\.name: Invalid value: "A:b": a lowercase RFC 1123 subdomain/,
  );
});
test("a binding keeps its role", () => {
  const old = admit(roleBindings, { metadata, roleRef }).object;
  assert.equal(admit(roleBindings, { metadata, roleRef, subjects: [{ kind: "User", name: "u" }] }, old).causes, []);
  assert.equal(admit(roleBindings, { metadata, roleRef: { ...roleRef, name: "edit" } }, old).causes, [
    'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"edit"}: cannot change roleRef',
  ]);
});
