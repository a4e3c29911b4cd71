// A TCP relay between two programs: the link of a test, which counts its bytes and breaks when told to.
import { connect, createServer, type Socket } from "node:net";

export interface Relay {
  readonly port: number;
  /** Bytes since the last `reset`, both ways together and one by one. */
  bytes(): { readonly up: number; readonly down: number; readonly total: number; readonly connections: number };
  reset(): void;
  /** Cuts every connection with a reset, as a link that is gone would in the end. */
  cut(): void;
  /** While false, connections are refused and there are none. */
  open(isOpen: boolean): void;
  close(): Promise<void>;
}

export async function relay(listen: { host: string; port: number }, to: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>();
  let up = 0, down = 0, connections = 0, isOpen = true;
  const server = createServer((client) => {
    if (!isOpen) return void client.resetAndDestroy();
    connections++;
    const target = connect(to);
    for (const [from, into, count] of [
      [client, target, (bytes: number) => up += bytes],
      [target, client, (bytes: number) => down += bytes],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (data) => {
        count(data.length);
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
    port: (server.address() as { port: number }).port,
    bytes: () => ({ up, down, total: up + down, connections }),
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
