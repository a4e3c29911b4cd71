// Values by chance of whatever type a schema has: what the schema's readers (decoding, protobuf, patches, ownership) are tried with.
import { Buffer } from "node:buffer";
import type { Field, Json, Message, Type } from "../../shared/api/schema.ts";
import type { Random } from "../../shared/util/clock.ts";
import { oneIn, pick, upTo } from "./chance.ts";

export interface Palette {
  /** @param name the field in which it will stand; of an item or a map's value, that of the list or map */
  readonly text: (random: Random, name: string) => string;
  readonly number: (random: Random, name: string) => number;
  /** How many of a message's fields are there. */
  readonly share: number;
  /** Levels below which messages are left out where they may be: some hold themselves. */
  readonly depth: number;
}
/** Few words, none of them empty: so that two values often have something in common. */
export const plain: Palette = {
  text: (random, name) => name === "name" ? pick(random, letters) : `s${1 + upTo(random, 2)}`,
  number: (random) => 1 + upTo(random, 2),
  share: 0.6,
  depth: 20,
};
export const letters = ["a", "b", "c", "d"] as const;

export type Typed = Partial<Field> & { readonly type: Type<unknown> };

/** A value of a field, without the defaults of what it leaves out. Lists that are owned item by item are not empty: nobody owns such. */
export function randomValue(random: Random, field: Typed, palette: Palette = plain, name = "", depth = 0): unknown {
  const { type, list: way, keys = [] } = field, deeper = (inner: Typed, at = name) => randomValue(random, inner, palette, at, depth + 1);
  if (type.type === "message") {
    const fields = Object.entries((type as Message).fields).filter(([, { required, type: inner }]) =>
      required || (random() < palette.share && (depth < palette.depth || !holdsMessage(inner)))
    );
    return Object.fromEntries(fields.map(([key, inner]) => [key, deeper(inner, key)]));
  }
  if (type.type === "map") {
    return Object.fromEntries(letters.filter(() => random() < 0.5).map((key) => [key, deeper({ type: type.item! })]));
  }
  if (type.item) {
    const owned = way === "map" || way === "set", items = Array.from({ length: upTo(random, 5) }, () => deeper({ type: type.item! }));
    if (owned && items.length === 0) items.push(deeper({ type: type.item! }));
    if (way === "set") return [...new Set(items)];
    if (way !== "map") return items;
    for (const item of items as Json[]) {
      for (const key of keys) item[key] ??= (type.item as Message).fields[key]!.default ?? deeper((type.item as Message).fields[key]!, key);
    }
    return [...new Map((items as Json[]).map((item) => [JSON.stringify(keys.map((key) => item[key])), item])).values()];
  }
  return scalarValue(random, type, palette, name);
}
const holdsMessage = (type: Type<unknown>): boolean => type.type === "message" || (type.item !== undefined && holdsMessage(type.item));

function scalarValue(random: Random, { proto, openapi }: Type<unknown>, palette: Palette, name: string): unknown {
  if (Array.isArray(openapi.enum)) return pick(random, openapi.enum);
  const kind = proto.slice(proto.lastIndexOf(".") + 1), digits = () => 1 + upTo(random, 99);
  switch (kind) {
    case "bool":
      return oneIn(random, 2);
    case "int32":
    case "int64":
      return palette.number(random, name);
    case "double":
      return palette.number(random, name) / 4;
    case "bytes":
      return Buffer.from(palette.text(random, name)).toString("base64");
    case "Quantity":
      return `${digits()}${pick(random, ["", "m", "k", "M", "Ki", "Mi", "Gi", "e3", ".5"])}`;
    case "IntOrString":
      return pick(random, [digits(), `${digits()}%`, palette.text(random, name)]);
    case "Time":
      return `20${10 + upTo(random, 20)}-0${1 + upTo(random, 9)}-1${upTo(random, 10)}T0${upTo(random, 10)}:00:0${upTo(random, 10)}Z`;
    case "MicroTime":
      return `2026-01-02T03:04:05.${String(upTo(random, 1e6)).padStart(6, "0")}Z`;
    case "Duration":
      return pick(random, ["1s", "1h0m0.5s", "250ms", "1m30s", "-26h0m0s"]);
    case "JSON":
      return pick(random, [digits(), palette.text(random, name), { a: [null, true] }, ["x"]]);
    case "RawExtension":
      return { a: { b: digits() }, c: palette.text(random, name) };
    case "FieldsV1":
      return { "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } };
    default:
      return palette.text(random, name);
  }
}
