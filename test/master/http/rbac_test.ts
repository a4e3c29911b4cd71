import * as assert from "uvu/assert";
import { attributesOf, refusal } from "../../../master/http/rbac.ts";
import { parseRequest } from "../../../master/http/request.ts";
import { anonymous, type User } from "../../../master/rbac/user.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("a request as authorization sees it");
const someone: User = { name: "u", groups: ["system:authenticated"] };
const attributes = (method: string, url: string) => {
  const { pathname, searchParams } = new URL(url, "https://x");
  return attributesOf(parseRequest(method, pathname, searchParams), searchParams);
};

test("attributesOf() puts a namespace in itself, so that who has a role in it may read it", () => {
  const { namespace, name, resource } = attributes("GET", "/api/v1/namespaces/n") as Record<string, unknown>;
  assert.equal([namespace, name, resource], ["n", "n", "namespaces"]);
  assert.is((attributes("GET", "/api/v1/namespaces") as { namespace: string }).namespace, "");
});

test("attributesOf() takes the name from a list of one, and from no other", () => {
  const name = (query: string, method = "GET") => (attributes(method, `/api/v1/namespaces/n/pods?${query}`) as { name: string }).name;
  assert.is(name("watch=true&fieldSelector=metadata.name%3Dweb"), "web");
  assert.is(name("fieldSelector=spec.nodeName%3Da,metadata.name%3D%3Dweb"), "web");
  assert.is(name("fieldSelector=metadata.name%3Dweb", "DELETE"), "web");
  assert.is(name("fieldSelector=metadata.name!%3Dweb"), "");
  assert.is(name("fieldSelector=metadata.namespace%3Dweb"), "");
  assert.is(name("fieldSelector=metadata.name%3Dweb", "POST"), "");
});

test("refusal() speaks Kubernetes' words", () => {
  const pods = { group: "", resource: "pods" };
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
