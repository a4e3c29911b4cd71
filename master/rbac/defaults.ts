// The ClusterRoles and bindings that every cluster has, under Kubernetes' names. What upstream's own components would need is left out: ours write through
// the registry. Kinds that are not there yet are named already, so that nobody's rights change on the day they come.
import type { ClusterRole, PolicyRule } from "../../shared/api/kinds/role.ts";
import type { ClusterRoleBinding } from "../../shared/api/kinds/role_binding.ts";
import { rbacGroup } from "../../shared/api/kinds/role.ts";
import { admins, authenticated, unauthenticated } from "./user.ts";

/** "false" keeps the master from repairing the object. */
export const autoupdate = "rbac.authorization.kubernetes.io/autoupdate";
const annotations = { [autoupdate]: "true" };
const labels = { "kubernetes.io/bootstrapping": "rbac-defaults" };
const aggregateTo = (role: string) => `rbac.authorization.k8s.io/aggregate-to-${role}`;

const read = ["get", "list", "watch"], write = ["create", "delete", "deletecollection", "patch", "update"];
const rule = (verbs: readonly string[], group: string, ...resources: string[]): PolicyRule => ({
  verbs: [...verbs],
  apiGroups: [group],
  resources,
});
const paths = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ["get"], nonResourceURLs });
/** Each with its status. */
const withStatus = (...plurals: string[]): string[] => plurals.flatMap((plural) => [plural, `${plural}/status`]);
const scaled = (...plurals: string[]): string[] => plurals.flatMap((plural) => [plural, `${plural}/scale`]);

const role = (name: string, rules: PolicyRule[], more: Record<string, string> = {}): ClusterRole => ({
  metadata: { name, labels: { ...labels, ...more }, annotations },
  rules,
});
/** The rules are those of all ClusterRoles that say so by a label: the next three, and what people add. */
const aggregated = (name: string, more: Record<string, string> = {}): ClusterRole => ({
  ...role(name, [], more),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(name)]: "true" } }] },
});

const viewed: PolicyRule[] = [
  rule(
    read,
    "",
    "pods",
    "pods/log",
    "pods/status",
    "services",
    "services/status",
    "endpoints",
    "configmaps",
    "serviceaccounts",
    "events",
    "bindings",
  ),
  rule(
    read,
    "",
    "namespaces",
    "namespaces/status",
    "limitranges",
    ...withStatus("resourcequotas", "persistentvolumeclaims", "replicationcontrollers"),
    "replicationcontrollers/scale",
  ),
  rule(
    read,
    "apps",
    "controllerrevisions",
    ...withStatus("daemonsets", "deployments", "replicasets", "statefulsets"),
    "deployments/scale",
    "replicasets/scale",
    "statefulsets/scale",
  ),
  rule(read, "discovery.k8s.io", "endpointslices"),
  rule(read, "autoscaling", ...withStatus("horizontalpodautoscalers")),
  rule(read, "batch", ...withStatus("jobs", "cronjobs")),
  rule(read, "policy", ...withStatus("poddisruptionbudgets")),
  rule(read, "networking.k8s.io", "networkpolicies", ...withStatus("ingresses")),
  rule(read, "metrics.k8s.io", "nodes", "pods"),
];
const streams = ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy"];
const edited: PolicyRule[] = [
  rule(read, "", ...streams, "secrets", "services/proxy"),
  rule(["impersonate"], "", "serviceaccounts"),
  rule(
    write,
    "",
    "pods",
    ...streams,
    "services",
    "services/proxy",
    "configmaps",
    "secrets",
    "serviceaccounts",
    "persistentvolumeclaims",
    "events",
  ),
  rule(write, "", ...scaled("replicationcontrollers")),
  rule(["create"], "", "pods/eviction", "serviceaccounts/token"),
  rule(write, "apps", "daemonsets", ...scaled("deployments", "replicasets", "statefulsets")),
  rule(write, "autoscaling", "horizontalpodautoscalers"),
  rule(write, "batch", "jobs", "cronjobs"),
  rule(write, "policy", "poddisruptionbudgets"),
  rule(write, "networking.k8s.io", "networkpolicies", "ingresses"),
  rule([...read, ...write], "coordination.k8s.io", "leases"),
];
const administered: PolicyRule[] = [
  rule(["create"], "authorization.k8s.io", "localsubjectaccessreviews"),
  rule([...read, ...write], rbacGroup, "roles", "rolebindings"),
];
const health = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

export const defaultRoles: readonly ClusterRole[] = [
  role("cluster-admin", [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }, { verbs: ["*"], nonResourceURLs: ["*"] }]),
  aggregated("admin"),
  aggregated("edit", { [aggregateTo("admin")]: "true" }),
  aggregated("view", { [aggregateTo("edit")]: "true" }),
  role("system:aggregate-to-admin", administered, { [aggregateTo("admin")]: "true" }),
  role("system:aggregate-to-edit", edited, { [aggregateTo("edit")]: "true" }),
  role("system:aggregate-to-view", viewed, { [aggregateTo("view")]: "true" }),
  role("system:discovery", [paths("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", ...health)]),
  role("system:public-info-viewer", [paths(...health)]),
  role("system:basic-user", [
    rule(["create"], "authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
    rule(["create"], "authentication.k8s.io", "selfsubjectreviews"),
  ]),
  role("system:monitoring", [paths("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/readyz", "/readyz/*")]),
  role("system:auth-delegator", [
    rule(["create"], "authentication.k8s.io", "tokenreviews"),
    rule(["create"], "authorization.k8s.io", "subjectaccessreviews"),
  ]),
  role("system:node-bootstrapper", [
    rule(["create", ...read], "certificates.k8s.io", "certificatesigningrequests"),
  ]),
  role("system:service-account-issuer-discovery", [
    paths("/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"),
  ]),
  role("system:certificates.k8s.io:kube-apiserver-client-approver", [
    { ...rule(["approve"], "certificates.k8s.io", "signers"), resourceNames: ["kubernetes.io/kube-apiserver-client"] },
  ]),
];

const bind = (name: string, ...groups: string[]): ClusterRoleBinding => ({
  metadata: { name, labels, annotations },
  subjects: groups.map((group) => ({ kind: "Group", apiGroup: rbacGroup, name: group })),
  roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name },
});
export const defaultBindings: readonly ClusterRoleBinding[] = [
  bind("cluster-admin", admins),
  bind("system:discovery", authenticated),
  bind("system:basic-user", authenticated),
  bind("system:public-info-viewer", authenticated, unauthenticated),
  bind("system:monitoring", "system:monitoring"),
  bind("system:service-account-issuer-discovery", "system:serviceaccounts"),
];
