import * as assert from "uvu/assert";
import {
  byVersionPriority,
  configKey,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  environmentName,
  labelValue,
  namePrefix,
  pathSegment,
  portName,
  qualifiedName,
  type Syntax,
  wildcardSubdomain,
} from "../../../shared/api/names.ts";
import { validateAnnotations, validateLabels, validateLabelSelector } from "../../../shared/api/labels.ts";
import { suite } from "../../kit/suite.ts";

const names = suite("names");

const table: readonly [string, Syntax, good: readonly string[], bad: readonly string[]][] = [
  ["dns1123Label()", dns1123Label, ["a", "0", "a-1", "a".repeat(63)], ["", "A", "-a", "a-", "a.b", "a".repeat(64), "a\n", "ä"]],
  ["dns1123Subdomain()", dns1123Subdomain, ["a.b", "1.2.3", "a".repeat(253)], ["", ".", "a..b", "a.-b", "A.b", "a".repeat(254)]],
  ["wildcardSubdomain()", wildcardSubdomain, ["*.a.b"], ["*", "*.", "a.b", "*.*.a"]],
  ["dns1035Label()", dns1035Label, ["a", "a-1"], ["1a", "-", "a.b"]],
  ["labelValue()", labelValue, ["", "a", "A_b.c-1"], ["-a", "a-", "a b", "a/b", "a".repeat(64)]],
  ["qualifiedName()", qualifiedName, ["a", "A.b_c", "x.io/a"], ["", "/a", "x.io/", "X.io/a", "a/b/c", "-a", `a/${"b".repeat(64)}`]],
  ["configKey()", configKey, ["a", "A_b.c-1", ".a", "-"], ["", ".", "..", "..a", "a/b", "a b", "a".repeat(254)]],
  ["portName()", portName, ["http", "a1", "1a"], ["", "1", "a--b", "-a", "A", "a".repeat(16)]],
  ["environmentName()", environmentName, ["A", "a b", "1", "%"], ["", "A=B", "ä", "a\t"]],
  ["pathSegment()", pathSegment, ["system:node", "A b"], [".", "..", "a/b", "a%b"]],
];
for (const [name, syntax, good, bad] of table) {
  names(`${name} tells right from wrong`, () => {
    for (const text of good) assert.equal(syntax(text), [], JSON.stringify(text));
    for (const text of bad) assert.is.not(syntax(text).length, 0, JSON.stringify(text));
  });
}
names("say what is wrong in Kubernetes' words", () => {
  assert.equal(dns1123Label("X_Y"), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character " +
    "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  assert.equal(dns1123Subdomain("a".repeat(254)), ["must be no more than 253 characters"]);
  assert.equal(qualifiedName("X.io/"), [
    "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
    "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    "name part must be non-empty",
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ]);
});
names("namePrefix() lets the beginning of a name end in a hyphen", () => {
  assert.equal(namePrefix(dns1123Label, "web-"), []);
  assert.is(namePrefix(dns1123Label, "-web").length, 1);
});

const labels = suite("labels");

labels("validateLabels() names key or value", () => {
  const causes = validateLabels({ "a b": "1", ok: "b c" }, "metadata.labels");
  assert.equal(causes.map(({ field, message }) => [field, message.slice(0, 30)]), [
    ["metadata.labels", `Invalid value: "a b": name par`],
    ["metadata.labels", `Invalid value: "b c": a valid `],
  ]);
});
labels("validateAnnotations() bounds them all together", () => {
  assert.equal(validateAnnotations({ "Example.COM/a": "x".repeat(262_000) }, "metadata.annotations"), []);
  assert.equal(validateAnnotations({ a: "ä".repeat(131_073) }, "metadata.annotations"), [
    { reason: "FieldValueTooLong", field: "metadata.annotations", message: "Too long: may not be more than 262144 bytes" },
  ]);
});
labels("validateLabelSelector() finds what each operator may not have", () => {
  const expressions = [
    { key: "a", operator: "In" },
    { key: "a", operator: "Exists", values: ["b"] },
    { key: "a", operator: "Like" },
    { key: "-", operator: "NotIn", values: ["b c"] },
  ];
  const causes = validateLabelSelector({ matchExpressions: expressions }, "spec.selector").map(({ reason, field }) => `${reason} ${field}`);
  assert.equal(causes, [
    "FieldValueRequired spec.selector.matchExpressions[0].values",
    "FieldValueForbidden spec.selector.matchExpressions[1].values",
    "FieldValueNotSupported spec.selector.matchExpressions[2].operator",
    "FieldValueInvalid spec.selector.matchExpressions[3].values[0]",
    "FieldValueInvalid spec.selector.matchExpressions[3].key",
  ]);
});

names("byVersionPriority() puts the newest stable version first", () => {
  const inOrder = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
  assert.equal(inOrder.toReversed().sort(byVersionPriority), inOrder);
});
