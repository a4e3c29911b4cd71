// Requests in numbers, under upstream's names, so that dashboards and alerts made for Kubernetes find them. Labels come from what we serve, and nothing else: a
// client that makes up verbs and paths makes no new lines.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { subresourcesOf } from "../../shared/api/resource.ts";
import type { KindSet } from "../registry/kind_set.ts";
import { isLongRunning, type RequestInfo } from "./request.ts";

/** Upstream's, in seconds. */
const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const waitBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const what = ["verb", "group", "version", "resource", "subresource", "scope", "component"] as const;
/** As upstream's metrics spell them. */
const verbs: Readonly<Record<string, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
  post: "POST",
  put: "PUT",
  head: "GET",
};
const connecting = new Set(["exec", "attach", "portforward", "proxy", "log"]);
type Labels = Readonly<Record<(typeof what)[number], string>>;

/** Which line a request counts on. */
export function labelsOf({ verb, resource }: RequestInfo, kinds: Pick<KindSet, "find">): Labels {
  const known = verbs[verb] ?? "other", none = { group: "", version: "", resource: "", subresource: "", scope: "", component: "apiserver" };
  if (!resource) return { verb: known, ...none };
  const kind = kinds.find(resource.group, resource.version, resource.plural);
  if (!kind) return { verb: known, ...none, resource: "other" };
  const { group, version, plural, subresource: asked } = resource;
  const subresource = asked === "" || subresourcesOf(kind).some(({ name }) => name === asked) ? asked : "other";
  const scope = resource.name !== "" || known === "POST" ? "resource" : resource.namespace !== "" ? "namespace" : "cluster";
  return {
    verb: connecting.has(subresource) ? "CONNECT" : known,
    group,
    version,
    resource: plural,
    subresource,
    scope,
    component: "apiserver",
  };
}

export class RequestMetrics {
  readonly #kinds: Pick<KindSet, "find">;
  readonly #total;
  readonly #duration;
  readonly #longRunning;
  readonly #waited;
  readonly #watchEvents;
  readonly #refused;
  readonly #inflight = { mutating: 0, readOnly: 0 };

  constructor(register: Registry, kinds: Pick<KindSet, "find">) {
    this.#kinds = kinds;
    const registers = [register], inflight = this.#inflight;
    this.#total = new Counter({
      name: "apiserver_request_total",
      help: "Requests that were answered",
      labelNames: [...what, "code"],
      registers,
    });
    this.#duration = new Histogram({
      name: "apiserver_request_duration_seconds",
      help: "Time until a request was answered; of a watch or a command, until it began",
      labelNames: [...what],
      buckets,
      registers,
    });
    this.#longRunning = new Gauge({
      name: "apiserver_longrunning_requests",
      help: "Watches, followed logs and commands that last",
      labelNames: [...what],
      registers,
    });
    this.#waited = new Histogram({
      name: "apiserver_flowcontrol_request_wait_duration_seconds",
      help: "Time for which a request has waited for its turn",
      labelNames: ["priority_level"],
      buckets: waitBuckets,
      registers,
    });
    this.#refused = new Counter({
      name: "apiserver_flowcontrol_rejected_requests_total",
      help: "Requests that were sent away with 429",
      labelNames: ["priority_level", "reason"],
      registers,
    });
    this.#watchEvents = new Counter({
      name: "apiserver_watch_events_total",
      help: "Events that watches were sent",
      labelNames: ["group", "version", "resource"],
      registers,
    });
    new Gauge({
      name: "apiserver_current_inflight_requests",
      help: "Requests that are being answered, without those that last",
      labelNames: ["request_kind"],
      registers,
      collect() {
        for (const [kind, count] of Object.entries(inflight)) this.set({ request_kind: kind }, count);
      },
    });
  }

  /** @returns what is called with the outcome; for what lasts, a function for its end comes back */
  begin(info: RequestInfo): (status: number, tookMs: number) => (() => void) | undefined {
    const lasting = isLongRunning(info), kind = readOnly.has(info.verb) ? "readOnly" : "mutating";
    if (!lasting) this.#inflight[kind]++;
    return (status, tookMs) => {
      const labels = labelsOf(info, this.#kinds);
      this.#total.inc({ ...labels, code: status });
      this.#duration.observe(labels, tookMs / 1000);
      if (!lasting) return void this.#inflight[kind]--;
      if (status >= 300) return undefined;
      this.#longRunning.inc(labels);
      return () => this.#longRunning.dec(labels);
    };
  }
  waited(level: string, ms: number): void {
    this.#waited.observe({ priority_level: level }, ms / 1000);
  }
  refused(level: string, reason: string): void {
    this.#refused.inc({ priority_level: level, reason });
  }
  watched(kind: { readonly group: string; readonly version: string; readonly plural: string }, events: number): void {
    this.#watchEvents.inc({ group: kind.group, version: kind.version, resource: kind.plural }, events);
  }
}
const readOnly = new Set(["get", "list", "watch", "head", "options"]);
