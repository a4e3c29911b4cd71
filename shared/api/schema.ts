// A message is one list of numbered fields. `class Port extends message(…) {}` gives it one name with two meanings: the type of the object,
// and a valibot schema whose fields OpenAPI, protobuf, patches, `kubectl explain` and the error paths are read from.
import * as v from "valibot";
import { type Config, crowded, flaw, inside, type Issue, type Json, type Result, step } from "./walk.ts";

export type { Json };

/** A valibot schema that knows its protobuf and OpenAPI type. The construct signature only carries T; nobody calls it. */
export interface Type<T> extends v.BaseSchema<unknown, unknown, Issue> {
  new (): T;
  readonly proto: string;
  readonly openapi: Json;
  readonly item?: Type<unknown>; // of a list ("array") or a map ("map")
  /** Of "either": the message, and what may stand in its stead, each with its number in protobuf. */
  readonly message?: Type<unknown>;
  readonly other?: Type<unknown>;
  readonly numbers?: { readonly message: number; readonly other: number };
}
export interface Message<T = unknown> extends Type<T> {
  readonly id: string;
  readonly doc: string;
  readonly fields: Fields;
  readonly apiVersion?: string;
  /** "atomic": server-side apply takes it as one value. */
  readonly map?: "atomic";
  /** Objects keep fields that are not among `fields`, whatever they are. */
  readonly open?: boolean;
  /** Of a custom resource: the schema that its definition gives. */
  readonly schema?: object;
}
/** How two writers' lists or maps merge: `list`, `keys` and `map` for server-side apply, `patch` for strategic merge patch. */
export interface Options<T> {
  readonly default?: T;
  readonly list?: "atomic" | "set" | "map";
  readonly keys?: readonly string[];
  readonly map?: "atomic" | "granular";
  readonly patch?: { readonly strategy: string; readonly key?: string };
}
/** Lists whose items are told apart by a key (server-side apply: with `more` of them), in both kinds of merge. */
export const mergedBy = (key: string, ...more: string[]) =>
  ({ list: "map", keys: [key, ...more], patch: { strategy: "merge", key } }) as const;
/** A list that is replaced as a whole. */
export const atomic = { list: "atomic" } as const;

export interface Field<T = unknown, R extends boolean = boolean> extends Options<T> {
  readonly no: number; // 0: JSON only
  readonly type: Type<T>;
  readonly doc: string;
  readonly required: R;
  readonly zero: boolean; // does a zero or empty value differ from none?
  readonly within?: { readonly no: number; readonly name: string; readonly message: Message };
}
export type Fields = { readonly [name: string]: Field };
export type Static<F extends Fields> =
  & { -readonly [K in keyof F as F[K] extends { required: true } ? K : never]: InstanceType<F[K]["type"]> }
  & { -readonly [K in keyof F as F[K] extends { required: true } ? never : K]?: InstanceType<F[K]["type"]> };

/** A field whose zero or empty value means the same as none, and is left out (Go: omitempty). */
export const field = <T>(no: number, type: Type<T>, doc: string, options?: Options<NoInfer<T>>): Field<T, false> => ({
  no,
  type,
  doc,
  required: false,
  zero: false,
  ...options,
});
/** A field whose zero is a value of its own (Go: a pointer). */
export const optional = <T>(no: number, type: Type<T>, doc: string, options?: Options<NoInfer<T>>): Field<T, false> => ({
  no,
  type,
  doc,
  required: false,
  zero: true,
  ...options,
});
/** A field that is always there: given by the client, or, with a default, filled in. */
export const required = <T>(no: number, type: Type<T>, doc: string, options?: Options<NoInfer<T>>): Field<T, true> => ({
  no,
  type,
  doc,
  required: true,
  zero: true,
  ...options,
});
/** Another message's fields, standing in this one's JSON object; in protobuf they stay a message of their own. */
export function inline<F extends Fields>(no: number, name: string, message: Message & { readonly fields: F }): F {
  const within = { no, name, message };
  return Object.fromEntries(Object.entries(message.fields).map(([key, field]) => [key, { ...field, within }])) as unknown as F;
}

/** What Go could decode; anything else is a bad request. `refine` adds what the API allows; anything else is an invalid object. */
export const scalar = <T>(proto: string, openapi: Json, accepts: (value: never) => boolean, expected = proto): Type<T> =>
  Object.assign(v.custom<T>(accepts as never, () => `expected ${expected}`), { proto, openapi }) as never;
export const refine = <T>(type: Type<T>, ...rules: v.BaseValidation<T, T, Issue>[]): Type<T> => v.pipe(type, ...rules as never[]) as never;
export const oneOf = <const V extends string>(...values: V[]): Type<V> =>
  Object.assign(refine(string, v.values(values) as never), { openapi: { type: "string", enum: values } }) as never;

const whole = (bits: number) => (n: number) => Number.isInteger(n) && n >= -(2 ** bits) && n < 2 ** bits;
const base64 = v.pipe(v.string(), v.base64());
export const string: Type<string> = scalar("string", { type: "string" }, (s) => typeof s === "string");
export const bool: Type<boolean> = scalar("bool", { type: "boolean" }, (b) => typeof b === "boolean");
export const int32: Type<number> = scalar("int32", { type: "integer", format: "int32" }, whole(31));
export const int64: Type<number> = scalar("int64", { type: "integer", format: "int64" }, whole(53));
export const double: Type<number> = scalar("double", { type: "number", format: "double" }, Number.isFinite);
export const bytes: Type<string> = scalar("bytes", { type: "string", format: "byte" }, (s) => v.is(base64, s), "base64");

export const list = <T>(item: Type<T>): Type<T[]> =>
  ({
    kind: "schema",
    type: "array",
    get proto() {
      return item.proto;
    },
    openapi: { type: "array" },
    item,
    "~run": (at: Result, config: Config) => {
      const input = at.value as Json & unknown[], output: unknown[] = [];
      if (!Array.isArray(input)) return { ...flaw("schema", "array", input, "expected array"), typed: false };
      const end = crowded(input, input.length, config);
      if (end) return end;
      at.typed = true;
      for (let i = 0; i < input.length && !(config.abortEarly && at.issues); i++) {
        output.push(step(at, "array", input, i, item["~run"]({ value: input[i] }, config), config));
      }
      at.value = output;
      return at;
    },
  }) as never;
/** A list in JSON that is a message of its own in protobuf, with the list in field 1: ExtraValue, Verbs. */
export const wrapped = <T>(proto: string, item: Type<T>): Type<T[]> => ({ ...list(item), proto }) as never;
/** Not v.record(): that drops the keys "constructor", "prototype" and "__proto__", and a ConfigMap may hold all three. */
export const map = <T>(item: Type<T>): Type<Record<string, T>> =>
  ({
    kind: "schema",
    type: "map",
    get proto() {
      return item.proto;
    },
    openapi: { type: "object" },
    item,
    "~run": (at: Result, config: Config) =>
      inside(at, config, (input, keys) => {
        const output: [string, unknown][] = [];
        for (const key of keys) {
          output.push([key, step(at, "map", input, key, item["~run"]({ value: input[key] }, config), config)]);
          if (config.abortEarly && at.issues) break;
        }
        return Object.fromEntries(output); // makes own properties, whatever their names
      }),
  }) as never;
/** A message, or something else in its stead; in protobuf one message with a field for each. */
export const either = <T, U>(
  proto: string,
  message: Type<T>,
  other: Type<U>,
  numbers: { readonly message: number; readonly other: number },
  isOther: (value: unknown) => boolean,
): Type<T | U> =>
  ({
    kind: "schema",
    type: "either",
    proto,
    openapi: {},
    message,
    other,
    numbers,
    "~run": (at: Result, config: Config) => (isOther(at.value) ? other : message)["~run"](at as never, config),
  }) as never;
/** A message declared further down, or around this field: `later((): Type<Schema> => Schema)`. */
export const later = <T>(get: () => Type<T>): Type<T> =>
  new Proxy({}, { get: (_, key) => Reflect.get(get(), key), has: (_, key) => key in get() }) as never;

export function message<const F extends Fields>(
  id: string,
  doc: string,
  fields: F,
  options: Pick<Message, "map"> = {},
): Message<Static<F>> & { readonly fields: F } {
  const entries = Object.entries<Field>(fields);
  const run = (at: Result, config: Config) =>
    inside(at, config, (input, keys) => {
      const output: Json = {};
      for (const [key, field] of entries) {
        let value = Object.hasOwn(input, key) ? input[key] : undefined;
        // Before its rules see it: `hostPort: 0` and `dnsPolicy: ""` are no wrong port or policy but none, and `name: ""` is a missing name.
        if (isBlank(field, value)) value = undefined;
        if (value !== undefined && value !== null) value = step(at, "object", input, key, field.type["~run"]({ value }, config), config);
        if (config.abortEarly && at.issues) break;
        if (value === undefined || value === null || (!field.zero && isZero(field.type, value))) {
          if (field.default !== undefined) value = field.type["~run"]({ value: field.default }, config).value; // a fresh copy
          else if (field.required) {
            value = step(at, "object", input, key, flaw("validation", "required", undefined, "Required value"), config);
          } else continue;
        }
        output[key] = value;
      }
      for (const key of keys) {
        if (Object.hasOwn(fields, key) || (config.room && config.room.unknown-- <= 0)) {
          continue;
        }
        step(at, "object", input, key, flaw("schema", "unknown", input[key], "unknown field"), config);
      }
      return output;
    });
  const schema = class {
    constructor() {
      throw new TypeError(`${id} is a schema: write an object literal, or parse one`);
    }
  };
  return Object.assign(schema, {
    kind: "schema",
    type: "message",
    id,
    doc,
    fields,
    proto: id,
    openapi: { type: "object" },
    "~run": run,
    ...options,
  }) as never;
}
/** A message at the top of the API: it carries its apiVersion and kind. */
export function kind<const F extends Fields>(
  apiVersion: string,
  id: string,
  doc: string,
  fields: F,
): ReturnType<typeof message<typeof typeMeta & F>> {
  return Object.assign(message(id, doc, { ...typeMeta, ...fields }), { apiVersion }) as never;
}
const typeMeta = {
  apiVersion: field(0, string, "The group and version of this object's schema."),
  kind: field(0, string, "The name of this object's schema."),
};

/** Go's omitempty: an empty list or map counts as zero, an empty message does not. */
export const isZero = (type: Type<unknown>, value: unknown): boolean =>
  value === "" || value === 0 || value === false || (type.item !== undefined && Object.keys(value as Json).length === 0);
/** Go cannot tell these from a field left out. Of required fields only text and lists: a required number may be 0. */
const isBlank = ({ type, zero, required, default: otherwise }: Field, value: unknown): boolean => {
  if (zero && (!required || otherwise !== undefined)) return false;
  if (value === "") return type.openapi.type === "string" && type.openapi.format === undefined;
  if (required) return type.type === "array" && Array.isArray(value) && value.length === 0;
  return (value === 0 && type.openapi.type === "integer") || (value === false && type.openapi.type === "boolean");
};
