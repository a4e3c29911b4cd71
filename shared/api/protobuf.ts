// Protobuf bodies, read straight into the JSON object that a message's field list describes. kubectl sends them for every typed write.
import { Buffer } from "node:buffer";
import { documentDepth } from "../limits.ts";
import { scalarWire } from "./protobuf_scalars.ts";
import { type Field, isZero, type Json, type Message, type Type } from "./schema.ts";
import { badRequest } from "./status.ts";
import { bytesWire, fixed64Wire, Reader, varintWire, WireError, Writer } from "./wire.ts";

/** A field's place in JSON; or, for an inlined message, the fields that stand in its stead. */
type Entry = { readonly key: string; readonly field: Field } | { readonly inner: Plan };
type Plan = ReadonlyMap<number, Entry>;
const plans = new WeakMap<object, Plan>();

/** A message's fields by number. */
function planOf(message: Message): Plan {
  const known = plans.get(message);
  if (known) return known;
  const plan = new Map<number, Entry>();
  plans.set(message, plan); // before the fields: messages may contain themselves
  for (const [key, field] of Object.entries<Field>(message.fields)) {
    if (field.within) plan.set(field.within.no, { inner: planOf(field.within.message) });
    else if (field.no > 0) plan.set(field.no, { key, field });
  }
  return plan;
}

/** "k8s\0", then a runtime.Unknown: what a body of type application/vnd.kubernetes.protobuf looks like. */
const magic = Buffer.from("k8s\0");
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}
/** @throws WireError */
export function unwrap(bytes: Uint8Array): Envelope {
  if (bytes.byteLength < magic.length || !magic.equals(bytes.subarray(0, magic.length))) {
    throw new WireError("the body does not begin with the bytes 6b 38 73 00 of Kubernetes' protobuf");
  }
  const reader = new Reader(bytes.subarray(magic.length));
  let apiVersion = "", kind = "", raw = new Uint8Array();
  while (!reader.done) {
    const { no, wire } = reader.tag();
    if (wire !== bytesWire) reader.skip(wire);
    else if (no === 1) {
      reader.within(() => {
        while (!reader.done) {
          const { no, wire } = reader.tag();
          if (wire === bytesWire && no === 1) apiVersion = reader.text();
          else if (wire === bytesWire && no === 2) kind = reader.text();
          else reader.skip(wire);
        }
      });
    } else if (no === 2) raw = Uint8Array.from(reader.raw());
    else if (no === 3 && reader.text() !== "") throw new WireError("the body has a content encoding; send it plain");
    else if (no === 4) reader.text();
    else if (no > 4) reader.skip(wire);
  }
  return { apiVersion, kind, raw };
}
export function wrap({ apiVersion, kind, raw }: Envelope): Uint8Array {
  const unknown = new Writer().message(1, (type) => type.text(1, apiVersion).text(2, kind)).raw(2, raw).finish();
  return Buffer.concat([magic, unknown]);
}

/** A body of type application/vnd.kubernetes.protobuf as JSON, with the apiVersion and kind it says. @throws ApiError BadRequest */
export function decodeProtobuf(message: Message, bytes: Uint8Array): Json {
  try {
    const { apiVersion, kind, raw } = unwrap(bytes);
    return { ...(apiVersion && { apiVersion }), ...(kind && { kind }), ...decodeWire(message, raw) };
  } catch (error) {
    if (error instanceof WireError) throw badRequest(`the body of the request is not the protobuf of ${message.id}: ${error.message}`);
    throw error;
  }
}
/** Go writes the zeros of what is no pointer: those are left out, as in JSON. @throws WireError */
export const decodeWire = (message: Message, bytes: Uint8Array): Json => readMessage(new Reader(bytes), planOf(message), {}, 0);

function readMessage(reader: Reader, plan: Plan, into: Json, depth: number): Json {
  if (depth > documentDepth) throw new WireError(`the message is nested more than ${documentDepth} levels deep`);
  while (!reader.done) {
    const { no, wire } = reader.tag(), entry = plan.get(no);
    if (!entry) reader.skip(wire);
    else if ("inner" in entry) {
      expect(wire, bytesWire, no);
      reader.within(() => readMessage(reader, entry.inner, into, depth + 1));
    } else readField(reader, entry, wire, into, depth);
  }
  return into;
}
function readField(reader: Reader, { key, field }: { key: string; field: Field }, wire: number, into: Json, depth: number): void {
  const { type } = field;
  if (isRepeated(type)) {
    const items = (into[key] ??= []) as unknown[], item = type.item!;
    if (wire === bytesWire && wireOf(item) !== bytesWire) { // packed
      return reader.within(() => {
        while (!reader.done) {
          reader.spend();
          items.push(readValue(reader, item, wireOf(item), field.no, undefined, depth));
        }
      });
    }
    items.push(readValue(reader, item, wire, field.no, undefined, depth));
  } else if (type.type === "map") {
    expect(wire, bytesWire, field.no);
    reader.within(() => readEntry(reader, type.item!, (into[key] ??= {}) as Json, depth));
  } else {
    const value = readValue(reader, type, wire, field.no, into[key], depth);
    if (value !== undefined && (field.zero || !isZero(type, value))) into[key] = value;
  }
}
/** One entry of a map: a message of key and value, either of which may be left out. */
function readEntry(reader: Reader, item: Type<unknown>, into: Json, depth: number): void {
  let key = "", value: unknown;
  while (!reader.done) {
    const { no, wire } = reader.tag();
    if (no === 1 && wire === bytesWire) key = reader.text();
    else if (no === 2) value = readValue(reader, item, wire, no, undefined, depth);
    else reader.skip(wire);
  }
  value ??= readEmpty(item, depth);
  Object.defineProperty(into, key, { value, enumerable: true, writable: true, configurable: true }); // "__proto__" is a key like others
}
/** The value that zero bytes stand for. */
const readEmpty = (type: Type<unknown>, depth: number): unknown =>
  wireOf(type) === bytesWire
    ? readValue(new Reader(Uint8Array.of(0)), type, bytesWire, 2, undefined, depth)
    : type.proto === "bool"
    ? false
    : 0;

/** `before`: what the same field said further up, which a message merges with. */
function readValue(reader: Reader, type: Type<unknown>, wire: number, no: number, before: unknown, depth: number): unknown {
  expect(wire, wireOf(type), no);
  if (type.type === "message") {
    return reader.within(() => readMessage(reader, planOf(type as Message), (before ?? {}) as Json, depth + 1));
  }
  if (type.type === "array") return reader.within(() => readWrapper(reader, type.item!, depth));
  if (type.type === "either") return reader.within(() => readEither(reader, type, depth));
  switch (type.proto) {
    case "string":
      return reader.text();
    case "bytes":
      return reader.base64();
    case "bool":
      return reader.varint() !== 0;
    case "int32":
    case "int64":
      return reader.varint();
    case "double":
      return reader.double();
    default:
      return reader.within(() => scalarOf(type).read(reader));
  }
}
/** A list that is a message of its own in protobuf: ExtraValue, Verbs. */
function readWrapper(reader: Reader, item: Type<unknown>, depth: number): unknown[] {
  const items: unknown[] = [];
  while (!reader.done) {
    const { no, wire } = reader.tag();
    if (no === 1) items.push(readValue(reader, item, wire, no, undefined, depth));
    else reader.skip(wire);
  }
  return items;
}
/** The message, where there is one, whatever else the sender has said. */
function readEither(reader: Reader, { message, other, numbers }: Type<unknown>, depth: number): unknown {
  let found: unknown, instead: unknown = other!.item ? [] : false;
  while (!reader.done) {
    const { no, wire } = reader.tag();
    if (no === numbers!.message) found = readValue(reader, message!, wire, no, found, depth);
    else if (no !== numbers!.other) reader.skip(wire);
    else if (other!.item) (instead as unknown[]).push(readValue(reader, other!.item, wire, no, undefined, depth));
    else instead = readValue(reader, other!, wire, no, undefined, depth);
  }
  return found ?? instead;
}
const isRepeated = (type: Type<unknown>): boolean => type.type === "array" && type.proto === type.item!.proto;
const wireOf = (type: Type<unknown>): number =>
  type.proto === "bool" || type.proto === "int32" || type.proto === "int64"
    ? varintWire
    : type.proto === "double"
    ? fixed64Wire
    : bytesWire;
function expect(wire: number, expected: number, no: number): void {
  if (wire !== expected) throw new WireError(`field ${no} has wire type ${wire}, not ${expected}`);
}
function scalarOf(type: Type<unknown>) {
  const scalar = scalarWire[type.proto.slice(type.proto.lastIndexOf(".") + 1)];
  if (!scalar) throw new WireError(`${type.proto} cannot be sent as protobuf; send JSON`);
  return scalar;
}

/** The twin of `decodeWire`: an object that is valid by its schema. */
export function encodeWire(message: Message, object: Json): Uint8Array {
  const writer = new Writer();
  writeFields(writer, message, object);
  return writer.finish();
}
function writeFields(writer: Writer, message: Message, object: Json): void {
  const inlined = new Map<number, Message>();
  for (const [key, { no, type, within }] of Object.entries<Field>(message.fields)) {
    if (within) inlined.set(within.no, within.message);
    else if (no > 0 && Object.hasOwn(object, key)) writeField(writer, no, type, object[key]);
  }
  for (const [no, inner] of inlined) writer.message(no, (writer) => writeFields(writer, inner, object));
}
function writeField(writer: Writer, no: number, type: Type<unknown>, value: unknown): void {
  if (isRepeated(type)) { for (const item of value as unknown[]) writeValue(writer, no, type.item!, item); }
  else if (type.type === "map") {
    for (const [key, item] of Object.entries(value as Json)) {
      writer.message(no, (entry) => writeValue(entry.text(1, key), 2, type.item!, item));
    }
  } else writeValue(writer, no, type, value);
}
function writeValue(writer: Writer, no: number, type: Type<unknown>, value: unknown): void {
  if (type.type === "message") writer.message(no, (inner) => writeFields(inner, type as Message, value as Json));
  else if (type.type === "array") {
    writer.message(no, (inner) => (value as unknown[]).forEach((item) => writeValue(inner, 1, type.item!, item)));
  } else if (type.type === "either") {
    const isMessage = typeof value === "object" && !Array.isArray(value), { message, other, numbers } = type;
    writer.message(
      no,
      (inner) => isMessage ? writeValue(inner, numbers!.message, message!, value) : writeField(inner, numbers!.other, other!, value),
    );
  } else if (type.proto === "string") writer.text(no, value as string);
  else if (type.proto === "bytes") writer.raw(no, Buffer.from(value as string, "base64"));
  else if (type.proto === "double") writer.double(no, value as number);
  else if (wireOf(type) === varintWire) writer.varint(no, value as number | boolean);
  else writer.message(no, (inner) => scalarOf(type).write(inner, value as never));
}
