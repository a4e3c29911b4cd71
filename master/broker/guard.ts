// Watches the bytes of one connection before the parser holds any of them: a packet that announces more than its bound, or whose length is malformed, cuts
// its sender before its body is buffered. And reads streams to the end: Aedes reads once per 'readable', which some runtimes answer with a part only.
import type { Duplex } from "node:stream";
import { Buffer } from "node:buffer";

/** Counts through packets: type byte, remaining length (1–4 bytes, [MQTT-2.2.3]), body. */
export class PacketBound {
  readonly #maxBytes: number;
  #state: "type" | "length" | "body" = "type";
  #length = 0;
  #lengthBytes = 0;
  #left = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns why the connection must be cut, or undefined */
  feed(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.#state === "type") {
        this.#state = "length";
        this.#length = this.#lengthBytes = 0;
        at++;
      } else if (this.#state === "length") {
        const byte = chunk[at++]!;
        this.#length += (byte & 127) * 128 ** this.#lengthBytes++;
        if (byte >= 128) {
          if (this.#lengthBytes === 4) return "the packet's length is malformed";
          continue;
        }
        if (this.#length > this.#maxBytes) return `a packet of ${this.#length} bytes; the limit is ${this.#maxBytes}`;
        this.#left = this.#length;
        this.#state = this.#left === 0 ? "type" : "body";
      } else {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0) this.#state = "type";
      }
    }
    return undefined;
  }
}

/** Reads until there is no more, and shows every chunk to `see` first; what it says is wrong destroys the stream. */
export function guarded<T extends Duplex>(stream: T, see: (chunk: Uint8Array) => string | undefined): T {
  const read = stream.read.bind(stream);
  stream.read = (size?: number | null): Buffer | null => {
    if (size !== undefined && size !== null) return read(size);
    const chunks: Buffer[] = [];
    for (let chunk: Buffer | null; (chunk = read()) !== null;) {
      const wrong = see(chunk);
      if (wrong !== undefined) {
        stream.destroy(new Error(wrong));
        return null;
      }
      chunks.push(chunk);
    }
    return chunks.length > 1 ? Buffer.concat(chunks) : chunks[0] ?? null;
  };
  return stream;
}
