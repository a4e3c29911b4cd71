// The values whose JSON is a text or a tree, and whose protobuf is a message: scalars.ts in the wire format.
import { Buffer } from "node:buffer";
import { parseJson } from "./json.ts";
import { bytesWire, type Reader, varintWire, WireError, type Writer } from "./wire.ts";

export interface ScalarWire {
  /** Reads the message to its end. Undefined: there is no value. */
  read(reader: Reader): unknown;
  write(writer: Writer, value: never): void;
}

/** Such a message has up to three fields, integers or texts. */
function fields(reader: Reader): { readonly [no: number]: number | string | undefined } {
  const found: Record<number, number | string> = {};
  while (!reader.done) {
    const { no, wire } = reader.tag();
    if (no > 3) reader.skip(wire);
    else if (wire === varintWire) found[no] = reader.varint();
    else if (wire === bytesWire) found[no] = reader.text();
    else reader.skip(wire);
  }
  return found;
}

const quantity: ScalarWire = {
  read: (reader) => fields(reader)[1] ?? "0",
  write: (writer, value: string) => writer.text(1, value),
};
const intOrString: ScalarWire = {
  read: (reader) => {
    const { 1: type = 0, 2: number = 0, 3: text = "" } = fields(reader);
    return type === 1 ? text : number;
  },
  write: (writer, value: number | string) =>
    typeof value === "string" ? writer.varint(1, 1).varint(2, 0).text(3, value) : writer.varint(1, 0).varint(2, value).text(3, ""),
};
/** Seconds since 1970, and nanoseconds. Without seconds it is Go's zero time, which JSON writes as null. */
const instant = (digits: 0 | 6): ScalarWire => ({
  read: (reader) => {
    const { 1: seconds, 2: nanos = 0 } = fields(reader);
    if (seconds === undefined) return undefined;
    const date = new Date(Number(seconds) * 1000);
    if (Number.isNaN(date.getTime())) throw new WireError(`${seconds} seconds since 1970 are no time`);
    const fraction = digits === 0 ? "" : `.${String(Math.trunc(Number(nanos) / 1000)).padStart(6, "0")}`;
    return `${date.toISOString().slice(0, -".000Z".length)}${fraction}Z`;
  },
  write: (writer, value: string) => {
    const fraction = /\.(\d+)/.exec(value)?.[1] ?? "";
    writer.varint(1, Math.floor(Date.parse(value) / 1000)).varint(2, Number(fraction.padEnd(9, "0").slice(0, 9)));
  },
});
/** Nanoseconds; in JSON as Go writes a time.Duration: 1h30m0s, 1.5s, 250ms. */
const duration: ScalarWire = {
  read: (reader) => goDuration(Number(fields(reader)[1] ?? 0)),
  write: (writer, value: string) => writer.varint(1, nanoseconds(value)),
};
function goDuration(nanos: number): string {
  if (nanos === 0) return "0s";
  const sign = nanos < 0 ? "-" : "", size = Math.abs(nanos);
  for (const [unit, length] of [["ns", 1], ["µs", 1e3], ["ms", 1e6]] as const) {
    if (size < (unit === "ms" ? 1e9 : length * 1000)) return `${sign}${size / length}${unit}`;
  }
  const seconds = size / 1e9, hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60);
  const rest = Math.round((seconds - minutes * 60) * 1e9) / 1e9;
  return `${sign}${hours > 0 ? `${hours}h` : ""}${minutes > 0 ? `${minutes % 60}m` : ""}${rest}s`;
}
const lengths: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
function nanoseconds(text: string): number {
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) sum += Number(amount) * lengths[unit!]!;
  return Math.round(text.startsWith("-") ? -sum : sum);
}
/** A tree of JSON, as bytes. */
const json: ScalarWire = {
  read: (reader) => {
    const text = fields(reader)[1];
    if (text === undefined || text === "") return undefined;
    try {
      return parseJson(String(text)).value;
    } catch (error) {
      throw new WireError(`the JSON inside is broken: ${(error as Error).message}`);
    }
  },
  write: (writer, value: unknown) => writer.raw(1, Buffer.from(JSON.stringify(value))),
};

/** By the last word of the message's name. */
export const scalarWire: { readonly [name: string]: ScalarWire | undefined } = Object.assign(Object.create(null), {
  Quantity: quantity,
  IntOrString: intOrString,
  Time: instant(0),
  MicroTime: instant(6),
  Duration: duration,
  FieldsV1: json,
  RawExtension: json,
  JSON: json,
});
