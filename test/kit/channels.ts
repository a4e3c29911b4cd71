// A client of exec, attach and port-forward that is not kubectl: Kubernetes' channels in a WebSocket, by hand.
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

export interface Channels {
  readonly protocol: string;
  /** All that has come on a channel. */
  on(channel: number): Buffer;
  send(channel: number, bytes: Uint8Array | string): void;
  /** Resolves with the code with which the server has closed it. */
  readonly closed: Promise<number>;
  close(): void;
}
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** @throws Error with the answer's status and body, where that is no upgrade */
export function openChannels(url: string, credentials: Credentials, protocols: readonly string[]): Promise<Channels> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace("https:", "wss:"), [...protocols], { ...credentials, perMessageDeflate: false });
    const came = new Map<number, Buffer[]>();
    const closed = new Promise<number>((told) => socket.once("close", told));
    socket.on("message", (data: Buffer) => came.set(data[0]!, [...came.get(data[0]!) ?? [], data.subarray(1)]));
    socket.on("error", reject);
    socket.on("unexpected-response", async (_, response: IncomingMessage) => {
      let body = "";
      for await (const part of response) body += part;
      reject(new Error(`${response.statusCode} ${body}`));
      socket.terminate();
    });
    socket.on("open", () =>
      resolve({
        protocol: socket.protocol,
        on: (channel) => Buffer.concat(came.get(channel) ?? []),
        send: (channel, bytes) => socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(bytes as Uint8Array)])),
        closed,
        close: () => socket.close(1000),
      }));
  });
}
