import * as assert from "uvu/assert";
import { decide, defaultPolicy, parsePolicy } from "../../../../master/http/audit/policy.ts";
import { parseRequest } from "../../../../master/http/request.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("audit policy");
const info = (method: string, path: string) => {
  const [pathname = "", query] = path.split("?");
  return parseRequest(method, pathname, new URLSearchParams(query));
};
const someone = { name: "someone", groups: ["crew"] };
const policy = (rules: string) => parsePolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n${rules}`);

test("the default writes down changes, all about Secrets and tokens, and who goes into pods; and never a body", () => {
  const table: [method: string, path: string, level: string][] = [
    ["GET", "/api/v1/namespaces/a/secrets/b", "Metadata"],
    ["GET", "/api/v1/secrets", "Metadata"],
    ["GET", "/api/v1/namespaces/a/pods/b", "None"],
    ["GET", "/api/v1/pods?watch=1", "None"],
    ["GET", "/api/v1/namespaces/a/pods/b/exec", "Metadata"],
    ["POST", "/api/v1/namespaces/a/pods", "Metadata"],
    ["DELETE", "/apis/apps/v1/namespaces/a/deployments/b", "Metadata"],
    ["POST", "/api/v1/namespaces/a/events", "None"],
    ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "None"],
    ["POST", "/apis/authentication.k8s.io/v1/tokenreviews", "Metadata"],
    ["GET", "/livez", "None"],
    ["POST", "/skerry/v1/members", "Metadata"],
  ];
  for (const [method, path, level] of table) {
    assert.is(decide(defaultPolicy, someone, info(method, path)).level, level, `${method} ${path}`);
  }
});

test("decide(): the first rule that matches, by who, what, where and how", () => {
  const rules = policy(`
- {level: None, users: [robot]}
- {level: Request, userGroups: [crew], verbs: [update], namespaces: [harbour]}
- {level: RequestResponse, resources: [{group: apps, resources: ["*/scale", "daemonsets/*"]}], omitStages: [ResponseStarted]}
- {level: Metadata, resources: [{group: "", resources: [configmaps], resourceNames: [one]}]}
- {level: Metadata, nonResourceURLs: ["/metrics", "/skerry*"]}
- {level: RequestResponse, resources: [{group: ""}]}
`);
  const level = (method: string, path: string, user: typeof someone | undefined = someone) => decide(rules, user, info(method, path)).level;
  assert.is(level("PUT", "/api/v1/namespaces/harbour/pods/a", { name: "robot", groups: ["crew"] }), "None");
  assert.is(level("PUT", "/api/v1/namespaces/harbour/pods/a"), "Request");
  assert.is(level("PUT", "/apis/apps/v1/namespaces/harbour/deployments/a/scale", { name: "other", groups: [] }), "RequestResponse");
  assert.is(level("PUT", "/apis/apps/v1/namespaces/x/deployments/a"), "None");
  assert.is(level("GET", "/apis/apps/v1/namespaces/x/daemonsets/a/status"), "RequestResponse");
  assert.is(level("GET", "/api/v1/namespaces/x/configmaps/one"), "Metadata");
  assert.is(level("GET", "/api/v1/namespaces/x/configmaps/two"), "RequestResponse");
  assert.is(level("GET", "/metrics"), "Metadata");
  assert.is(level("GET", "/metrics/a"), "None");
  assert.is(level("GET", "/skerry/v1/members", undefined), "Metadata");
  assert.equal([...decide(rules, someone, info("PUT", "/apis/apps/v1/namespaces/x/daemonsets/a/status")).omit], [
    "RequestReceived",
    "ResponseStarted",
  ]);
});

test("bodies of Secrets, tokens and reviews of tokens are written down whatever a policy says: never", () => {
  const all = policy("- {level: RequestResponse}");
  for (
    const [path, level] of [
      ["/api/v1/namespaces/a/secrets", "Metadata"],
      ["/api/v1/namespaces/a/serviceaccounts/b/token", "Metadata"],
      ["/apis/authentication.k8s.io/v1/tokenreviews", "Metadata"],
      ["/api/v1/namespaces/a/serviceaccounts", "RequestResponse"],
    ] as const
  ) assert.is(decide(all, someone, info("POST", path)).level, level, path);
});

test("a policy that says nothing sensible is refused by the field", () => {
  const table: [rules: string, message: RegExp][] = [
    ["- {level: Everything}", /^rules\.0\.level: /],
    ["- {level: None, nonResourceURLs: [metrics]}", /^rules\.0\.nonResourceURLs\.0: must begin with/],
    ["- {level: None, nonResourceURLs: [/a], namespaces: [b]}", /cannot apply to both regular resources and non-resource URLs/],
    ["- {level: None, resources: [{resourceNames: [a]}]}", /using resourceNames requires at least one resource/],
    ["- {level: None, user: [a]}", /^rules\.0\.user: /],
    [" []", /rules: must have at least one rule/],
  ];
  for (const [rules, message] of table) {
    assert.throws(() => policy(rules), (error: Error) => message.test(error.message) || assert.unreachable(error.message));
  }
});
