// Are we well, and which version are we? For load balancers, kubectl and Prometheus.
import process from "node:process";
import type { Hono } from "hono";
import type { Registry } from "../registry/registry.ts";
import type { Env } from "./context.ts";
import { pageNotFound } from "./errors.ts";
import type { RequestInfo } from "./request.ts";

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

/** Requests answered, by verb and code: few labels, so that the memory stays bounded. */
export class RequestCounts {
  readonly #counts = new Map<string, number>();
  add(info: RequestInfo, code: number): void {
    const verb = info.resource ? info.verb : "other", key = `verb="${verbs.has(verb) ? verb : "other"}",code="${code}"`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
  *lines(): Iterable<string> {
    for (const [labels, count] of this.#counts) yield `skerry_http_requests_total{${labels}} ${count}`;
  }
}
const verbs = new Set(["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]);

interface HealthDependencies {
  readonly registry: Registry;
  readonly counts: RequestCounts;
  readonly checks: Checks;
  readonly metrics: () => string;
}

export function healthRoutes(app: Hono<Env>, { registry, counts, checks, metrics }: HealthDependencies): void {
  app.get("/version", (c) => c.json(version));

  const alive: Checks = { ping: () => undefined };
  const ready: Checks = { ...alive, ...checks };
  for (const [name, all] of Object.entries({ healthz: ready, livez: alive, readyz: ready })) {
    app.get(`/${name}`, (c) => report(name, all, c.get("query").has("verbose")));
    app.get(`/${name}/:check`, (c) => {
      const check = c.req.param("check");
      return Object.hasOwn(all, check) ? report(name, { [check]: all[check]! }, c.get("query").has("verbose")) : pageNotFound();
    });
  }

  app.get("/metrics", () => {
    const { rss, heapUsed } = process.memoryUsage();
    const lines = [
      "# TYPE skerry_http_requests_total counter",
      ...counts.lines(),
      "# TYPE skerry_revision gauge",
      `skerry_revision ${registry.revision()}`,
      "# TYPE process_resident_memory_bytes gauge",
      `process_resident_memory_bytes ${rss}`,
      "# TYPE process_heap_used_bytes gauge",
      `process_heap_used_bytes ${heapUsed}`,
    ];
    return text(200, lines.join("\n") + "\n" + metrics());
  });
}

function report(name: string, checks: Checks, verbose: boolean): Response {
  const faults = Object.entries(checks).map(([check, ask]) => ({ check, fault: ask() }));
  const well = faults.every(({ fault }) => fault === undefined);
  if (well && !verbose) return text(200, "ok");
  const lines = faults.map(({ check, fault }) => fault === undefined ? `[+]${check} ok` : `[-]${check} failed: ${fault}`);
  return text(well ? 200 : 500, [...lines, `${name} check ${well ? "passed" : "failed"}`, ""].join("\n"));
}
const text = (status: number, body: string): Response =>
  new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" } });
