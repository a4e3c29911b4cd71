import * as assert from "uvu/assert";
import type { PolicyRule } from "../../../shared/api/kinds/role.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { allows, countSingles, covers, missingFrom, ruleTexts, singles } from "../../../master/rbac/rules.ts";
import type { Attributes } from "../../../master/rbac/user.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("rules of roles");
const rule = (verbs: string, apiGroups: string, resources: string, ...resourceNames: string[]): PolicyRule => ({
  verbs: verbs.split(","),
  apiGroups: apiGroups.split(","),
  resources: resources.split(","),
  ...(resourceNames.length > 0 && { resourceNames }),
});
const paths = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ["get"], nonResourceURLs });

test("allows() reads wildcards, subresources, names and paths as Kubernetes does", () => {
  const pod: Attributes = { verb: "get", group: "", resource: "pods", namespace: "n", name: "web" }, log = { ...pod, subresource: "log" };
  const table: [allowed: boolean, rule: PolicyRule, wanted: Attributes][] = [
    [true, rule("get", "", "pods"), pod],
    [false, rule("list", "", "pods"), pod],
    [false, rule("get", "apps", "pods"), pod],
    [true, rule("*", "*", "*"), log],
    [false, rule("get", "", "pods"), log],
    [true, rule("get", "", "pods/log"), log],
    [true, rule("get", "", "*/log"), log],
    [false, rule("get", "", "pods/*"), log],
    [false, rule("get", "", "pods/log"), pod],
    [true, rule("get", "", "pods", "web"), pod],
    [false, rule("get", "", "pods", "other"), pod],
    [false, rule("list", "", "pods", "web"), { verb: "list", group: "", resource: "pods", namespace: "n", name: "" }],
    [false, rule("*", "*", "*"), { verb: "get", path: "/metrics" }],
    [true, paths("/metrics"), { verb: "get", path: "/metrics" }],
    [false, paths("/metrics"), { verb: "get", path: "/metrics/a" }],
    [true, paths("/metrics/*"), { verb: "get", path: "/metrics/a" }],
    [true, paths("*"), { verb: "get", path: "/x" }],
    [false, paths("*"), pod],
  ];
  for (const [allowed, one, wanted] of table) assert.is(allows(one, wanted), allowed, JSON.stringify([one, wanted]));
});

test("missingFrom() finds rights in the sum of several rules, and names what none has", () => {
  const held = [rule("get,list", "", "pods"), rule("*", "apps", "*", "web"), paths("/metrics/*")];
  assert.equal(
    missingFrom(held, [rule("get", "", "pods", "a"), rule("delete", "apps", "deployments", "web"), paths("/metrics/a", "/metrics/*")]),
    [],
  );
  const missing = missingFrom(held, [
    rule("list,delete,create", "", "pods"),
    rule("get", "apps", "deployments"),
    rule("get", "apps", "x", "other"),
    paths("*"),
  ]);
  assert.equal(ruleTexts(missing), [
    '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}',
    '{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}',
    '{APIGroups:["apps"], Resources:["x"], ResourceNames:["other"], Verbs:["get"]}',
    '{NonResourceURLs:["*"], Verbs:["get"]}',
  ]);
});

test("covers() lets nobody give away what they may not do", () => {
  const random = seeded(5), all = ["a", "b", "*"], resources = ["x", "y", "x/s", "y/s", "*/s", "*"];
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const several = (values: readonly string[]): string[] => [...new Set([pick(values), ...values.filter(() => random() < 0.2)])];
  const any = (): PolicyRule =>
    random() < 0.2 ? { verbs: several(all), nonResourceURLs: several(["/a", "/a/*", "/b", "*"]) } : {
      verbs: several(all),
      apiGroups: several(all),
      resources: several(resources),
      ...(random() < 0.4 && { resourceNames: several(["n", "m"]) }),
    };
  const questions = [...everything()];
  let covered = 0;
  for (let i = 0; i < 3_000; i++) {
    const held = [any(), any()], given = any();
    assert.is(countSingles([given]), [...singles([given])].length);
    if (missingFrom(held, [given]).length > 0) continue;
    covered++;
    for (const wanted of questions) {
      if (allows(given, wanted)) assert.ok(held.some((one) => allows(one, wanted)), JSON.stringify({ held, given, wanted }));
    }
  }
  assert.ok(covered > 100, `${covered} covered`);
  assert.ok(covers(rule("*", "*", "*"), { verb: "anything", group: "g", resource: "r/s" }));
});

function* everything(): Iterable<Attributes> {
  for (const verb of ["a", "b", "c"]) {
    for (const path of ["/a", "/a/b", "/b", "/c"]) yield { verb, path };
    for (const group of ["a", "b", "c"]) {
      for (const resource of ["x", "y", "z"]) {
        for (const subresource of ["", "s", "t"]) {
          for (const name of ["", "n", "m", "o"]) yield { verb, group, resource, subresource, name };
        }
      }
    }
  }
}
