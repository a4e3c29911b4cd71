import * as assert from "uvu/assert";
import type { User } from "../../../master/rbac/user.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../../shared/api/kinds/pod.ts";
import { serviceAccounts } from "../../../shared/api/kinds/service_account.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { eventually } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("serviceaccounts/token", { setup: openApi, teardown: (api) => api.close(), timeoutMs: 20_000 });
const path = "/api/v1/namespaces/default/serviceaccounts/robot/token";
const create = ({ registry }: ApiContext) => registry.create(serviceAccounts, { metadata: { name: "robot", namespace: "default" } });

test("a token is shown with all that was chosen for it, and works", async (api) => {
  const { uid } = await create(api), { status, body } = await ask(api, "POST", path, { body: { spec: { expirationSeconds: 900 } } });
  assert.equal([status, body.kind, body.apiVersion, body.metadata.name], [201, "TokenRequest", "authentication.k8s.io/v1", "robot"]);
  assert.equal(body.spec, { audiences: ["https://kubernetes.default.svc.cluster.local"], expirationSeconds: 900 });
  assert.is(Date.parse(body.status.expirationTimestamp) - Date.parse(body.metadata.creationTimestamp), 900_000);
  const who = await ask(api, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    body: {},
    headers: { authorization: `Bearer ${body.status.token}` },
  });
  assert.equal([who.body.status.userInfo.username, who.body.status.userInfo.uid], ["system:serviceaccount:default:robot", uid]);
  const stranger = { authorization: `Bearer ${body.status.token.slice(0, -4)}AAAA` };
  assert.is((await ask(api, "GET", "/version", { headers: stranger })).status, 401);
});

test("what cannot be is refused in Kubernetes' words", async (api) => {
  const refused = async (body: object, at = path) => {
    const answer = await ask(api, "POST", at, { body });
    return [answer.status, answer.body.reason, answer.body.message];
  };
  assert.equal(await refused({}), [404, "NotFound", 'serviceaccounts "robot" not found']);
  const { uid } = await create(api);
  assert.equal(await refused({ spec: { expirationSeconds: 599 } }), [
    422,
    "Invalid",
    'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
  ]);
  assert.is((await refused({ spec: { audiences: Array.from({ length: 33 }, (_, i) => `a${i}`) } }))[0], 422);
  assert.is((await refused({ metadata: { name: "other" } }))[0], 400);
  assert.equal(await refused({ metadata: { uid: "x" } }), [
    409,
    "Conflict",
    `the UID in the token request (x) does not match the UID of the service account (${uid})`,
  ]);
  assert.is((await ask(api, "GET", path)).status, 405);
});

test("a node gets tokens for its own pods, and for nothing else", async (api) => {
  const { registry } = api, spec = { serviceAccountName: "robot", containers: [{ name: "a", image: "x" }] };
  await create(api);
  for (const name of ["pi", "van"]) await registry.create(nodes, { metadata: { name } });
  const pod = (name: string, nodeName: string) =>
    registry.create(pods, { metadata: { name, namespace: "default" }, spec: { ...spec, nodeName } } as Pod);
  const mine = await pod("mine", "pi"), other = await pod("other", "van");
  const pi: User = { name: "system:node:pi", groups: ["system:nodes", "system:authenticated"] };
  const wanted = (name: string, uid?: string) => ({
    spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", name, ...(uid && { uid }) } },
  });
  const asked = async (body: object) => {
    const { status, body: answer } = await ask(api, "POST", path, { body, as: pi });
    return status === 201 ? "given" : answer.message.replace(/^.* is forbidden: /, "");
  };
  assert.is(await eventually("the authorizer knows the pod", async () => (await asked(wanted("mine", mine.uid))) === "given"), true);
  assert.is(await asked({}), 'node "pi" requested token not bound to a pod');
  assert.is(await asked(wanted("mine")), 'node "pi" requested token with a pod binding without a uid');
  assert.is(await asked(wanted("other", other.uid)), 'node "pi" requested token bound to a pod scheduled on a different node');
});
