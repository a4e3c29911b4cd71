// Forwarded connections over SPDY/3.1: a client begins two streams for each, `error` and `data`, which name the port and share a number of the client's choice.
// Text on `error` says what went wrong; it ends when the connection does.
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { portForwardIdleMs, streamCreationMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Forwarder, PortClient } from "./port_forward.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";

interface Pair {
  readonly port: number;
  error?: SpdyStream;
  data?: SpdyStream;
  readonly late: () => void;
}

export function spdyPorts({ clock, log }: { readonly clock: Clock; readonly log: Log }, socket: Duplex, { open }: Forwarder): void {
  const waiting = new Map<string, Pair>();
  let forwarded = 0, cancelIdle = () => {};
  const idle = (): void => {
    if (forwarded === 0) cancelIdle = clock.after(portForwardIdleMs, () => connection.destroy());
  };
  const begin = ({ port, error, data }: Required<Pair>): void => {
    const gone = new AbortController();
    cancelIdle();
    forwarded++;
    data.onReset = () => gone.abort(new Error("the client wants no more of it"));
    const ahead = open(
      port,
      clientOf(data, error, () => {
        forwarded--;
        idle();
      }),
      gone.signal,
    );
    data.take = (bytes, end) => ahead.take(bytes, end);
  };
  const connection = new SpdyConnection(socket, (stream) => {
    const type = stream.headers.get("streamtype"), id = stream.headers.get("requestid") ?? "", port = portOf(stream.headers.get("port"));
    if ((type !== "error" && type !== "data") || port === undefined) return false;
    const pair = waiting.get(id) ?? { port, late: clock.after(streamCreationMs, () => void giveUp(id)) };
    if (pair[type] || pair.port !== port) return false;
    pair[type] = stream;
    waiting.set(id, pair);
    if (!pair.error || !pair.data) return true;
    pair.late();
    waiting.delete(id);
    begin(pair as Required<Pair>);
    return true;
  });
  /** Its other stream has not come. */
  const giveUp = async (id: string): Promise<void> => {
    const { error, data } = waiting.get(id)!;
    waiting.delete(id);
    await Promise.all([error?.end(), data?.end()]).catch(() => {});
  };
  idle();
  void connection.run().catch((error) => log.debug("A client's SPDY connection failed", { error })).finally(() => {
    cancelIdle();
    forwarded = Infinity; // it is idle no more
    for (const { late } of waiting.values()) late();
  });
}

export function portOf(text: string | undefined | null): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
}

const clientOf = (data: SpdyStream, error: SpdyStream, finished: () => void): PortClient => ({
  send: (bytes) => data.send(bytes),
  async finish(wrong) {
    finished();
    if (wrong !== undefined) await error.send(Buffer.from(wrong));
    await data.end();
    await error.end();
  },
});
