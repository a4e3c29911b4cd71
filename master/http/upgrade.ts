// A request that asks to take its connection over goes through the app like any other: who you are, what you may, what is there. Only who answers it with yes
// is given the socket.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface Upgrade {
  readonly request: IncomingMessage;
  /** Aborts when the connection is gone. */
  readonly gone: AbortSignal;
  /** The connection is `take`'s once the returned answer has come through the app; nothing of the answer itself is sent. */
  accept(take: (socket: Duplex, head: Uint8Array) => void): Response;
}
