// Exec and attach over SPDY/3.1, for kubectl up to 1.29: the client begins one stream for each of error, stdin, stdout, stderr, resize that it wants, and names it
// in the header `streamtype`. Only then the command's output flows.
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { streamCloseMs, streamCreationMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { channel } from "../../shared/wire/frames.ts";
import type { Receive, RemoteClient, Wanted } from "./remote_command.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";

/** Of both, the last word is a Status in JSON. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

export const wantsSpdy = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === "spdy/3.1";
/** The best that both know. */
export function spdyProtocol({ headers }: IncomingMessage, known: readonly string[] = protocols): string | undefined {
  const offered = [headers["x-stream-protocol-version"] ?? []].flat().flatMap((line) => line.split(",")).map((one) => one.trim());
  return known.find((one) => offered.includes(one));
}
export const switchToSpdy = (socket: Duplex, protocol: string): void =>
  void socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );

/** @param begun as webSocketClient's. @param gone when the connection is over, whoever ended it */
export function spdyClient(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { socket, head, protocol, wanted }: {
    readonly socket: Duplex;
    readonly head: Uint8Array;
    readonly protocol: string;
    readonly wanted: Wanted;
  },
  receive: Receive,
  begun: (client: RemoteClient) => void,
  gone: () => void,
): void {
  const missing = new Set(["error", ...(["stdin", "stdout", "stderr"] as const).filter((name) => wanted[name])]);
  if (wanted.tty) missing.add("resize");
  const streams = new Map<string, SpdyStream>();
  const late = clock.after(streamCreationMs, () => connection.destroy());
  const connection = new SpdyConnection(socket, (stream) => {
    const type = stream.headers.get("streamtype") ?? "";
    if (!missing.delete(type)) return false;
    streams.set(type, stream);
    if (type === "stdin") stream.take = (bytes, end) => receive(channel.stdin, bytes, end);
    if (type === "resize") stream.take = resizes(receive);
    if (missing.size === 0) {
      late();
      queueMicrotask(() => begun(clientOf(connection, streams, clock)));
    }
    return true;
  });
  switchToSpdy(socket, protocol);
  if (head.length > 0) socket.unshift(Buffer.from(head));
  void connection.run().catch((error) => log.debug("A client's SPDY connection failed", { error })).finally(() => {
    late();
    gone();
  });
}

/** Sizes are lines of JSON, each of which the node wants whole. */
function resizes(receive: Receive): (bytes: Uint8Array) => Promise<void> {
  let line = "";
  return async (bytes) => {
    const lines = (line + Buffer.from(bytes).toString()).split("\n");
    line = lines.pop()!.slice(0, 256);
    for (const one of lines) await receive(channel.resize, Buffer.from(one.slice(0, 256)), false);
  };
}

function clientOf(connection: SpdyConnection, streams: ReadonlyMap<string, SpdyStream>, clock: Clock): RemoteClient {
  return {
    send: (on, bytes) => streams.get(on === channel.stdout ? "stdout" : "stderr")!.send(bytes),
    async finish(status) {
      // The client hangs up when it has read all of it; until then what it still sends is read and dropped.
      clock.after(streamCloseMs, () => connection.destroy());
      for (const name of ["stdout", "stderr"]) await streams.get(name)?.end();
      await streams.get("error")!.send(Buffer.from(JSON.stringify(status)));
      await streams.get("error")!.end();
    },
  };
}
