// What spans the fields of a Service: its defaults, its rules, and what an update leaves as it was. Which fields make sense hangs on its type.
import type { Cause } from "../decode.ts";
import { cidr, ipAddress, ipFamily, routableAddress } from "../ip.ts";
import { validateLabels } from "../labels.ts";
import { dns1123Subdomain, portName, portNumber, qualifiedName } from "../names.ts";
import { duplicate, forbidden, invalid, missing, unsupported } from "../resource.ts";
import type { Service, ServicePort, ServiceSpec } from "./service.ts";

/** Ports that services of type NodePort and LoadBalancer get on every node, both ends included. */
export const nodePorts = { first: 30_000, last: 32_767 } as const;

export const isHeadless = ({ clusterIP, type }: ServiceSpec): boolean => clusterIP === "None" && type !== "ExternalName";
/** Does the system choose an address for it? */
export const needsClusterIP = ({ type }: ServiceSpec): boolean => type !== "ExternalName";
/** Does it get a port on every node for each of its ports? */
export const needsNodePort = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean =>
  type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
export const needsHealthCheckNodePort = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === "LoadBalancer" && externalTrafficPolicy === "Local";
const takesOutsideTraffic = ({ type, externalIPs = [] }: ServiceSpec): boolean =>
  type === "NodePort" || type === "LoadBalancer" || (type === "ClusterIP" && externalIPs.length > 0);

export function serviceDefaults({ spec }: Service): void {
  if (!spec) return;
  for (const port of spec.ports ?? []) port.targetPort ??= port.port;
  if (spec.sessionAffinity === "ClientIP") {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10_800 }, ...spec.sessionAffinityConfig };
  } else delete spec.sessionAffinityConfig;
  if (takesOutsideTraffic(spec)) spec.externalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  if (!needsClusterIP(spec)) return;
  spec.internalTrafficPolicy ??= "Cluster";
  if (spec.clusterIP) spec.clusterIPs ??= [spec.clusterIP];
  spec.ipFamilyPolicy ??= "SingleStack";
  spec.ipFamilies ??= spec.clusterIPs?.map(ipFamily) ?? ["IPv4"];
}

/** As upstream's patchAllocatedValues, normalizeClusterIPs and dropTypeDependentFields: clients send back only part of what was chosen for them. */
export function inheritService({ spec = {} }: Service, { spec: before = {} }: Service): void {
  if (needsClusterIP(spec) && needsClusterIP(before) && before.clusterIP) {
    spec.clusterIP ||= before.clusterIP;
    const moved = spec.clusterIP !== before.clusterIP, others = spec.clusterIPs ?? [];
    if (moved ? same(others, before.clusterIPs) : others.length === 0) spec.clusterIPs = moved ? [spec.clusterIP] : before.clusterIPs ?? [];
  }
  if (needsNodePort(spec) && needsNodePort(before)) inheritNodePorts(spec.ports ?? [], before.ports ?? []);
  if (needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(before) && before.healthCheckNodePort) {
    spec.healthCheckNodePort ||= before.healthCheckNodePort;
  }
  dropForeignFields(spec, before);
}
/** By the names of the ports, as far as no other port has taken the number. */
function inheritNodePorts(ports: ServicePort[], before: ServicePort[]): void {
  const known = new Map(before.map((port) => [port.name ?? "", port.nodePort ?? 0]));
  const taken = new Set(ports.map((port) => port.nodePort ?? 0));
  for (const port of ports) {
    const nodePort = known.get(port.name ?? "") ?? 0;
    if (port.nodePort || nodePort === 0 || taken.has(nodePort)) continue;
    port.nodePort = nodePort;
    taken.add(nodePort);
  }
}
/** What only its old type had goes, unless the writer changed it: then it is meant, and a mistake that validation names. */
function dropForeignFields(spec: ServiceSpec, before: ServiceSpec): void {
  const drop = (needs: (spec: ServiceSpec) => boolean, ...fields: (keyof ServiceSpec)[]) => {
    if (!needs(before) || needs(spec)) return;
    for (const field of fields) if (same(spec[field], before[field])) delete spec[field];
  };
  drop(needsClusterIP, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy");
  drop(takesOutsideTraffic, "externalTrafficPolicy");
  drop(needsHealthCheckNodePort, "healthCheckNodePort");
  drop(({ type }) => type === "LoadBalancer", "allocateLoadBalancerNodePorts", "loadBalancerClass");
  if (!needsNodePort(before) || needsNodePort(spec)) return;
  const ports = spec.ports ?? [], known = new Set((before.ports ?? []).map((port) => port.nodePort));
  if (ports.every((port) => known.has(port.nodePort))) { for (const port of ports) delete port.nodePort; }
}
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export function validateService({ spec = {} }: Service, old?: Service): Cause[] {
  return [
    ...validatePorts(spec),
    ...validateLabels(spec.selector, "spec.selector"),
    ...validateType(spec),
    ...validateAddresses(spec),
    ...validateTraffic(spec),
    ...old ? validateChange(spec, old.spec ?? {}) : [],
  ];
}

function validatePorts(spec: ServiceSpec): Cause[] {
  const { ports = [], type } = spec,
    causes: Cause[] = [],
    names = new Set<string>(),
    numbers = new Set<string>(),
    onNodes = new Set<string>();
  if (ports.length === 0 && !isHeadless(spec) && type !== "ExternalName") causes.push(missing("spec.ports"));
  const once = (seen: Set<string>, key: string) => seen.size !== seen.add(key).size;
  ports.forEach(({ name, port, protocol = "", targetPort, nodePort, appProtocol }, i) => {
    const at = `spec.ports[${i}]`;
    if (!name && ports.length > 1) causes.push(missing(`${at}.name`));
    if (name && !once(names, name)) causes.push(duplicate(`${at}.name`, name));
    if (!once(numbers, `${protocol} ${port}`)) causes.push(duplicate(at, { protocol, port }));
    const problems = typeof targetPort === "number" ? portNumber(targetPort) : portName(targetPort ?? "");
    causes.push(...problems.map((problem) => invalid(`${at}.targetPort`, targetPort, problem)));
    if (appProtocol) causes.push(...qualifiedName(appProtocol).map((problem) => invalid(`${at}.appProtocol`, appProtocol, problem)));
    if (!nodePort) return;
    if (type === "ClusterIP") causes.push(forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    else if (nodePort < nodePorts.first || nodePort > nodePorts.last) {
      const range = `${nodePorts.first}-${nodePorts.last}`;
      causes.push(
        invalid(`${at}.nodePort`, nodePort, `provided port is not in the valid range. The range of valid ports is ${range}`),
      );
    }
    if (!once(onNodes, `${protocol} ${nodePort}`)) causes.push(duplicate(`${at}.nodePort`, nodePort));
  });
  return causes;
}

function validateType(spec: ServiceSpec): Cause[] {
  const { type, externalName = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec, causes: Cause[] = [];
  if (type === "ExternalName") {
    const notHere = "may not be set for ExternalName services", name = externalName.replace(/\.$/, "");
    if (clusterIPs.length > 0 || spec.clusterIP) causes.push(forbidden("spec.clusterIPs", notHere));
    if (ipFamilies.length > 0) causes.push(forbidden("spec.ipFamilies", notHere));
    if (ipFamilyPolicy !== undefined) causes.push(forbidden("spec.ipFamilyPolicy", notHere));
    if (!name) causes.push(missing("spec.externalName"));
    else causes.push(...dns1123Subdomain(name).map((problem) => invalid("spec.externalName", name, problem)));
  } else if (isHeadless(spec) && type !== "ClusterIP") {
    causes.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`));
  }
  if (type === "LoadBalancer") return causes;
  const elsewhere = "may only be used when `type` is 'LoadBalancer'";
  if (spec.allocateLoadBalancerNodePorts !== undefined) causes.push(forbidden("spec.allocateLoadBalancerNodePorts", elsewhere));
  if (spec.loadBalancerClass !== undefined) causes.push(forbidden("spec.loadBalancerClass", elsewhere));
  if (spec.loadBalancerSourceRanges?.length) causes.push(forbidden("spec.loadBalancerSourceRanges", elsewhere));
  return causes;
}

function validateAddresses(spec: ServiceSpec): Cause[] {
  const { clusterIP, clusterIPs = [], externalIPs = [], loadBalancerSourceRanges = [] } = spec, causes: Cause[] = [];
  if (needsClusterIP(spec)) {
    if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0]) {
      causes.push(invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`"));
    }
    if (clusterIPs.length > 2) causes.push(invalid("spec.clusterIPs", clusterIPs, "may only hold up to 2 values"));
    if (clusterIPs.includes("None")) {
      if (clusterIPs.length > 1) causes.push(invalid("spec.clusterIPs", clusterIPs, "'None' must be the first and only value"));
    } else clusterIPs.forEach((ip, i) => causes.push(...ipAddress(ip).map((problem) => invalid(`spec.clusterIPs[${i}]`, ip, problem))));
  }
  externalIPs.forEach((ip, i) => causes.push(...routableAddress(ip).map((problem) => invalid(`spec.externalIPs[${i}]`, ip, problem))));
  loadBalancerSourceRanges.forEach((range, i) =>
    causes.push(...cidr(range.trim()).map((problem) => invalid(`spec.loadBalancerSourceRanges[${i}]`, range, problem)))
  );
  return causes;
}

/** Seconds that client affinity may last: one day. */
const longestAffinitySeconds = 86_400;

function validateTraffic(spec: ServiceSpec): Cause[] {
  const { externalTrafficPolicy, healthCheckNodePort = 0, sessionAffinity, trafficDistribution } = spec, causes: Cause[] = [];
  if (externalTrafficPolicy && !takesOutsideTraffic(spec)) {
    causes.push(invalid("spec.externalTrafficPolicy", externalTrafficPolicy, "may only be set for externally-accessible services"));
  }
  if (healthCheckNodePort !== 0 && !needsHealthCheckNodePort(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    causes.push(invalid("spec.healthCheckNodePort", healthCheckNodePort, why));
  }
  const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (sessionAffinity === "ClientIP" && timeoutSeconds === undefined) {
    causes.push(missing("spec.sessionAffinityConfig.clientIP", "when session affinity type is ClientIP"));
  } else if (timeoutSeconds !== undefined && (timeoutSeconds <= 0 || timeoutSeconds > longestAffinitySeconds)) {
    const why = `must be greater than 0 and less than ${longestAffinitySeconds}`;
    causes.push(invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeoutSeconds, why));
  }
  const distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"];
  if (trafficDistribution !== undefined && !distributions.includes(trafficDistribution)) {
    causes.push(unsupported("spec.trafficDistribution", trafficDistribution, distributions));
  }
  return causes;
}

function validateChange(spec: ServiceSpec, old: ServiceSpec): Cause[] {
  const causes: Cause[] = [], once = "may not change once set";
  if (spec.type === "LoadBalancer" && old.type === "LoadBalancer" && spec.loadBalancerClass !== old.loadBalancerClass) {
    causes.push(invalid("spec.loadBalancerClass", spec.loadBalancerClass ?? "", once));
  }
  if (!needsClusterIP(spec) || !needsClusterIP(old)) return causes;
  const now = spec.clusterIPs ?? [], before = old.clusterIPs ?? [];
  if (before.length > 0 && now.length === 0) return [...causes, invalid("spec.clusterIPs[0]", now, "primary clusterIP can not be unset")];
  before.slice(0, now.length).forEach((ip, i) => {
    if (ip !== now[i]) causes.push(invalid(`spec.clusterIPs[${i}]`, now, once));
  });
  return causes;
}
