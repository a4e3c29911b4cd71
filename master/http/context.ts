// What travels with one request, and what every handler is given.
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Kind } from "../../shared/api/resource.ts";
import type { Status } from "../../shared/api/status.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Authorizer } from "../rbac/authorizer.ts";
import type { User } from "../rbac/user.ts";
import type { Identity } from "../identity/identity.ts";
import type { KindSet } from "../registry/kind_set.ts";
import type { Trail } from "./audit/middleware.ts";
import type { Registry } from "../registry/registry.ts";
import type { Wanted } from "./negotiate.ts";
import type { RequestMetrics } from "./request_metrics.ts";
import type { PassOn } from "./pass_on.ts";
import type { RequestInfo } from "./request.ts";
import type { OnceRequest } from "./once_request.ts";
import type { Memory } from "./sources.ts";
import type { Streams } from "./stream.ts";
import type { Upgrade } from "./upgrade.ts";

export interface Env {
  /** Absent where a test calls the app without a socket. */
  Bindings: Partial<HttpBindings> & { upgrade?: Upgrade };
  Variables: {
    requestId: string;
    info: RequestInfo;
    query: URLSearchParams;
    /** Monotonic ms: when it came, and when it was known who asks. */
    came: number;
    authenticated?: number;
    /** ms since 1970; what the audit log is to have; why it was allowed; what it was refused with. */
    receivedMs: number;
    audit?: Trail;
    allowedBy?: string;
    failure?: Status;
    /** Who asks. */
    asking: User;
    /** Milliseconds that it had to wait for its turn. */
    waitedMs: number;
    /** As whom it is carried out: who asks, or whom they impersonate. */
    user: User;
    authorizer: Authorizer;
    /** Set where the request has an Idempotency-Key. */
    once?: OnceRequest;
    /** Sent as Warning headers, whatever becomes of the request. */
    warnings: Set<string>;
  };
}
export type HttpContext = Context<Env>;

export interface Api {
  readonly registry: Registry;
  /** What is served just now. */
  readonly kinds: KindSet;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly streams: Streams;
  /** To another master; absent where there are none. */
  readonly passOn?: PassOn | undefined;
  /** Whose tokens are whose, and new ones. */
  readonly identity: Identity;
  readonly metrics?: RequestMetrics | undefined;
  /** Kinds of which nothing is stored, and who has their objects. */
  readonly memory: ReadonlyMap<Kind, Memory>;
  /** Aborts when the server stops: watches and followed logs end with it. */
  readonly stopping: AbortSignal;
}

/** What every verb is given. */
export interface Operation {
  readonly api: Api;
  readonly c: HttpContext;
  readonly kind: Kind;
  readonly wanted: Wanted;
}
