// From a change of any object to the nodes whose set it may have changed.
import { configMaps } from "../../shared/api/kinds/configmap.ts";
import { endpointSlices } from "../../shared/api/kinds/endpoint_slice.ts";
import { nodes } from "../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { secrets } from "../../shared/api/kinds/secret.ts";
import { services } from "../../shared/api/kinds/service.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import type { Kind } from "../../shared/api/resource.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import { references } from "../../shared/api/kinds/pod/references.ts";
import { type Renderer, siteOf } from "./desired_state.ts";

const nobody: readonly string[] = [];
const is = <T>(kind: unknown, wanted: Kind<T>): boolean => kind === wanted;

export class Touched {
  readonly #renderer: Renderer;
  /** "ConfigMap/namespace/name" → node → how many of its pods refer to it. */
  readonly #referring = new Map<string, Map<string, number>>();

  constructor(cache: Cache, renderer: Renderer) {
    this.#renderer = renderer;
    for (const pod of cache.list(pods)) this.#count(pod as Stored, 1);
  }

  /** Names of nodes, or "all". To be told of every change, once. */
  by({ kind, before, after }: Change): Iterable<string> | "all" {
    if (is(kind, pods)) return this.#byPod(before, after);
    if (is(kind, configMaps) || is(kind, secrets) || is(kind, serviceAccounts)) {
      const { namespace, name } = (after ?? before)!;
      return this.#referring.get(`${kind.kind}/${namespace}/${name}`)?.keys() ?? nobody;
    }
    if (is(kind, services)) {
      if (before && after && this.#renderer.looksSame(before, after)) return nobody;
      this.#renderer.servicesChanged();
      return "all";
    }
    if (is(kind, endpointSlices)) {
      this.#renderer.servicesChanged();
      return "all";
    }
    if (is(kind, nodes)) {
      if (!before || !after || siteOf(before) !== siteOf(after)) {
        this.#renderer.nodesChanged();
        return "all";
      }
      return this.#renderer.looksSame(before, after) ? nobody : [after.name];
    }
    return nobody;
  }

  #byPod(before: Stored | undefined, after: Stored | undefined): readonly string[] {
    const from = before && nodeOf(before), to = after && nodeOf(after);
    if (before && after && from === to && (!to || this.#renderer.looksSame(before, after))) return nobody;
    if (before) this.#count(before, -1);
    if (after) this.#count(after, 1);
    return [...new Set([from, to])].filter((name) => name !== undefined && name !== "") as string[];
  }
  #count(pod: Stored, by: 1 | -1): void {
    const node = nodeOf(pod);
    if (!node) return;
    const named = references((pod.object as Pod).spec!);
    for (const name of named.configMaps) this.#add(`ConfigMap/${pod.namespace}/${name}`, node, by);
    for (const name of named.secrets) this.#add(`Secret/${pod.namespace}/${name}`, node, by);
    for (const name of named.serviceAccounts) this.#add(`ServiceAccount/${pod.namespace}/${name}`, node, by);
  }
  #add(key: string, node: string, by: 1 | -1): void {
    let counts = this.#referring.get(key);
    if (!counts) this.#referring.set(key, counts = new Map());
    const count = (counts.get(node) ?? 0) + by;
    if (count > 0) return void counts.set(node, count);
    counts.delete(node);
    if (counts.size === 0) this.#referring.delete(key);
  }
}

const nodeOf = (pod: Stored): string => pod.fields["spec.nodeName"] ?? "";
