// What goes over a connection between masters: frames, each with its length before it. A length beyond the bound ends the connection before anything is allocated
// for it, and what is announced costs nothing until it has arrived.
//
//   frame       = length u32 (of what follows; 1 … 8 MiB, little endian) · kind u8 · body
//   hello       who calls, and what for (handshake.ts)                 welcome, refusal    the answer to it
//   message     a Raft message (message_codec.ts)
//   ping        number u32                                             pong                number u32 · received f64
//   received    received f64: bytes that have come over this connection so far; a pong says it, too
//   fetch       offset f64 · a Raft message of type Snapshot: which one, and from which byte on
//   chunk       the next bytes of the snapshot                         taken               chunks u32: so many have been used
//   end         bytes f64: of the whole snapshot                       failed              UTF-8: why there is no more
import { Buffer } from "node:buffer";
import { peerFrameBytes } from "../../../shared/limits.ts";
import { WireError, WireReader, WireWriter } from "./wire.ts";

export const kind = {
  hello: 1,
  welcome: 2,
  refusal: 3,
  message: 4,
  ping: 5,
  pong: 6,
  received: 7,
  fetch: 8,
  chunk: 9,
  taken: 10,
  end: 11,
  failed: 12,
} as const;
export type Kind = typeof kind[keyof typeof kind];
const names = new Map<number, string>(Object.entries(kind).map(([name, number]) => [number, name]));

export interface Frame {
  readonly kind: number;
  /** A view of what came from the socket. */
  readonly body: Uint8Array;
}

/** Bytes before the body. */
export const frameHeaderBytes = 5;

/** A frame with a short body. */
export function frame(of: Kind, body: Uint8Array = none): Uint8Array {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + body.length);
  bytes.set(body, frameHeaderBytes);
  fillHeader([bytes], of);
  return bytes;
}

/** Makes a frame of pieces of which the first begins with room for the header. @returns its bytes */
export function fillHeader(pieces: readonly Uint8Array[], of: Kind): number {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0), first = pieces[0]!;
  const view = new DataView(first.buffer, first.byteOffset, frameHeaderBytes);
  view.setUint32(0, bytes - 4, true);
  view.setUint8(4, of);
  return bytes;
}

/** Finds the frames in a stream of bytes. */
export class FrameReader {
  /** Bytes a frame may have. */
  limit: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(limit = peerFrameBytes) {
    this.limit = limit;
  }

  /** Bytes that have come and are not yet part of a frame that was read. */
  get held(): number {
    return this.#bytes;
  }
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next frame, or undefined as long as it is not all there. @throws WireError when no frame begins like this */
  next(): Frame | undefined {
    if (this.#bytes < 4) return undefined;
    const length = this.#peek();
    if (length < 1 || length > this.limit) {
      throw new WireError(`Cannot read a frame: its length would be ${length} bytes, and here it is 1 to ${this.limit}`);
    }
    if (this.#bytes < 4 + length) return undefined;
    const bytes = this.#take(4 + length);
    return { kind: bytes[4]!, body: bytes.subarray(frameHeaderBytes) };
  }

  #peek(): number {
    const first = this.#chunks[0]!;
    if (first.length < 4) this.#chunks = [Buffer.concat(this.#chunks)]; // rare: a chunk ends inside a length
    const chunk = this.#chunks[0]!;
    return new DataView(chunk.buffer, chunk.byteOffset, 4).getUint32(0, true);
  }
  #take(length: number): Uint8Array {
    this.#bytes -= length;
    const first = this.#chunks[0]!;
    if (first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    if (first.length === length) return this.#chunks.shift()!;
    const whole = Buffer.allocUnsafe(length);
    for (let at = 0; at < length;) {
      const chunk = this.#chunks.shift()!, part = chunk.subarray(0, length - at);
      whole.set(part, at);
      at += part.length;
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
    }
    return whole;
  }
}

export const nameOf = (number: number): string => names.get(number) ?? `kind ${number}`;
export const unexpected = ({ kind, body }: Frame): WireError =>
  new WireError(`Cannot make sense of a frame: ${nameOf(kind)} with ${body.length} bytes does not belong here`);

const none = new Uint8Array(0);

/** A frame whose body has at most `bound` bytes. */
export function build(of: Kind, bound: number, write: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter(frameHeaderBytes + bound, frameHeaderBytes);
  write(writer);
  const pieces = writer.pieces();
  fillHeader(pieces, of);
  return pieces[0]!;
}
/** All of a frame's body. @throws WireError when it is of another kind, or has too little or too much */
export function read<T>(frame: Frame, of: Kind, take: (reader: WireReader) => T): T {
  if (frame.kind !== of) throw unexpected(frame);
  const reader = new WireReader(frame.body, `a frame (${nameOf(of)})`), value = take(reader);
  reader.end();
  return value;
}

export const ping = (number: number): Uint8Array => build(kind.ping, 4, (writer) => writer.u32(number));
export const pong = (number: number, received: number): Uint8Array =>
  build(kind.pong, 12, (writer) => {
    writer.u32(number);
    writer.f64(received);
  });
export const received = (bytes: number): Uint8Array => build(kind.received, 8, (writer) => writer.f64(bytes));
export const taken = (chunks: number): Uint8Array => build(kind.taken, 4, (writer) => writer.u32(chunks));
export const end = (bytes: number): Uint8Array => build(kind.end, 8, (writer) => writer.f64(bytes));
export const failed = (why: string): Uint8Array => frame(kind.failed, Buffer.from(why));

export const readPing = (frame: Frame): number => read(frame, kind.ping, (reader) => reader.u32());
export const readPong = (frame: Frame): { number: number; received: number } =>
  read(frame, kind.pong, (reader) => ({ number: reader.u32(), received: reader.whole() }));
export const readReceived = (frame: Frame): number => read(frame, kind.received, (reader) => reader.whole());
export const readTaken = (frame: Frame): number => read(frame, kind.taken, (reader) => reader.u32());
export const readEnd = (frame: Frame): number => read(frame, kind.end, (reader) => reader.whole());
