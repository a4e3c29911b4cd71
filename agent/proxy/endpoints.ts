// Which endpoints take a service port's traffic. Pure. The node knows its own pods better and sooner than any EndpointSlice: after a power cut without a
// master their addresses are others, and none is ready until its probe says so.
import type { Endpoint, EndpointSlice } from "../../shared/api/kinds/endpoint_slice.ts";
import type { Service, ServicePort } from "../../shared/api/kinds/service.ts";

export type Family = 4 | 6;

/** A pod of this node, as the agent sees it. */
export interface LocalPod {
  readonly address: string | undefined;
  readonly ready: boolean;
  readonly terminating: boolean;
}
/** What only this node knows. */
export interface LocalFacts {
  /** All pods of this node by uid; an endpoint here that is not among them is gone. Undefined: not looked yet, the slices are believed. */
  readonly pods: ReadonlyMap<string, LocalPod> | undefined;
  /** Do bridged packets pass the netfilter hooks (br_netfilter)? If not, the way back between pods of one bridge is kept by masquerading. */
  readonly bridgeNetfilter: boolean;
}

/** Where packets go: an address and a port. */
export interface Target {
  readonly address: string;
  readonly port: number;
}
/** A port's targets, for clients of each kind of policy. Sorted, without doubles. */
export interface Targets {
  /** Policy Cluster: all that can be reached. */
  readonly cluster: readonly Target[];
  /** Policy Local: those on this node. */
  readonly local: readonly Target[];
  /** Addresses of pods on this node among them: these may meet themselves. */
  readonly here: readonly string[];
}

interface Candidate extends Target {
  readonly here: boolean;
  readonly ready: boolean;
  /** Ends, but still answers. */
  readonly lingers: boolean;
}

export function targetsOf(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  family: Family,
  nodeName: string,
  facts: LocalFacts,
): Targets {
  const candidates: Candidate[] = [];
  for (const slice of slices) {
    if (slice.addressType !== `IPv${family}`) continue;
    const number = slice.ports?.find(({ name = "", protocol = "TCP" }) =>
      name === (port.name ?? "") && protocol === (port.protocol ?? "TCP")
    )?.port;
    if (number === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const candidate = look(endpoint, service.spec?.publishNotReadyAddresses === true, nodeName, facts);
      if (candidate) candidates.push({ ...candidate, port: number });
    }
  }
  const local = candidates.filter(({ here }) => here);
  return { cluster: serving(candidates), local: serving(local), here: [...new Set(serving(local).map(({ address }) => address))].sort() };
}

/** Those that are ready; if none is, those that end and still answer (KEP-1669): a rollout on a single node drops nobody. */
function serving(candidates: readonly Candidate[]): Target[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  const chosen = ready.length > 0 ? ready : candidates.filter(({ lingers }) => lingers);
  const distinct = new Map(chosen.map(({ address, port }) => [`${address} ${port}`, { address, port }]));
  return [...distinct].sort(([a], [b]) => a < b ? -1 : 1).map(([, target]) => target);
}

function look(
  { addresses, conditions = {}, nodeName, targetRef }: Endpoint,
  publishNotReady: boolean,
  thisNode: string,
  { pods }: LocalFacts,
): Omit<Candidate, "port"> | undefined {
  const here = nodeName === thisNode, uid = targetRef?.kind === "Pod" ? targetRef.uid : undefined;
  if (here && uid !== undefined && pods !== undefined) {
    const pod = pods.get(uid);
    if (pod?.address === undefined) return undefined;
    const ready = publishNotReady || (pod.ready && !pod.terminating);
    return { address: pod.address, here, ready, lingers: pod.ready && pod.terminating };
  }
  const address = addresses[0]; // the others lead to the same place
  if (address === undefined) return undefined;
  const { ready = true, serving = ready, terminating = false } = conditions;
  return { address, here, ready, lingers: serving && terminating };
}
