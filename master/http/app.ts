// The whole API as one Hono app: every request gets an id, a deadline and a bound, is authenticated, then authorized, and only then handled.
import { randomUUID } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { Hono } from "hono";
import type { Kind } from "../../shared/api/resource.ts";
import { ApiError } from "../../shared/api/status.ts";
import { requestBodyBytes, requestTimeoutMs, warningBytes } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Identity } from "../identity/identity.ts";
import type { Authorizer } from "../rbac/authorizer.ts";
import type { KindSet } from "../registry/kind_set.ts";
import type { Registry } from "../registry/registry.ts";
import type { Authenticator } from "./auth.ts";
import type { Auditor } from "./audit/middleware.ts";
import type { Api, Env, HttpContext } from "./context.ts";
import { discoveryRoutes } from "./discovery.ts";
import type { Fairness } from "./fairness/fairness.ts";
import { type CountOf, inTurn } from "./fairness/middleware.ts";
import { isUnexpected, pageNotFound, statusResponse, toStatus } from "./errors.ts";
import { type Checks, healthRoutes } from "./health.ts";
import { observed } from "./observe.ts";
import type { RequestMetrics } from "./request_metrics.ts";
import { openapiRoutes } from "./openapi.ts";
import { impersonated } from "./impersonate.ts";
import { issuerRoutes } from "./issuer.ts";
import { attributesOf, mayOrThrow } from "./rbac.ts";
import type { PassOn } from "./pass_on.ts";
import { isLongRunning, parseRequest, type RequestInfo } from "./request.ts";
import { resourceHandler } from "./resource.ts";
import type { Memory } from "./sources.ts";
import type { Streams } from "./stream.ts";

export interface AppDependencies {
  readonly registry: Registry;
  readonly kinds: KindSet;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly streams: Streams;
  /** What takes its connection over, to the master that has the node. */
  readonly passOn?: PassOn | undefined;
  readonly identity: Identity;
  /** Who has the objects of kinds that are not stored (NodeLink). */
  readonly memory?: ReadonlyMap<Kind, Memory>;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  /** Absent: whoever comes is served. */
  readonly fairness?: Fairness;
  readonly countOf?: CountOf;
  /** Absent: nothing is written down. */
  readonly auditor?: Auditor;
  /** What /readyz asks, by name. */
  readonly checks?: Checks;
  /** What /metrics answers, in Prometheus' text format. */
  readonly metrics?: () => Promise<string>;
  readonly requestMetrics?: RequestMetrics;
  /** Routes that authenticate and bound by themselves (a device that joins has no certificate yet). */
  readonly open?: (app: Hono<Env>) => void;
  /** Further routes (dashboard …), behind the same middleware. */
  readonly extras?: (app: Hono<Env>) => void;
}

export function createApp(dependencies: AppDependencies): Hono<Env> {
  const { registry, clock, random, log, authenticator, authorizer, streams, identity, stopping } = dependencies;
  const api: Api = {
    registry,
    clock,
    random,
    log,
    streams,
    passOn: dependencies.passOn,
    identity,
    stopping,
    memory: dependencies.memory ?? new Map(),
    kinds: dependencies.kinds,
    metrics: dependencies.requestMetrics,
  };
  const app = new Hono<Env>({ strict: false });

  app.use(async (c, next) => {
    c.set("requestId", randomUUID());
    const url = new URL(c.req.url);
    c.set("query", url.searchParams);
    c.set("info", parseRequest(c.req.method, url.pathname, url.searchParams));
    c.set("warnings", new Set());
    await next();
    c.res.headers.set("audit-id", c.get("requestId"));
    for (const value of warningHeaders(c.get("warnings"))) c.res.headers.append("warning", value);
  });
  app.use(observed({ clock, log, metrics: dependencies.requestMetrics }));
  dependencies.open?.(app);
  app.use((c, next) => withinDeadline(clock, deadline(c.get("info"), c.get("query")), next));
  if (dependencies.auditor) app.use(dependencies.auditor.around);
  app.use(async (c, next) => {
    if (Number(c.req.header("content-length") ?? 0) > requestBodyBytes) {
      throw new ApiError("RequestEntityTooLarge", `Request entity too large: limit is ${requestBodyBytes}`);
    }
    c.set("asking", await authenticator({ certificate: clientCertificate(c), authorization: c.req.header("authorization") }));
    c.set("authenticated", clock.monotonic());
    await next();
  });
  if (dependencies.auditor) app.use(dependencies.auditor.known);
  if (dependencies.fairness) {
    const { fairness, countOf = () => 0, requestMetrics } = dependencies;
    app.use(inTurn(fairness, api.kinds, countOf, (level, ms) => requestMetrics?.waited(level, ms)));
  }
  app.use(async (c, next) => {
    const user = impersonated(authorizer, c.get("asking"), requestHeaders(c));
    c.set("user", user);
    c.set("allowedBy", mayOrThrow(authorizer, user, attributesOf(c.get("info"), c.get("query"))));
    c.set("authorizer", authorizer); // what a write may give away, admission asks it at the end
    await next();
  });

  healthRoutes(app, { log, checks: dependencies.checks ?? {}, metrics: dependencies.metrics });
  openapiRoutes(app, api.kinds);
  discoveryRoutes(app, api.kinds);
  issuerRoutes(app, identity.accounts);
  dependencies.extras?.(app);
  const resources = resourceHandler(api);
  app.all("/api/:version/*", resources);
  app.all("/apis/:group/:version/*", resources);

  app.notFound(pageNotFound);
  app.onError((error, c) => {
    const requestId = c.get("requestId") ?? "";
    if (isUnexpected(error)) log.error("Request failed", { requestId, method: c.req.method, path: c.req.path, error });
    const status = toStatus(error, requestId);
    c.set("failure", status);
    c.get("audit")?.response(JSON.stringify(status));
    return statusResponse(status, { "audit-id": requestId });
  });
  return app;
}

/** kubectl prints each as a line (quoting: RFC 9110 §5.6.4). What does not fit is left out. */
function* warningHeaders(warnings: Iterable<string>): Iterable<string> {
  let size = 0;
  for (const warning of warnings) {
    const value = `299 - "${warning.replace(/[\\"]/g, "\\$&").replace(/[^\x20-\x7e]/g, " ")}"`;
    size += value.length;
    if (size > warningBytes) return;
    yield value;
  }
}

/** One array a connection, so that what is known of it can be kept beside it. */
const certificates = new WeakMap<object, Uint8Array | undefined>();
function clientCertificate(c: HttpContext): Uint8Array | undefined {
  const socket = c.env?.incoming?.socket as TLSSocket | undefined;
  if (!socket?.encrypted) return undefined;
  if (!certificates.has(socket)) certificates.set(socket, socket.getPeerCertificate()?.raw);
  return certificates.get(socket);
}

/** As they were sent, each by itself: what joins them with commas cannot tell two from one that has a comma in it. */
function* requestHeaders(c: HttpContext): Iterable<readonly [name: string, value: string]> {
  const raw = c.env?.incoming?.rawHeaders;
  if (!raw) return yield* c.req.raw.headers.entries();
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at]!, raw[at + 1]!];
}

/** Milliseconds a request may take; undefined for those that last as long as somebody listens. */
function deadline(info: RequestInfo, query: URLSearchParams): number | undefined {
  if (isLongRunning(info)) return undefined;
  const asked = /^(\d+)(ms|s|m)?$/.exec(query.get("timeout") ?? "");
  if (!asked || !info.resource) return requestTimeoutMs;
  const unit = asked[2] === "ms" ? 1 : asked[2] === "m" ? 60_000 : 1000;
  return Math.min(requestTimeoutMs, Number(asked[1]) * unit || requestTimeoutMs);
}

async function withinDeadline(clock: Clock, timeoutMs: number | undefined, next: () => Promise<void>): Promise<void> {
  if (timeoutMs === undefined) return await next();
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => reject(new ApiError("Timeout", "Timeout: request did not complete within the allotted timeout")));
  });
  try {
    await Promise.race([next(), late]);
  } finally {
    cancel();
  }
}
