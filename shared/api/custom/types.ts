// The schema of a custom resource in the house's own language: by it objects are decoded, applied and described, as those of any kind are.
import { objectValues } from "../../limits.ts";
import { ObjectMeta } from "../meta.ts";
import type { KubernetesObject } from "../resource.ts";
import { intOrString } from "../scalars.ts";
import {
  bool,
  double,
  type Field,
  field,
  type Fields,
  int64,
  type Json,
  kind,
  list,
  map,
  type Message,
  optional,
  string,
  type Type,
} from "../schema.ts";
import { type Config, crowded, flaw, type Result, step } from "../walk.ts";
import { defaulted, isObject, itemsOf, preserves, pruned, type Schema, valuesOf } from "./structural.ts";

/** @param id a domain written backwards, version and kind: "com.example.v1.Foo"  @param schema without one, everything is kept */
export function customMessage(apiVersion: string, id: string, schema: Schema): Message<KubernetesObject> {
  const { apiVersion: _, kind: _1, metadata: _2, ...properties } = schema.properties ?? {};
  const fields = { metadata: field(0, ObjectMeta, "Name, labels and the like."), ...fieldsOf(properties) };
  return Object.assign(kind(apiVersion, id, schema.description ?? `${id.slice(id.lastIndexOf(".") + 1)}: a custom resource.`, fields), {
    schema,
    open: preserves(schema),
    "~run": (at: Result, config: Config) => run(schema, at, config),
  }) as never;
}

function run(schema: Schema, at: Result, config: Config): Result {
  const input = at.value;
  if (!isObject(input)) return { ...flaw("schema", "object", input, "expected object"), typed: false };
  const end = crowded(input, countValues(input, objectValues + 1), config);
  if (end) return end;
  at.typed = true;
  const result: Json = {};
  for (const [key, type] of [["apiVersion", string], ["kind", string], ["metadata", ObjectMeta]] as const) {
    const given = input[key];
    if (given !== undefined && given !== null) result[key] = step(at, "object", input, key, type["~run"]({ value: given }, config), config);
  }
  const { apiVersion: _, kind: _1, metadata: _2, ...others } = input;
  const known = pruned(schema, others, true, (path, value) => {
    if (config.room && config.room.unknown-- <= 0) return;
    const child = flaw("schema", "unknown", value, "unknown field");
    const steps = path.map((key) => ({ type: typeof key === "number" ? "array" : "object", origin: "value", input, key, value }));
    (at.issues ??= []).push({ ...child.issues![0]!, path: steps as never });
  });
  at.value = { ...result, ...defaulted(schema, known) as Json };
  return at;
}
/** Keys and items, up to where it is too many anyway. */
function countValues(value: unknown, most: number): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  let count = inner.length;
  for (const one of inner) {
    if (count > most) break;
    count += countValues(one, most - count);
  }
  return count;
}

function fieldsOf(properties: { readonly [name: string]: Schema }): Fields {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, fieldOf(schema)]));
}
function fieldOf(schema: Schema): Field<unknown, false> {
  const { "x-kubernetes-list-type": list, "x-kubernetes-list-map-keys": keys, "x-kubernetes-map-type": map } = schema;
  return optional(0, typeOf(schema), schema.description ?? "", {
    ...schema.default !== undefined && { default: schema.default },
    ...list !== undefined && { list: list as "atomic" | "set" | "map" },
    ...keys !== undefined && { keys },
    ...map !== undefined && { map: map as "atomic" | "granular" },
  });
}
function typeOf(schema: Schema): Type<unknown> {
  if (schema["x-kubernetes-int-or-string"]) return intOrString;
  const items = itemsOf(schema), values = valuesOf(schema);
  switch (schema.type) {
    case "array":
      return items ? list(typeOf(items)) : deduced;
    case "object":
      if (values) return values === true ? deduced : map(typeOf(values));
      return Object.keys(schema.properties ?? {}).length > 0 || schema["x-kubernetes-embedded-resource"] ? struct(schema) : deduced;
    case "string":
      return string;
    case "boolean":
      return bool;
    case "integer":
      return int64;
    case "number":
      return double;
    default:
      return deduced;
  }
}
function struct(schema: Schema): Type<unknown> {
  let fields: Fields | undefined;
  const embedded = schema["x-kubernetes-embedded-resource"] ? embeddedFields : {};
  return {
    kind: "schema",
    type: "message",
    id: "",
    doc: schema.description ?? "",
    proto: "",
    openapi: { type: "object" },
    open: preserves(schema),
    ...schema["x-kubernetes-map-type"] === "atomic" && { map: "atomic" },
    get fields() {
      return fields ??= { ...fieldsOf(schema.properties ?? {}), ...embedded };
    },
    "~run": (at: Result) => at, // the root looks at all of it
  } as never;
}
/** What its value is, only the value says. */
const deduced: Type<unknown> = { kind: "schema", type: "deduced", proto: "", openapi: {}, "~run": (at: Result) => at } as never;
const embeddedFields: Fields = {
  apiVersion: optional(0, string, "Group and version."),
  kind: optional(0, string, "Kind."),
  metadata: optional(0, ObjectMeta, "Name, labels and the like."),
};
