// Kubernetes' channels in a WebSocket: the first byte of a binary message says which (those of shared/wire/frames.ts up to `resize`), the rest is its data. The
// last message of the server is a Status on `error`. In v5 a message on channel 255 closes the channel that its one byte names; v4 cannot say that stdin ends.
import { Buffer } from "node:buffer";
import type { WebSocket } from "ws";
import { streamCloseMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { channel } from "../../shared/wire/frames.ts";
import type { Receive, RemoteClient } from "./remote_command.ts";
import { type Handover, openWebSocket } from "./websocket.ts";

/** The best first. */
export const channelProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const closeChannel = 255;

/** @param begun called once, when the client has its answer. @param gone when the connection is over, whoever ended it */
export function webSocketClient(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  handover: Handover,
  receive: Receive,
  begun: (client: RemoteClient) => void,
  gone: () => void,
): void {
  handover.socket.once("close", gone);
  openWebSocket(handover, (webSocket) => {
    webSocket.on("error", (error) => log.debug("A client's WebSocket failed", { error })); // "close" follows
    take(webSocket, handover.protocol === channelProtocols[0], receive);
    begun(clientOf(webSocket, clock));
  });
}

/** One message at a time: while it waits for the node, nothing more is read. */
function take(webSocket: WebSocket, hasClose: boolean, receive: Receive): void {
  let waiting = 0, last = Promise.resolve();
  webSocket.on("message", (data) => {
    const message = Buffer.isBuffer(data) ? data : Buffer.concat(data as Buffer[]);
    const on = message[0], rest = message.subarray(1);
    const closes = hasClose && on === closeChannel && rest[0] === channel.stdin;
    if (!closes && on !== channel.stdin && on !== channel.resize) return;
    if (waiting++ === 0) webSocket.pause();
    last = last.then(() => closes ? receive(channel.stdin, new Uint8Array(), true) : receive(on!, rest, false))
      .catch(() => {}) // the session is over, and whoever reads its output says so
      .then(() => {
        if (--waiting === 0) webSocket.resume();
      });
  });
}

function clientOf(webSocket: WebSocket, clock: Clock): RemoteClient {
  const send = (on: number, bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const message = Buffer.allocUnsafe(1 + bytes.length);
      message[0] = on;
      message.set(bytes, 1);
      webSocket.send(message, (error) => error ? reject(error) : resolve());
    });
  return {
    send,
    async finish(status) {
      await send(channel.error, Buffer.from(JSON.stringify(status)));
      webSocket.resume(); // its answer to our close has to be read, whatever came before it
      const cancel = clock.after(streamCloseMs, () => webSocket.terminate());
      webSocket.once("close", cancel);
      webSocket.close(1000);
    },
  };
}
