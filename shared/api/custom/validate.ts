// Is a value as its schema wants it? What is wrong comes back in the words of Kubernetes (kube-openapi's validation errors, as apiextensions turns them into causes).
import { reportedProblems, validationSteps } from "../../limits.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { duplicate, invalid, missing, tooLong, tooMany, unsupported } from "../resource.ts";
import { formats } from "./formats.ts";
import { compilePattern } from "./patterns.ts";
import { isObject, itemsOf, own, type Schema, valuesOf } from "./structural.ts";

/** Causes so far, and how much may still be looked at: a schema and an object that are both large make more work together than either. */
export interface Walk {
  readonly causes: Cause[];
  steps: number;
}
export const newWalk = (): Walk => ({ causes: [], steps: validationSteps });
export const isFull = ({ causes, steps }: Walk): boolean => causes.length >= reportedProblems || steps < 0;

/** @param old the value before, if there was one: what is as it was is let be, even if the schema has changed since (KEP-4008) */
export function validateValue(schema: Schema, value: unknown, path: string, walk: Walk, old?: unknown): void {
  if (isFull(walk)) return;
  if (walk.steps-- === 0) {
    walk.causes.push({
      reason: "FieldValueInvalid",
      field: path,
      message: `Invalid value: its schema takes more than ${validationSteps} steps`,
    });
    return;
  }
  if (old !== undefined && sameJson(old, value)) return;
  const { causes } = walk;
  const wrong = (words: string, shown: unknown = value) => void causes.push(invalid(path || "<nil>", shown, `${path} in body ${words}`));
  if (value === null && schema.nullable) return;
  if (!isOfType(schema, value)) {
    const type = schema["x-kubernetes-int-or-string"] ? "integer,string" : schema.type, is = typeName(value);
    causes.push({ ...invalid(path || "<nil>", is, `${path} in body must be of type ${type}: "${is}"`), reason: "FieldValueTypeInvalid" });
  }
  if (schema.enum && schema.enum.length > 0 && !schema.enum.some((one) => sameJson(one, value))) {
    causes.push(unsupported(path, value, schema.enum.map((one) => typeof one === "string" ? one : JSON.stringify(one))));
  }
  if (typeof value === "string") checkText(schema, value, path, causes, wrong);
  else if (typeof value === "number") checkNumber(schema, value, wrong);
  else if (Array.isArray(value)) checkList(schema, value, path, walk, wrong, old);
  else if (isObject(value)) checkObject(schema, value, path, walk, wrong, old);
  checkJunctors(schema, value, path, walk);
}
type Wrong = (words: string, shown?: unknown) => void;

function isOfType(schema: Schema, value: unknown): boolean {
  if (schema["x-kubernetes-int-or-string"]) return typeof value === "string" || Number.isInteger(value);
  if (!schema.type) return value !== null || schema["x-kubernetes-preserve-unknown-fields"] === true;
  const is = typeName(value);
  return is === schema.type || (is === "integer" && schema.type === "number");
}
export const typeName = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;

function checkText(schema: Schema, value: string, path: string, causes: Cause[], wrong: Wrong): void {
  const { maxLength, minLength, pattern, format } = schema;
  if (maxLength !== undefined && value.length > maxLength && [...value].length > maxLength) causes.push(tooLong(path, maxLength));
  if (minLength !== undefined && [...value.slice(0, 2 * minLength)].length < minLength) wrong(`should be at least ${minLength} chars long`);
  if (pattern && !compilePattern(pattern).test(value)) wrong(`should match '${pattern}'`);
  const known = format ? formats[format] : undefined;
  if (known && !known(value)) wrong(`must be of type ${format}: ${JSON.stringify(value)}`);
}
function checkNumber(schema: Schema, value: number, wrong: Wrong): void {
  const { maximum, minimum, multipleOf, format } = schema;
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    wrong(`should be less than ${schema.exclusiveMaximum ? "" : "or equal to "}${maximum}`);
  }
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    wrong(`should be greater than ${schema.exclusiveMinimum ? "" : "or equal to "}${minimum}`);
  }
  if (multipleOf !== undefined && Math.abs(value / multipleOf - Math.round(value / multipleOf)) > 1e-9) {
    wrong(`should be a multiple of ${multipleOf}`);
  }
  if (format === "int32" && Math.abs(value + 0.5) > 2 ** 31) wrong(`must be of type int32: "${typeName(value)}"`);
}
function checkList(schema: Schema, value: readonly unknown[], path: string, walk: Walk, wrong: Wrong, old: unknown): void {
  const { maxItems, minItems } = schema, items = itemsOf(schema);
  if (maxItems !== undefined && value.length > maxItems) return void walk.causes.push(tooMany(path, value.length, maxItems));
  if (minItems !== undefined && value.length < minItems) wrong(`should have at least ${minItems} items`, value.length);
  const before = correlated(schema, value, old);
  if (items) { for (const [i, item] of value.entries()) validateValue(items, item, `${path}[${i}]`, walk, before?.(item)); }
  const seen = new Set<string>(), keyed = identities(schema);
  if (keyed) {
    for (const [i, item] of value.entries()) {
      const key = keyed(item), text = JSON.stringify(key);
      if (key === undefined) continue;
      if (seen.has(text)) walk.causes.push(duplicate(`${path}[${i}]`, key));
      seen.add(text);
    }
  }
}
/** By what items of such a list are told apart. */
function identities(schema: Schema): ((item: unknown) => unknown) | undefined {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (schema["x-kubernetes-list-type"] === "set") return (item) => item;
  if (schema["x-kubernetes-list-type"] !== "map") return undefined;
  return (item) => isObject(item) ? Object.fromEntries(keys.map((key) => [key, own(item, key)])) : undefined;
}
/** Finds the item of the list before that is the same one. */
export function correlated(schema: Schema, _: readonly unknown[], old: unknown): ((item: unknown) => unknown) | undefined {
  if (!Array.isArray(old) || schema["x-kubernetes-list-type"] !== "map") return undefined;
  const identity = identities(schema)!, before = new Map(old.map((item) => [JSON.stringify(identity(item)), item]));
  return (item) => before.get(JSON.stringify(identity(item)));
}

function checkObject(
  schema: Schema,
  value: { readonly [key: string]: unknown },
  path: string,
  walk: Walk,
  wrong: Wrong,
  old: unknown,
): void {
  const { maxProperties, minProperties, required = [] } = schema, values = valuesOf(schema), count = Object.keys(value).length;
  const at = (key: string): string => path ? `${path}.${key}` : key, before = isObject(old) ? old : undefined;
  if (maxProperties !== undefined && count > maxProperties) walk.causes.push(tooMany(path, count, maxProperties));
  if (minProperties !== undefined && count < minProperties) wrong(`should have at least ${minProperties} properties`, "");
  for (const key of required) if (!Object.hasOwn(value, key)) walk.causes.push(missing(at(key)));
  if (schema["x-kubernetes-embedded-resource"]) {
    for (const key of ["apiVersion", "kind"]) if (!value[key]) walk.causes.push(missing(at(key), "must not be empty"));
  }
  for (const [key, inner] of Object.entries(value)) {
    const field = own(schema.properties, key) ?? (values === true ? undefined : values);
    if (field) validateValue(field, inner, at(key), walk, own(before, key));
    else if (schema.additionalProperties === false) wrong(`is a forbidden property`, key);
  }
}

function checkJunctors(schema: Schema, value: unknown, path: string, walk: Walk): void {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  if (allOf.length + anyOf.length + oneOf.length === 0 && !not) return;
  const tried = (one: Schema): Cause[] => {
    const inner: Walk = { causes: [], steps: walk.steps };
    validateValue(untyped(schema, one), value, path, inner);
    walk.steps = inner.steps;
    return inner.causes;
  };
  const wrong = (words: string, of: readonly Cause[] = []) => {
    walk.causes.push(
      { reason: "FieldValueInvalid", field: "<nil>", message: `Invalid value: "": ${JSON.stringify(path)} must ${words}` },
      ...of,
    );
  };
  const failed = (junctor: readonly Schema[]) => junctor.map(tried).filter((causes) => causes.length > 0);
  const all = failed(allOf), any = failed(anyOf), one = failed(oneOf), valid = oneOf.length - one.length;
  if (all.length > 0) wrong(`validate all the schemas (allOf)${all.length === allOf.length ? ". None validated" : ""}`, all.flat());
  if (anyOf.length > 0 && any.length === anyOf.length) wrong("validate at least one schema (anyOf)", any[0]);
  if (oneOf.length > 0 && valid === 0) wrong("validate one and only one schema (oneOf). Found none valid", one[0]);
  if (valid > 1) wrong(`validate one and only one schema (oneOf). Found ${valid} valid alternatives`);
  if (not && tried(not).length === 0) wrong("not validate the schema (not)");
}
/** Under a junctor a schema says nothing of its type, and null is what it is outside. */
const untyped = (outer: Schema, inner: Schema): Schema => outer.nullable && !inner.nullable ? { ...inner, nullable: true } : inner;
