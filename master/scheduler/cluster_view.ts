// What is free on each node: the sum over its pods, kept up to date change by change, plus the pods just placed whose binding is still being written.
import { type Node, nodes } from "../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import type { NodeView } from "./filters.ts";
import { allocatable, type Amounts, finished, hostPorts, requested } from "./resources.ts";

interface Taken {
  readonly node: string;
  readonly requests: Amounts;
  readonly ports: ReturnType<typeof hostPorts>;
}
interface Entry {
  view: NodeView | undefined;
  readonly used: Record<string, number>;
  ports: { protocol: string; ip: string; port: number }[];
}

export class ClusterView {
  readonly #entries = new Map<string, Entry>();
  readonly #taken = new Map<string, Taken>();
  readonly #assumed = new Map<string, Taken>();
  /** Of all nodes; made when somebody looks after one has changed. */
  #views: readonly NodeView[] | undefined;

  constructor(cache: Cache) {
    for (const node of cache.list(nodes)) this.#node(node.name, node.object);
    for (const pod of cache.list(pods)) this.#pod(pod);
  }

  /** All of them, beginning anywhere: who looks at a part of them looks at another part next time. */
  *nodes(random: Random): Iterable<NodeView> {
    const all = this.#views ??= [...this.#entries.values()].flatMap(({ view }) => view ?? []), from = Math.floor(random() * all.length);
    for (let i = from; i < all.length; i++) yield all[i]!;
    for (let i = 0; i < from; i++) yield all[i]!;
  }

  node(name: string): NodeView | undefined {
    return this.#entries.get(name)?.view;
  }

  /** @returns the node on which something may fit now that did not before */
  apply({ kind, before, after }: Change): string | undefined {
    if (kind.plural === "nodes" && kind.group === "") {
      const name = (after ?? before)!.name;
      this.#node(name, after?.object as Node | undefined);
      return after && name;
    }
    if (kind.plural !== "pods" || kind.group !== "") return undefined;
    const { uid } = (before ?? after)!, had = this.#taken.get(uid);
    if (after) this.#pod(after as unknown as Stored<Pod>);
    else {
      this.#release(uid);
      this.forget(uid);
    }
    return had && !this.#taken.has(uid) ? had.node : undefined;
  }

  /** It goes there: counted at once, before the binding is written. */
  assume(uid: string, pod: Pod, node: string, requests: Amounts): void {
    this.forget(uid);
    const taken = { node, requests, ports: hostPorts(pod.spec!) };
    this.#assumed.set(uid, taken);
    this.#add(taken, 1);
  }
  /** The binding failed, or is in the cache now. */
  forget(uid: string): void {
    const assumed = this.#assumed.get(uid);
    if (!assumed) return;
    this.#assumed.delete(uid);
    this.#add(assumed, -1);
  }

  #pod({ uid, object }: Stored<Pod>): void {
    this.#release(uid);
    const node = object.spec?.nodeName;
    if (!node) return;
    this.forget(uid);
    if (finished(object)) return;
    const taken = { node, requests: requested(object.spec!), ports: hostPorts(object.spec!) };
    this.#taken.set(uid, taken);
    this.#add(taken, 1);
  }
  #release(uid: string): void {
    const taken = this.#taken.get(uid);
    if (!taken) return;
    this.#taken.delete(uid);
    this.#add(taken, -1);
  }
  #node(name: string, node: Node | undefined): void {
    const entry = this.#entry(name);
    this.#views = undefined;
    entry.view = node && { name, node, allocatable: allocatable(node.status?.allocatable), used: entry.used, ports: entry.ports };
    if (!node && Object.values(entry.used).every((amount) => amount === 0)) this.#entries.delete(name);
  }
  #add({ node, requests, ports }: Taken, sign: 1 | -1): void {
    const entry = this.#entry(node);
    for (const [name, amount] of Object.entries(requests)) entry.used[name] = (entry.used[name] ?? 0) + sign * amount;
    if (sign === 1) entry.ports.push(...ports);
    else {for (const port of ports) {
        entry.ports.splice(
          entry.ports.findIndex((taken) => taken.port === port.port && taken.ip === port.ip && taken.protocol === port.protocol),
          1,
        );
      }}
  }
  #entry(name: string): Entry {
    let entry = this.#entries.get(name);
    if (!entry) this.#entries.set(name, entry = { view: undefined, used: {}, ports: [] });
    return entry;
  }
}
