// A schema as types of CEL, and values as rules see them. An object of a schema has a class of its own, so that a misspelt field does not compile.
import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { equal } from "../cel/equal.ts";
import { durationOf } from "../cel/functions.ts";
import { weigh } from "../cel/program.ts";
import { isObject, itemsOf, own, type Schema, valuesOf } from "./structural.ts";

type Json = { readonly [key: string]: unknown };
type Class = new () => object;
const classes = new WeakMap<Schema, Class>();

const timestamp = "google.protobuf.Timestamp", duration = "google.protobuf.Duration";

/** Declares the types of a schema and of all below it. @returns their names */
export function declareTypes(environment: Environment, root: Schema): ReadonlyMap<Schema, string> {
  const names = new Map<Schema, string>();
  let objects = 0;
  const nameOf = (schema: Schema, resource: boolean): string => {
    const name = typeName(schema, resource);
    names.set(schema, name);
    return schema.nullable ? "dyn" : name;
  };
  const typeName = (schema: Schema, resource: boolean): string => {
    if (schema["x-kubernetes-int-or-string"]) return "dyn";
    const items = itemsOf(schema), values = valuesOf(schema);
    switch (schema.type) {
      case "array":
        return `list<${items ? nameOf(items, isEmbedded(items)) : "dyn"}>`;
      case "object":
        if (values) return `map<string, ${values === true ? "dyn" : nameOf(values, isEmbedded(values))}>`;
        return Object.keys(schema.properties ?? {}).length > 0 || resource ? objectType(schema, resource) : "dyn";
      case "string":
        return schema.format === "date-time" || schema.format === "date"
          ? timestamp
          : schema.format === "duration"
          ? duration
          : schema.format === "byte"
          ? "bytes"
          : "string";
      default:
        return schema.type ? { boolean: "bool", integer: "int", number: "double" }[schema.type] ?? "dyn" : "dyn";
    }
  };
  const objectType = (schema: Schema, resource: boolean): string => {
    const name = `Object${objects++}`, ctor = class {};
    classes.set(schema, ctor);
    const properties = Object.entries(schema.properties ?? {}).filter(([key]) => !(resource && key === "metadata"));
    const fields = Object.fromEntries(properties.map(([key, field]) => [escaped(key), nameOf(field, isEmbedded(field))]));
    const head = resource ? { apiVersion: "string", kind: "string", metadata: "map<string, dyn>" } : {};
    environment.registerType(name, { ctor, fields: { ...fields, ...head } } as never).registerOperator(`${name} == ${name}`, equal);
    return name;
  };
  nameOf(root, true);
  return names;
}
const isEmbedded = (schema: Schema): boolean => schema["x-kubernetes-embedded-resource"] === true;

const reserved = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(" "),
);
/** Names of fields as rules write them: those that are none of CEL's are spelt out. */
const escaped = (name: string): string =>
  reserved.has(name)
    ? `__${name}__`
    : name.replace(/__|[.\-/]/g, (part) => ({ "__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__" })[part]!);

/** Values that have been made already: rules at several levels see the same. */
export type Made = Map<object, { readonly value: object; readonly size: number }>;

/** @throws EvaluationError for a text that is no time */
export const celValue = (schema: Schema, value: unknown, made: Made, resource = isEmbedded(schema)): unknown =>
  convert(schema, value, made, resource).value;

/** A value of which no schema tells: whole numbers are ints. */
export const untypedValue = (value: unknown, made: Made): unknown => convert(undefined, value, made).value;

function convert(
  schema: Schema | undefined,
  value: unknown,
  made: Made,
  resource = false,
): { readonly value: unknown; readonly size: number } {
  if (typeof value === "string") return { value: schema ? textValue(schema, value) : value, size: 1 + (value.length >>> 3) };
  if (typeof value === "number") return { value: schema?.type === "number" || !Number.isInteger(value) ? value : BigInt(value), size: 1 };
  if (typeof value !== "object" || value === null) return { value, size: 1 };
  const before = made.get(value);
  if (before) return before;
  let size = 1;
  const inner = (one: Schema | undefined, item: unknown): unknown => {
    const { value, size: more } = convert(one, item, made, one && isEmbedded(one));
    size += more;
    return value;
  };
  const items = schema && itemsOf(schema), ctor = schema && classes.get(schema);
  const result = Array.isArray(value)
    ? value.map((item) => inner(items, item))
    : ctor
    ? instance(ctor, schema, value as Json, inner, resource)
    : mapOf(schema, value as Json, inner);
  weigh(result, size);
  const entry = { value: result, size };
  made.set(value, entry);
  return entry;
}
type Inner = (schema: Schema | undefined, value: unknown) => unknown;
function instance(ctor: Class, schema: Schema, value: Json, inner: Inner, resource: boolean): object {
  const object = new ctor() as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) {
    const field = resource && key === "metadata" ? undefined : own(schema.properties, key);
    if (field || (resource && ["apiVersion", "kind", "metadata"].includes(key))) object[escaped(key)] = inner(field, item);
  }
  return object;
}
function mapOf(schema: Schema | undefined, value: Json, inner: Inner): object {
  const values = schema && valuesOf(schema);
  return new Map(Object.entries(value).map(([key, item]) => [key, inner(isObject(values) ? values as Schema : undefined, item)]));
}
function textValue({ format }: Schema, text: string): unknown {
  if (format === "byte") return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (format !== "date-time" && format !== "date") return format === "duration" ? durationOf(text) : text;
  const date = new Date(format === "date" ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(date.getTime())) throw new EvaluationError(`${JSON.stringify(text)} is no ${format}`);
  return date;
}
