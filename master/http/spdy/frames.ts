// SPDY/3.1, as far as kubectl speaks it: bytes ⇄ frames. Pure. Numbers are big-endian.
//
//   data     0 | stream u31 | flags u8 | length u24 | bytes
//   control  1 | version u15 = 3 | type u16 | flags u8 | length u24 | body
import { Buffer } from "node:buffer";
import { spdyControlBytes } from "../../../shared/limits.ts";

export const control = { synStream: 1, synReply: 2, reset: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
export const fin = 1;
/** Of RST_STREAM. */
export const resetStatus = { protocolError: 1, refusedStream: 3 } as const;

export type SpdyFrame =
  /** A part of a data frame, as it came; `end` with the last part of the stream's last one. */
  | { readonly is: "data"; readonly stream: number; readonly bytes: Uint8Array; readonly end: boolean }
  | { readonly is: "control"; readonly type: number; readonly flags: number; readonly body: Uint8Array };

/** What is no SPDY/3, or more of it than we take. */
export class SpdyError extends Error {
  override name = "SpdyError";
}

/** Cuts bytes into frames, across any chunk borders; data is handed on without gathering a whole frame. */
export class FrameReader {
  readonly #header = Buffer.alloc(8);
  #headerBytes = 0;
  #left = 0;
  #body: Uint8Array[] = [];

  /** @throws SpdyError */
  *push(chunk: Uint8Array): Iterable<SpdyFrame> {
    for (let at = 0; at < chunk.length;) {
      if (this.#headerBytes < 8) {
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes < 8) continue;
        this.#left = this.#header.readUIntBE(5, 3);
        if (this.#isControl) this.#check();
        if (this.#left === 0) yield this.#whole(new Uint8Array());
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (!this.#isControl) yield this.#whole(part);
      else {
        this.#body.push(part);
        if (this.#left === 0) yield this.#whole(Buffer.concat(this.#body));
      }
    }
  }
  get #isControl(): boolean {
    return this.#header[0]! >= 128;
  }
  #check(): void {
    const version = this.#header.readUInt16BE(0) & 0x7fff;
    if (version !== 3) throw new SpdyError(`SPDY of version ${version} is not spoken here`);
    if (this.#left > spdyControlBytes) throw new SpdyError(`a control frame of ${this.#left} bytes; the limit is ${spdyControlBytes}`);
  }
  #whole(bytes: Uint8Array): SpdyFrame {
    const flags = this.#header[4]!;
    const frame: SpdyFrame = this.#isControl
      ? { is: "control", type: this.#header.readUInt16BE(2), flags, body: bytes }
      : { is: "data", stream: this.#header.readUInt32BE(0), bytes, end: this.#left === 0 && (flags & fin) !== 0 };
    if (this.#left === 0) {
      this.#headerBytes = 0;
      this.#body = [];
    }
    return frame;
  }
}

export function dataFrame(stream: number, bytes: Uint8Array, end = false): Uint8Array {
  const frame = Buffer.alloc(8 + bytes.length);
  frame.writeUInt32BE(stream, 0);
  frame[4] = end ? fin : 0;
  frame.writeUIntBE(bytes.length, 5, 3);
  frame.set(bytes, 8);
  return frame;
}
export function controlFrame(type: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt16BE(0x8003, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUIntBE(body.length, 5, 3);
  frame.set(body, 8);
  return frame;
}
export const u32s = (...numbers: number[]): Uint8Array => {
  const out = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => out.writeUInt32BE(number, 4 * index));
  return out;
};
