import { atomic, bool, field, int32, kind, list, map, message, oneOf, optional, required, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import type { Cause } from "../decode.ts";
import { ipFamily, routableAddress } from "../ip.ts";
import { dns1123Label, dns1123Subdomain, portNumber } from "../names.ts";
import { duplicate, immutable, invalid, resource, tooMany } from "../resource.ts";

const discovery = "k8s.io.api.discovery.v1";
/** The label that names a slice's service. */
export const serviceNameLabel = "kubernetes.io/service-name";
/** The label that names who keeps a slice. */
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";

export class EndpointConditions extends message(`${discovery}.EndpointConditions`, "How an endpoint is.", {
  ready: optional(1, bool, "Should it get traffic? Not said means yes."),
  serving: optional(2, bool, "Does it answer? As `ready`, but also said of those that end."),
  terminating: optional(3, bool, "Is it about to end?"),
}) {}

export class ForZone extends message(`${discovery}.ForZone`, "A zone that should use an endpoint.", {
  name: required(1, string, "Name of the zone."),
}) {}

export class ForNode extends message(`${discovery}.ForNode`, "A node that should use an endpoint.", {
  name: required(1, string, "Name of the node."),
}) {}

export class EndpointHints extends message(`${discovery}.EndpointHints`, "Who should use an endpoint.", {
  forZones: field(1, list(ForZone), "Clients in these zones.", atomic),
  forNodes: field(2, list(ForNode), "Clients on these nodes.", atomic),
}) {}

export class Endpoint extends message(`${discovery}.Endpoint`, "One pod, or whatever else serves.", {
  addresses: required(1, list(string), "Its addresses: all lead to the same place, proxies take the first.", { list: "set" }),
  conditions: field(2, EndpointConditions, "How it is.", { default: {} }),
  hostname: optional(3, string, "Name by which DNS knows it below the service."),
  targetRef: optional(4, ObjectReference, "The pod behind it."),
  deprecatedTopology: field(5, map(string), "What v1beta1 said about its place; no longer read."),
  nodeName: optional(6, string, "The node it is on."),
  zone: optional(7, string, "The zone it is in."),
  hints: optional(8, EndpointHints, "Who should use it."),
}) {}

export class EndpointPort extends message(`${discovery}.EndpointPort`, "One port that serves.", {
  name: optional(1, string, "Name of the service's port.", { default: "" }),
  protocol: optional(2, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port.", { default: "TCP" }),
  port: optional(3, int32, "The port's number."),
  appProtocol: optional(4, string, "What is spoken on the port, as a hint to proxies."),
}, { map: "atomic" }) {}

export class EndpointSlice extends kind("discovery.k8s.io/v1", `${discovery}.EndpointSlice`, "Some of the endpoints of a service.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like. The label `kubernetes.io/service-name` names the service."),
  addressType: required(4, oneOf("IPv4", "IPv6", "FQDN"), "What all the addresses are. It cannot change."),
  endpoints: field(2, list(Endpoint), "The endpoints; at most 1,000.", { list: "atomic", default: [] }),
  ports: field(3, list(EndpointPort), "The ports each endpoint serves on.", { list: "atomic", default: [] }),
}) {}

/** Upstream's limits of one slice. */
const most = { endpoints: 1000, addresses: 100, ports: 100 } as const;
/** Addresses or ports that one cell shows. */
const shown = 3;
const some = (all: readonly (string | number)[]): string =>
  all.slice(0, shown).join() + (all.length > shown ? ` + ${all.length - shown} more...` : "");

export const endpointSlices = resource(EndpointSlice, {
  plural: "endpointslices",
  namespaced: true,
  columns: {
    AddressType: (slice) => slice.addressType,
    Ports: ({ ports = [] }) => ports.length === 0 ? "<unset>" : some(ports.map((port) => port.port ?? "*")),
    Endpoints: ({ endpoints = [] }) => endpoints.length === 0 ? "<unset>" : some(endpoints.flatMap((endpoint) => endpoint.addresses)),
  },
  validate({ addressType, endpoints = [], ports = [] }, old) {
    const causes = validatePorts(ports);
    if (old && old.addressType !== addressType) causes.push(immutable("addressType", addressType));
    if (endpoints.length > most.endpoints) return [...causes, tooMany("endpoints", endpoints.length, most.endpoints)];
    endpoints.forEach((endpoint, i) => causes.push(...validateEndpoint(endpoint, addressType, `endpoints[${i}]`)));
    return causes;
  },
});

function validatePorts(ports: EndpointPort[]): Cause[] {
  if (ports.length > most.ports) return [tooMany("ports", ports.length, most.ports)];
  const names = new Set<string>();
  return ports.flatMap(({ name = "", port }, i) => {
    const at = `ports[${i}]`, causes: Cause[] = [];
    if (name) causes.push(...dns1123Label(name).map((problem) => invalid(`${at}.name`, name, problem)));
    if (names.size === names.add(name).size) causes.push(duplicate(`${at}.name`, name));
    if (port !== undefined) causes.push(...portNumber(port).map((problem) => invalid(`${at}.port`, port, problem)));
    return causes;
  });
}

function validateEndpoint({ addresses, hostname, nodeName }: Endpoint, addressType: EndpointSlice["addressType"], at: string): Cause[] {
  if (addresses.length > most.addresses) return [tooMany(`${at}.addresses`, addresses.length, most.addresses)];
  const causes = addresses.flatMap((address, i) => {
    const problems = addressType === "FQDN" ? dns1123Subdomain(address) : routableAddress(address);
    if (problems.length === 0 && addressType !== "FQDN" && ipFamily(address) !== addressType) {
      problems.push(`must be an ${addressType} address`);
    }
    return problems.map((problem) => invalid(`${at}.addresses[${i}]`, address, problem));
  });
  if (hostname !== undefined) causes.push(...dns1123Label(hostname).map((problem) => invalid(`${at}.hostname`, hostname, problem)));
  if (nodeName !== undefined) causes.push(...dns1123Subdomain(nodeName).map((problem) => invalid(`${at}.nodeName`, nodeName, problem)));
  return causes;
}
