import * as assert from "uvu/assert";
import { kindsOf } from "../../../../shared/api/custom/kinds_of.ts";
import { decode } from "../../../../shared/api/decode.ts";
import { age } from "../../../../shared/api/age.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { definition, kindFrom, version } from "../../../kit/definitions.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("kinds of definitions");
const head = { apiVersion: "sea.example.com/v1", kind: "Tide", metadata: { name: "high", namespace: "default" } };
const spec = (properties: object, more: object = {}): object => version({ spec: { type: "object", properties, ...more } });
const kept = (properties: object, value: object, more: object = {}) =>
  (decode(kindFrom([spec(properties, more)]).schema, { ...head, spec: value }).value as unknown as { spec: unknown }).spec;

test("kindsOf() has no kinds before the names are accepted, and then one for each served version", () => {
  const made = definition([
    version({}),
    version({}, { name: "v2", storage: false }),
    version({}, { name: "v3", served: false, storage: false }),
  ]);
  assert.is(kindsOf(made), undefined);
  const kinds = kindsOf({ ...made, status: { acceptedNames: made.spec.names, conditions: [{ type: "Established", status: "True" }] } })!;
  assert.equal(kinds.served.map(({ version }) => version), ["v1", "v2"]);
  assert.is(kinds.stored, kinds.served[0]);
});

test("decoding drops fields that the schema does not name, and says which", () => {
  const kind = kindFrom([spec({ list: { type: "array", items: { type: "object", properties: { a: { type: "string" } } } } })]);
  const { value, unknown } = decode(kind.schema, { ...head, bogus: 1, spec: { other: {}, list: [{ a: "x" }, { b: 1 }] } });
  assert.equal(value, { ...head, spec: { list: [{ a: "x" }, {}] } });
  assert.equal(unknown.toSorted(), ['unknown field "bogus"', 'unknown field "spec.list[1].b"', 'unknown field "spec.other"']);
});
test("decoding keeps fields where the schema says so, and what is in maps", () => {
  const any = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const value = { any: { a: [{ b: null }], constructor: 1 }, map: { "a.b/c": "x" }, open: { known: {}, other: 1 } };
  const known = { type: "object", properties: { a: { type: "string" } } };
  const properties = { any, map: { type: "object", additionalProperties: { type: "string" } }, open: { ...any, properties: { known } } };
  assert.equal(kept(properties, { ...value, open: { known: { b: 1 }, other: 1 } }), value);
  assert.equal(decode(kindFrom([version({}, { schema: { openAPIV3Schema: any } })]).schema, { ...head, x: { y: 1 } }).value, {
    ...head,
    x: { y: 1 },
  });
});
test("decoding keeps apiVersion, kind and metadata of embedded objects", () => {
  const embedded = { type: "object", "x-kubernetes-embedded-resource": true, properties: { data: { type: "string" } } };
  const value = { apiVersion: "v1", kind: "X", metadata: { name: "a", labels: { b: "c" } }, data: "d" };
  assert.equal(kept({ embedded }, { embedded: { ...value, other: 1 } }), { embedded: value });
});
test("decoding fills in defaults, also within defaults and in lists, and takes null for nothing where it may not be", () => {
  const size = { type: "integer", default: 3 }, inner = { type: "object", default: {}, properties: { size } };
  assert.equal(kept({ inner, size }, {}), { inner: { size: 3 }, size: 3 });
  assert.equal(kept({ inner, size }, { inner: null, size: null }), { inner: { size: 3 }, size: 3 });
  assert.equal(kept({ list: { type: "array", items: inner } }, { list: [{}, { size: 0 }] }), { list: [{ size: 3 }, { size: 0 }] });
  assert.equal(kept({ a: { type: "string" }, b: { type: "string", nullable: true } }, { a: null, b: null }), { b: null });
});
test("a default that was given out is nobody else's", () => {
  const kind = kindFrom([spec({ list: { type: "array", items: { type: "string" }, default: ["a"] } })]);
  const first = decode(kind.schema, { ...head, spec: {} }).value as unknown as { spec: { list: string[] } };
  first.spec.list.push("b");
  assert.equal((decode(kind.schema, { ...head, spec: {} }).value as unknown as { spec: unknown }).spec, { list: ["a"] });
});
test("metadata is read as every object's is", () => {
  const kind = kindFrom([version({})]);
  assert.equal(decode(kind.schema, { ...head, metadata: { name: 5 } }).unreadable.length, 1);
  assert.equal(decode(kind.schema, { ...head, metadata: { ...head.metadata, bogus: 1 } }).unknown, ['unknown field "metadata.bogus"']);
  assert.ok(decode(kind.schema, { ...head, spec: Array.from({ length: 30_001 }, () => 1) }).cut);
});

test("what lies in the store is read with today's version and defaults", () => {
  const kind = kindFrom([spec({ size: { type: "integer", default: 3 } })]);
  const stored = { ...head, apiVersion: "sea.example.com/v0", spec: { gone: 1 } };
  assert.equal(kind.kept!.read(stored), { ...head, spec: { size: 3 } });
});

test("columns show what their paths lead to, by their types", () => {
  const column = (name: string, type: string, jsonPath: string, more = {}) => ({ name, type, jsonPath, ...more });
  const kind = kindFrom([version({}, {
    schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    additionalPrinterColumns: [
      column("Size", "integer", ".spec.size"),
      column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
      column("Names", "string", ".spec.list[*].name"),
      column("On", "boolean", ".spec.on", { priority: 1 }),
      column("Since", "date", ".spec.since"),
      column("Dotted", "string", ".metadata.labels.a\\.b/c"),
    ],
  })]);
  const since = "2026-01-01T00:00:00Z", now = Date.parse("2026-01-01T01:00:00Z");
  const object = {
    metadata: { name: "high", labels: { "a.b/c": "d" } },
    spec: { size: 5, list: [{ name: "x" }, { name: "y" }], on: true, since },
    status: { conditions: [{ type: "Other", status: "False" }, { type: "Ready", status: "True" }] },
  };
  assert.equal(cells(kind, object, now), {
    Name: "high",
    Size: 5,
    Ready: "True",
    Names: "x y",
    On: true,
    Since: age(since, now),
    Dotted: "d",
  });
  const none = { Name: "low", Size: null, Ready: null, Names: null, On: null, Since: null, Dotted: null };
  assert.equal(cells(kind, { metadata: { name: "low" }, spec: { size: "five" } }), none);
  assert.equal(Object.keys(cells(kindFrom([version({})]), { metadata: { name: "low" } })), ["Name", "Age"]);
});

test("an update lets be what has been wrong before, and says what it makes wrong", () => {
  const kind = kindFrom([spec({ a: { type: "string", maxLength: 1 }, b: { type: "integer" } })]);
  const old = { ...head, spec: { a: "long", b: 1 } };
  assert.equal(admit(kind, { ...head, spec: { a: "long", b: 2 } }, old as never).causes, []);
  assert.equal(admit(kind, { ...head, spec: { a: "longer", b: 2 } }, old as never).causes.length, 1);
});
