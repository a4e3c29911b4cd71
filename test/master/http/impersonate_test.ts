import * as assert from "uvu/assert";
import { impersonatedValues } from "../../../shared/limits.ts";
import { impersonated } from "../../../master/http/impersonate.ts";
import type { Authorizer } from "../../../master/rbac/authorizer.ts";
import type { Attributes, User } from "../../../master/rbac/user.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("impersonated()");
const jane: User = { name: "jane", groups: ["system:authenticated"] };
/** Allows all, and writes down what was asked. */
function asking(may: (wanted: Attributes) => boolean = () => true) {
  const asked: string[] = [];
  const authorizer = {
    authorize: (_: User, wanted: Attributes) => {
      const { verb, group, resource, subresource = "", namespace = "", name = "" } = wanted as Exclude<Attributes, { path: string }>;
      asked.push([verb, group, resource, subresource, namespace, name].join(" "));
      return { allowed: may(wanted), reason: "" };
    },
  } as Pick<Authorizer, "authorize"> as Authorizer;
  return { authorizer, asked };
}
const as = (...headers: [string, string][]): User => impersonated(asking().authorizer, jane, headers);
const refused = (headers: [string, string][], may?: (wanted: Attributes) => boolean): string => {
  try {
    impersonated(asking(may).authorizer, jane, headers);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("impersonated() leaves a request alone that does not ask for it", () => {
  assert.is(as(["Accept", "x"]), jane);
});
test("impersonated() asks about each part by itself, and makes the user of them", () => {
  const { authorizer, asked } = asking();
  const user = impersonated(authorizer, jane, [
    ["Impersonate-User", "joe"],
    ["Impersonate-Group", "a, b"],
    ["impersonate-group", "c"],
    ["Impersonate-Uid", "7"],
    ["Impersonate-Extra-Acme.com%2FScopes", "view"],
    ["Impersonate-Extra-Acme.com%2FScopes", "edit"],
  ]);
  assert.equal(user, {
    name: "joe",
    uid: "7",
    groups: ["a, b", "c", "system:authenticated"],
    extra: { "acme.com/scopes": ["view", "edit"] },
  });
  assert.equal(asked, [
    "impersonate  users   joe",
    "impersonate  groups   a, b",
    "impersonate  groups   c",
    "impersonate authentication.k8s.io userextras acme.com/scopes  view",
    "impersonate authentication.k8s.io userextras acme.com/scopes  edit",
    "impersonate authentication.k8s.io uids   7",
  ]);
});
test("impersonated() gives a ServiceAccount its groups, unless others are named, and the anonymous theirs", () => {
  const account = "system:serviceaccount:n:robot";
  assert.equal(as(["impersonate-user", account]).groups, ["system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated"]);
  assert.equal(as(["impersonate-user", account], ["impersonate-group", "g"]).groups, ["g", "system:authenticated"]);
  assert.equal(as(["impersonate-user", "system:anonymous"]).groups, ["system:unauthenticated"]);
  const { authorizer, asked } = asking();
  impersonated(authorizer, jane, [["impersonate-user", account]]);
  assert.equal(asked, ["impersonate  serviceaccounts  n robot"]);
});
test("impersonated() refuses what is not allowed, in Kubernetes' words", () => {
  assert.is(
    refused(
      [["impersonate-user", "joe"], ["impersonate-group", "system:masters"]],
      (wanted) => "resource" in wanted && wanted.resource === "users",
    ),
    'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
  );
});
test("impersonated() refuses what has no meaning, and more than there should be", () => {
  assert.match(refused([["impersonate-group", "g"]]), /without impersonating a user/);
  assert.match(refused([["impersonate-user", "a"], ["impersonate-user", "b"]]), /one user at a time/);
  assert.match(refused([["impersonate-user", "a"], ["impersonate-groups", "b"]]), /unknown header/);
  const many = Array.from({ length: impersonatedValues }, (): [string, string] => ["impersonate-group", "g"]);
  assert.match(refused([["impersonate-user", "a"], ...many]), /more than \d+ Impersonate headers/);
});
