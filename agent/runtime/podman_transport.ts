// The wire under `podman-api-client`: HTTP over Podman's unix socket. The library's own transport cannot carry an agent:
// it crashes the process on every 204 and 304 (a Response with a body and such a status throws inside the http callback), cuts streams silently after
// 30 seconds, buffers without bound, and can neither send stdin nor hear an abort. Its API classes are kept; this file replaces what lies beneath them.
import { Buffer } from "node:buffer";
import http from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Transport, TransportResponse } from "podman-api-client";
import { podmanConnections, podmanHeadTimeoutMs, podmanReplyBytes } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the head of the answer must be there; the body may take for ever. `Infinity` for the event stream, whose head comes with the first event. */
  readonly headTimeoutMs?: number;
}

/** Nobody answers at the socket, or the answer broke off. */
export class PodmanUnavailable extends Error {
  override name = "PodmanUnavailable";
}
/** The socket accepted the call and then said nothing. */
export class PodmanTimeout extends Error {
  override name = "PodmanTimeout";
}

/** Statuses that must not have a body (RFC 9110 §15). */
const bodyless = new Set([101, 204, 205, 304]);
/** Version in the path: the oldest whose answers we understand, so that Podman 4 and 5 both speak it. */
const apiVersion = "4.0.0";

/** A hijacked connection: after the upgrade both sides speak raw bytes. */
export interface Hijacked {
  readonly socket: Socket;
  /** Bytes that arrived together with the head. */
  readonly head: Uint8Array;
}

export class PodmanTransport {
  readonly #clock: Clock;
  #socketPath: string;
  // No keep-alive: a connection left open across a restart of the service fails the next write, and a unix connect costs less than 0.1 ms.
  readonly #agent = new http.Agent({ keepAlive: false, maxSockets: podmanConnections });

  #writes = 0;

  constructor(clock: Clock, socketPath: string) {
    this.#clock = clock;
    this.#socketPath = socketPath;
  }

  /** From now on ask here: the service came back at another socket. */
  moveTo(socketPath: string): void {
    this.#socketPath = socketPath;
  }

  /** Calls that change what the engine holds. Running a command inside a container does not. */
  get writes(): number {
    return this.#writes;
  }

  /** The library's transport for calls that share a signal and a deadline. */
  with(options: CallOptions = {}): Transport {
    const call = (method: string, path: string, body?: BodyInit, headers?: Record<string, string>) =>
      this.call(method, path, body, headers, options);
    return {
      async request(method, path, body): Promise<TransportResponse> {
        const json = body === undefined ? undefined : JSON.stringify(body);
        const headers: Record<string, string> = { accept: "application/json" };
        if (json !== undefined) headers["content-type"] = "application/json";
        const response = await call(method, path, json, headers);
        return { status: response.status, json: parse(await text(response)) };
      },
      requestRaw: (method, path, body, headers) => call(method, path, body, headers),
      async requestStream(method, path) {
        const response = await call(method, path);
        if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${await text(response)}`);
        return response.body ?? new Response("").body!;
      },
      getAuthHeader: () => undefined,
      close: () => {},
    };
  }

  /** One call, to the end of the answer's head. @throws PodmanUnavailable, PodmanTimeout, or the signal's reason */
  call(method: string, path: string, body?: BodyInit, headers: Record<string, string> = {}, options: CallOptions = {}): Promise<Response> {
    const { signal, headTimeoutMs = podmanHeadTimeoutMs } = options;
    if (method !== "GET" && !/\/(exec|resize)(\/|\?|$)/.test(path)) this.#writes++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stream = body instanceof ReadableStream ? Readable.fromWeb(body as unknown as NodeReadableStream) : undefined;
      const bytes = stream === undefined && body !== undefined ? Buffer.from(body as string | Uint8Array) : undefined;
      const request = http.request({
        socketPath: this.#socketPath,
        path: `/v${apiVersion}/libpod${path}`,
        method,
        agent: this.#agent,
        headers: bytes ? { ...headers, "content-length": bytes.byteLength } : headers,
      });
      const cancel = headTimeoutMs === Infinity
        ? () => {}
        : this.#clock.after(headTimeoutMs, () =>
          request.destroy(new PodmanTimeout(`Podman has not answered ${method} ${path} within ${headTimeoutMs} ms`)));
      const stop = () => request.destroy(signal!.reason instanceof Error ? signal!.reason : new Error("aborted"));
      signal?.addEventListener("abort", stop, { once: true });
      const release = () => {
        cancel();
        signal?.removeEventListener("abort", stop);
      };
      request.on("error", (error) => {
        release();
        stream?.destroy();
        reject(signal?.aborted ? signal.reason : wrapped(error, this.#socketPath));
      });
      request.on("response", (incoming) => {
        cancel();
        incoming.on("close", release); // the signal stays in force until the body has ended
        const init = { status: incoming.statusCode!, headers: flat(incoming.headers) };
        if (bodyless.has(init.status)) {
          incoming.resume();
          return resolve(new Response(null, init));
        }
        resolve(new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, init));
      });
      if (stream) stream.on("error", (error) => request.destroy(error)).pipe(request);
      else request.end(bytes);
    });
  }

  /** POST that turns the connection into a raw two-way pipe (exec start, attach). @throws PodmanUnavailable, or what Podman answered */
  hijack(path: string, body: unknown, headTimeoutMs = podmanHeadTimeoutMs): Promise<Hijacked> {
    const json = body === undefined ? "" : JSON.stringify(body); // attach: a body would arrive as the process' stdin
    return new Promise((resolve, reject) => {
      const request = http.request({
        socketPath: this.#socketPath,
        path: `/v${apiVersion}/libpod${path}`,
        method: "POST",
        agent: false,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(json), connection: "Upgrade", upgrade: "tcp" },
      });
      const cancel = this.#clock.after(headTimeoutMs, () => request.destroy(new PodmanTimeout(`Podman has not opened ${path}`)));
      request.on("upgrade", (_response, socket, head) => {
        cancel();
        resolve({ socket: socket as Socket, head });
      });
      request.on("response", (response) => {
        cancel();
        let answer = "";
        response.on("data", (data) => answer = (answer + data).slice(0, podmanReplyBytes));
        response.on("end", () => reject(Object.assign(new Error(message(answer)), { status: response.statusCode })));
      });
      request.on("error", (error) => {
        cancel();
        reject(wrapped(error, this.#socketPath));
      });
      request.end(json);
    });
  }
}

/** Newline-delimited JSON, one value a line (pull, events). A line longer than `podmanReplyBytes` ends it with an error. */
export async function* jsonLines(body: ReadableStream<Uint8Array>): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > podmanReplyBytes) throw new PodmanUnavailable(`Podman sent a line of more than ${podmanReplyBytes} bytes`);
    const lines = rest.split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}

/** The whole body as text, bounded. */
async function text(response: Response): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let all = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    all += decoder.decode(chunk, { stream: true });
    if (all.length > podmanReplyBytes) throw new PodmanUnavailable(`Podman's answer is longer than ${podmanReplyBytes} bytes`);
  }
  return all + decoder.decode();
}

/** Podman answers a few calls (update) in plain text: then the text itself. */
function parse(body: string): unknown {
  if (body.trim() === "") return null;
  try {
    return JSON.parse(body);
  } catch {
    return body.trim();
  }
}

function message(answer: string): string {
  const parsed = parse(answer) as { message?: string } | string | null;
  return typeof parsed === "object" ? parsed?.message ?? answer : parsed;
}

const flat = (headers: http.IncomingHttpHeaders): Headers =>
  new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]));

/** Anything below HTTP is "nobody there": refused, no socket file, reset, hung up. */
function wrapped(error: Error, socketPath: string): Error {
  if (error instanceof PodmanTimeout) return error;
  return new PodmanUnavailable(`Cannot reach Podman at ${socketPath}: ${error.message}`, { cause: error });
}
