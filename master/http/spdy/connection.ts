// One SPDY/3.1 connection that a client has begun: its streams, each answered at once. Go's library, which kubectl has, knows no windows: what holds a client up
// is that nothing more is read while somebody takes what came, and so one stream holds up the others.
import type { Duplex } from "node:stream";
import { spdyDataBytes, spdyStreams } from "../../../shared/limits.ts";
import { control, controlFrame, dataFrame, fin, FrameReader, resetStatus, type SpdyFrame, u32s } from "./frames.ts";
import { emptyHeaders, HeaderReader } from "./headers.ts";

/** Takes what comes on a stream. `end`: nothing more will. Nothing else is read before it resolves. */
export type Take = (bytes: Uint8Array, end: boolean) => Promise<void>;

export class SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #connection: SpdyConnection;
  /** Whoever wants what comes says so; else it is dropped. */
  take: Take = () => Promise.resolve();
  /** The client wants no more of this stream. */
  onReset: () => void = () => {};
  inputEnded = false;
  outputEnded = false;

  constructor(connection: SpdyConnection, id: number, headers: ReadonlyMap<string, string>) {
    this.#connection = connection;
    this.id = id;
    this.headers = headers;
  }
  /** Resolves when the client has taken it. @throws when it is gone */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.outputEnded; at += spdyDataBytes) {
      await this.#connection.write(dataFrame(this.id, bytes.subarray(at, at + spdyDataBytes)));
    }
  }
  async end(): Promise<void> {
    if (this.outputEnded) return;
    this.outputEnded = true;
    await this.#connection.write(dataFrame(this.id, new Uint8Array(), true));
    this.#connection.settle(this);
  }
}

export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #accept: (stream: SpdyStream) => boolean;
  readonly #headers = new HeaderReader();
  readonly #streams = new Map<number, SpdyStream>();
  #replied = false;

  /** @param accept sees every new stream before anything on it; false refuses it */
  constructor(socket: Duplex, accept: (stream: SpdyStream) => boolean) {
    this.#socket = socket;
    this.#accept = accept;
  }

  /** Resolves when the connection is over. @throws SpdyError */
  async run(): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const chunk of this.#socket as AsyncIterable<Uint8Array>) {
        for (const frame of reader.push(chunk)) await this.#frame(frame);
      }
    } finally {
      this.#headers.close();
      this.#socket.destroy();
      for (const stream of this.#streams.values()) stream.onReset();
      this.#streams.clear();
    }
  }
  async #frame(frame: SpdyFrame): Promise<void> {
    if (frame.is === "data") return await this.#data(frame.stream, frame.bytes, frame.end);
    const { type, flags, body } = frame, view = new DataView(body.buffer, body.byteOffset, body.length);
    if (type === control.synStream && body.length >= 10) return await this.#open(view.getUint32(0) & 0x7fffffff, flags, body.subarray(10));
    if (type === control.headers && body.length >= 4) return void await this.#headers.read(body.subarray(4)); // they share one dictionary
    if (type === control.ping) return await this.write(controlFrame(control.ping, body));
    if (type !== control.reset || body.length < 4) return;
    const stream = this.#streams.get(view.getUint32(0) & 0x7fffffff);
    if (!stream) return;
    stream.inputEnded = stream.outputEnded = true;
    this.settle(stream);
    stream.onReset();
  }
  async #open(id: number, flags: number, block: Uint8Array): Promise<void> {
    const headers = await this.#headers.read(block), stream = new SpdyStream(this, id, headers);
    if (this.#streams.has(id)) return await this.#reset(id, resetStatus.protocolError);
    if (this.#streams.size >= spdyStreams || !this.#accept(stream)) return await this.#reset(id, resetStatus.refusedStream);
    this.#streams.set(id, stream);
    const first = !this.#replied;
    this.#replied = true;
    await this.write(controlFrame(control.synReply, Uint8Array.from([...u32s(id), ...emptyHeaders(first)])));
    if (flags & fin) await this.#data(id, new Uint8Array(), true);
  }
  async #data(id: number, bytes: Uint8Array, end: boolean): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream || stream.inputEnded) return;
    if (end) {
      stream.inputEnded = true;
      this.settle(stream);
    }
    await stream.take(bytes, end).catch(() => {}); // nobody wants it any more: whoever reads the output says why
  }
  #reset = (id: number, status: number): Promise<void> => this.write(controlFrame(control.reset, u32s(id, status)));

  /** Forgets a stream that has ended both ways. */
  settle(stream: SpdyStream): void {
    if (stream.inputEnded && stream.outputEnded) this.#streams.delete(stream.id);
  }
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => void this.#socket.write(bytes, (error) => error ? reject(error) : resolve()));
  }
  destroy(): void {
    this.#socket.destroy();
  }
}
