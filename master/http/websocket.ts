// The opening of a WebSocket on a connection that a request has handed over, whatever is spoken in it then.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { streamMessageBytes } from "../../shared/limits.ts";

export interface Handover {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Uint8Array;
  /** The sub-protocol to answer with. */
  readonly protocol: string;
}

/** Of those we know, the best first, the one to speak with this client. */
export function offersWebSocket({ method, headers }: IncomingMessage, known: readonly string[]): string | undefined {
  if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket") return undefined;
  const offered = new Set((headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim()));
  return known.find((one) => offered.has(one));
}

/** Some of Kubernetes' sub-protocols have a slash in their name, which ws refuses (RFC 6455 §4.1 wants a token): it is told of none, and the answer gets ours. */
export function openWebSocket({ request, socket, head, protocol }: Handover, opened: (webSocket: WebSocket) => void): void {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: streamMessageBytes, perMessageDeflate: false });
  delete request.headers["sec-websocket-protocol"];
  server.on("headers", (headers) => void headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  server.handleUpgrade(request, socket, head as never, opened);
}
