import * as assert from "uvu/assert";
import { anonymous, type Attributes, attributesOf, authorize, refusal, type User } from "../../../master/http/rbac.ts";
import { parseRequest } from "../../../master/http/request.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("authorize()");
const admin: User = { name: "a", groups: ["system:masters"] };
const someone: User = { name: "u", groups: ["system:authenticated"] };
const node: User = { name: "system:node:pi-7", groups: ["system:nodes", "system:authenticated"] };
const pretender: User = { name: "system:node:pi-7", groups: ["system:authenticated"] };
const may = (user: User, wanted: Attributes): boolean => authorize(user, wanted).allowed;
const pods = { group: "", resource: "pods" };

test("authorize() lets administrators do everything", () => {
  assert.ok(may(admin, { ...pods, verb: "delete", name: "x", namespace: "n" }));
  assert.ok(may(admin, { verb: "get", path: "/metrics" }));
});

test("authorize() lets a node read what is its own, and nothing else", () => {
  const table: [allowed: boolean, wanted: Attributes][] = [
    [true, { verb: "get", group: "", resource: "nodes", name: "pi-7" }],
    [false, { verb: "get", group: "", resource: "nodes", name: "pi-8" }],
    [false, { verb: "list", group: "", resource: "nodes" }],
    [true, { verb: "list", group: "", resource: "nodes", fieldSelector: "metadata.name=pi-7" }],
    [false, { verb: "update", group: "", resource: "nodes", name: "pi-7" }],
    [false, { verb: "get", group: "", resource: "nodes", name: "pi-7", subresource: "proxy" }],
    [true, { verb: "watch", ...pods, fieldSelector: "spec.nodeName=pi-7" }],
    [true, { verb: "list", ...pods, fieldSelector: "status.phase=Running,spec.nodeName=pi-7" }],
    [false, { verb: "list", ...pods, fieldSelector: "spec.nodeName!=pi-7" }],
    [false, { verb: "list", ...pods, fieldSelector: "spec.nodeName=pi-70" }],
    [false, { verb: "get", ...pods, namespace: "n", name: "web" }],
    [false, { verb: "list", group: "", resource: "secrets" }],
    [true, { verb: "get", group: "coordination.k8s.io", resource: "leases", namespace: "kube-node-lease", name: "pi-7" }],
    [false, { verb: "get", group: "coordination.k8s.io", resource: "leases", namespace: "default", name: "pi-7" }],
  ];
  for (const [allowed, wanted] of table) assert.is(may(node, wanted), allowed, JSON.stringify(wanted));
  assert.not(may(pretender, { verb: "get", group: "", resource: "nodes", name: "pi-7" }));
});

test("authorize() opens discovery to everybody known, and health to everybody", () => {
  for (const path of ["/api", "/apis/apps/v1", "/openapi/v3", "/"]) {
    assert.ok(may(someone, { verb: "get", path }), path);
    assert.not(may(anonymous, { verb: "get", path }), path);
  }
  for (const path of ["/healthz", "/livez", "/readyz/ping", "/version"]) assert.ok(may(anonymous, { verb: "get", path }), path);
  assert.not(may(someone, { verb: "get", path: "/metrics" }));
  assert.not(may(someone, { verb: "get", path: "/apiary" }));
  assert.not(may(someone, { verb: "post", path: "/apis" }));
});

test("authorize() keeps the masters of the cluster to administrators", () => {
  for (const verb of ["get", "post", "delete"]) {
    for (const path of ["/skerry/v1/members", "/skerry/v1/snapshot"]) {
      assert.ok(may(admin, { verb, path }));
      for (const user of [node, someone, anonymous]) assert.not(may(user, { verb, path }), `${user.name} ${verb} ${path}`);
    }
  }
});

test("authorize() lets everybody known ask about themselves, not about others", () => {
  const review = (resource: string): Attributes => ({ verb: "create", group: "authorization.k8s.io", resource });
  assert.ok(may(someone, review("selfsubjectaccessreviews")));
  assert.not(may(anonymous, review("selfsubjectaccessreviews")));
  assert.not(may(someone, review("subjectaccessreviews")));
});

test("refusal() speaks Kubernetes' words", () => {
  assert.is(
    refusal(someone, { verb: "get", ...pods, subresource: "log", name: "x", namespace: "n" }, ""),
    'pods "x" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "n"',
  );
  assert.is(
    refusal(someone, { verb: "list", group: "apps", resource: "deployments" }, ""),
    'deployments.apps is forbidden: User "u" cannot list resource "deployments" in API group "apps" at the cluster scope',
  );
  assert.is(refusal(anonymous, { verb: "get", path: "/api" }, ""), 'forbidden: User "system:anonymous" cannot get path "/api"');
});

test("attributesOf() takes a GET that begins a stream into a pod for what it is", () => {
  const asked = (path: string) => {
    const query = new URLSearchParams();
    return attributesOf(parseRequest("GET", `/api/v1/namespaces/n/pods/p/${path}`, query), query).verb;
  };
  assert.equal(["exec", "attach", "portforward"].map(asked), ["create", "create", "create"]);
  assert.equal(["log", "status"].map(asked), ["get", "get"]);
});
