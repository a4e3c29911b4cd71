// Masters among themselves, over the API's own port: what only another one can do is asked of it, with a certificate of this master. One request a connection:
// they are rare, and no runtime then repeats a request whose connection broke.
import { Buffer } from "node:buffer";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { Hono, type MiddlewareHandler } from "hono";
import * as v from "valibot";
import { ApiError, badRequest, type Reason, reasons } from "../../shared/api/status.ts";
import { apiAnswerBytes, elsewhereMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Env } from "./context.ts";
import type { LogOptions, Streams } from "./stream.ts";

export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}
export interface Asked {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: object | undefined;
}
/** Says that a request comes from a master that could not do it itself: it goes no further. */
export const forwarded = "skerry-forwarded";

/** Resolves with a good answer as soon as its body begins. @throws ApiError: what the other said, or ServiceUnavailable where it cannot be reached */
export async function askMaster(
  { clock, credentials: { ca, certificate, key } }: { readonly clock: Clock; readonly credentials: Credentials },
  url: string,
  { method, path, body }: Asked,
  signal: AbortSignal,
): Promise<Response> {
  const payload = body && Buffer.from(JSON.stringify(body));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = https.request(new URL(path, url), {
      ca,
      cert: certificate,
      key,
      method,
      agent: false,
      signal,
      headers: { [forwarded]: "1", ...(payload && { "content-type": "application/json", "content-length": payload.length }) },
    }, resolve);
    const inTime = clock.after(elsewhereMs, () => sent.destroy(new Error(`no answer within ${elsewhereMs} ms`)));
    sent.once("error", reject);
    sent.once("close", inTime);
    sent.once("response", inTime);
    sent.end(payload);
  }).catch((cause) => {
    signal.throwIfAborted();
    throw new ApiError("ServiceUnavailable", `the master at ${url}, which can do this, cannot be reached: ${cause.message}`, { cause });
  });
  if (response.statusCode! >= 300) throw await refusalOf(response, url);
  const type = response.headers["content-type"] ?? "application/octet-stream";
  return new Response(Readable.toWeb(response) as ReadableStream<Uint8Array<ArrayBuffer>>, {
    status: response.statusCode!,
    headers: { "content-type": type },
  });
}

/** What another master has answered, if not what was wanted. */
export async function refusalOf(response: IncomingMessage, url: string): Promise<ApiError> {
  let text = "";
  for await (const chunk of response) {
    text += chunk;
    if (text.length > apiAnswerBytes) break;
  }
  const status = v.safeParse(v.pipe(v.string(), v.parseJson(), v.object({ reason: v.string(), message: v.string() })), text);
  if (!status.success || !Object.hasOwn(reasons, status.output.reason)) {
    return new ApiError("ServiceUnavailable", `the master at ${url} answered with status ${response.statusCode}`);
  }
  return new ApiError(status.output.reason as Reason, status.output.message);
}

/**
 * What only the leader can do, or knows best, is asked of it. Where it cannot be reached, what can be read is answered here.
 * @param ask undefined: this master leads, or nobody does, or nobody knows where
 */
export function asLeader(ask: () => ((asked: Asked, signal: AbortSignal) => Promise<Response>) | undefined): MiddlewareHandler<Env> {
  return async (c, next) => {
    const leader = c.req.header(forwarded) === undefined ? ask() : undefined, { method, signal } = c.req.raw;
    if (!leader) return await next();
    const { pathname, search } = new URL(c.req.url), body = method === "POST" ? await c.req.json().catch(() => undefined) : undefined;
    try {
      return await leader({ method: method as Asked["method"], path: pathname + search, body }, signal);
    } catch (error) {
      if (method !== "GET" || !(error instanceof ApiError && error.reason === "ServiceUnavailable")) throw error;
      await next();
    }
  };
}

const LogsRequest = v.object({
  nodeName: v.string(),
  podName: v.string(),
  podUid: v.string(),
  container: v.string(),
  options: v.record(v.string(), v.unknown()),
});

/** What other masters ask of this one: /skerry/v1/nodes. @param streams of the nodes that are connected here, and no others: a request goes no further */
export function nodeRoutes(streams: Pick<Streams, "logs">, stopping: AbortSignal): Hono<Env> {
  const routes = new Hono<Env>();
  routes.post("/logs", async (c) => {
    const body = v.safeParse(LogsRequest, await c.req.json().catch(() => undefined));
    if (!body.success) throw badRequest(`Cannot read logs: ${body.issues[0].message}`);
    const { nodeName, podName: name, podUid: uid, container, options } = body.output;
    const stream = await streams.logs(
      { metadata: { name, uid }, spec: { nodeName } },
      container,
      options as unknown as LogOptions,
      AbortSignal.any([c.req.raw.signal, stopping]),
    );
    return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>, {
      headers: { "content-type": "text/plain", "transfer-encoding": "chunked" },
    });
  });
  return routes;
}
