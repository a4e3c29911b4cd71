// A client of the API as plain as they come: it repeats nothing and hides nothing, so that a test knows what was answered and what was not.
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import https from "node:https";
import process from "node:process";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { parse } from "yaml";

export interface Credentials {
  readonly url: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed where it is JSON. */
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}
export interface AskOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
}
export interface WatchedEvent {
  readonly type: string;
  // deno-lint-ignore no-explicit-any
  readonly object: any;
}
export interface ApiClient extends Credentials {
  /** Rejects when no whole answer came: whether the request was carried out is then unknown. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** Events until the connection ends, for whatever reason. @throws Error when it is not answered with 200 */
  watch(path: string, signal: AbortSignal, headers?: Record<string, string>): AsyncGenerator<WatchedEvent>;
  close(): void;
}

export async function readKubeconfig(path: string): Promise<Credentials> {
  const { clusters: [{ cluster }], users: [{ user }] } = parse(await readFile(path, "utf8"));
  const pem = (base64: string): string => Buffer.from(base64, "base64").toString();
  return {
    url: cluster.server,
    ca: pem(cluster["certificate-authority-data"]),
    cert: pem(user["client-certificate-data"]),
    key: pem(user["client-key-data"]),
  };
}

/** `sockets`: connections at a time, kept open between requests. Watches have one each beside them. */
export function apiClient(credentials: Credentials, { sockets = 16 }: { sockets?: number } = {}): ApiClient {
  const { url, ca, cert, key } = credentials, tls = { ca, cert, key };
  const kept = new https.Agent({ ...tls, keepAlive: true, maxSockets: sockets });
  // Deno 2.9 sends a request again by itself, a POST, too, when the connection that it was sent over had served before and breaks: then a write may be made twice.
  const writing = "deno" in process.versions ? new https.Agent({ ...tls, keepAlive: false, maxSockets: sockets }) : kept;
  return {
    ...credentials,
    ask: (method, path, { body, type = "application/json", headers = {}, timeoutMs = 30_000 } = {}) =>
      new Promise((resolve, reject) => {
        const payload = body === undefined
          ? undefined
          : Buffer.from(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
        const sent = https.request(url + path, {
          ...tls,
          method,
          agent: method === "GET" ? kept : writing,
          timeout: timeoutMs,
          headers: { accept: "application/json", ...(payload && { "content-type": type, "content-length": payload.length }), ...headers },
        }, (response) => {
          const chunks: Uint8Array[] = [];
          response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
          response.on("error", reject);
          response.on("close", () => reject(new Error(`${method} ${path}: the answer was cut`)));
          response.on("end", () => {
            if (!response.complete) return;
            const text = Buffer.concat(chunks).toString();
            const json = text !== "" && /json/.test(response.headers["content-type"] ?? "");
            try {
              resolve({ status: response.statusCode!, headers: response.headers, body: json ? JSON.parse(text) : text });
            } catch (error) {
              reject(error as Error);
            }
          });
        });
        sent.on("timeout", () => sent.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs} ms`)));
        sent.on("error", reject);
        sent.end(payload);
      }),
    async *watch(path, signal, headers = {}) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = https.request(
          url + path,
          { ...tls, agent: false, signal, headers: { accept: "application/json", ...headers } },
          resolve,
        );
        sent.on("error", reject);
        sent.end();
      });
      if (response.statusCode !== 200) throw new Error(`GET ${path}: answered with ${response.statusCode}`);
      // Pieces of a line are kept apart and joined once: lines may be long, and come in many chunks.
      let pieces: Uint8Array[] = [];
      try {
        for await (const chunk of response as AsyncIterable<Uint8Array>) {
          let from = 0;
          for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
            const line = Buffer.concat([...pieces, chunk.subarray(from, at)]).toString();
            pieces = [];
            from = at + 1;
            if (line.trim() !== "") yield JSON.parse(line) as WatchedEvent;
          }
          if (from < chunk.length) pieces.push(chunk.subarray(from));
        }
      } catch (error) {
        if (error instanceof SyntaxError) throw error;
        // The connection is gone: that is how a watch ends.
      } finally {
        response.destroy();
      }
    },
    close() {
      kept.destroy();
      writing.destroy();
    },
  };
}
