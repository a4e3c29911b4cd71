// The alternative to protobufjs: read a protobuf body straight into the JSON object that the field list describes.
import { type Field, isZero, type Json, type Message, type Type } from "./schema.ts";
type Entry = { key: string; field?: Field; inner?: Map<number, Entry> };
const plans = new WeakMap<object, Map<number, Entry>>();
function plan(message: Message): Map<number, Entry> {
  let found = plans.get(message);
  if (found) return found;
  plans.set(message, found = new Map());
  for (const [key, field] of Object.entries<Field>(message.fields)) {
    if (field.within) found.set(field.within.no, { key, inner: plan(field.within.message) });
    else if (field.no) found.set(field.no, { key, field });
  }
  return found;
}
const utf8 = new TextDecoder();
class Reader {
  buf: Uint8Array;
  at: number;
  view: DataView;
  constructor(buf: Uint8Array) {
    this.buf = buf;
    this.at = 0;
    this.view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  }
  varint(): number { // signed 64 bit, exact to 2^53
    let low = 0, shift = 0, byte = 0;
    for (; shift < 28; shift += 7) {
      byte = this.buf[this.at++]!;
      low |= (byte & 127) << shift;
      if (byte < 128) return low;
    }
    let big = BigInt(low);
    for (;; shift += 7) {
      byte = this.buf[this.at++]!;
      big |= BigInt(byte & 127) << BigInt(shift);
      if (byte < 128) return Number(BigInt.asIntN(64, big));
    }
  }
  skip(type: number) {
    if (type === 0) this.varint();
    else if (type === 1) this.at += 8;
    else if (type === 5) this.at += 4;
    else {
      const n = this.varint();
      this.at += n;
    }
  }
  text(end: number): string {
    const n = end - this.at;
    let s = "";
    if (n < 24) {
      for (let i = this.at; i < end; i++) {
        const c = this.buf[i]!;
        if (c > 127) {
          s = "";
          break;
        }
        s += String.fromCharCode(c);
      }
      if (s.length === n) {
        this.at = end;
        return s;
      }
    }
    s = utf8.decode(this.buf.subarray(this.at, end));
    this.at = end;
    return s;
  }
}
export const decodeWire = (message: Message, bytes: Uint8Array): Json => object(new Reader(bytes), bytes.length, plan(message), {});
function object(r: Reader, end: number, fields: Map<number, Entry>, out: Json): Json {
  while (r.at < end) {
    const tag = r.varint(), entry = fields.get(tag >>> 3);
    if (!entry) {
      r.skip(tag & 7);
      continue;
    }
    if (entry.inner) {
      const n = r.varint();
      object(r, r.at + n, entry.inner, out);
      continue;
    }
    const { key, field } = entry as { key: string; field: Field }, type = field.type;
    if (type.type === "array") {
      ((out[key] as unknown[]) ??= []).push(value(r, type.item!));
      continue;
    }
    if (type.type === "map") {
      const n = r.varint(), stop = r.at + n;
      let k = "", v: unknown;
      while (r.at < stop) {
        const t = r.varint();
        if (t >>> 3 === 1) {
          const m = r.varint();
          k = r.text(r.at + m);
        } else v = value(r, type.item!);
      }
      Object.defineProperty(out[key] ??= {}, k, { value: v, enumerable: true, writable: true, configurable: true });
      continue;
    }
    const v = value(r, type);
    if (v !== undefined && (field.zero || !isZero(type, v))) out[key] = v;
  }
  return out;
}
function value(r: Reader, type: Type<unknown>): unknown {
  const p = type.proto;
  if (p === "int32" || p === "int64") return r.varint();
  if (p === "bool") return r.varint() !== 0;
  if (p === "double") {
    r.at += 8;
    return r.view.getFloat64(r.at - 8, true);
  }
  const n = r.varint(), end = r.at + n;
  if (p === "string") return r.text(end);
  if (type.type === "message") return object(r, end, plan(type as Message), {});
  if (p === "bytes") {
    const b = r.buf.subarray(r.at, end);
    r.at = end;
    return btoa(String.fromCharCode(...b));
  }
  const w: Record<number, any> = {};
  while (r.at < end) {
    const t = r.varint();
    if ((t & 7) === 2) {
      const m = r.varint();
      w[t >>> 3] = r.text(r.at + m);
    } else w[t >>> 3] = r.varint();
  }
  const last = p.slice(p.lastIndexOf(".") + 1);
  if (last === "Quantity") return w[1] ?? "0";
  if (last === "IntOrString") return w[1] === 1 ? w[3] ?? "" : w[2] ?? 0;
  if (last === "Time") return w[1] === undefined ? undefined : new Date(w[1] * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return w[1] === undefined ? undefined : JSON.parse(w[1]);
}
