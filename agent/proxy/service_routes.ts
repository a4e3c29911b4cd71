// The rules of one service. Pure. Each port and IP family has up to four chains:
//   svc/…  to all endpoints       loc/…  to those of this node
//   ext/…  clients from outside the cluster, by node port, external or load balancer address       fw/…  their source ranges
// and, with session affinity, per endpoint a chain ep/… and a set aff/… of the clients that stay with it. The names carry no version: equal rules are equal text.
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { EndpointSlice } from "../../shared/api/kinds/endpoint_slice.ts";
import type { Service, ServicePort } from "../../shared/api/kinds/service.ts";
import { nft } from "../../shared/names.ts";
import { type Family, type LocalFacts, type Target, type Targets, targetsOf } from "./endpoints.ts";

/** What one service adds to the table. */
export interface Routes {
  /** Sets of clients by name, with the seconds for which a client is remembered. */
  readonly sets: ReadonlyMap<string, { readonly family: Family; readonly timeoutSeconds: number }>;
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** `[map or set, key, verdict]`, verdict undefined in sets. */
  readonly elements: readonly (readonly [map: string, key: string, verdict: string | undefined])[];
  /** UDP doors and who stands behind them: where a connection must not outlive its endpoint. Key `address port`, or `* port` of a node port. */
  readonly udp: ReadonlyMap<string, readonly string[]>;
}

interface Building extends Routes {
  readonly sets: Map<string, { family: Family; timeoutSeconds: number }>;
  readonly chains: Map<string, readonly string[]>;
  readonly elements: (readonly [string, string, string | undefined])[];
  readonly udp: Map<string, readonly string[]>;
}

/** Kubernetes' default for a client that comes back (ClientIPConfig.timeoutSeconds). */
const affinitySeconds = 10_800;
const mark = `meta mark set meta mark | 0x${nft.fwmark.toString(16).padStart(8, "0")}`;

/** A headless service or one that is only a name has none. */
export function serviceRoutes(service: Service, slices: readonly EndpointSlice[], nodeName: string, facts: LocalFacts): Routes {
  const routes: Building = { sets: new Map(), chains: new Map(), elements: [], udp: new Map() };
  const { spec = {}, status } = service;
  const clusterIPs = (spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ""]).filter((address) => isIP(address));
  if (spec.type === "ExternalName" || clusterIPs.length === 0) return routes;
  const balanced = spec.type === "LoadBalancer"
    ? (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== "Proxy").map(({ ip = "" }) => ip)
    : [];
  for (const family of [4, 6] as const) {
    const ours = (addresses: readonly string[]) => addresses.filter((address) => isIP(address) === family);
    const doors = { cluster: ours(clusterIPs), external: ours(spec.externalIPs ?? []), balanced: ours(balanced) };
    if (doors.cluster.length === 0 && spec.clusterIPs?.length) continue;
    for (const address of doors.cluster) routes.elements.push([`cluster_ips${family}`, address, undefined]);
    for (const port of spec.ports ?? []) {
      if (port.protocol === "SCTP") continue; // needs kernel modules that small boards lack
      addPort(routes, service, port, doors, family, targetsOf(service, port, slices, family, nodeName, facts));
    }
  }
  return routes;
}

interface Doors {
  readonly cluster: readonly string[];
  readonly external: readonly string[];
  readonly balanced: readonly string[];
}

function addPort(routes: Building, service: Service, port: ServicePort, doors: Doors, family: Family, targets: Targets): void {
  const { spec = {} } = service, ip = family === 4 ? "ip" : "ip6", protocol = (port.protocol ?? "TCP").toLowerCase();
  const path = `${service.metadata!.namespace}/${service.metadata!.name}/${protocol}/${port.port}`;
  const chain = { svc: `svc/${path}/${family}`, loc: `loc/${path}/${family}`, ext: `ext/${path}/${family}`, fw: `fw/${path}/${family}` };
  const outside = [...doors.external, ...doors.balanced], nodePort = port.nodePort || undefined;
  const isOutside = outside.length > 0 || nodePort !== undefined;
  const localInside = spec.internalTrafficPolicy === "Local", localOutside = isOutside && spec.externalTrafficPolicy === "Local";
  const { cluster, local } = targets;

  const balance = balancer(routes, service, path, protocol, family);
  if (cluster.length > 0 && (!localInside || isOutside)) {
    routes.chains.set(chain.svc, [`${ip} saddr != @pod_cidr${family} ${mark}`, ...balance(cluster)]);
  }
  if (local.length > 0 && (localInside || localOutside)) routes.chains.set(chain.loc, balance(local));
  if (cluster.length > 0 && isOutside) {
    // Local keeps the client's address, so only those who came from outside take the local way; this node and its pods need not.
    routes.chains.set(
      chain.ext,
      localOutside
        ? [
          `${ip} saddr @local_pods${family} goto ${chain.svc}`,
          `fib saddr type local ${mark}`,
          `fib saddr type local goto ${chain.svc}`,
          ...(local.length > 0 ? [`goto ${chain.loc}`] : []),
        ]
        : [mark, `goto ${chain.svc}`],
    );
  }
  for (const address of targets.here) routes.elements.push([`hairpin${family}`, `${address} . ${address}`, undefined]);

  /** No endpoint at all is refused; none on this node, where the policy wants one here, is dropped, as upstream does. */
  const open = (key: string, isLocal: boolean, goto: string, maps: readonly [to: string, none: string]): void => {
    if (cluster.length > 0 && (!isLocal || local.length > 0 || goto === chain.ext)) {
      routes.elements.push([`${maps[0]}${family}`, key, `goto ${goto}`]);
    }
    if (cluster.length === 0) routes.elements.push([`${maps[1]}${family}`, key, "goto rej"]);
    else if (isLocal && local.length === 0) routes.elements.push([`${maps[1]}${family}`, key, "drop"]);
  };
  for (const address of doors.cluster) {
    open(`${address} . ${protocol} . ${port.port}`, localInside, localInside ? chain.loc : chain.svc, ["svc", "noep"]);
  }
  for (const address of outside) open(`${address} . ${protocol} . ${port.port}`, localOutside, chain.ext, ["svc", "noep"]);
  if (nodePort !== undefined) open(`${protocol} . ${nodePort}`, localOutside, chain.ext, ["np", "noepnp"]);

  // Source ranges hold for load balancer addresses alone; they are judged before DNAT, by the client's own address.
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter((range) =>
    isIP(range.split("/")[0]!) === family
  );
  if (doors.balanced.length > 0 && (spec.loadBalancerSourceRanges ?? []).length > 0) {
    routes.chains.set(chain.fw, ranges.length > 0 ? [`${ip} saddr != { ${[...new Set(ranges)].join(", ")} } drop`] : ["drop"]);
    for (const address of doors.balanced) {
      routes.elements.push([`fw${family}`, `${address} . ${protocol} . ${port.port}`, `goto ${chain.fw}`]);
    }
  }
  if (protocol === "udp") {
    const behind = cluster.map(({ address }) => address);
    for (const address of [...doors.cluster, ...outside]) routes.udp.set(`${address} ${port.port}`, behind);
    if (nodePort !== undefined) routes.udp.set(`* ${nodePort}`, behind);
  }
}

/** Rules that spread over targets. With affinity, clients that are remembered go where they went; both policies share what is remembered. */
function balancer(
  routes: Building,
  { spec = {} }: Service,
  path: string,
  protocol: string,
  family: Family,
): (targets: readonly Target[]) => string[] {
  const ip = family === 4 ? "ip" : "ip6";
  if (spec.sessionAffinity !== "ClientIP") {
    return (targets) => {
      const to = targets.length === 1
        ? written(targets[0]!, family)
        : `numgen random mod ${targets.length} map { ${targets.map(({ address, port }, i) => `${i} : ${address} . ${port}`).join(", ")} }`;
      return [`meta l4proto ${protocol} dnat ${ip} to ${to}`];
    };
  }
  const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinitySeconds;
  return (targets) => {
    const names = targets.map(({ address, port }) => {
      // The time is part of the name: the kernel changes no set's, and a new name leaves the old one to be cleared away.
      const end = `${path}/${address.replaceAll(":", "_")}/${port}/${timeoutSeconds}s`,
        set = short(`aff/${end}`),
        chain = short(`ep/${end}`);
      routes.sets.set(set, { family, timeoutSeconds });
      routes.chains.set(chain, [
        `update @${set} { ${ip} saddr }`,
        `meta l4proto ${protocol} dnat ${ip} to ${written({ address, port }, family)}`,
      ]);
      return { set, chain };
    });
    return [
      ...names.map(({ set, chain }) => `${ip} saddr @${set} goto ${chain}`),
      names.length === 1
        ? `goto ${names[0]!.chain}`
        : `numgen random mod ${names.length} vmap { ${names.map(({ chain }, i) => `${i} : goto ${chain}`).join(", ")} }`,
    ];
  };
}

const written = ({ address, port }: Target, family: Family): string => family === 4 ? `${address}:${port}` : `[${address}]:${port}`;

/** The kernel's names have at most 255 bytes; namespace, service and an IPv6 address can need a few more. */
const longest = 240;
const short = (name: string): string =>
  name.length <= longest ? name : `${name.slice(0, longest - 17)}.${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
