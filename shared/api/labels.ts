// What labels, annotations and label selectors may hold.
import { Buffer } from "node:buffer";
import type { Cause } from "./decode.ts";
import type { LabelSelector } from "./meta.ts";
import { labelValue, qualifiedName } from "./names.ts";
import { forbidden, invalid, missing, unsupported } from "./resource.ts";
import { annotationsBytes } from "../limits.ts";

export const validateLabels = (labels: Readonly<Record<string, string>> = {}, at: string): Cause[] =>
  Object.entries(labels).flatMap(([key, value]) => [...keyed(at, key), ...labelValue(value).map((problem) => invalid(at, value, problem))]);

export function validateAnnotations(annotations: Readonly<Record<string, string>> = {}, at: string): Cause[] {
  const causes = Object.keys(annotations).flatMap((key) => keyed(at, key, key.toLowerCase()));
  const sizeBytes = Object.entries(annotations).reduce((sum, [key, value]) => sum + utf8Bytes(key) + utf8Bytes(value), 0);
  if (sizeBytes > annotationsBytes) {
    causes.push({ reason: "FieldValueTooLong", field: at, message: `Too long: may not be more than ${annotationsBytes} bytes` });
  }
  return causes;
}

export function validateLabelSelector(selector: LabelSelector, at: string): Cause[] {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return [
    ...validateLabels(matchLabels, `${at}.matchLabels`),
    ...matchExpressions.flatMap(({ key: label, operator, values = [] }, i) => {
      const here = `${at}.matchExpressions[${i}]`, causes: Cause[] = [];
      if (operator === "In" || operator === "NotIn") {
        if (values.length === 0) causes.push(missing(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        values.forEach((value, n) => causes.push(...labelValue(value).map((problem) => invalid(`${here}.values[${n}]`, value, problem))));
      } else if (operator === "Exists" || operator === "DoesNotExist") {
        if (values.length > 0) {
          causes.push(forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
      } else causes.push(unsupported(`${here}.operator`, operator, ["DoesNotExist", "Exists", "In", "NotIn"]));
      return [...causes, ...keyed(`${here}.key`, label)];
    }),
  ];
}

const keyed = (field: string, key: string, checked = key): Cause[] => qualifiedName(checked).map((problem) => invalid(field, key, problem));
const utf8Bytes = (text: string): number => Buffer.byteLength(text);
