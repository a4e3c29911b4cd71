import * as assert from "uvu/assert";
import { reportedProblems, validationSteps } from "../../../../shared/limits.ts";
import type { Schema } from "../../../../shared/api/custom/structural.ts";
import { newWalk, validateValue } from "../../../../shared/api/custom/validate.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("values of custom resources");
/** What is wrong with an object whose field f has this schema. */
function causes(schema: object, value: unknown, old?: unknown): string[] {
  const walk = newWalk(), whole = { type: "object", properties: { f: schema } } as Schema;
  validateValue(whole, { f: value }, "", walk, old === undefined ? undefined : { f: old });
  return walk.causes.map(({ field, message }) => `${field}: ${message}`);
}
/** [schema, values that are valid, [value, causes] of others]. Words as apiextensions' own tests have them. */
const table: Record<string, [object, unknown[], [unknown, ...string[]][]]> = {
  object: [{ type: "object" }, [{}, { a: 1 }], [
    ["foo", 'f: Invalid value: "string": f in body must be of type object: "string"'],
    [42, 'f: Invalid value: "integer": f in body must be of type object: "integer"'],
    [1.2, 'f: Invalid value: "number": f in body must be of type object: "number"'],
    [[], 'f: Invalid value: "array": f in body must be of type object: "array"'],
    [null, 'f: Invalid value: "null": f in body must be of type object: "null"'],
  ]],
  nullable: [{ type: "object", nullable: true }, [{}, null], [[
    true,
    'f: Invalid value: "boolean": f in body must be of type object: "boolean"',
  ]]],
  "int or string": [{ "x-kubernetes-int-or-string": true }, [42, "foo"], [
    [null, 'f: Invalid value: "null": f in body must be of type integer,string: "null"'],
    [1.2, 'f: Invalid value: "number": f in body must be of type integer,string: "number"'],
  ]],
  "int or string, with the anyOf that people add": [
    { "x-kubernetes-int-or-string": true, nullable: true, anyOf: [{ type: "integer" }, { type: "string" }] },
    [42, "foo", null],
    [[
      true,
      'f: Invalid value: "boolean": f in body must be of type integer,string: "boolean"',
      '<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)',
      'f: Invalid value: "boolean": f in body must be of type integer: "boolean"',
    ]],
  ],
  number: [{ type: "number", minimum: 1, maximum: 2.5, multipleOf: 0.5 }, [1, 1.5, 2.5], [
    [3, "f: Invalid value: 3: f in body should be less than or equal to 2.5"],
    [0.5, "f: Invalid value: 0.5: f in body should be greater than or equal to 1"],
    [1.2, "f: Invalid value: 1.2: f in body should be a multiple of 0.5"],
  ]],
  exclusive: [{ type: "integer", minimum: 1, exclusiveMinimum: true, maximum: 3, exclusiveMaximum: true }, [2], [
    [1, "f: Invalid value: 1: f in body should be greater than 1"],
    [3, "f: Invalid value: 3: f in body should be less than 3"],
  ]],
  string: [{ type: "string", minLength: 2, maxLength: 3, pattern: "^[a-zß]+$" }, ["ab", "ßßß"], [
    ["a", 'f: Invalid value: "a": f in body should be at least 2 chars long'],
    ["abcd", "f: Too long: may not be more than 3 bytes"],
    ["AB", "f: Invalid value: \"AB\": f in body should match '^[a-zß]+$'"],
  ]],
  format: [{ type: "string", format: "date-time" }, ["2026-01-02T03:04:05Z"], [
    ["2026-13-02T03:04:05Z", 'f: Invalid value: "2026-13-02T03:04:05Z": f in body must be of type date-time: "2026-13-02T03:04:05Z"'],
  ]],
  "unknown format": [{ type: "string", format: "colour" }, ["x"], []],
  enum: [{ type: "integer", enum: [1, 2] }, [1], [
    [3, 'f: Unsupported value: 3: supported values: "1", "2"'],
    [
      "x",
      'f: Invalid value: "string": f in body must be of type integer: "string"',
      'f: Unsupported value: "x": supported values: "1", "2"',
    ],
  ]],
  list: [{ type: "array", minItems: 1, maxItems: 2, items: { type: "string" } }, [["a"]], [
    [[], "f: Invalid value: 0: f in body should have at least 1 items"],
    [["a", "b", "c"], "f: Too many: 3: must have at most 2 items"],
    [["a", 1], 'f[1]: Invalid value: "integer": f[1] in body must be of type string: "integer"'],
  ]],
  set: [{ type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } }, [["a", "b"]], [[
    ["a", "b", "a"],
    'f[2]: Duplicate value: "a"',
  ]]],
  "list with keys": [
    {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" } } },
    },
    [[{ k: "a" }, { k: "b" }]],
    [[[{ k: "a" }, { k: "a" }], 'f[1]: Duplicate value: {"k":"a"}']],
  ],
  "required, and properties": [
    { type: "object", required: ["a"], maxProperties: 1, additionalProperties: { type: "integer" } },
    [{ a: 1 }],
    [
      [{}, "f.a: Required value"],
      [{ a: 1, b: 2 }, "f: Too many: 2: must have at most 1 items"],
      [{ a: "x" }, 'f.a: Invalid value: "string": f.a in body must be of type integer: "string"'],
    ],
  ],
  oneOf: [{ type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] }, [{ a: 1 }, { b: 1 }], [
    [{}, '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid', "f.a: Required value"],
    [{ a: 1, b: 1 }, '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
  ]],
  "allOf and not": [{ type: "integer", allOf: [{ minimum: 1 }, { maximum: 5 }], not: { enum: [3] } }, [1, 2], [
    [3, '<nil>: Invalid value: "": "f" must not validate the schema (not)'],
    [
      6,
      '<nil>: Invalid value: "": "f" must validate all the schemas (allOf)',
      "f: Invalid value: 6: f in body should be less than or equal to 5",
    ],
  ]],
  embedded: [{ type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true }, [{
    apiVersion: "v1",
    kind: "X",
  }], [
    [{ apiVersion: "v1" }, "f.kind: Required value: must not be empty"],
  ]],
};
for (const [name, [schema, good, bad]] of Object.entries(table)) {
  test(`validateValue() of ${name}`, () => {
    for (const value of good) assert.equal(causes(schema, value), [], JSON.stringify(value));
    for (const [value, ...expected] of bad) assert.equal(causes(schema, value), expected, JSON.stringify(value));
  });
}

test("validateValue() lets be what has not changed, item by item where items can be told apart", () => {
  const keyed = { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] };
  const list = { type: "array", items: { type: "object", properties: { k: { type: "string" }, n: { type: "integer", maximum: 1 } } } };
  const before = [{ k: "a", n: 5 }, { k: "b", n: 1 }], after = [{ k: "b", n: 9 }, { k: "a", n: 5 }];
  assert.equal(causes({ ...list, ...keyed }, after, before), [
    "f[0].n: Invalid value: 9: f[0].n in body should be less than or equal to 1",
  ]);
  assert.is(causes(list, after, before).length, 2);
});
test("validateValue() says no more than anybody reads, and works no longer than it may", () => {
  const wrong = Array.from({ length: 1_000 }, () => "x");
  assert.ok(causes({ type: "array", items: { type: "integer" } }, wrong).length <= reportedProblems);
  // 2^22 ways through, were nobody counting.
  let deep: object = { type: "integer" };
  for (let level = 0; level < 22; level++) deep = { anyOf: [{ not: deep }, { not: deep }] };
  const walk = newWalk();
  validateValue(deep as Schema, "x", "f", walk);
  assert.ok(walk.steps < 0 && walk.steps > -validationSteps);
});
test("validateValue() is not held by a pattern that backtracking would never end", () => {
  const from = performance.now();
  assert.is(causes({ type: "string", pattern: "^(a+)+$" }, `${"a".repeat(50_000)}!`).length, 1);
  assert.ok(performance.now() - from < 5_000);
});
