// MQTT inside a WebSocket on the API's port, for networks that let nothing else out [MQTT-6.0.0-3]: path /mqtt, sub-protocol "mqtt".
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import * as limits from "../../shared/limits.ts";
import type { Broker } from "./broker.ts";

const mqttPath = "/mqtt";

/** For the HTTP server's `upgrade` event: takes over what is for the broker, and says whether it was. */
export function mqttUpgrade(
  broker: Pick<Broker, "handleWebSocket">,
): (request: IncomingMessage, socket: Duplex, head: Uint8Array) => boolean {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.mqttPayloadBytes + limits.mqttHeaderBytes,
    perMessageDeflate: false, // bodies are deflated already
    handleProtocols: (offered) => offered.has("mqtt") ? "mqtt" : false,
  });
  return (request, socket, head) => {
    if (new URL(request.url ?? "/", "http://localhost").pathname !== mqttPath) return false;
    if (request.headers.upgrade?.toLowerCase() !== "websocket") return false;
    server.handleUpgrade(request, socket, head as never, (webSocket) => {
      broker.handleWebSocket(createWebSocketStream(webSocket), request);
    });
    return true;
  };
}
