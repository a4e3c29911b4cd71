// One TLS connection to another master: frames in, frames out. The only file here that knows sockets.
//
// TCP_NODELAY is not a matter of taste. Deno encrypts a write of more than 48 KiB in two steps and hands them to the kernel one by one; Nagle's algorithm then
// keeps the end of the second back until the other side has acknowledged the first, which it does after 40 ms if it has nothing to say. Requests of 50 to 130 KiB
// took 44 ms each instead of 0.1 (Deno 2.9.5 and 2.9.6, client and server; test/soak/peer_tls.ts shows it).
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { peerCopyBytes, peerFrameBytes, snapshotChunkBytes, snapshotWindow } from "../../../shared/limits.ts";
import { type Frame, FrameReader } from "./frames.ts";
import { type MemberName, memberNamed } from "./handshake.ts";
import { WireError } from "./wire.ts";

export interface Listener {
  /** @throws WireError to end the connection */
  frame(frame: Frame): void;
  /** So many bytes have come, perhaps only a part of a frame. */
  arrived?(bytes: number): void;
  /** The kernel has taken some of what was sent. */
  drained?(): void;
}

/** Frames that nobody has asked for yet may hold as much: what a snapshot has on its way, and one frame. */
const unreadBytes = peerFrameBytes + snapshotWindow * snapshotChunkBytes;

export class Connection {
  /** Where it comes from or goes to, as the kernel knows it. */
  readonly remote: string;
  /** The member that the other side's certificate names. */
  readonly certificate: MemberName | undefined;
  /** Resolves when it is over, with the reason if there is one. */
  readonly closed: Promise<Error | undefined>;
  bytesSent = 0;
  bytesReceived = 0;
  readonly #socket: TLSSocket;
  readonly #reader: FrameReader;
  #listener: Listener | undefined;
  #waiting: { resolve(frame: Frame): void; reject(error: Error): void } | undefined;
  #pending = 0;
  #why: Error | undefined;
  #over = false;
  #settle!: (why: Error | undefined) => void;

  /** `limit`: bytes of a frame, until `limit()` says otherwise. */
  constructor(socket: TLSSocket, limit = peerFrameBytes) {
    this.#socket = socket;
    this.#reader = new FrameReader(limit);
    this.remote = placeOf(socket);
    this.certificate = memberOf(socket);
    this.closed = new Promise((resolve) => this.#settle = resolve);
    socket.setNoDelay(true);
    socket.on("data", (data: Uint8Array) => this.#arrived(data));
    socket.on("error", (error) => this.#why ??= error);
    socket.on("close", () => this.#finish());
    if (socket.destroyed) this.#finish(); // it will not say so again
  }

  /** Bytes that were sent and that the kernel has not taken. */
  get pending(): number {
    return this.#pending;
  }
  get isOver(): boolean {
    return this.#over;
  }
  limit(bytes: number): void {
    this.#reader.limit = bytes;
  }

  /** The next frame; later ones wait until they are asked for. Rejects when the connection ends. */
  read(): Promise<Frame> {
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#ended());
      this.#waiting = { resolve, reject };
      this.#deliver();
    });
  }
  /** From now on all frames go to `listener`, those that have come already at once. */
  listen(listener: Listener): void {
    this.#listener = listener;
    this.#deliver();
  }

  /** Never waits. What is sent after the end is gone. */
  send(pieces: readonly Uint8Array[]): void {
    if (this.#over) return;
    const joined = join(pieces), bytes = joined.reduce((sum, piece) => sum + piece.length, 0), last = joined.length - 1;
    this.bytesSent += bytes;
    this.#pending += bytes;
    if (last > 0) this.#socket.cork();
    joined.forEach((piece, at) =>
      this.#socket.write(
        piece,
        at < last ? undefined : () => {
          this.#pending -= bytes;
          this.#listener?.drained?.();
        },
      )
    );
    if (last > 0) this.#socket.uncork();
  }

  /** Says goodbye behind what was sent. */
  end(): void {
    this.#socket.end();
  }
  /** Cuts it. */
  close(why?: Error): void {
    this.#why ??= why;
    this.#finish();
    this.#socket.destroy();
  }

  #arrived(data: Uint8Array): void {
    if (this.#over) return;
    this.bytesReceived += data.length;
    this.#reader.push(data);
    this.#deliver();
    this.#listener?.arrived?.(data.length);
  }
  #deliver(): void {
    try {
      while (!this.#over) {
        if (!this.#waiting && !this.#listener) {
          if (this.#reader.held > unreadBytes) {
            throw new WireError(`Cannot hold more: ${this.#reader.held} bytes came that nobody has asked for`);
          }
          return;
        }
        const frame = this.#reader.next(), waiting = this.#waiting;
        if (!frame) return;
        this.#waiting = undefined;
        if (waiting) waiting.resolve(frame);
        else this.#listener!.frame(frame);
      }
    } catch (error) {
      this.close(error as Error);
      if (!(error instanceof WireError)) throw error; // not the other side's fault, and not ours to hide
    }
  }
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting?.reject(this.#ended());
    this.#settle(this.#why);
  }
  #ended(): Error {
    return this.#why ?? new Error("the other side has closed the connection");
  }
}

/** Short pieces become one: each write is a TLS record or more. */
function join(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  if (pieces.length < 2) return pieces;
  const joined: Uint8Array[] = [];
  let short: Uint8Array[] = [];
  const flush = (): void => {
    if (short.length > 0) joined.push(short.length === 1 ? short[0]! : Buffer.concat(short));
    short = [];
  };
  for (const piece of pieces) {
    if (piece.length < peerCopyBytes) short.push(piece);
    else {
      flush();
      joined.push(piece);
    }
  }
  flush();
  return joined;
}

/** `address:port` of the other side; `address` alone of one that has gone meanwhile. */
export function placeOf({ remoteAddress, remotePort }: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string {
  const address = (remoteAddress ?? "unknown").replace(/^::ffff:/, "");
  return remotePort === undefined ? address : `${address.includes(":") ? `[${address}]` : address}:${remotePort}`;
}

function memberOf(socket: TLSSocket): MemberName | undefined {
  const raw = socket.getPeerCertificate()?.raw;
  return raw && memberNamed(new X509Certificate(raw).subjectAltName);
}
