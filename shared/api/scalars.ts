// Values whose JSON text differs from their protobuf message (which protobuf_scalars.ts reads).
import * as v from "valibot";
import { canonicalQuantity, isQuantity } from "./quantity.ts";
import { type Json, scalar, type Type } from "./schema.ts";

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1.";
/** One spelling of each value, so that equal objects are equal texts. */
const canonical = (type: Type<string>, spell: (text: string) => string): Type<string> =>
  v.pipe(type, v.transform((value) => spell(String(value)))) as never;

/** An amount, as canonical text; JSON may say it as a number. */
export const quantity = canonical(
  scalar("k8s.io.apimachinery.pkg.api.resource.Quantity", { type: "string" }, isQuantity, "a quantity such as 500m or 64Mi"),
  canonicalQuantity,
);
export const intOrString: Type<number | string> = scalar(
  "k8s.io.apimachinery.pkg.util.intstr.IntOrString",
  { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  (x) => typeof x === "string" || (Number.isInteger(x) && x === ((x as number) | 0)),
  "an integer or a string",
);

/** RFC 3339, as Go reads it: any offset, any fraction. */
const instant = /^\d{4}-(\d\d)-(\d\d)T(\d\d):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const year0 = Date.parse("0000-01-01T00:00:00Z"), year10000 = Date.UTC(10_000, 0);
function isInstant(value: unknown): boolean {
  const parts = typeof value === "string" ? instant.exec(value) : null, at = Date.parse(String(value));
  // Date.parse takes February 30th for March 2nd, and 24:00 for the next day.
  return parts !== null && at >= year0 && at < year10000 && Number(parts[3]) < 24 &&
    Number(parts[2]) <= new Date(Date.UTC(Number(parts[0].slice(0, 4)), Number(parts[1]), 0)).getUTCDate();
}
const utc = (text: string): string => new Date(Date.parse(text)).toISOString().slice(0, 19);
/** A point in time, in whole seconds of UTC. */
export const time = canonical(
  scalar(`${meta}Time`, { type: "string", format: "date-time" }, isInstant, "a time such as 2006-01-02T15:04:05Z"),
  (text) => text.length === 20 ? text : `${utc(text)}Z`,
);
/** A point in time, in microseconds of UTC. */
export const microTime = canonical(
  scalar(`${meta}MicroTime`, { type: "string", format: "date-time" }, isInstant, "a time such as 2006-01-02T15:04:05.000000Z"),
  (text) => `${utc(text)}.${(instant.exec(text)![4] ?? ".").slice(1, 7).padEnd(6, "0")}Z`,
);
const spans = /^[+-]?(0|(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/;
export const duration: Type<string> = scalar(
  `${meta}Duration`,
  { type: "string" },
  (s) => typeof s === "string" && spans.test(s),
  "a duration such as 1m30s",
);

export const any: Type<unknown> = scalar("k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON", {}, () => true);
const isObject = (x: unknown) => typeof x === "object" && x !== null && !Array.isArray(x);
export const object: Type<Json> = scalar("k8s.io.apimachinery.pkg.runtime.RawExtension", { type: "object" }, isObject, "an object");
export const fieldsV1: Type<Json> = scalar(`${meta}FieldsV1`, { type: "object" }, isObject, "an object");
