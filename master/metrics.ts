// The master in numbers, for /metrics: what its parts know of themselves is read when somebody asks.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { nodes } from "../shared/api/kinds/node.ts";
import { qualified } from "../shared/api/resource.ts";
import { pods } from "../shared/api/kinds/pod.ts";
import type { Broker } from "./broker/broker.ts";
import type { QueueMetrics } from "./controllers/controller.ts";
import type { Presence } from "./fleet/presence.ts";
import type { Fairness } from "./http/fairness/fairness.ts";
import { version } from "./http/health.ts";
import type { Cache } from "./registry/cache.ts";
import type { Store } from "./store/store.ts";

interface Parts {
  readonly store: Pick<Store, "status">;
  readonly cache: Cache;
  readonly presence: Presence;
  readonly fairness: Fairness;
  readonly broker: Pick<Broker, "connections">;
  readonly audit: () => { readonly written: number; readonly dropped: number } | undefined;
  readonly diskFull: () => boolean;
}

/** With the process' own numbers (CPU, memory, file descriptors, garbage collection, lag of the event loop). */
export function createMetrics(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const labels = { major: version.major, minor: version.minor, git_version: version.gitVersion, platform: version.platform };
  new Gauge({ name: "kubernetes_build_info", help: "What this is", labelNames: Object.keys(labels), registers: [register] }).set(labels, 1);
  return register;
}

type Values = Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

export function measureParts(register: Registry, { store, cache, presence, fairness, broker, audit, diskFull }: Parts): void {
  const gauge = (name: string, help: string, labelNames: string[], values: () => Values): void =>
    void new Gauge({
      name,
      help,
      labelNames,
      registers: [register],
      collect() {
        this.reset();
        for (const [labels, value] of values()) this.set(labels, value);
      },
    });
  const plain = (name: string, help: string, value: () => number): void => gauge(name, help, [], () => [[{}, value()]]);

  plain("skerry_store_revision", "Newest revision that is applied here", () => store.status().revision);
  plain("skerry_store_compact_revision", "Revision before which history is forgotten", () => store.status().compactRevision);
  plain("skerry_store_keys", "Keys in the store", () => store.status().keys);
  plain("skerry_store_live_bytes", "Bytes of live keys and values", () => store.status().liveBytes);
  plain("skerry_store_term", "Term of the store's log", () => store.status().term);
  plain("skerry_store_has_leader", "Whether this member knows who leads", () => store.status().leaderId === 0 ? 0 : 1);
  plain("skerry_store_is_leader", "Whether this member leads", () => store.status().leaderId === store.status().memberId ? 1 : 0);
  plain("skerry_disk_full", "Whether there is no room for more of the log", () => diskFull() ? 1 : 0);
  plain("skerry_cache_revision", "Newest revision that controllers and the scheduler have seen", () => cache.revision);
  gauge("apiserver_storage_objects", "Objects by kind", ["resource"], function* () {
    for (const kind of cache.kinds.stored) {
      const count = cache.count(kind);
      if (count > 0) yield [{ resource: qualified(kind) }, count];
    }
  });
  plain("skerry_broker_connections", "MQTT connections to this master", () => broker.connections);
  gauge("skerry_nodes", "Nodes: whether they are connected to any master just now", ["connected"], () => {
    let connected = 0, away = 0;
    for (const { name } of cache.list(nodes)) presence.state(name)?.live ? connected++ : away++;
    return [[{ connected: "true" }, connected], [{ connected: "false" }, away]];
  });
  plain("scheduler_pending_pods", "Pods without a node", () => {
    let pending = 0;
    for (const _ of cache.byField(pods, "spec.nodeName", "")) pending++;
    return pending;
  });
  plain("apiserver_audit_event_total", "Lines written to the audit log", () => audit()?.written ?? 0);
  gauge(
    "apiserver_audit_error_total",
    "Lines of the audit log that are lost",
    ["plugin"],
    () => [[{ plugin: "log" }, audit()?.dropped ?? 0]],
  );
  const level = ["priority_level"];
  gauge(
    "apiserver_flowcontrol_current_executing_seats",
    "Seats that requests take",
    level,
    () => fairness.status.map(({ level, running }) => [{ priority_level: level }, running] as const),
  );
  gauge(
    "apiserver_flowcontrol_current_inqueue_requests",
    "Requests that wait for their turn",
    level,
    () => fairness.status.map(({ level, waiting }) => [{ priority_level: level }, waiting] as const),
  );
}

/** Under the names of client-go's work queues. */
export function createQueueMetrics(register: Registry): QueueMetrics {
  const registers = [register], labelNames = ["name"], sizes = new Map<string, () => number>();
  const seconds = new Histogram({
    name: "workqueue_work_duration_seconds",
    help: "Time that a look at one key takes",
    labelNames,
    buckets: [0.001, 0.01, 0.1, 1, 10],
    registers,
  });
  const retries = new Counter({ name: "workqueue_retries_total", help: "Looks that failed and are repeated", labelNames, registers });
  new Gauge({
    name: "workqueue_depth",
    help: "Keys that wait or are looked at, on the master that leads",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const [name, size] of sizes) this.set({ name }, size());
    },
  });
  return {
    opened(name, size) {
      sizes.set(name, size);
      return () => void (sizes.get(name) === size && sizes.delete(name));
    },
    worked(name, tookMs, failed) {
      seconds.observe({ name }, tookMs / 1000);
      if (failed) retries.inc({ name });
    },
  };
}
