import * as assert from "uvu/assert";
import * as v from "valibot";
import { decode } from "../../../shared/api/decode.ts";
import { any, intOrString, quantity, time } from "../../../shared/api/scalars.ts";
import {
  bool,
  bytes,
  double,
  field,
  inline,
  int32,
  kind,
  later,
  list,
  map,
  message,
  oneOf,
  optional,
  refine,
  required,
  string,
  type Type,
} from "../../../shared/api/schema.ts";
import { dns1123Subdomain } from "../../../shared/api/names.ts";
import { duplicate, invalid, shown, unsupported } from "../../../shared/api/resource.ts";
import { invalidObject } from "../../../shared/api/status.ts";
import { objectValues, reportedProblems, shownCharacters } from "../../../shared/limits.ts";
import { suite } from "../../kit/suite.ts";

class Source extends message("x.v1.Source", "Where from.", { path: field(1, string, "A path."), size: field(2, quantity, "A size.") }) {}
class Part extends message("x.v1.Part", "A part.", {
  name: required(1, string, "Its name."),
  port: field(2, refine(int32, v.minValue(1, "must be between 1 and 65535, inclusive")), "A port."),
  target: field(3, intOrString, "A port or its name."),
  ...inline(4, "source", Source),
  parts: field(5, list(later((): Type<Part> => Part)), "Its parts."),
}) {}
class Spec extends message("x.v1.Spec", "What is wanted.", {
  parts: field(1, list(Part), "Parts."),
  labels: field(2, map(string), "Labels."),
  policy: field(3, oneOf("Always", "Never"), "When.", { default: "Always" }),
  replicas: optional(4, int32, "How many.", { default: 1 }),
  paused: field(5, bool, "Is it?"),
  weight: field(6, double, "How much."),
  data: field(7, map(bytes), "Data."),
  since: field(8, time, "Since when."),
  raw: field(9, any, "Anything."),
  update: field(10, map(Source), "Sources by name."),
}) {}
class Thing extends kind("x.io/v1", "x.v1.Thing", "A thing.", { spec: field(1, Spec, "What is wanted.", { default: {} }) }) {}

/** The static type is the shape: optional where not required. A change that breaks it does not compile. */
export const typed: Thing = { spec: { parts: [{ name: "a", path: "/", target: 80, parts: [] }], policy: "Never", labels: { a: "b" } } };
// @ts-expect-error a required field is missing
export const incomplete: Part = {};
// @ts-expect-error undefined is not absent (exactOptionalPropertyTypes)
export const blank: Part = { name: "a", path: undefined };

const test = suite("decode()");
const clean = (input: unknown) => {
  const decoded = decode(Thing, input);
  assert.equal([decoded.unreadable, decoded.unknown, decoded.causes], [[], [], []]);
  return decoded.value;
};

test("fills in defaults, leaves out what is empty, and keeps zeros that mean something", () => {
  assert.equal(clean({ spec: null }), { spec: { policy: "Always", replicas: 1 } });
  const spec = { parts: [], labels: {}, policy: "", replicas: 0, paused: false, weight: 0, since: null };
  assert.equal(clean({ spec }), { spec: { policy: "Always", replicas: 0 } });
  assert.equal(clean({ spec: { parts: [{ name: "a", port: 0, size: 0.5, parts: [{ name: "b" }] }] } }).spec?.parts, [
    { name: "a", size: "500m", parts: [{ name: "b" }] },
  ]);
});
test("makes fresh copies of defaults", () => {
  const first = clean({});
  first.spec!.labels = { changed: "yes" };
  assert.equal(clean({}), { spec: { policy: "Always", replicas: 1 } });
});
test("names unknown fields as the strict decoder does", () => {
  const { unknown, value } = decode(Thing, { bogus: 1, spec: { parts: [{ name: "a" }, { name: "b", imag: 1 }], update: { x: { y: 1 } } } });
  assert.equal(unknown, [`unknown field "spec.parts[1].imag"`, `unknown field "spec.update.x.y"`, `unknown field "bogus"`]);
  assert.equal(value.spec!.parts, [{ name: "a" }, { name: "b" }]);
});
test("says in Go's words what cannot be read", () => {
  const table: [unknown, string][] = [
    [{ replicas: "1" }, "json: cannot unmarshal string into Go struct field Spec.spec.replicas of type int32"],
    [{ replicas: 1.5 }, "json: cannot unmarshal number 1.5 into Go struct field Spec.spec.replicas of type int32"],
    [{ replicas: 2 ** 31 }, "json: cannot unmarshal number 2147483648 into Go struct field Spec.spec.replicas of type int32"],
    [{ labels: { a: 1 } }, "json: cannot unmarshal number into Go struct field Spec.spec.labels of type string"],
    [{ labels: [] }, "json: cannot unmarshal array into Go struct field Spec.spec.labels of type map[string]string"],
    [{ parts: {} }, "json: cannot unmarshal object into Go struct field Spec.spec.parts of type []v1.Part"],
    [{ parts: ["a"] }, "json: cannot unmarshal string into Go struct field Spec.spec.parts of type v1.Part"],
    [{ parts: [{ name: true }] }, "json: cannot unmarshal bool into Go struct field Part.spec.parts.name of type string"],
    [{ data: { a: "!" } }, "illegal base64 data (spec.data[a])"],
    [{ since: "now" }, `parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse (spec.since: "now")`],
    [
      { parts: [{ name: "a", size: "1 Gi" }] },
      `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (spec.parts[0].size: "1 Gi")`,
    ],
  ];
  for (const [spec, words] of table) assert.equal(decode(Thing, { spec }).unreadable, [words]);
  assert.equal(decode(Thing, { spec: 1 }).unreadable, ["json: cannot unmarshal number into Go struct field Thing.spec of type v1.Spec"]);
  assert.equal(decode(Thing, []).unreadable, ["json: cannot unmarshal array into Go value of type v1.Thing"]);
});
test("makes causes of what can be read but is not allowed", () => {
  const { causes, unreadable } = decode(Thing, { spec: { policy: "Maybe", parts: [{ port: -1 }, { name: "" }] } });
  assert.equal(unreadable, []);
  assert.equal(causes, [
    { reason: "FieldValueRequired", field: "spec.parts[0].name", message: "Required value" },
    { reason: "FieldValueInvalid", field: "spec.parts[0].port", message: "Invalid value: -1: must be between 1 and 65535, inclusive" },
    { reason: "FieldValueRequired", field: "spec.parts[1].name", message: "Required value" },
    { reason: "FieldValueNotSupported", field: "spec.policy", message: `Unsupported value: "Maybe": supported values: "Always", "Never"` },
  ]);
});
test("takes __proto__ and constructor for keys like others", () => {
  const input = JSON.parse(`{"spec":{"labels":{"__proto__":"a","constructor":"b"},"raw":{"__proto__":1},"__proto__":{}},"toString":1}`);
  const { value, unknown } = decode(Thing, input);
  assert.is(JSON.stringify(value.spec!.labels), `{"__proto__":"a","constructor":"b"}`);
  assert.equal(unknown, [`unknown field "spec.__proto__"`, `unknown field "toString"`]);
});
test("ends when it has found enough", () => {
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x${i}`, i]));
  assert.is(decode(Thing, { spec: unknown }).unknown.length, 100);
  assert.is(decode(Thing, { spec: { parts: Array(5000).fill({}) } }).causes.length, 100);
  assert.is(decode(Thing, { spec: { labels: unknown } }).unreadable.length, 100);
  // Many unknown fields do not hide the one that matters.
  assert.is(decode(Thing, { spec: { parts: [unknown, unknown, { port: 80 }] } }).causes.length, 3);
});

test("takes so many keys and items in all, names the field where there are too many, and looks at nothing behind it", () => {
  let looked = 0;
  const counted = refine(string, v.check(() => ++looked > 0)),
    Wide = message("test.Wide", "", { a: field(1, list(counted), ""), b: field(2, map(counted), "") });
  const a = Array(objectValues - 2).fill("x");
  assert.equal(decode(Wide, { a, b: {} }).cut, false);
  looked = 0;
  const { causes, cut } = decode(Wide, { a, b: { one: "y" } });
  const words = "Too many: 1: an object must have at most 30000 keys and items in all";
  assert.equal([cut, causes], [true, [{ reason: "FieldValueTooMany", field: "b", message: words }]]);
  assert.is(looked, a.length);
  looked = 0;
  assert.is(decode(Wide, { a: Array(objectValues).fill("x") }).causes[0]!.field, "a");
  assert.is(looked, 0);
});

const report = suite("invalidObject()");

report("says a bounded part of what is wrong, however much and however long", () => {
  const long = "x".repeat(1_000_000),
    one = [invalid(`data[${long}]`, long, "is wrong"), duplicate("list", [long]), unsupported("is", long, [])];
  const { message, details } = invalidObject({ plural: "things", group: "", kind: "Thing" }, long, Array(1_000).fill(one).flat());
  assert.is(details!.causes!.length, reportedProblems);
  assert.is(details!.name!.length, shownCharacters);
  assert.ok(message.length < 10 * shownCharacters);
  assert.match(one[0]!.message, /^Invalid value: "x+…: is wrong$/);
  assert.equal(dns1123Subdomain(long), ["must be no more than 253 characters"]);
  assert.is(shown("x".repeat(shownCharacters)).length, shownCharacters + 2);
});
