// What ConfigMaps and Secrets share: keys that become file names, a bound on all of them together, and a lock for good.
import { Buffer } from "node:buffer";
import type { Cause } from "../decode.ts";
import { configKey } from "../names.ts";
import { forbidden, invalid, tooLong } from "../resource.ts";
import { contentsBytes } from "../../limits.ts";

type Contents = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** @param whole the field blamed if all of it is too much. @param base64 what holds base64: it counts by its bytes. */
export function validateContents(whole: string, texts: Contents, base64: Contents): Cause[] {
  const causes: Cause[] = [], seen = new Set<string>();
  let sizeBytes = 0;
  for (const [field, values] of Object.entries({ ...texts, ...base64 })) {
    for (const [key, value] of Object.entries(values)) {
      causes.push(...configKey(key).map((problem) => invalid(`${field}[${key}]`, key, problem)));
      if (seen.size === seen.add(key).size) causes.push(invalid(`${field}[${key}]`, key, "duplicate of key present in data"));
      sizeBytes += Buffer.byteLength(value, field in base64 ? "base64" : "utf8");
    }
  }
  return sizeBytes > contentsBytes ? [...causes, tooLong(whole, contentsBytes)] : causes;
}

/** Of an object that is immutable: nothing may differ. */
export function validateImmutable(
  { immutable, ...contents }: { immutable: boolean | undefined } & Record<string, unknown>,
  old: Contents,
): Cause[] {
  const locked = "field is immutable when `immutable` is set", same = (a: unknown, b: unknown) => sorted(a) === sorted(b);
  const changed = Object.keys(contents).filter((field) => !same(contents[field], old[field]));
  return (immutable ? changed : ["immutable", ...changed]).map((field) => forbidden(field, locked));
}
const sorted = (values: unknown): string => JSON.stringify(Object.entries(values as object).sort(([a], [b]) => a < b ? -1 : 1));
