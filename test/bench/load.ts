// A load generator on raw TLS connections: it writes requests that are ready as bytes and looks no further into an answer than its status and its end, so
// that the server under test has the machine to itself as far as possible.
import { Buffer } from "node:buffer";
import { connect, type TLSSocket } from "node:tls";
import type { Credentials as Known } from "../kit/api_client.ts";

/** What it takes to speak to a server of ours. PEM. */
type Credentials = Pick<Known, "ca" | "cert" | "key">;

export interface Connection {
  /** Resolves with status and body. One request at a time. */
  send(request: Uint8Array): Promise<Answer>;
  close(): void;
}
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export const request = (method: string, path: string, body?: string): Buffer =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\nuser-agent: bench\r\n` +
      (body === undefined ? "\r\n" : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
  );

export function open(port: number, { ca, cert, key }: Credentials): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", ca, cert, key, ALPNProtocols: ["http/1.1"] });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      socket.removeListener("error", reject);
      socket.setNoDelay(true);
      resolve(connection(socket));
    });
  });
}

function connection(socket: TLSSocket): Connection {
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined, received: Buffer = Buffer.alloc(0);
  const fail = (error: Error) => waiting?.reject(error);
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("The server has closed the connection")));
  socket.on("data", (data: Buffer) => {
    received = received.length === 0 ? data : Buffer.concat([received, data]);
    const answer = answerIn(received);
    if (!answer) return;
    received = Buffer.alloc(0);
    const { resolve } = waiting!;
    waiting = undefined;
    resolve(answer);
  });
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(bytes);
      }),
    close: () => void socket.destroy(),
  };
}

/** RFC 9112 §6: a body ends where content-length says, or with the last chunk. Undefined: more is to come. */
function answerIn(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end), status = Number(head.slice(9, 12)), from = end + 4;
  const length = /content-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const to = from + Number(length);
    return bytes.length < to ? undefined : { status, body: bytes.subarray(from, to) };
  }
  return bytes.toString("latin1", bytes.length - 5) === "0\r\n\r\n" ? { status, body: bytes.subarray(from) } : undefined;
}

/** Sends `count` requests over all connections at once, the next as soon as one has been answered. Milliseconds it took. */
export async function drive(connections: readonly Connection[], count: number, next: (index: number) => Uint8Array): Promise<number> {
  const started = performance.now();
  let index = 0;
  await Promise.all(connections.map(async (connection) => {
    while (index < count) {
      const { status, body } = await connection.send(next(index++));
      if (status >= 400) throw new Error(`The server has answered ${status}: ${body.toString().slice(0, 500)}`);
    }
  }));
  return performance.now() - started;
}
