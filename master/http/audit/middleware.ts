// Where the audit log meets a request: around all that happens to it, and again once it is known who asks.
import { Buffer } from "node:buffer";
import type { MiddlewareHandler } from "hono";
import { parseYaml } from "../../../shared/api/yaml.ts";
import { auditBodyBytes } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import { whenClosed } from "../closed.ts";
import type { Env, HttpContext } from "../context.ts";
import { isLongRunning } from "../request.ts";
import { type Audited, auditEvent } from "./event.ts";
import { decide, type Decided, type Policy, type Stage } from "./policy.ts";

/** Bodies that a request's rule asks for, noted as they pass. */
export class Trail {
  readonly decided: Decided;
  #request: string | undefined;
  #response: string | undefined;
  constructor(decided: Decided) {
    this.decided = decided;
  }
  get bodies(): Pick<Audited, "request" | "response"> {
    return { request: this.#request, response: this.#response };
  }
  /** The request's body as it came. One that is no text (protobuf) is noted once it is decoded. */
  body(bytes: Uint8Array, type: string): void {
    const { level } = this.decided;
    if ((level !== "Request" && level !== "RequestResponse") || bytes.byteLength === 0 || type.includes("protobuf")) return;
    if (bytes.byteLength > auditBodyBytes) this.#request = tooLong;
    else this.#request = asJson(Buffer.from(bytes).toString());
  }
  decoded(value: unknown): void {
    const { level } = this.decided;
    if (level === "Request" || level === "RequestResponse") this.#request = JSON.stringify(value);
  }
  response(json: Uint8Array | string): void {
    if (this.decided.level === "RequestResponse") this.#response = json.length > auditBodyBytes ? tooLong : Buffer.from(json).toString();
  }
}
/** Stands for a body that is left out for its length. */
const tooLong = " ".repeat(auditBodyBytes + 1);

/** A body that nobody can read is none of the log's. */
function asJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    try {
      return JSON.stringify(parseYaml(text).value);
    } catch {
      return undefined;
    }
  }
}

export interface Auditor {
  readonly around: MiddlewareHandler<Env>;
  /** Once it is known who asks. */
  readonly known: MiddlewareHandler<Env>;
}

export function createAuditor(clock: Pick<Clock, "now">, policy: Policy, write: (line: string) => void): Auditor {
  function tell(c: HttpContext, stage: Stage, receivedMs: number, { decided, bodies }: Trail, code?: number): void {
    if (decided.level === "None" || decided.omit.has(stage)) return;
    const { info, requestId, asking, user, failure, allowedBy } = c.var, url = new URL(c.req.url);
    write(auditEvent({
      level: decided.level,
      stage,
      auditId: requestId,
      uri: url.pathname + url.search,
      info,
      user: asking,
      impersonated: user !== asking ? user : undefined,
      sourceIp: c.env?.incoming?.socket?.remoteAddress ?? "",
      userAgent: c.req.header("user-agent") ?? "",
      receivedMs,
      nowMs: clock.now(),
      ...(code !== undefined && { code, failure, reason: allowedBy, ...bodies }),
    }));
  }
  return {
    around: async (c, next) => {
      const receivedMs = clock.now();
      c.set("receivedMs", receivedMs);
      await next();
      const trail = c.get("audit") ?? new Trail(decide(policy, undefined, c.get("info"))), code = c.res.status;
      if (!isLongRunning(c.get("info")) || code >= 300) return tell(c, "ResponseComplete", receivedMs, trail, code);
      tell(c, "ResponseStarted", receivedMs, trail, code);
      whenClosed(c, () => tell(c, "ResponseComplete", receivedMs, trail, code));
    },
    known: async (c, next) => {
      const trail = new Trail(decide(policy, c.get("asking"), c.get("info")));
      c.set("audit", trail);
      tell(c, "RequestReceived", c.get("receivedMs"), trail);
      await next();
    },
  };
}
