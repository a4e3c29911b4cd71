// From a request body to an object: what is wrong with it comes back in the words and places Kubernetes uses.
import * as v from "valibot";
import type { Message, Type } from "./schema.ts";

/** One reason of a 422, in Kubernetes' words (metav1.StatusCause). */
export type Cause = {
  reason:
    | "FieldValueRequired"
    | "FieldValueNotSupported"
    | "FieldValueInvalid"
    | "FieldValueForbidden"
    | "FieldValueDuplicate"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueNotFound";
  field: string;
  message: string;
};
export type Decoded<T> = { value: T; unreadable: string[]; unknown: string[]; causes: Cause[] };

/** 400 if `unreadable`; `unknown` is an error or a warning as ?fieldValidation says; 422 if `causes`. Defaults are filled in. */
export function decode<T>(type: Type<T>, input: unknown): Decoded<T> {
  const { output, issues = [] } = v.safeParse(type, input, { abortPipeEarly: true });
  const decoded: Decoded<T> = { value: output as T, unreadable: [], unknown: [], causes: [] };
  for (const issue of issues) {
    const field = fieldPath(issue);
    if (issue.type === "unknown") decoded.unknown.push(`unknown field "${field}"`);
    else if (issue.kind === "schema") decoded.unreadable.push(`${field}: ${issue.message}, got ${JSON.stringify(issue.input)}`);
    else decoded.causes.push(cause(field, issue));
  }
  return decoded;
}
function cause(field: string, issue: v.BaseIssue<unknown>): Cause {
  if (issue.type === "required") return { reason: "FieldValueRequired", field, message: "Required value" };
  const value = JSON.stringify(issue.input);
  if (issue.type !== "values") return { reason: "FieldValueInvalid", field, message: `Invalid value: ${value}: ${issue.message}` };
  const allowed = (issue.requirement as string[]).toSorted().map((s) => `"${s}"`).join(", ");
  return { reason: "FieldValueNotSupported", field, message: `Unsupported value: ${value}: supported values: ${allowed}` };
}
function fieldPath(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { type, key } of (issue.path ?? []) as { type: string; key: unknown }[]) {
    path += type === "object" ? `${path && "."}${key}` : `[${key}]`;
  }
  return path;
}
export type { Message };
