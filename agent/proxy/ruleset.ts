// All rules of a node as one value. Pure: the same services, endpoints and facts give the same value, and equal values are equal text.
import type { Service } from "../../shared/api/kinds/service.ts";
import type { EndpointSlice } from "../../shared/api/kinds/endpoint_slice.ts";
import { type BaseChain, baseChains, networkElements, type Networks } from "./base.ts";
import type { LocalFacts } from "./endpoints.ts";
import { type Routes, serviceRoutes } from "./service_routes.ts";

export interface Ruleset {
  /** The chains that are there whatever the services. */
  readonly base: ReadonlyMap<string, BaseChain>;
  readonly sets: Routes["sets"];
  readonly chains: Routes["chains"];
  /** Per map or set of the base: key → verdict (undefined in sets). */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string | undefined>>;
  readonly udp: Routes["udp"];
  /** Doors (an address, a node port) that two services claim: the first by name has it. */
  readonly conflicts: readonly string[];
}

/** One service with its slices. */
export interface ServiceView {
  /** `namespace/name`. */
  readonly key: string;
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}
/** What the desired set says about routes. */
export interface RoutesView {
  readonly nodeName: string;
  readonly networks: Networks;
  /** Sorted by key. A view that has not changed is the same object as before. */
  readonly services: readonly ServiceView[];
}

/** Plans rulesets; remembers the routes of services that have not changed. */
export class Planner {
  readonly #base: { readonly bridged: Ruleset["base"]; readonly switched: Ruleset["base"] };
  #facts: LocalFacts | undefined;
  #nodeName = "";
  #known = new Map<ServiceView, Routes>();

  constructor(bridge: string) {
    this.#base = { bridged: baseChains({ bridge, bridgeNetfilter: true }), switched: baseChains({ bridge, bridgeNetfilter: false }) };
  }

  plan(view: RoutesView, facts: LocalFacts): Ruleset {
    const reusable = this.#facts === facts && this.#nodeName === view.nodeName;
    const known = new Map<ServiceView, Routes>();
    for (const service of view.services) {
      const before = reusable ? this.#known.get(service) : undefined;
      known.set(service, before ?? serviceRoutes(service.service, service.slices, view.nodeName, facts));
    }
    this.#facts = facts;
    this.#nodeName = view.nodeName;
    this.#known = known;
    const base = facts.bridgeNetfilter ? this.#base.bridged : this.#base.switched;
    return merge(known, view.networks, base);
  }
}

function merge(all: ReadonlyMap<ServiceView, Routes>, networks: Networks, base: Ruleset["base"]): Ruleset {
  const sets = new Map<string, { family: 4 | 6; timeoutSeconds: number }>(), chains = new Map<string, readonly string[]>();
  const elements = new Map<string, Map<string, string | undefined>>(), udp = new Map<string, readonly string[]>(), conflicts: string[] = [];
  const add = (map: string, key: string, verdict: string | undefined): boolean => {
    let of = elements.get(map);
    if (!of) elements.set(map, of = new Map());
    if (!of.has(key)) of.set(key, verdict);
    return of.get(key) === verdict;
  };
  for (const [set, cidr] of networkElements(networks)) add(set, cidr, undefined);
  for (const [{ key: service }, routes] of all) {
    for (const [name, set] of routes.sets) sets.set(name, set);
    for (const [name, rules] of routes.chains) chains.set(name, rules);
    for (const [door, behind] of routes.udp) if (!udp.has(door)) udp.set(door, behind);
    // The kernel refuses the whole transaction for one key with two verdicts.
    for (const [map, key, verdict] of routes.elements) if (!add(map, key, verdict)) conflicts.push(`${service}: ${key}`);
  }
  return { base, sets, chains, elements, udp, conflicts };
}
