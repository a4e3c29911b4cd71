// A bound on TLS handshakes. Neither runtime closes a connection that never finishes its handshake: Node's `handshakeTimeout` only reports it, Deno has none.
import type { Socket } from "node:net";
import type { Server } from "node:tls";
import type { Clock } from "../util/clock.ts";

/** Cuts connections of `server` that are not secure `timeoutMs` after they came. */
export function limitHandshakes(server: Server, clock: Clock, timeoutMs: number): void {
  const waiting = new Map<string, () => void>();
  // The secured socket is another object than the one that came; what they share is the client's address.
  const peer = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  const settle = (key: string): void => {
    waiting.get(key)?.();
    waiting.delete(key);
  };
  server.on("connection", (socket: Socket) => {
    const key = peer(socket);
    settle(key);
    waiting.set(
      key,
      clock.after(timeoutMs, () => {
        waiting.delete(key);
        socket.destroy();
      }),
    );
  });
  server.on("secureConnection", (socket) => settle(peer(socket)));
  server.on("tlsClientError", (_, socket) => settle(peer(socket)));
}
