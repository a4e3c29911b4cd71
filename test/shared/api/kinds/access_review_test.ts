import * as assert from "uvu/assert";
import { localSubjectAccessReviews, selfSubjectAccessReviews, subjectAccessReviews } from "../../../../shared/api/kinds/access_review.ts";
import { type TokenRequest, validateTokenRequest } from "../../../../shared/api/kinds/token_request.ts";
import { admit } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("access reviews");
const objects = { resourceAttributes: { namespace: "a", verb: "get", resource: "pods" } },
  path = { nonResourceAttributes: { path: "/metrics" } };

test("ask about one thing", () => {
  assert.equal(admit(selfSubjectAccessReviews, { spec: objects }).causes, []);
  assert.equal(admit(selfSubjectAccessReviews, { spec: {} }).causes, [
    "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
  ]);
  assert.equal(admit(selfSubjectAccessReviews, { spec: { ...objects, ...path } }).causes, [
    'spec.nonResourceAttributes: Invalid value: {"path":"/metrics"}: cannot be specified in combination with resourceAttributes',
  ]);
});
test("ask about somebody", () => {
  assert.equal(admit(subjectAccessReviews, { spec: { ...objects, groups: ["system:nodes"] } }).causes, []);
  assert.equal(admit(subjectAccessReviews, { spec: objects }).causes, [
    "spec.user: Required value: at least one of user or group must be specified",
  ]);
});
test("ask about their own namespace, if they have one", () => {
  const local = (spec: object, namespace: string) =>
    admit(localSubjectAccessReviews, { metadata: { namespace }, spec: { ...spec, user: "x" } }).causes;
  assert.equal(local(objects, "a"), []);
  assert.equal(local(objects, "b"), ['spec.resourceAttributes.namespace: Invalid value: "a": must match metadata.namespace']);
  assert.equal(local(path, "a"), ["spec.nonResourceAttributes: Forbidden: disallowed on this kind of request"]);
});
test("are kept nowhere", () => {
  for (const kind of [localSubjectAccessReviews, selfSubjectAccessReviews, subjectAccessReviews]) {
    assert.is(kind.stored, false);
    assert.equal(kind.verbs, ["create"]);
  }
});
test("validateTokenRequest() wants ten minutes at least", () => {
  const causes = (expirationSeconds: number) =>
    validateTokenRequest({ spec: { expirationSeconds } } as TokenRequest).map((cause) => cause.message);
  assert.equal(causes(600), []);
  assert.equal(causes(599), ["Invalid value: 599: may not specify a duration less than 10 minutes"]);
});
