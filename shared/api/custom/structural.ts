// A custom resource as its schema wants it: fields that nobody knows dropped, defaults filled in. Pure: what is given is not changed, what comes back is new.
import { documentDepth } from "../../limits.ts";
import type { JSONSchemaProps } from "../kinds/definition/json_schema.ts";

export type Schema = JSONSchemaProps;
type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
export const own = <T>(object: { readonly [key: string]: T } | undefined, key: string): T | undefined =>
  object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
/** Of the schema of an array, that of its items. */
export const itemsOf = ({ items }: Schema): Schema | undefined => isObject(items) ? items as Schema : undefined;
/** Of the schema of a map, that of its values: `true` for any. */
export const valuesOf = ({ additionalProperties: values }: Schema): Schema | true | undefined =>
  values === true ? true : isObject(values) ? values as Schema : undefined;
export const preserves = (schema: Schema): boolean => schema["x-kubernetes-preserve-unknown-fields"] === true;
/** apiVersion, kind and metadata belong to every object of Kubernetes, whatever its schema says of them. */
export const isTypeMeta = (key: string): boolean => key === "apiVersion" || key === "kind" || key === "metadata";

/** Told of each field that is dropped. */
export type Dropped = (path: readonly (string | number)[], value: unknown) => void;

/**
 * @param isResource it is an object of Kubernetes: at the root, and where the schema says x-kubernetes-embedded-resource
 * @returns `value` without fields that the schema does not name. What the schema has no say in stays as it is.
 */
export function pruned(schema: Schema, value: unknown, isResource: boolean, dropped?: Dropped, path: (string | number)[] = []): unknown {
  if (path.length > documentDepth) return value;
  const within = (key: string | number, schema: Schema, inner: unknown): unknown => {
    path.push(key);
    const result = pruned(schema, inner, schema["x-kubernetes-embedded-resource"] === true, dropped, path);
    path.pop();
    return result;
  };
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items ? value.map((item, i) => within(i, items, item)) : value;
  }
  if (!isObject(value)) return value;
  const values = valuesOf(schema), kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const field = own(schema.properties, key);
    if (isResource && isTypeMeta(key)) kept.push([key, inner]);
    else if (field) kept.push([key, within(key, field, inner)]);
    else if (values) kept.push([key, values === true ? inner : within(key, values, inner)]);
    else if (preserves(schema)) kept.push([key, inner]);
    else dropped?.([...path, key], inner);
  }
  return Object.fromEntries(kept);
}

/** `value` with defaults. Null where the schema does not allow it is as good as nothing. */
export function defaulted(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items
      ? value.map((item) => item === null && !items.nullable && items.default !== undefined ? items.default : defaulted(items, item))
      : value;
  }
  if (!isObject(value)) return value;
  const values = valuesOf(schema), result: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const field = own(schema.properties, key) ?? (values === true ? undefined : values);
    if (inner === null && field && !field.nullable) continue;
    result.push([key, field ? defaulted(field, inner) : inner]);
  }
  const complete = Object.fromEntries(result);
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    // What is given out is a copy: nobody's change to an object may reach the definition.
    if (field.default !== undefined && !Object.hasOwn(complete, key)) set(complete, key, defaulted(field, structuredClone(field.default)));
  }
  return complete;
}
const set = (object: Json, key: string, value: unknown): void =>
  void Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });

/** Is there a default anywhere in it? Then what is stored may lack what readers are promised. */
export function hasDefaults(schema: Schema): boolean {
  if (schema.default !== undefined) return true;
  const items = itemsOf(schema), values = valuesOf(schema);
  return (items !== undefined && hasDefaults(items)) || (values !== undefined && values !== true && hasDefaults(values)) ||
    Object.values(schema.properties ?? {}).some(hasDefaults);
}
