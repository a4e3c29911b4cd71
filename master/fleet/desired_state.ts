// What a node needs, and nothing more: its pods, the ConfigMaps and Secrets these pods name, the Services and endpoints of its scope, and what it must
// know of itself. The set is complete: whatever a node has beside it is to go. Pure, over the cache.
import { type EndpointSlice, endpointSlices, serviceNameLabel } from "../../shared/api/kinds/endpoint_slice.ts";
import { configMaps } from "../../shared/api/kinds/configmap.ts";
import { type Node, nodes } from "../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { references } from "../../shared/api/kinds/pod/references.ts";
import { secrets } from "../../shared/api/kinds/secret.ts";
import { services } from "../../shared/api/kinds/service.ts";
import { labels } from "../../shared/names.ts";
import { objectHash, type SetObject } from "../../shared/wire/desired.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import type { PodTokens } from "./pod_tokens.ts";
import { renderMetadata, renderObject, renderSecret, renderSlice } from "./render.ts";

/** What is the same for all nodes of one site with pods in the same namespaces. */
interface Scope {
  readonly edition: number;
  readonly objects: readonly SetObject[];
}

/** What is the same for all nodes. */
export interface ClusterFacts {
  readonly podNetwork: string;
  readonly serviceNetwork: string;
  readonly clusterDomain: string;
}

const defaultSite = "default";
export const siteOf = (node: { readonly labels: Readonly<Record<string, string>> }): string => node.labels[labels.site] ?? defaultSite;

/** Renders sets; remembers what it rendered of each stored state for as long as somebody holds that state. */
export class Renderer {
  readonly #cache: Cache;
  readonly #facts: ClusterFacts;
  readonly #tokens: PodTokens | undefined;
  readonly #rendered = new WeakMap<object, SetObject>();
  /** Of a slice: per site, as long as no node has moved. */
  readonly #slices = new WeakMap<object, { readonly sites: number; readonly bySite: Map<string, SetObject> }>();
  /** By site and namespaces, as long as no Service, slice or site has changed. */
  readonly #scopes = new Map<string, Scope>();
  #edition = 0;
  #sites: { readonly of: ReadonlyMap<string, string>; readonly edition: number } = { of: new Map(), edition: 0 };

  constructor(cache: Cache, facts: ClusterFacts, tokens?: PodTokens) {
    this.#cache = cache;
    this.#facts = facts;
    this.#tokens = tokens;
  }

  /** Say so when a node has come, gone, or moved to another site. */
  nodesChanged(): void {
    this.#sites = { of: new Map([...this.#cache.list(nodes)].map((node) => [node.name, siteOf(node)])), edition: this.#sites.edition + 1 };
    this.servicesChanged();
  }
  /** Say so when a Service or an EndpointSlice has changed. */
  servicesChanged(): void {
    this.#edition++;
    this.#scopes.clear();
  }
  /** Do both states of a Pod, Service or Node look the same to every node? */
  looksSame(before: Stored, after: Stored): boolean {
    const render = (stored: Stored): SetObject =>
      stored.kind.kind === "Node" ? this.#node(stored as Stored<Node>) : this.#once(stored, () => renderObject(stored, ["spec"]));
    return render(before).hash === render(after).hash;
  }

  /** @param now ms since 1970 @returns also when it will be another without anything having changed */
  desiredState(node: Stored<Node>, now: number): { readonly objects: Map<string, SetObject>; readonly dueMs: number } {
    const cache = this.#cache, objects = new Map<string, SetObject>(), spaces = new Set<string>();
    const put = (object: SetObject): unknown => objects.set(object.uid, object);
    let soonestMs = Infinity;
    put(this.#node(node));
    for (const pod of cache.byField(pods, "spec.nodeName", node.name)) {
      spaces.add(pod.namespace);
      put(this.#once(pod as Stored, () => renderObject(pod as Stored, ["spec"])));
      const needed = references((pod.object as Pod).spec!);
      for (const name of needed.configMaps) {
        const found = cache.get(configMaps, pod.namespace, name) as Stored | undefined;
        if (found) put(this.#once(found, () => renderObject(found, ["data", "binaryData"])));
      }
      for (const name of needed.secrets) {
        const found = cache.get(secrets, pod.namespace, name) as Stored | undefined;
        if (found) put(this.#once(found, () => renderSecret(found)));
      }
      for (const { object, dueMs } of this.#tokens?.of(pod, node, now) ?? []) {
        put(object);
        soonestMs = Math.min(soonestMs, dueMs);
      }
    }
    for (const object of this.#scope(siteOf(node), spaces)) put(object);
    return { objects, dueMs: soonestMs };
  }

  #scope(site: string, spaces: ReadonlySet<string>): readonly SetObject[] {
    const key = [site, ...[...spaces].sort()].join("/");
    let scope = this.#scopes.get(key);
    if (scope?.edition !== this.#edition) {
      this.#scopes.set(key, scope = { edition: this.#edition, objects: [...this.#servicesOf(site, spaces)] });
    }
    return scope.objects;
  }
  *#servicesOf(site: string, spaces: ReadonlySet<string>): Iterable<SetObject> {
    const cache = this.#cache, inScope = new Set<string>();
    for (const slice of cache.list(endpointSlices)) {
      const isApi = spaces.size > 0 && slice.namespace === "default" && slice.labels[serviceNameLabel] === "kubernetes";
      if (!isApi && !spaces.has(slice.namespace) && !this.#serves(slice, site)) continue;
      yield this.#slice(slice, site);
      const service = slice.labels[serviceNameLabel];
      if (service) inScope.add(`${slice.namespace}/${service}`);
    }
    for (const service of cache.list(services)) {
      if (!spaces.has(service.namespace) && !inScope.has(`${service.namespace}/${service.name}`)) continue;
      yield this.#once(service as Stored, () => renderObject(service as Stored, ["spec"]));
    }
  }

  #serves(slice: Stored<EndpointSlice>, site: string): boolean {
    return slice.object.endpoints?.some(({ nodeName }) => nodeName && this.#siteOf(nodeName) === site) ?? false;
  }
  #siteOf(nodeName: string): string | undefined {
    if (this.#sites.edition === 0) this.nodesChanged();
    return this.#sites.of.get(nodeName);
  }
  #slice(slice: Stored<EndpointSlice>, site: string): SetObject {
    this.#siteOf("");
    let known = this.#slices.get(slice);
    if (known?.sites !== this.#sites.edition) this.#slices.set(slice, known = { sites: this.#sites.edition, bySite: new Map() });
    let rendered = known.bySite.get(site);
    if (!rendered) known.bySite.set(site, rendered = renderSlice(slice, (nodeName) => this.#siteOf(nodeName) === site));
    return rendered;
  }
  #once(stored: Stored, render: () => SetObject): SetObject {
    let rendered = this.#rendered.get(stored);
    if (!rendered) this.#rendered.set(stored, rendered = render());
    return rendered;
  }
  /** The node's own object carries what it must know of the cluster. Its labels may be asked for by pods (downward API). */
  #node(node: Stored<Node>): SetObject {
    return this.#once(node as Stored, () => {
      const { name, uid, labels } = renderMetadata(node.object.metadata!), { podCIDR, podCIDRs } = node.object.spec ?? {};
      const body = JSON.stringify({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, uid, labels },
        spec: { podCIDR, podCIDRs },
        cluster: { ...this.#facts, site: siteOf(node) },
      });
      return { uid, hash: objectHash(body), body };
    });
  }
}
