import * as assert from "uvu/assert";
import type { User } from "../../../master/rbac/user.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("reviews", { setup: openApi, teardown: (api) => api.close() });
const someone: User = { name: "u", groups: ["team", "system:authenticated"] };
const access = "/apis/authorization.k8s.io/v1";
const attributes = { verb: "delete", resource: "pods", namespace: "default" };

test("selfsubjectaccessreviews answer as the request itself would be answered", async (api) => {
  const review = (as?: User) =>
    ask(api, "POST", `${access}/selfsubjectaccessreviews`, { body: { spec: { resourceAttributes: attributes } }, ...(as && { as }) });
  const mine = await review();
  assert.equal([mine.status, mine.body.kind, mine.body.status.allowed], [201, "SelfSubjectAccessReview", true]);
  assert.is((await review(someone)).body.status.allowed, false);
  const node: User = { name: "system:node:pi", groups: ["system:nodes", "system:authenticated"] };
  const path = { body: { spec: { nonResourceAttributes: { verb: "get", path: "/version" } } }, as: node };
  assert.is((await ask(api, "POST", `${access}/selfsubjectaccessreviews`, path)).body.status.allowed, true);
});

test("subjectaccessreviews are about others, and for those who may ask", async (api) => {
  const body = { spec: { user: "x", groups: ["system:masters"], resourceAttributes: attributes } };
  assert.is((await ask(api, "POST", `${access}/subjectaccessreviews`, { body })).body.status.allowed, true);
  assert.is((await ask(api, "POST", `${access}/subjectaccessreviews`, { body, as: someone })).status, 403);
  const wrong = await ask(api, "POST", `${access}/subjectaccessreviews`, { body: { spec: { user: "x" } } });
  assert.is(wrong.status, 422);
  const elsewhere = await ask(api, "POST", `${access}/namespaces/other/localsubjectaccessreviews`, { body });
  assert.is(elsewhere.status, 422);
  const here = await ask(api, "POST", `${access}/namespaces/default/localsubjectaccessreviews`, { body });
  assert.is(here.body.status.allowed, true);
});

test("selfsubjectreviews say who one is, in both versions", async (api) => {
  for (const version of ["v1", "v1beta1"]) {
    const { body } = await ask(api, "POST", `/apis/authentication.k8s.io/${version}/selfsubjectreviews`, { body: {}, as: someone });
    assert.equal(body.status.userInfo, { username: "u", groups: ["team", "system:authenticated"] });
  }
});

test("selfsubjectrulesreviews list what one may", async (api) => {
  const { body } = await ask(api, "POST", `${access}/selfsubjectrulesreviews`, { body: { spec: { namespace: "default" } } });
  assert.equal(body.status.resourceRules, [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]);
});

test("reviews can only be made", async (api) => {
  assert.is((await ask(api, "GET", `${access}/selfsubjectaccessreviews`)).status, 405);
  const table = { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" };
  const refused = await ask(api, "POST", `${access}/selfsubjectaccessreviews`, {
    body: { spec: { resourceAttributes: attributes } },
    headers: table,
  });
  assert.is(refused.status, 406);
});
