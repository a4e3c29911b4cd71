// Of a decoded value what its input has said: without the defaults that decoding has filled in, but in the spelling that it gives to values.
import type { Json, Message, Type } from "./schema.ts";

/** `input` decodes to `value`. A zero or empty value that decoding leaves out has been said, too. Null says nothing. */
export function said(type: Type<unknown>, input: unknown, value: unknown): unknown {
  // A value of another type than the schema wants (a custom resource is checked later) has said all that it is.
  if (typeof value !== "object" || value === null || Array.isArray(value) !== (type.type === "array")) return value;
  if (type.type === "array") return (value as unknown[]).map((item, i) => said(type.item!, (input as unknown[])[i], item));
  if (type.type === "map") {
    return Object.fromEntries(Object.entries(value as Json).map(([key, item]) => [key, said(type.item!, own(input, key), item)]));
  }
  if (type.type !== "message") return value;
  const { fields } = type as Message, result: Json = {};
  for (const key of Object.keys(fields)) {
    const given = own(input, key);
    const decoded = own(value, key);
    if (given === undefined || (given === null && decoded !== null)) continue;
    result[key] = decoded === undefined ? given : said(fields[key]!.type, given, decoded);
  }
  if ((type as Message).open) { for (const key of Object.keys(value)) if (!Object.hasOwn(fields, key)) result[key] = (value as Json)[key]; }
  return result;
}
const own = (object: unknown, key: string): unknown => Object.hasOwn(object as Json, key) ? (object as Json)[key] : undefined;
