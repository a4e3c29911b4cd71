// The socket side of the API: node:https on both runtimes, because only it shows client certificates and lets us own the `upgrade` event.
import https from "node:https";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import {
  httpConnections,
  httpDrainMs,
  httpHeadBytes,
  httpHeadersTimeoutMs,
  httpKeepAliveMs,
  httpRequestTimeoutMs,
} from "../../shared/limits.ts";
import { limitHandshakes } from "../../shared/platform/handshake.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Env } from "./context.ts";
import type { Upgrade } from "./upgrade.ts";

export interface ServerDependencies {
  readonly app: Hono<Env>;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes over a connection that is not the app's business (MQTT in a WebSocket) and says so; what it leaves goes through the app. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Uint8Array) => boolean;
}
/** PEM. `clientCas`: who signs client certificates. */
export interface ServerCertificates {
  readonly certificate: string;
  readonly key: string;
  readonly clientCas: readonly string[];
}
export interface Listen {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}
export interface HttpServer {
  /** Where it really listens, in the order asked for. */
  readonly addresses: readonly Listen[];
  /** New connections see these; open ones live on. */
  rotate(certificates: ServerCertificates): void;
  /** Stops accepting and waits for running requests. Abort the app's `stopping` first: watches never end by themselves. */
  stop(): Promise<void>;
}

const secure = ({ certificate, key, clientCas }: ServerCertificates) => ({
  cert: certificate,
  key,
  ca: [...clientCas],
  minVersion: "TLSv1.2" as const,
});

/** What node:http says of a request that is none, by its codes. */
const refusals: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  // Also of a connection that was opened and never used, as kubectl's often are. Go takes 408 there for the end, and tells its user of anything else.
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** @throws Error naming the address that cannot be listened on */
export async function startServer(
  { app, clock, log, upgrade }: ServerDependencies,
  certificates: ServerCertificates,
  listen: readonly Listen[],
): Promise<HttpServer> {
  // Its own Response, put in place of the global one, writes a body that is there without making a stream of it: a quarter of the CPU of a GET on Node.
  const respond = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], { overrideGlobalObjects: true });
  const servers: https.Server[] = [];
  try {
    for (const address of listen) {
      // A client may come with a certificate, a token or neither: what it shows is judged per request, so TLS refuses nobody.
      const server = https.createServer({
        ...secure(certificates),
        requestCert: true,
        rejectUnauthorized: false,
        maxHeaderSize: httpHeadBytes,
        ALPNProtocols: ["http/1.1"],
      }, respond);
      limitHandshakes(server, clock, httpHeadersTimeoutMs);
      server.keepAliveTimeout = httpKeepAliveMs;
      server.headersTimeout = httpHeadersTimeoutMs;
      server.requestTimeout = httpRequestTimeoutMs;
      server.maxConnections = httpConnections;
      server.on("tlsClientError", (error) => log.debug("TLS handshake failed", { error }));
      server.on("clientError", ({ code }: { code?: string }, socket) => {
        if (!socket.writable) return void socket.destroy();
        const status = refusals[code ?? ""] ?? "400 Bad Request";
        // A client that does not close its half would hold the connection for good.
        socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
      });
      server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
        socket.on("error", (error) => log.debug("Connection failed", { error }));
        if (upgrade?.(request, socket, head)) return;
        void answerUpgrade(app, request, socket, head).catch((error) => {
          log.error("Cannot answer a request for an upgrade", { error });
          socket.destroy();
        });
      });
      servers.push(server);
      await listening(server, address);
    }
  } catch (error) {
    await Promise.all(servers.map((server) => close(server, clock)));
    throw error;
  }
  return {
    addresses: servers.map((server, index) => ({ host: listen[index]!.host, port: (server.address() as AddressInfo).port })),
    rotate: (next) => servers.forEach((server) => server.setSecureContext(secure(next))),
    stop: async () => {
      await Promise.all(servers.map((server) => close(server, clock)));
    },
  };
}

function listening(server: Server | https.Server, { host, port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(new Error(`Cannot listen on ${host}:${port}`, { cause })));
    server.listen(port, host, resolve);
  });
}

function close(server: https.Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const cancel = clock.after(httpDrainMs, () => {
      server.closeAllConnections();
      // Deno still counts a connection whose handshake failed, and would never call back.
      resolve();
    });
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** The app's own answer (who you are, what you may, that it is not there), written by hand: the runtime has let go of this connection. Or it takes the connection. */
async function answerUpgrade(app: Hono<Env>, incoming: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at]!.toLowerCase();
    if (!["connection", "upgrade", "content-length", "transfer-encoding"].includes(name)) {
      headers.append(name, incoming.rawHeaders[at + 1]!);
    }
  }
  const gone = new AbortController();
  socket.once("close", () => gone.abort(new Error("the client is gone")));
  let taken: ((socket: Duplex, head: Uint8Array) => void) | undefined;
  const upgrade: Upgrade = {
    request: incoming,
    gone: gone.signal,
    accept(take) {
      taken = take;
      return new Response(null);
    },
  };
  const method = incoming.method ?? "GET";
  const request = new Request(new URL(incoming.url ?? "/", "https://localhost"), { method, headers, signal: gone.signal });
  const response = await app.fetch(request, { incoming, upgrade } satisfies Env["Bindings"]);
  if (taken) return taken(socket, head);
  const body = new Uint8Array(await response.arrayBuffer());
  const lines = [`HTTP/1.1 ${response.status} ${response.statusText || "Status"}`];
  for (const [name, value] of response.headers) if (name !== "transfer-encoding") lines.push(`${name}: ${value}`);
  lines.push("connection: close", `content-length: ${body.byteLength}`);
  socket.write(lines.join("\r\n") + "\r\n\r\n");
  socket.end(body);
}
