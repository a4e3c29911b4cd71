// Forwarded connections in a WebSocket. kubectl speaks SPDY/3.1 inside of one, its messages being nothing but the bytes of that. Other clients name their ports in the
// request and have one connection to each: channel 2i has the data of the i-th port, 2i+1 what went wrong, and the first message on each is the port (u16,
// little-endian). There is no word for the end of one direction.
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { badRequest } from "../../shared/api/status.ts";
import { nodeForwards, streamCloseMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Ahead, Forwarder, PortClient } from "./port_forward.ts";
import { portOf } from "./spdy_ports.ts";
import { type Handover, openWebSocket } from "./websocket.ts";

export const webSocketTunnel = (handover: Handover, opened: (tunnel: Duplex) => void): void =>
  openWebSocket(handover, (webSocket) => opened(createWebSocketStream(webSocket)));

/** @throws ApiError BadRequest */
export function askedPorts(query: URLSearchParams): number[] {
  const words = query.getAll("ports").flatMap((one) => one.split(","));
  if (words.length === 0) throw badRequest('query parameter "ports" is required');
  if (words.length > nodeForwards) throw badRequest(`${words.length} ports are too many: the limit is ${nodeForwards}`);
  return words.map((word) => {
    const port = portOf(word);
    if (port === undefined) throw badRequest(`unable to parse ${JSON.stringify(word)} as a port: it must be from 1 to 65535`);
    return port;
  });
}

export function webSocketPorts(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  handover: Handover,
  ports: readonly number[],
  { open }: Forwarder,
): void {
  const gone = new AbortController();
  handover.socket.once("close", () => gone.abort(new Error("the client is gone")));
  openWebSocket(handover, (webSocket) => {
    webSocket.on("error", (error) => log.debug("A client's WebSocket failed", { error })); // "close" follows
    let left = ports.length;
    const finished = (): void => {
      if (--left > 0) return;
      const cancel = clock.after(streamCloseMs, () => webSocket.terminate());
      webSocket.once("close", cancel);
      webSocket.close(1000);
    };
    take(webSocket, ports.map((port, index) => open(port, clientOf(webSocket, port, index, finished), gone.signal)));
  });
}

function take(webSocket: WebSocket, connections: readonly Ahead[]): void {
  let waiting = 0, last = Promise.resolve();
  webSocket.on("message", (data) => {
    const message = Buffer.isBuffer(data) ? data : Buffer.concat(data as Buffer[]), on = message[0] ?? 255;
    const connection = on % 2 === 0 ? connections[on / 2] : undefined;
    if (!connection) return;
    if (waiting++ === 0) webSocket.pause();
    last = last.then(() => connection.take(message.subarray(1), false)).catch(() => {}).then(() => {
      if (--waiting === 0) webSocket.resume();
    });
  });
}

function clientOf(webSocket: WebSocket, port: number, index: number, finished: () => void): PortClient {
  const send = (on: number, bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) =>
      void webSocket.send(Buffer.concat([Buffer.from([on]), bytes]), (error) => error ? reject(error) : resolve())
    );
  const name = Buffer.from([port & 255, port >> 8]), named = Promise.all([send(2 * index, name), send(2 * index + 1, name)]);
  named.catch(() => {}); // whoever sends more hears of it
  return {
    send: (bytes) => send(2 * index, bytes),
    async finish(wrong) {
      if (wrong !== undefined) await send(2 * index + 1, Buffer.from(wrong));
      finished();
    },
  };
}
