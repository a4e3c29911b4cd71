import * as assert from "uvu/assert";
import { clusterRoles, type PolicyRule, roles } from "../../../shared/api/kinds/role.ts";
import { clusterRoleBindings, roleBindings, type Subject } from "../../../shared/api/kinds/role_binding.ts";
import { type Pod, pods as podKind } from "../../../shared/api/kinds/pod.ts";
import { serviceAccounts } from "../../../shared/api/kinds/service_account.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { type Random, seeded } from "../../../shared/util/clock.ts";
import { type Authorizer, createAuthorizer } from "../../../master/rbac/authorizer.ts";
import { prepareRoles } from "../../../master/rbac/bootstrap.ts";
import { createRoles } from "../../../master/rbac/roles.ts";
import { anonymous, type Attributes, serviceAccountGroups, serviceAccountName, type User } from "../../../master/rbac/user.ts";
import { type Cache, startCache } from "../../../master/registry/cache.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

interface Context extends RegistryContext {
  cache: Cache;
  authorizer: Authorizer;
  stop: AbortController;
  /** The cache has everything that was written. */
  settled(): Promise<void>;
}
const test = suite<Context>("createAuthorizer()", {
  async setup() {
    const opened = await openRegistry(), stop = new AbortController();
    const cache = await startCache({ store: opened.store, kinds, log: silentLog }, stop.signal);
    const authorizer = createAuthorizer(createRoles(cache), cache); // before there is anything: it learns from changes
    await prepareRoles({ registry: opened.registry, log: silentLog });
    await opened.registry.create(namespaces, { metadata: { name: "n" } });
    const settled = () => cache.waitFor(opened.registry.revision(), stop.signal);
    await settled();
    return Object.assign(opened, { cache, authorizer, stop, settled });
  },
  async teardown(context) {
    context.stop.abort();
    await closeRegistry(context);
  },
  timeoutMs: 30_000,
});

const admin: User = { name: "a", groups: ["system:masters"] };
const someone: User = { name: "u", groups: ["team", "system:authenticated"] };
const node: User = { name: "system:node:pi-7", groups: ["system:nodes", "system:authenticated"] };
const pretender: User = { name: "system:node:pi-7", groups: ["system:authenticated"] };
const pods = { group: "", resource: "pods" };
const user = (name: string): Subject => ({ kind: "User", apiGroup: "rbac.authorization.k8s.io", name });
const group = (name: string): Subject => ({ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name });
const ref = (kind: string, name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });

test("authorize() lets administrators do everything, without a role", ({ authorizer }) => {
  assert.ok(authorizer.authorize(admin, { ...pods, verb: "delete", name: "x", namespace: "n" }).allowed);
  assert.ok(authorizer.authorize(admin, { verb: "get", path: "/metrics" }).allowed);
});

test("authorize() lets a node do with its own what a node does, and nothing else", async ({ authorizer, registry, settled }) => {
  const spec = {
    nodeName: "pi-7",
    serviceAccountName: "default",
    containers: [{ name: "a", image: "x", envFrom: [{ secretRef: { name: "key" } }] }],
    volumes: [{ name: "v", configMap: { name: "settings" } }],
  };
  await registry.create(serviceAccounts, { metadata: { name: "default", namespace: "n" } });
  await registry.create(podKind, { metadata: { name: "mine", namespace: "n" }, spec } as Pod);
  await registry.create(podKind, { metadata: { name: "other", namespace: "n" }, spec: { ...spec, nodeName: "pi-8" } } as Pod);
  await settled();
  const named = (resource: string, name: string, namespace = "n") => ({ group: "", resource, namespace, name });
  const may = (who: User, wanted: Attributes) => authorizer.authorize(who, wanted).allowed;
  const table: [allowed: boolean, wanted: Attributes][] = [
    [true, { verb: "get", group: "", resource: "nodes", name: "pi-7" }],
    [false, { verb: "get", group: "", resource: "nodes", name: "pi-8" }],
    [false, { verb: "list", group: "", resource: "nodes" }],
    [true, { verb: "list", group: "", resource: "nodes", fieldSelector: "metadata.name=pi-7" }],
    [true, { verb: "update", group: "", resource: "nodes", name: "pi-7" }],
    [true, { verb: "patch", group: "", resource: "nodes", name: "pi-7", subresource: "status" }],
    [false, { verb: "patch", group: "", resource: "nodes", name: "pi-8", subresource: "status" }],
    [false, { verb: "delete", group: "", resource: "nodes", name: "pi-7" }],
    [false, { verb: "create", group: "", resource: "nodes" }],
    [false, { verb: "get", group: "", resource: "nodes", name: "pi-7", subresource: "proxy" }],
    [true, { verb: "watch", ...pods, fieldSelector: "spec.nodeName=pi-7" }],
    [true, { verb: "list", ...pods, fieldSelector: "status.phase=Running,spec.nodeName=pi-7" }],
    [false, { verb: "list", ...pods, fieldSelector: "spec.nodeName!=pi-7" }],
    [false, { verb: "list", ...pods, fieldSelector: "spec.nodeName=pi-70" }],
    [false, { verb: "get", ...pods, namespace: "n", name: "web" }],
    [false, { verb: "list", group: "", resource: "secrets" }],
    [false, { verb: "list", group: "", resource: "secrets", namespace: "n" }],
    ...["secrets/key", "configmaps/settings"].flatMap((path): typeof table => {
      const [resource, name] = path.split("/") as [string, string];
      return [
        [true, { verb: "get", ...named(resource, name) }],
        [true, { verb: "watch", group: "", resource, namespace: "n", fieldSelector: `metadata.name=${name}` }],
        [false, { verb: "get", ...named(resource, name, "m") }],
        [false, { verb: "get", ...named(resource, "unnamed") }],
        [false, { verb: "update", ...named(resource, name) }],
      ];
    }),
    [true, { verb: "get", ...named("pods", "mine") }],
    [false, { verb: "get", ...named("pods", "other") }],
    [true, { verb: "patch", ...named("pods", "mine"), subresource: "status" }],
    [false, { verb: "patch", ...named("pods", "other"), subresource: "status" }],
    [false, { verb: "patch", ...named("pods", "mine") }],
    [false, { verb: "create", ...named("pods", "mine"), subresource: "exec" }],
    [true, { verb: "delete", ...named("pods", "mine") }],
    [true, { verb: "create", ...named("serviceaccounts", "default"), subresource: "token" }],
    [false, { verb: "create", ...named("serviceaccounts", "robot"), subresource: "token" }],
    [false, { verb: "create", ...named("serviceaccounts", "default", "m"), subresource: "token" }],
    [true, { verb: "create", group: "", resource: "events", namespace: "n" }],
    [false, { verb: "list", group: "", resource: "events", namespace: "n" }],
    [true, { verb: "create", group: "coordination.k8s.io", resource: "leases", namespace: "kube-node-lease" }],
    [false, { verb: "update", group: "coordination.k8s.io", resource: "leases", namespace: "kube-node-lease", name: "pi-8" }],
    [true, { verb: "get", group: "coordination.k8s.io", resource: "leases", namespace: "kube-node-lease", name: "pi-7" }],
    [false, { verb: "get", group: "coordination.k8s.io", resource: "leases", namespace: "default", name: "pi-7" }],
  ];
  for (const [allowed, wanted] of table) assert.is(may(node, wanted), allowed, JSON.stringify(wanted));
  assert.not(may(pretender, { verb: "get", group: "", resource: "nodes", name: "pi-7" }));
});

test("authorize() opens discovery to everybody known, and health to everybody", ({ authorizer }) => {
  const may = (who: User, verb: string, path: string) => authorizer.authorize(who, { verb, path }).allowed;
  for (const path of ["/api", "/apis/apps/v1", "/openapi/v3"]) {
    assert.ok(may(someone, "get", path), path);
    assert.not(may(anonymous, "get", path), path);
  }
  for (const path of ["/healthz", "/livez", "/readyz/ping", "/version"]) assert.ok(may(anonymous, "get", path), path);
  for (const [verb, path] of [["get", "/metrics"], ["get", "/apiary"], ["post", "/apis"], ["get", "/"]] as const) {
    assert.not(may(someone, verb, path), path);
  }
});

test("authorize() keeps the masters of the cluster to administrators", ({ authorizer }) => {
  for (const verb of ["get", "post", "delete"]) {
    for (const path of ["/skerry/v1/members", "/skerry/v1/snapshot"]) {
      assert.ok(authorizer.authorize(admin, { verb, path }).allowed);
      for (const who of [node, someone, anonymous]) {
        assert.not(authorizer.authorize(who, { verb, path }).allowed, `${who.name} ${verb} ${path}`);
      }
    }
  }
});

test("authorize() lets everybody known ask about themselves, not about others", ({ authorizer }) => {
  const may = (who: User, resource: string) =>
    authorizer.authorize(who, { verb: "create", group: "authorization.k8s.io", resource }).allowed;
  assert.ok(may(someone, "selfsubjectaccessreviews"));
  assert.not(may(anonymous, "selfsubjectaccessreviews"));
  assert.not(may(someone, "subjectaccessreviews"));
});

test("authorize() follows roles and bindings as they come, change and go, and says which it was", async ({ registry, authorizer, settled }) => {
  const may = (verb: string, namespace = "n") => authorizer.authorize(someone, { verb, ...pods, namespace });
  assert.not(may("list").allowed);
  await registry.create(roleBindings, { metadata: { name: "b", namespace: "n" }, subjects: [group("team")], roleRef: ref("Role", "r") });
  await settled();
  assert.equal(may("list"), { allowed: false, reason: 'RBAC: role.rbac.authorization.k8s.io "r" not found' });
  await registry.create(roles, {
    metadata: { name: "r", namespace: "n" },
    rules: [{ verbs: ["list"], apiGroups: [""], resources: ["pods"] }],
  });
  await settled();
  assert.equal(may("list"), { allowed: true, reason: 'RBAC: allowed by RoleBinding "b/n" of Role "r" to Group "team"' });
  assert.not(may("list", "default").allowed);
  assert.not(may("list", "").allowed);
  await registry.modify(roleBindings, { namespace: "n", name: "b" }, (binding) => void (binding.subjects = [user("other")]));
  await settled();
  assert.not(may("list").allowed);
  await registry.create(clusterRoleBindings, {
    metadata: { name: "c" },
    subjects: [user("u")],
    roleRef: ref("ClusterRole", "cluster-admin"),
  });
  await settled();
  assert.is(may("delete", "").reason, 'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "cluster-admin" to User "u"');
  assert.ok(authorizer.authorize(someone, { verb: "get", path: "/metrics" }).allowed);
  await registry.delete(clusterRoleBindings, { name: "c" });
  await settled();
  assert.not(may("delete", "").allowed);
});

test("authorize() knows a ServiceAccount by its user name, and by its groups", async ({ registry, authorizer, settled }) => {
  const account: User = { name: serviceAccountName("n", "robot"), groups: [...serviceAccountGroups("n"), "system:authenticated"] };
  const rules: PolicyRule[] = [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"] }];
  await registry.create(clusterRoles, { metadata: { name: "r" }, rules });
  const may = (namespace: string) =>
    authorizer.authorize(account, { verb: "get", group: "", resource: "configmaps", namespace, name: "c" });
  // Without a namespace, the binding's own.
  await registry.create(roleBindings, {
    metadata: { name: "b", namespace: "n" },
    subjects: [{ kind: "ServiceAccount", name: "robot" }],
    roleRef: ref("ClusterRole", "r"),
  });
  await settled();
  assert.is(may("n").reason, 'RBAC: allowed by RoleBinding "b/n" of ClusterRole "r" to ServiceAccount "robot/n"');
  assert.not(may("default").allowed);
  await registry.create(clusterRoleBindings, {
    metadata: { name: "b" },
    subjects: [group("system:serviceaccounts:n")],
    roleRef: ref("ClusterRole", "r"),
  });
  await settled();
  assert.ok(may("default").allowed);
});

test("authorize() answers as a search through all bindings does, whatever there is", async ({ registry, cache, authorizer, settled }) => {
  const random = seeded(3);
  const written = await world(random, registry);
  await settled();
  let yes = 0;
  const count = 4_000;
  for (let i = 0; i < count; i++) {
    const who: User = { name: pick(random, subjects), groups: some(random, subjects) };
    const wanted = anything(random), naive = naively(cache, who, wanted);
    assert.is(authorizer.authorize(who, wanted).allowed, naive, `${JSON.stringify(who)} ${JSON.stringify(wanted)}`);
    if (naive) yes++;
  }
  assert.ok(yes > count / 20 && yes < count * 19 / 20, `${yes} of ${count} allowed: the question is too easy (${written} objects)`);
});

const subjects = ["a", "b", "c", serviceAccountName("n", "a"), "system:authenticated"];
const verbs = ["get", "list", "*"], groups = ["", "apps", "*"], names = ["x", "y"];
const resources = ["pods", "pods/log", "*/log", "deployments", "*"], urls = ["/a", "/a/*", "/b", "*"];
const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
const some = <T>(random: Random, values: readonly T[]): T[] => values.filter(() => random() < 0.3);
const atLeastOne = <T>(random: Random, values: readonly T[]): T[] => [...new Set([pick(random, values), ...some(random, values)])];

function anyRule(random: Random, namespaced: boolean): PolicyRule {
  if (!namespaced && random() < 0.3) return { verbs: atLeastOne(random, verbs), nonResourceURLs: atLeastOne(random, urls) };
  const resourceNames = random() < 0.5 ? some(random, names) : [];
  return {
    verbs: [pick(random, verbs)],
    apiGroups: [pick(random, groups)],
    resources: [pick(random, resources)],
    ...(resourceNames.length > 0 && { resourceNames }),
  };
}
function anything(random: Random): Attributes {
  const verb = pick(random, ["get", "list", "create"]);
  if (random() < 0.2) return { verb, path: pick(random, ["/a", "/a/b", "/ab", "/b", "/b/c"]) };
  const [resource, subresource] = pick(random, ["pods", "pods/log", "deployments", "deployments/log"]).split("/") as [string, string?];
  return {
    verb,
    group: pick(random, ["", "apps", "batch"]),
    resource,
    namespace: pick(random, ["", "n", "default"]),
    name: pick(random, ["", ...names, "z"]),
    ...(subresource && { subresource }),
  };
}
async function world(random: Random, registry: RegistryContext["registry"]): Promise<number> {
  const work: Promise<unknown>[] = [],
    spaces = ["n", "default"],
    subject = (): Subject => {
      const name = pick(random, subjects);
      if (name.startsWith("system:serviceaccount:")) return { kind: "ServiceAccount", name: "a", namespace: "n" };
      return random() < 0.5 ? user(name) : group(name);
    };
  for (let i = 0; i < 8; i++) {
    const name = `r${i}`, rules = (namespaced: boolean) => Array.from({ length: 1 + (i % 2) }, () => anyRule(random, namespaced));
    work.push(registry.create(clusterRoles, { metadata: { name }, rules: rules(false) }));
    for (const namespace of spaces) work.push(registry.create(roles, { metadata: { name, namespace }, rules: rules(true) }));
  }
  for (let i = 0; i < 6; i++) {
    const name = `b${i}`, role = () => `r${Math.floor(random() * 9)}`; // r8 is not there
    work.push(registry.create(clusterRoleBindings, { metadata: { name }, subjects: [subject()], roleRef: ref("ClusterRole", role()) }));
    for (const namespace of spaces) {
      work.push(
        registry.create(roleBindings, {
          metadata: { name, namespace },
          subjects: [subject(), subject()],
          roleRef: ref(pick(random, ["Role", "ClusterRole"]), role()),
        }),
      );
    }
  }
  await Promise.all(work);
  return work.length;
}

/** RBAC as its documentation reads, with nothing remembered: every binding, every subject, every rule. */
function naively(cache: Cache, who: User, wanted: Attributes): boolean {
  const means = ({ kind, name, namespace }: Subject, space: string): boolean =>
    kind === "Group"
      ? who.groups.includes(name)
      : who.name === (kind === "User" ? name : `system:serviceaccount:${namespace ?? space}:${name}`);
  const grants = (rule: PolicyRule): boolean => {
    const one = (values: readonly string[] = [], value: string) => values.some((each) => each === "*" || each === value);
    if (!one(rule.verbs, wanted.verb)) return false;
    if ("path" in wanted) {
      return (rule.nonResourceURLs ?? []).some((url) => new RegExp(`^${url.split("*").join(".*")}$`).test(wanted.path));
    }
    const called = wanted.subresource ? [`${wanted.resource}/${wanted.subresource}`, `*/${wanted.subresource}`] : [wanted.resource];
    return one(rule.apiGroups, wanted.group) && (rule.resources ?? []).some((each) => ["*", ...called].includes(each)) &&
      (!rule.resourceNames || rule.resourceNames.includes(wanted.name ?? ""));
  };
  const everywhere = [...cache.list(clusterRoleBindings)].map(({ object, namespace }) => ({ object, namespace }));
  const here = "path" in wanted || !wanted.namespace
    ? []
    : [...cache.list(roleBindings, wanted.namespace)].map(({ object, namespace }) => ({ object, namespace }));
  return [...everywhere, ...here].some(({ object: { roleRef, subjects = [] }, namespace }) => {
    if (!subjects.some((subject) => means(subject, namespace))) return false;
    const role = roleRef.kind === "Role" ? cache.get(roles, namespace, roleRef.name) : cache.get(clusterRoles, "", roleRef.name);
    return role?.object.rules?.some(grants) ?? false;
  });
}
