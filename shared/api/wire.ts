// The wire format of protobuf (protobuf.dev/programming-guides/encoding): what the schemas, the OpenAPI document and the tests read and write.
// The reader trusts nothing: every length is checked against what is left, so that a hostile message costs no more than its own bytes.
import { Buffer } from "node:buffer";
import { documentValues } from "../limits.ts";

export const varintWire = 0, fixed64Wire = 1, bytesWire = 2, fixed32Wire = 5;

/** The bytes are no message of the expected type. */
export class WireError extends Error {
  override name = "WireError";
}

export class Reader {
  readonly bytes: Buffer;
  /** Where the next read begins, and where the message that is being read ends. */
  at = 0;
  end: number;
  #fields = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }
  get done(): boolean {
    return this.at >= this.end;
  }
  /** Reads `work` within the length-delimited field that begins here, and ends behind it. */
  within<T>(work: (reader: this) => T): T {
    const outer = this.end, end = this.boundary();
    this.end = end;
    const result = work(this);
    this.at = end;
    this.end = outer;
    return result;
  }
  /** Each field, and each item of a list that is packed into one, counts: two bytes may become an object. */
  spend(): void {
    if (++this.#fields > documentValues) throw new WireError(`the message has more than ${documentValues} fields and items`);
  }
  private byte(): number {
    if (this.at >= this.end) throw new WireError("the message is truncated");
    return this.bytes[this.at++]!;
  }
  /** A signed integer of up to 64 bits, exact to 2^53. */
  varint(): number {
    let low = 0, shift = 0;
    for (; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 127) << shift;
      if (byte < 128) return low;
    }
    let whole = BigInt(low);
    for (; shift < 70; shift += 7) {
      const byte = this.byte();
      whole |= BigInt(byte & 127) << BigInt(shift);
      if (byte < 128) return Number(BigInt.asIntN(64, whole));
    }
    throw new WireError("an integer has more than 64 bits");
  }
  /** The next field's number and wire type. */
  tag(): { no: number; wire: number } {
    this.spend();
    const tag = this.varint(), wire = tag & 7;
    if (tag < 8 || tag >= 2 ** 32) throw new WireError(`${tag} is no tag of a field`);
    return { no: tag >>> 3, wire };
  }
  double(): number {
    const at = this.advance(8);
    return this.bytes.readDoubleLE(at);
  }
  text(): string {
    const end = this.boundary(), text = this.bytes.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }
  base64(): string {
    const end = this.boundary(), text = this.bytes.toString("base64", this.at, end);
    this.at = end;
    return text;
  }
  /** A view, not a copy. */
  raw(): Uint8Array {
    const end = this.boundary(), raw = this.bytes.subarray(this.at, end);
    this.at = end;
    return raw;
  }
  skip(wire: number): void {
    if (wire === varintWire) this.varint();
    else if (wire === bytesWire) this.at = this.boundary();
    else if (wire === fixed64Wire) this.advance(8);
    else if (wire === fixed32Wire) this.advance(4);
    else throw new WireError(`wire type ${wire} is not in use`); // groups are of protobuf's first days
  }
  /** Where the length-delimited field that begins here ends. */
  private boundary(): number {
    const length = this.varint();
    if (length < 0 || length > this.end - this.at) {
      throw new WireError(`a field of ${length} bytes does not fit into the ${this.end - this.at} left`);
    }
    return this.at + length;
  }
  private advance(bytes: number): number {
    if (bytes > this.end - this.at) throw new WireError("the message is truncated");
    this.at += bytes;
    return this.at - bytes;
  }
}

export class Writer {
  private readonly parts: Uint8Array[] = [];
  private small: number[] = [];
  private flush(): void {
    if (this.small.length > 0) this.parts.push(Uint8Array.from(this.small));
    this.small = [];
  }
  private unsigned(value: bigint): void {
    for (; value > 127n; value >>= 7n) this.small.push(Number(value & 127n) | 128);
    this.small.push(Number(value));
  }
  private tag(no: number, wire: number): void {
    this.unsigned(BigInt(no * 8 + wire));
  }
  varint(no: number, value: number | boolean): this {
    this.tag(no, varintWire);
    this.unsigned(BigInt.asUintN(64, BigInt(value)));
    return this;
  }
  double(no: number, value: number): this {
    this.tag(no, fixed64Wire);
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.small.push(...bytes);
    return this;
  }
  text(no: number, value: string): this {
    return this.raw(no, Buffer.from(value));
  }
  raw(no: number, value: Uint8Array): this {
    this.tag(no, bytesWire);
    this.unsigned(BigInt(value.byteLength));
    this.flush();
    this.parts.push(value);
    return this;
  }
  message(no: number, write: (writer: Writer) => unknown): this {
    const inner = new Writer();
    write(inner);
    return this.raw(no, inner.finish());
  }
  finish(): Uint8Array {
    this.flush();
    return Buffer.concat(this.parts);
  }
}
