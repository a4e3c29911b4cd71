// From a parsed body to an object: what is wrong with it comes back in the words and places Kubernetes uses.
import type * as v from "valibot";
import { objectValues, reportedProblems, shownCharacters } from "../limits.ts";
import { quantityMessage } from "./quantity.ts";
import { shown } from "./resource.ts";
import type { Message, Type } from "./schema.ts";
import type { Config } from "./walk.ts";

/** One reason of a 422, in Kubernetes' words (metav1.StatusCause). */
export type Cause = {
  reason:
    | "FieldValueRequired"
    | "FieldValueNotSupported"
    | "FieldValueInvalid"
    | "FieldValueTypeInvalid"
    | "FieldValueForbidden"
    | "FieldValueDuplicate"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueNotFound";
  field: string;
  message: string;
};
/** What a schema makes of an input. `value` is whole only if nothing is `unreadable`. */
export interface Decoded<T> {
  readonly value: T;
  /** Values that no Go server could read, in Go's words: 400, whatever the strictness. */
  readonly unreadable: string[];
  /** `unknown field "spec.bogus"`: an error or a warning, as ?fieldValidation says. */
  readonly unknown: string[];
  /** Values that can be read but are not allowed: 422. */
  readonly causes: Cause[];
  /** There was so much of it, or so much wrong with it, that the rest has not been looked at: `value` must not be used. */
  readonly cut: boolean;
}

/** Fills in defaults, drops unknown fields and empty ones, and says everything that is wrong at once. */
export function decode<T>(type: Type<T>, input: unknown): Decoded<T> {
  // A hostile body has a million problems; nobody reads more than some.
  const config: Config = { abortPipeEarly: true, room: { unknown: reportedProblems, others: reportedProblems, values: objectValues } };
  const { value, issues = [] } = type["~run"]({ value: input }, config);
  const decoded: Decoded<T> = { value: value as T, unreadable: [], unknown: [], causes: [], cut: config.abortEarly === true };
  for (const issue of issues) {
    if (issue.type === "unknown") decoded.unknown.push(`unknown field "${strictPath(issue)}"`);
    else if (issue.kind === "schema") decoded.unreadable.push(unreadable(type, issue));
    else decoded.causes.push(cause(issue));
  }
  return decoded;
}

function cause(issue: v.BaseIssue<unknown>): Cause {
  const field = fieldPath(issue);
  if (issue.type === "required") return { reason: "FieldValueRequired", field, message: "Required value" };
  if (issue.type === "many") {
    const message = `Too many: ${issue.message}: an object must have at most ${objectValues} keys and items in all`;
    return { reason: "FieldValueTooMany", field, message };
  }
  const value = shown(issue.input);
  if (issue.type !== "values") return { reason: "FieldValueInvalid", field, message: `Invalid value: ${value}: ${issue.message}` };
  const allowed = (issue.requirement as string[]).toSorted().map((s) => `"${s}"`).join(", ");
  return { reason: "FieldValueNotSupported", field, message: `Unsupported value: ${value}: supported values: ${allowed}` };
}

type Step = { type: "object" | "map" | "array"; key: string | number };
const steps = (issue: v.BaseIssue<unknown>): Step[] => (issue.path ?? []) as unknown as Step[];
/** `spec.nodeSelector[disk]`: as validation writes it (field.Path). */
const fieldPath = (issue: v.BaseIssue<unknown>): string => written(issue, ({ type }) => type === "object");
/** `spec.nodeSelector.disk`: as the strict decoder writes it. */
const strictPath = (issue: v.BaseIssue<unknown>): string => written(issue, ({ type }) => type !== "array");
const written = (issue: v.BaseIssue<unknown>, dotted: (step: Step) => boolean): string =>
  steps(issue).map((step, i) => dotted(step) ? `${i > 0 ? "." : ""}${step.key}` : `[${step.key}]`).join("").slice(0, shownCharacters);

/** What encoding/json says: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
function unreadable(root: Type<unknown>, issue: v.BaseIssue<unknown>): string {
  let type = root, struct = "";
  const names: string[] = [];
  for (const { key } of steps(issue)) {
    if (type.type === "either") {
      type = type.message!;
      if (typeof key === "number") continue; // a list of such messages
    }
    if (type.type === "message") {
      struct = shortName(type.proto);
      names.push(String(key));
      type = (type as Message).fields[key]!.type;
    } else type = type.item!;
  }
  const { input } = issue, at = fieldPath(issue);
  // Types with a text of their own say what is wrong with it; we add where.
  if (typeof input === "string" || (typeof input === "number" && type.proto.endsWith(".Quantity"))) {
    const where = `${at}: ${shown(input)}`;
    if (type.proto.endsWith(".Quantity")) return `${quantityMessage} (${where})`;
    if (type.proto.endsWith("Time")) return `parsing time ${shown(input)} as "2006-01-02T15:04:05Z07:00": cannot parse (${where})`;
    if (type.proto.endsWith(".Duration")) return `time: invalid duration ${shown(input)} (${where})`;
    if (type.proto === "bytes" && !type.item) return `illegal base64 data (${at})`; // may be a secret
  }
  const into = struct ? `struct field ${struct}.${names.join(".")}` : "value", expected = goType(type);
  // A number where one belongs, but of another size, is shown.
  const got = typeof input === "number" && /^(int|float)/.test(expected) ? `number ${input}` : jsonType(input);
  return `json: cannot unmarshal ${got} into Go ${into} of type ${expected}`;
}
const jsonType = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
function goType(type: Type<unknown>): string {
  if (type.type === "map") return `map[string]${goType(type.item!)}`;
  if (type.item) return `[]${goType(type.item)}`;
  if (!type.proto.includes(".")) return type.proto === "double" ? "float64" : type.proto === "bytes" ? "[]uint8" : type.proto;
  return type.proto.split(".").slice(-2).join(".");
}
const shortName = (proto: string): string => proto.slice(proto.lastIndexOf(".") + 1);
