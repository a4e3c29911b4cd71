// Values whose JSON text differs from their protobuf message.
import * as v from "valibot";
import { type Json, scalar, type Type } from "./schema.ts";

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1.";
const quantityText = /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
const number = scalar<string>(
  "k8s.io.apimachinery.pkg.api.resource.Quantity",
  { type: "string" },
  (q) => quantityText.test(String(q)),
  "a quantity such as 500m or 64Mi",
);
export const quantity: Type<string> = (v.pipe as Function)(number, v.transform(String));
export const intOrString: Type<number | string> = scalar(
  "k8s.io.apimachinery.pkg.util.intstr.IntOrString",
  { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  (x) => typeof x === "string" || Number.isInteger(x),
  "an integer or a string",
);
const instant = (s: unknown) =>
  typeof s === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(s) && !Number.isNaN(Date.parse(s));
export const time: Type<string> = scalar(
  `${meta}Time`,
  { type: "string", format: "date-time" },
  instant,
  "a time such as 2006-01-02T15:04:05Z",
);
export const microTime: Type<string> = scalar(
  `${meta}MicroTime`,
  { type: "string", format: "date-time" },
  instant,
  "a time such as 2006-01-02T15:04:05.000000Z",
);
export const duration: Type<string> = scalar(
  `${meta}Duration`,
  { type: "string" },
  (s) => typeof s === "string",
  "a duration such as 1m30s",
);
export const any: Type<unknown> = scalar("k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON", {}, () => true);
const isObject = (x: unknown) => typeof x === "object" && x !== null && !Array.isArray(x);
export const object: Type<Json> = scalar("k8s.io.apimachinery.pkg.runtime.RawExtension", { type: "object" }, isObject, "an object");
export const fieldsV1: Type<Json> = scalar(`${meta}FieldsV1`, { type: "object" }, isObject, "an object");
