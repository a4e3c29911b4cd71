// Around every request: how long it took, and in the log where that was too long, with what it spent the time on.
import type { MiddlewareHandler } from "hono";
import { slowRequestMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { whenClosed } from "./closed.ts";
import type { Env, HttpContext } from "./context.ts";
import type { RequestMetrics } from "./request_metrics.ts";
import { isLongRunning } from "./request.ts";

interface Needs {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: RequestMetrics | undefined;
}

export function observed({ clock, log, metrics }: Needs): MiddlewareHandler<Env> {
  return async (c, next) => {
    const info = c.get("info"), came = clock.monotonic(), ended = metrics?.begin(info);
    c.set("came", came);
    await next();
    const tookMs = clock.monotonic() - came, over = ended?.(c.res.status, tookMs);
    if (over) whenClosed(c, over);
    if (tookMs >= slowRequestMs && !isLongRunning(info)) log.info("Slow request", slowness(c, tookMs));
  };
}

/** What upstream's trace of a slow request says. */
function slowness(c: HttpContext, tookMs: number): Record<string, unknown> {
  const { requestId, info: { verb, path }, asking, came, authenticated, waitedMs = 0 } = c.var;
  const authenticateMs = authenticated === undefined ? tookMs : authenticated - came;
  return {
    requestId,
    verb,
    path,
    user: asking?.name,
    userAgent: c.req.header("user-agent")?.slice(0, 200),
    status: c.res.status,
    tookMs: Math.round(tookMs),
    authenticateMs: Math.round(authenticateMs),
    waitedMs: Math.round(waitedMs),
    handleMs: Math.round(tookMs - authenticateMs - waitedMs),
  };
}
