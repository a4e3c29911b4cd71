// Are we well, and which version are we? For load balancers, kubectl and Prometheus.
import process from "node:process";
import type { Hono } from "hono";
import type { Log } from "../../shared/util/log.ts";
import type { Env } from "./context.ts";
import { pageNotFound } from "./errors.ts";

/** Name → why it is not well; undefined if it is. */
export type Checks = Readonly<Record<string, () => string | undefined>>;

/** We speak the API of this Kubernetes release; kubectl warns where its own differs by more than one. */
export const version = {
  major: "1",
  minor: "33",
  emulationMajor: "1",
  emulationMinor: "33",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "32",
  gitVersion: "v1.33.1-skerry.0.1.0",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "2026-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
} as const;

interface HealthDependencies {
  readonly log: Log;
  readonly checks: Checks;
  readonly metrics: (() => Promise<string>) | undefined;
}

/** Alive is who answers; ready, who can do what they are asked. /healthz is the older word for ready. */
export function healthRoutes(app: Hono<Env>, { log, checks, metrics }: HealthDependencies): void {
  app.get("/version", (c) => c.json(version));

  const alive: Checks = { ping: () => undefined, log: () => undefined };
  const ready: Checks = { ...alive, ...checks };
  for (const [name, all] of Object.entries({ healthz: ready, livez: alive, readyz: ready })) {
    app.get(`/${name}`, (c) => report(log, name, all, c.get("query")));
    app.get(`/${name}/:check`, (c) => {
      const check = c.req.param("check");
      if (!Object.hasOwn(all, check)) return pageNotFound();
      const fault = all[check]!();
      return fault === undefined ? text(200, "ok") : text(500, `internal server error: ${fault}\n`);
    });
  }
  app.get("/metrics", async () => {
    if (!metrics) return pageNotFound();
    return new Response(await metrics(), { headers: { ...headers, "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
  });
}

/** In upstream's form. Everybody may read it: why something fails stands in the log. */
function report(log: Log, name: string, checks: Checks, query: URLSearchParams): Response {
  const excluded = new Set(query.getAll("exclude")), failed: string[] = [], lines: string[] = [];
  for (const [check, ask] of Object.entries(checks)) {
    if (excluded.delete(check)) {
      lines.push(`[+]${check} excluded: ok`);
      continue;
    }
    const fault = ask();
    if (fault !== undefined) failed.push(check);
    lines.push(fault === undefined ? `[+]${check} ok` : `[-]${check} failed: reason withheld`);
    if (fault !== undefined) log.info("A health check failed", { check, path: name, reason: fault });
  }
  if (excluded.size > 0) {
    lines.push(`warn: some health checks cannot be excluded: no matches for ${[...excluded].map((one) => JSON.stringify(one)).join(", ")}`);
  }
  if (failed.length > 0) return text(500, [...lines, `${name} check failed`, ""].join("\n"));
  return text(200, query.has("verbose") ? [...lines, `${name} check passed`, ""].join("\n") : "ok");
}
const headers = { "cache-control": "no-cache, private", "x-content-type-options": "nosniff" };
const text = (status: number, body: string): Response =>
  new Response(body, { status, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
