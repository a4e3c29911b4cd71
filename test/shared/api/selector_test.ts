import * as assert from "uvu/assert";
import {
  everything,
  fromLabelSelector,
  fromMap,
  type Labels,
  matchFields,
  matchLabels,
  nothing,
  parseFields,
  parseLabels,
  toText,
} from "../../../shared/api/selector.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { suite } from "../../kit/suite.ts";

const labels = suite("parseLabels()");

const grammar: readonly [text: string, canonical: string, matches: Record<string, string>[], misses: Record<string, string>[]][] = [
  ["", "", [{}, { a: "b" }], []],
  ["a=b", "a=b", [{ a: "b" }], [{}, { a: "c" }]],
  ["a==b", "a=b", [{ a: "b" }], [{}]],
  ["a!=b", "a!=b", [{}, { a: "c" }], [{ a: "b" }]],
  ["a=", "a=", [{ a: "" }], [{}, { a: "b" }]],
  ["a", "a", [{ a: "" }], [{ b: "a" }]],
  ["!a", "!a", [{ b: "a" }], [{ a: "" }]],
  [" app in ( web , api ) , !x ", "app in (api,web),!x", [{ app: "api" }], [{}, { app: "db" }, { app: "web", x: "" }]],
  ["a notin (b,c)", "a notin (b,c)", [{}, { a: "d" }], [{ a: "b" }, { a: "c" }]],
  ["a in (,b)", "a in (,b)", [{ a: "" }, { a: "b" }], [{}, { a: "c" }]],
  ["a in ()", "a=", [{ a: "" }], [{ a: "b" }]],
  ["n>5,n<10", "n>5,n<10", [{ n: "7" }], [{}, { n: "5" }, { n: "10" }, { n: "seven" }]],
  ["in in (notin)", "in=notin", [{ in: "notin" }], [{}]],
  ["x.io/a=b,c", "x.io/a=b,c", [{ "x.io/a": "b", c: "d" }], [{ "x.io/a": "b" }]],
  ["!constructor", "!constructor", [{}], [{ constructor: "x" }]],
];
for (const [text, canonical, matches, misses] of grammar) {
  labels(`reads "${text}"`, () => {
    const selector = parseLabels(text);
    assert.is(toText(selector), canonical);
    assert.equal(parseLabels(canonical), parseLabels(toText(selector)));
    for (const object of matches) assert.ok(matchLabels(selector, object), JSON.stringify(object));
    for (const object of misses) assert.not(matchLabels(selector, object), JSON.stringify(object));
  });
}
labels("refuses what it cannot read: 400, and says where", () => {
  const table: [string, string][] = [
    ["a,", "found '', expected: identifier after ','"],
    [",a", "found ',', expected: identifier"],
    ["a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a in b", "found 'b', expected: '('"],
    ["a in (b", "found '', expected: ',' or ')'"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["n>9223372036854775808", `Invalid value: "9223372036854775808": for 'Gt', 'Lt' operators, the value must be an integer`],
    ["n>x", `Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
    ["!", "found '', expected: identifier"],
  ];
  for (const [text, why] of table) assert.is(failure(() => parseLabels(text)).message, `unable to parse requirement: ${why}`, text);
  assert.match(failure(() => parseLabels("a@b")).message, /^unable to parse requirement: Invalid value: "a@b": name part must consist/);
  assert.is(failure(() => parseLabels("a=b c")).code, 400);
});
function failure(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}

const fields = suite("parseFields()");

fields("reads terms and escapes", () => {
  assert.equal(parseFields("a.b=c,d!=e,f==g\\,h\\=i\\\\"), [
    { field: "a.b", equal: true, value: "c" },
    { field: "d", equal: false, value: "e" },
    { field: "f", equal: true, value: "g,h=i\\" },
  ]);
  assert.equal(parseFields(""), []);
});
fields("refuses unknown fields, and what it cannot read", () => {
  assert.is(failure(() => parseFields("a.b", () => true)).message, "invalid selector: 'a.b'; can't understand 'a.b'");
  assert.is(failure(() => parseFields("spec.x=1", (field) => field === "spec.y")).message, "field label not supported: spec.x");
  assert.is(failure(() => parseFields("a=b\\c")).message, "invalid field selector: invalid escape sequence: \\c");
  assert.is(failure(() => parseFields("a=b\\")).code, 400);
  assert.is(failure(() => parseFields("a=b=c")).message, "invalid field selector: unescaped character in value: =");
});
fields("match what lookup says; a field it does not know is empty", () => {
  const lookup = (field: string) => ({ phase: "Running" })[field];
  assert.ok(matchFields(parseFields("phase=Running,other="), lookup));
  assert.ok(matchFields(parseFields("phase!=Failed"), lookup));
  assert.not(matchFields(parseFields("phase=Running,other!="), lookup));
});

const selectors = suite("fromLabelSelector()");

selectors("none selects nothing, one without rules everything", () => {
  assert.equal(fromLabelSelector(undefined), nothing);
  assert.equal(fromLabelSelector({}), everything);
  assert.not(matchLabels(nothing, { "": "" }));
  assert.not(matchLabels(fromMap({}), { a: "b" }));
  assert.ok(matchLabels(fromMap({ a: "b" }), { a: "b", c: "d" }));
});
selectors("takes all rules together", () => {
  const selector: Labels = fromLabelSelector({
    matchLabels: { app: "web" },
    matchExpressions: [{ key: "tier", operator: "In", values: ["a", "b"] }, { key: "x", operator: "DoesNotExist" }, {
      key: "y",
      operator: "NotIn",
      values: ["1"],
    }, {
      key: "z",
      operator: "Exists",
    }],
  });
  assert.is(toText(selector), "app=web,tier in (a,b),!x,y!=1,z");
});
