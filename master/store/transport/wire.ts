// Reading and writing what goes over the wire between masters, with every length checked against the bytes that are there before anything is made of it.
import { Buffer } from "node:buffer";
import { peerCopyBytes } from "../../../shared/limits.ts";

/** These bytes are not what they should be. Whoever sent them does not speak our language. */
export class WireError extends Error {
  override name = "WireError";
}

/** Little endian, into a buffer whose size is known before. */
export class WireWriter {
  readonly #buffer: Buffer;
  readonly #pieces: Uint8Array[] = [];
  #from = 0;
  #at: number;
  /** `room`: bytes left free at the beginning. */
  constructor(bound: number, room = 0) {
    this.#buffer = Buffer.allocUnsafe(bound);
    this.#at = room;
  }
  u8(number: number): void {
    this.#at = this.#buffer.writeUInt8(number, this.#at);
  }
  u16(number: number): void {
    this.#at = this.#buffer.writeUInt16LE(number, this.#at);
  }
  u32(number: number): void {
    this.#at = this.#buffer.writeUInt32LE(number, this.#at);
  }
  f64(number: number): void {
    this.#at = this.#buffer.writeDoubleLE(number, this.#at);
  }
  text(text: string): void {
    const length = this.#buffer.write(text, this.#at + 2);
    this.u16(length);
    this.#at += length;
  }
  /** A long one becomes a piece of its own, uncopied. */
  payload(payload: Uint8Array): void {
    this.u32(payload.length);
    if (payload.length < peerCopyBytes) {
      this.#buffer.set(payload, this.#at);
      this.#at += payload.length;
    } else {
      this.#cut();
      this.#pieces.push(payload);
    }
  }
  /** Without a length before it. */
  raw(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }
  pieces(): Uint8Array[] {
    this.#cut();
    return this.#pieces;
  }
  #cut(): void {
    if (this.#at > this.#from) this.#pieces.push(this.#buffer.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}

/** All of its methods throw a WireError for what is not there. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;
  /** `what` it is, for the error. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#what = what;
  }
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  whole(): number {
    const number = this.#view.getFloat64(this.#take(8), true);
    if (!Number.isSafeInteger(number) || number < 0) throw this.error(`${number} is no whole number from 0 to 2^53`);
    return number;
  }
  time(): number {
    const number = this.#view.getFloat64(this.#take(8), true);
    if (!Number.isFinite(number)) throw this.error(`${number} is no time`);
    return number;
  }
  flag(): boolean {
    return this.oneOf([false, true], "flag");
  }
  oneOf<T>(list: readonly T[], what: string): T {
    const number = this.u8(), found = list[number];
    if (found === undefined) throw this.error(`${number} is no ${what}; this program knows ${list.length}`);
    return found;
  }
  /** Makes no more than the bytes that are left can hold. */
  list<T>(what: string, leastBytes: number, read: () => T): T[] {
    const count = this.u32(), left = this.#bytes.length - this.#at;
    if (count * leastBytes > left) throw this.error(`it claims ${count} ${what} in its last ${left} bytes`);
    return Array.from({ length: count }, read);
  }
  /** A view. */
  payload(): Uint8Array {
    return this.bytes(this.u32());
  }
  text(): string {
    const bytes = this.bytes(this.u16());
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw this.error("a text in it is not UTF-8", cause);
    }
  }
  /** A view. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }
  /** All that is left; a view. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw this.error(`${left} bytes follow its end`);
  }
  error(what: string, cause?: unknown): WireError {
    return new WireError(`Cannot read ${this.#what}: ${what}`, cause === undefined ? {} : { cause });
  }
  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw this.error(`it ends after ${this.#bytes.length} bytes, inside a field`);
    this.#at += length;
    return at;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
