// Nodes that pretend: what is bound to one of them runs and is ready a moment later, and what is to end has ended a moment later. Through the registry, as
// real nodes' reports come in. A node can be cut off: then nothing of it changes, and the presence says so.
import { nodes } from "../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { ApiError } from "../../shared/api/status.ts";
import type { NodePresence, Presence } from "../../master/controllers/node_lifecycle.ts";
import type { Cache } from "../../master/registry/cache.ts";
import type { Registry, Stored } from "../../master/registry/face.ts";

export class PretendNodes implements Presence {
  readonly #registry: Registry;
  readonly #cache: Cache;
  readonly #live = new Map<string, boolean>();
  readonly #observers = new Set<(nodeName: string) => void>();
  readonly #work = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;
  /** Pods of such an image never get ready. */
  readonly broken = new Set<string>();
  /** uids of the pods that have been started, each start once more. */
  readonly started: string[] = [];
  #addresses = 0;
  #failure: unknown;

  constructor(registry: Registry, cache: Cache) {
    this.#registry = registry;
    this.#cache = cache;
    this.#unsubscribe = cache.subscribe(({ kind, after }) => {
      if (kind.group === "" && kind.plural === "pods" && after) this.#attend(after as unknown as Stored<Pod>);
    });
  }

  /** Makes nodes that are heard. */
  async add(names: readonly string[], labels: Record<string, string> = {}): Promise<void> {
    await Promise.all(names.map(async (name) => {
      await this.#registry.create(nodes, { metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } } });
      const room = { cpu: "4", memory: "4Gi", pods: "110" };
      await this.#registry.modify(nodes, { name }, (node) => void (node.status = { ...node.status, capacity: room, allocatable: room }), {
        subresource: "status",
      });
      this.hear(name, true);
    }));
  }
  /** Its connection comes or goes. */
  hear(name: string, live: boolean): void {
    this.#live.set(name, live);
    for (const observer of this.#observers) observer(name);
    if (live) { for (const pod of this.#cache.byField(pods, "spec.nodeName", name)) this.#attend(pod); }
  }

  state(nodeName: string): NodePresence | undefined {
    const live = this.#live.get(nodeName);
    // Long ago, so that nobody waits to see whether it comes back at once.
    return live === undefined ? undefined : { live, sinceMs: -1e9, lastPacketMs: 0 };
  }
  subscribe(observer: (nodeName: string) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Ends it; throws what went wrong in between. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await Promise.all(this.#work);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #attend(pod: Stored<Pod>): void {
    const nodeName = pod.object.spec?.nodeName, { phase } = pod.object.status ?? {};
    if (!nodeName || !this.#live.get(nodeName)) return;
    if (pod.deleting) return this.#do(() => this.#registry.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } }));
    if (phase === "Running" || phase === "Succeeded" || phase === "Failed" || this.started.includes(pod.uid)) return;
    this.started.push(pod.uid);
    const podIP = `10.201.${++this.#addresses >> 8}.${this.#addresses & 255}`;
    const status = pod.object.spec!.containers.some(({ image }) => this.broken.has(image ?? "")) ? "False" : "True";
    const lastTransitionTime = new Date().toISOString().slice(0, 19) + "Z";
    this.#do(() =>
      this.#registry.modify(pods, pod, (object) => {
        if (object.metadata?.uid !== pod.uid) return;
        const conditions = object.status?.conditions?.filter(({ type }) => type === "PodScheduled") ?? [];
        object.status = {
          ...object.status,
          phase: "Running",
          podIP,
          podIPs: [{ ip: podIP }],
          conditions: [...conditions, ...["ContainersReady", "Ready"].map((type) => ({ type, status, lastTransitionTime }))],
        };
      }, { subresource: "status" })
    );
  }
  #do(work: () => Promise<unknown>): void {
    const done: Promise<void> = work().then(() => {}, (error) => {
      if (!(error instanceof ApiError && ["NotFound", "Conflict"].includes(error.reason))) this.#failure ??= error;
    }).finally(() => this.#work.delete(done));
    this.#work.add(done);
  }
}
