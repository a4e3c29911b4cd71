import * as assert from "uvu/assert";
import { customResourceDefinitions } from "../../../../shared/api/kinds/custom_resource_definition.ts";
import { admit } from "../../../kit/admit.ts";
import { definition, kindFrom, version } from "../../../kit/definitions.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("rules of custom resources");
const at = "spec.versions[0].schema.openAPIV3Schema.properties[spec]";
const metadata = { name: "high", namespace: "default" };
const rules = (...all: (string | object)[]) => ({
  "x-kubernetes-validations": all.map((rule) => typeof rule === "string" ? { rule } : rule),
});
const spec = (properties: object, ...all: (string | object)[]): object =>
  version({ spec: { type: "object", properties, ...rules(...all) } });
/** What is wrong with the definition. */
const refused = (properties: object, ...all: (string | object)[]): readonly string[] =>
  admit(customResourceDefinitions, definition([spec(properties, ...all)])).causes.map((cause) => cause.replace(at, ""));
function causes(versions: object, value: object, old?: object): readonly string[] {
  const kind = kindFrom([versions]);
  assert.equal(admit(customResourceDefinitions, definition([versions])).causes, [], "the definition");
  return admit(kind, { metadata, spec: value }, old && admit(kind, { metadata, spec: old }).object).causes;
}
const int = { type: "integer" }, text = { type: "string" };

test("a rule that does not hold is an error of its schema's value", () => {
  const rule = spec({ a: int, b: int }, "self.a <= self.b", { rule: "self.a > 0", message: "a must be positive" });
  assert.equal(causes(rule, { a: 1, b: 2 }), []);
  assert.equal(causes(rule, { a: 0, b: -1 }), [
    'spec: Invalid value: "object": failed rule: self.a <= self.b',
    'spec: Invalid value: "object": a must be positive',
  ]);
});
test("reason, field and message are the rule's to say", () => {
  const all = [
    { rule: "!has(self.a) || self.a < 5", fieldPath: ".a", reason: "FieldValueForbidden", messageExpression: "'a is %d'.format([self.a])" },
    { rule: "has(self.b)", fieldPath: ".b", reason: "FieldValueRequired", message: "b, please" },
    { rule: "self.a != 7", messageExpression: "self.b", message: "otherwise" },
  ];
  assert.equal(causes(spec({ a: int, b: text }, ...all), { a: 7 }), [
    "spec.a: Forbidden: a is 7",
    "spec.b: Required value: b, please",
    'spec: Invalid value: "object": otherwise',
  ]);
});
test("values have the types of their schema", () => {
  const properties = {
    n: { type: "number" },
    t: { type: "string", format: "date-time" },
    d: { type: "string", format: "duration" },
    i: { "x-kubernetes-int-or-string": true },
    m: { type: "object", additionalProperties: int },
    l: { type: "array", items: { type: "object", properties: { "a-b": int, "if": text } } },
    f: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    z: { type: "string", nullable: true },
  };
  const all = [
    "self.n > 1.5 && self.t > timestamp('2026-01-01T00:00:00Z') && self.d < duration('2h')",
    "type(self.i) == string ? self.i == 'x' : self.i > 3",
    "self.m.all(k, self.m[k] > 0) && 'a' in self.m && self.m.size() == 1",
    "self.l.all(e, e.a__dash__b == 1 && e.__if__ == 'x')",
    "self.f.any == 5 && self.z == null",
    "self.l == self.l && self == self",
  ];
  const value = { n: 2, t: "2026-02-01T00:00:00Z", d: "1h", i: 4, m: { a: 1 }, l: [{ "a-b": 1, if: "x" }], f: { any: 5 }, z: null };
  assert.equal(causes(spec(properties, ...all), value), []);
  assert.equal(
    causes(spec(properties, ...all), { ...value, n: 1, i: "y", m: { a: 0 }, l: [{ "a-b": 2, if: "x" }], f: { any: 6 } }).length,
    5,
  );
});
test("rules see metadata at the root, and hold within lists and maps", () => {
  const root = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", ...rules("self.metadata.name.startsWith('h')"), properties: {} } },
  };
  assert.equal(admit(kindFrom([root]), { metadata }).causes, []);
  assert.equal(admit(kindFrom([root]), { metadata: { ...metadata, name: "low" } }).causes, [
    "<nil>: Invalid value: \"object\": failed rule: self.metadata.name.startsWith('h')",
  ]);
  const items = { type: "array", items: { ...int, ...rules("self % 2 == 0") } },
    values = { type: "object", additionalProperties: { ...text, ...rules("self.size() < 3") } };
  assert.equal(causes(spec({ l: items, m: values }), { l: [2, 3], m: { a: "abc" } }), [
    "spec.l[1]: Invalid value: 3: failed rule: self % 2 == 0",
    'spec.m.a: Invalid value: "abc": failed rule: self.size() < 3',
  ]);
});
test("a rule with oldSelf is asked of updates only; with optionalOldSelf always", () => {
  const immutable = spec({ a: { ...int, ...rules("self == oldSelf") }, b: int });
  assert.equal(causes(immutable, { a: 1 }), []);
  assert.equal(causes(immutable, { a: 1, b: 2 }, { a: 1 }), []);
  assert.equal(causes(immutable, { a: 2 }, { a: 1 }), ["spec.a: Invalid value: 2: failed rule: self == oldSelf"]);
  const born = spec({
    a: { ...int, ...rules({ rule: "oldSelf.hasValue() ? oldSelf.value() <= self : self == 1", optionalOldSelf: true }) },
  });
  assert.equal([causes(born, { a: 1 }).length, causes(born, { a: 2 }).length, causes(born, { a: 2 }, { a: 1 }).length], [0, 1, 0]);
  const keyed = { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] };
  const item = { type: "object", required: ["k"], properties: { k: text, v: int }, ...rules("self.v >= oldSelf.v") };
  const list = spec({ l: { ...keyed, items: item } });
  assert.equal(causes(list, { l: [{ k: "b", v: 9 }, { k: "a", v: 0 }] }, { l: [{ k: "a", v: 1 }, { k: "b", v: 9 }] }), [
    'spec.l[1]: Invalid value: "object": failed rule: self.v >= oldSelf.v',
  ]);
});
test("what has not changed is not judged anew, and what is broken otherwise not yet", () => {
  const strict = spec({ a: { ...int, ...rules("self > 5") }, b: int });
  assert.equal(causes(strict, { a: 1, b: 2 }, { a: 1 }), []);
  assert.equal(causes(strict, { a: 1, b: "x" }), [
    'spec.b: Invalid value: "string": spec.b in body must be of type integer: "string"',
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
  ]);
});
test("what goes wrong in a rule is said, and no object may cost more than all its rules are given", () => {
  assert.equal(causes(spec({ m: { type: "object", additionalProperties: int } }, "self.m['x'] > 0"), { m: {} }), [
    "spec: Invalid value: \"object\": No such key: x evaluating rule: self.m['x'] > 0",
  ]);
  const costly = "self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))", value = { l: Array.from({ length: 500 }, (_, i) => i) };
  const from = performance.now();
  assert.equal(causes(spec({ l: { type: "array", items: int } }, costly, "self.l.size() > 0"), value), [
    `spec: Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run: ${costly}`,
  ]);
  assert.ok(performance.now() - from < 4_000);
});

test("a rule that cannot be compiled is refused with its definition", () => {
  assert.equal(refused({ a: int }, "self.b > 1"), [
    '.x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.b > 1"}: compilation failed: ERROR: <input>:1:6: undefined field \'b\'\n | self.b > 1\n | .....^',
  ]);
  assert.match(refused({ a: int }, "self.a + 'x' == ''")[0]!, /compilation failed: ERROR: <input>:1:1: no such overload: int \+ string/);
  assert.match(refused({ a: int }, "self.a")[0]!, /: cel expression must evaluate to a bool$/);
  assert.match(
    refused({ a: int }, { rule: "self.a > 1", messageExpression: "self.a" })[0]!,
    /messageExpression: .*: messageExpression must evaluate to a string$/,
  );
  assert.match(
    refused({ a: int }, { rule: "true", messageExpression: "nope" })[0]!,
    /messageExpression compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope'/,
  );
});
test("what stands beside a rule must make sense", () => {
  const one = (rule: object): string => refused({ a: int }, rule)[0]!.replace(".x-kubernetes-validations[0]", "");
  assert.is(one({ rule: " " }), ".rule: Required value: rule is not specified");
  assert.is(one({ rule: "true", message: "a\nb" }), '.message: Invalid value: "a\\nb": message must not contain line breaks');
  assert.is(one({ rule: "true ||\nfalse" }), ".message: Required value: message must be specified if rule contains line breaks");
  assert.is(one({ rule: "true", fieldPath: ".b" }), '.fieldPath: Invalid value: ".b": fieldPath must be a valid path');
  assert.is(
    one({ rule: "true", optionalOldSelf: true }),
    ".optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
  );
  assert.match(one({ rule: "true", reason: "X" }), /reason: Unsupported value: "X"/);
  const list = { type: "array", items: { ...int, ...rules("self >= oldSelf") } };
  assert.equal(refused({ l: list }), [
    `.properties[l].items.x-kubernetes-validations[0].rule: Invalid value: "self >= oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}.properties[l]`,
  ]);
});
test("a definition with very many rules compiles in time", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 900 }, (_, i) => [`f${i}`, { type: "object", properties: { a: int }, ...rules("!has(self.a) || self.a > 0") }]),
  );
  const from = performance.now();
  assert.equal(refused(properties), []);
  const compiled = performance.now() - from;
  assert.ok(compiled < 4_000, `${compiled} ms`);
});
