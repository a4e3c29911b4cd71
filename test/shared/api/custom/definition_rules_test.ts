import * as assert from "uvu/assert";
import { customResourceDefinitions } from "../../../../shared/api/kinds/custom_resource_definition.ts";
import { schemaNodes } from "../../../../shared/limits.ts";
import { admit } from "../../../kit/admit.ts";
import { definition, group, version } from "../../../kit/definitions.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("definitions");
// deno-lint-ignore no-explicit-any
const causes = (made: any, old?: any) => admit(customResourceDefinitions, made, old).causes;
const path = "spec.versions[0].schema.openAPIV3Schema";
/** What is wrong with a schema, without the path to it. */
const wrong = (schema: object): string[] =>
  causes(definition([{ ...version({}), schema: { openAPIV3Schema: schema } }])).map((cause) => cause.replace(path, ""));
const field = (schema: object): string[] =>
  wrong({ type: "object", properties: { f: schema } }).map((cause) => cause.replace(".properties[f]", ""));

test("a definition gets the names that it leaves out, and its storage version is one that is stored", () => {
  const made = definition([version({})]);
  const { object, causes } = admit(customResourceDefinitions, {
    ...made,
    spec: { ...made.spec, names: { plural: "tides", kind: "Tide" } },
  });
  assert.equal(causes, []);
  assert.equal(object.spec.names, { plural: "tides", kind: "Tide", singular: "tide", listKind: "TideList" });
  assert.equal([object.spec.conversion, object.status], [{ strategy: "None" }, { storedVersions: ["v1"] }]);
});

test("names must be those of a kind, and the definition's own name theirs", () => {
  const label =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an " +
    "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
  const made = definition([version({})], { plural: "Tides", kind: "T_", listKind: "T_", shortNames: ["T"] });
  assert.equal(causes(made), [
    `spec.names.plural: Invalid value: "Tides": ${label}`,
    `spec.names.kind: Invalid value: "T_": may have mixed case, but should otherwise match: ${label}`,
    `spec.names.listKind: Invalid value: "T_": may have mixed case, but should otherwise match: ${label}`,
    `spec.names.shortNames[0]: Invalid value: "T": ${label}`,
    'spec.names.listKind: Invalid value: "T_": kind and listKind may not be the same',
  ]);
  const other = definition([version({})]),
    grouped = (group: string) => ({ ...other, metadata: { name: `tides.${group}` }, spec: { ...other.spec, group } });
  assert.equal(causes({ ...other, metadata: { name: "waves" } }), [
    'metadata.name: Invalid value: "waves": must be spec.names.plural+"."+spec.group',
  ]);
  assert.equal(causes(grouped("sea")), ['spec.group: Invalid value: "sea": should be a domain with at least one dot']);
  assert.match(
    causes(grouped("sea.k8s.io"))[0]!,
    /^metadata.annotations\[api-approved.kubernetes.io\]: Required value: protected groups must have approval/,
  );
});

test("one version is stored, each has a name of its own and a schema, and none is converted by a webhook", () => {
  const two = [version({}), version({}, { name: "v1" })];
  assert.equal(causes(definition(two)), [
    'spec.versions: Invalid value: ["v1","v1"]: must contain unique version names',
    'spec.versions: Invalid value: ["v1","v1"]: must have exactly one version marked as storage version',
  ]);
  assert.equal(causes(definition([{ name: "v1", served: true, storage: true }])), [`${path}: Required value: schemas are required`]);
  const made = definition([version({}, { deprecationWarning: "no" })]);
  const spec = { ...made.spec, preserveUnknownFields: true, conversion: { strategy: "Webhook" } };
  assert.equal(causes({ ...made, spec }), [
    "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
    'spec.versions[0].deprecationWarning: Invalid value: "no": can only be set for deprecated versions',
    "spec.conversion.strategy: Forbidden: conversion by webhook is not supported by this server: must be None",
  ]);
});

test("columns, scale and selectable fields name what can be there", () => {
  const properties = {
    spec: { type: "object", properties: { color: { type: "string" }, list: { type: "array", items: { type: "string" } } } },
  };
  const columns = [{ name: "A", type: "text", jsonPath: ".spec" }, { name: "B", type: "string", jsonPath: "spec[" }, {
    name: "C",
    type: "date",
    jsonPath: ".a[",
  }];
  const scale = { specReplicasPath: ".status.replicas", statusReplicasPath: ".status.replicas" };
  const selectableFields = [".spec.color", ".spec.color", ".spec.list", ".spec.size", ".metadata.name"].map((jsonPath) => ({ jsonPath }));
  const at = "spec.versions[0]", fields = `${at}.selectableFields`;
  const found = causes(definition([version(properties, { additionalPrinterColumns: columns, subresources: { scale }, selectableFields })]));
  assert.equal(found, [
    `${at}.subresources.scale.specReplicasPath: Invalid value: ".status.replicas": should be a json path under .spec`,
    `${at}.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string`,
    `${at}.additionalPrinterColumns[1].JSONPath: Invalid value: "spec[": must be a simple json path starting with .`,
    `${at}.additionalPrinterColumns[2].JSONPath: Invalid value: ".a[": unexpected text at 2 of ".a["`,
    `${fields}[1].jsonPath: Duplicate value: ".spec.color"`,
    `${fields}[2].jsonPath: Invalid value: ".spec.list": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.`,
    `${fields}[3].jsonPath: Invalid value: ".spec.size": is an invalid path: does not refer to a valid field`,
    `${fields}[4].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata`,
    `${fields}[4].jsonPath: Invalid value: ".metadata.name": is an invalid path: does not refer to a valid field`,
  ]);
});

test("a schema must be structural", () => {
  assert.equal(wrong({}), [".type: Required value: must not be empty at the root"]);
  assert.equal(wrong({ type: "string" }), ['.type: Invalid value: "string": must be object at the root']);
  assert.equal(wrong({ type: "object", additionalProperties: { type: "string" } }), [
    ".additionalProperties: Forbidden: must not be used at the root",
  ]);
  assert.equal(field({}), [".type: Required value: must not be empty for specified object fields"]);
  assert.equal(field({ type: "array" }), [".items: Required value: must be specified"]);
  assert.equal(field({ type: "array", items: {} }), [".items.type: Required value: must not be empty for specified array items"]);
  assert.equal(field({ type: "colour" }), [
    '.type: Unsupported value: "colour": supported values: "array", "boolean", "integer", "number", "object", "string"',
  ]);
  assert.equal(field({ type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "string" } }), [
    ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
  ]);
  assert.equal(field({ type: "string", anyOf: [{ type: "string", description: "x", default: "y" }] }), [
    ".anyOf[0].type: Forbidden: must be empty to be structural",
    ".anyOf[0].default: Forbidden: must be undefined to be structural",
    ".anyOf[0].description: Forbidden: must be empty to be structural",
  ]);
  assert.equal(wrong({ type: "object", properties: { metadata: { type: "object", properties: { labels: { type: "object" } } } } }), [
    ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
  ]);
  assert.equal(field({ type: "object", "x-kubernetes-embedded-resource": true }), [
    ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
  ]);
  assert.equal(field({ "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] }), []);
  assert.equal(
    field({ "x-kubernetes-int-or-string": true, allOf: [{ anyOf: [{ type: "integer" }, { type: "string" }] }, { pattern: "." }] }),
    [],
  );
});
test("what is not supported is refused, and so is a pattern that is none", () => {
  assert.equal(field({ type: "array", items: { type: "string" }, uniqueItems: true }), [
    ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
  ]);
  assert.equal(field({ type: "object", $ref: "#/a", id: "x", definitions: { a: { type: "string" } } }), [
    ".id: Forbidden: id is not supported",
    ".definitions: Forbidden: definitions is not supported",
    ".$ref: Forbidden: $ref is not supported",
  ]);
  assert.match(
    field({ type: "string", pattern: "+" })[0]!,
    /^\.pattern: Invalid value: "\+": must be a valid regular expression, but isn't: .*missing argument/,
  );
  assert.is(field({ type: "string", pattern: "(?=a)" }).length, 1); // RE2 has none of these
});
test("lists and maps say how they merge in ways that can be followed", () => {
  const items = { type: "object", properties: { k: { type: "string" } } },
    keys = "x-kubernetes-list-map-keys",
    list = "x-kubernetes-list-type";
  assert.equal(field({ type: "array", items, [list]: "map" }), [`.${keys}: Required value: must not be empty if ${list} is map`]);
  assert.equal(field({ type: "array", items, [list]: "map", [keys]: ["k"] }), [
    `.items.properties[k].default: Required value: this property is in ${keys}, so it must have a default or be a required property`,
  ]);
  assert.equal(field({ type: "array", items, [list]: "set" }), [
    '.items.x-kubernetes-map-type: Invalid value: "": must be atomic as item of a list with x-kubernetes-list-type=set',
  ]);
  assert.equal(field({ type: "string", [list]: "bag" }), [
    `.type: Invalid value: "string": must be array if ${list} is specified`,
    `.${list}: Unsupported value: "bag": supported values: "atomic", "map", "set"`,
  ]);
});
test("a default must be what its own schema wants, and stands nowhere in metadata", () => {
  assert.equal(field({ type: "integer", default: "x" }), ['.default: Invalid value: "string":  in body must be of type integer: "string"']);
  assert.equal(field({ type: "object", default: { a: 1 } }), ['.default: Invalid value: {"a":1}: must not have unknown fields']);
  assert.equal(wrong({ type: "object", properties: { kind: { type: "string", default: "X" } } }), [
    ".properties[kind].default: Forbidden: must not be set in top-level kind",
  ]);
});
test("a schema has bounds", () => {
  let deep: object = { type: "string" };
  for (let level = 0; level < 40; level++) deep = { type: "object", properties: { a: deep } };
  assert.equal(field(deep), []);
  const wide = Object.fromEntries(Array.from({ length: schemaNodes }, (_, i) => [`f${i}`, { type: "string" }]));
  const from = performance.now();
  assert.match(wrong({ type: "object", properties: wide }).join(), /may have at most 30000 schemas in all|Too many/);
  assert.ok(performance.now() - from < 3_000);
});

test("what objects lie under stays: group and plural, and once it is served scope and kind", () => {
  const made = admit(customResourceDefinitions, definition([version({})])).object;
  const served = { ...made, status: { ...made.status!, conditions: [{ type: "Established", status: "True" }] } };
  assert.equal(causes({ ...made, spec: { ...made.spec, scope: "Cluster" } }, made), []);
  assert.equal(causes({ ...served, spec: { ...made.spec, scope: "Cluster" } }, served), [
    'spec.scope: Invalid value: "Cluster": field is immutable',
  ]);
  const newer = { ...made.spec, versions: [{ ...made.spec.versions[0]!, name: "v2" }] };
  assert.match(
    causes({ ...served, spec: newer }, served)[0]!,
    /^status.storedVersions\[0\]: Invalid value: "v1": missing from spec.versions; v1 was previously/,
  );
  assert.is(group, made.spec.group);
});
