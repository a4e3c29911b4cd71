// A relay between two programs, over TCP or a socket in the file system: the link of a test, which counts its bytes, listens in, and breaks when told to.
import { connect, createServer, type Socket } from "node:net";

export interface Relay {
  /** 0 of one that listens at a path. */
  readonly port: number;
  /** Bytes since the last `reset`, both ways together and one by one. */
  bytes(): { readonly up: number; readonly down: number; readonly total: number; readonly connections: number };
  reset(): void;
  /** Bytes of the connection that came last. */
  newest(): { readonly up: number; readonly down: number; readonly total: number };
  /** Cuts every connection with a reset, as a link that is gone would in the end. */
  cut(): void;
  /** While false, connections are refused and there are none. */
  open(isOpen: boolean): void;
  close(): Promise<void>;
}

export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** `heard`: what the one who connects says, as it passes. */
export async function relay(listen: Place, to: Place, heard: (data: Uint8Array) => void = () => {}): Promise<Relay> {
  const sockets = new Set<Socket>();
  let up = 0, down = 0, connections = 0, isOpen = true, newest = { up: 0, down: 0 };
  const server = createServer((client) => {
    if (!isOpen) return void client.resetAndDestroy();
    connections++;
    const own = newest = { up: 0, down: 0 };
    const target = connect(to);
    for (
      const [from, into, count] of [
        [client, target, (data: Uint8Array) => {
          up += data.length;
          own.up += data.length;
          heard(data);
        }],
        [target, client, (data: Uint8Array) => {
          down += data.length;
          own.down += data.length;
        }],
      ] as const
    ) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (data) => {
        count(data);
        if (!into.write(data)) from.pause();
      });
      into.on("drain", () => from.resume());
      from.on("end", () => into.end());
      from.on("error", () => into.destroy());
      from.on("close", () => {
        sockets.delete(from);
        into.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen, resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port?: number }).port ?? 0,
    bytes: () => ({ up, down, total: up + down, connections }),
    newest: () => ({ ...newest, total: newest.up + newest.down }),
    reset: () => void (up = down = connections = 0),
    cut,
    open(wanted) {
      isOpen = wanted;
      if (!wanted) cut();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
