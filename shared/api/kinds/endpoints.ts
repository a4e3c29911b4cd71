import { atomic, field, int32, kind, list, message, oneOf, optional, required, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import type { Cause } from "../decode.ts";
import { routableAddress } from "../ip.ts";
import { dns1123Label, dns1123Subdomain, portNumber, type Syntax } from "../names.ts";
import { invalid, missing, resource } from "../resource.ts";

const core = "k8s.io.api.core.v1";

export class EndpointAddress extends message(`${core}.EndpointAddress`, "One address that serves.", {
  ip: required(1, string, "The address."),
  hostname: field(3, string, "Name by which DNS knows it below the service."),
  nodeName: optional(4, string, "The node it is on."),
  targetRef: optional(2, ObjectReference, "The pod behind it."),
}, { map: "atomic" }) {}

export class EndpointPort extends message(`${core}.EndpointPort`, "One port that serves.", {
  name: field(1, string, "Name of the service's port; needed if there are several."),
  port: required(2, int32, "The port's number."),
  protocol: field(3, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port.", { default: "TCP" }),
  appProtocol: optional(4, string, "What is spoken on the port, as a hint to proxies."),
}, { map: "atomic" }) {}

export class EndpointSubset
  extends message(`${core}.EndpointSubset`, "Addresses that serve on the same ports: each address on each port.", {
    addresses: field(1, list(EndpointAddress), "Those that are ready.", atomic),
    notReadyAddresses: field(2, list(EndpointAddress), "Those that are not, or no longer.", atomic),
    ports: field(3, list(EndpointPort), "The ports.", atomic),
  }) {}

export class Endpoints extends kind("v1", `${core}.Endpoints`, "Where a service is served: the older form of EndpointSlice.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like. The name is the service's."),
  subsets: field(2, list(EndpointSubset), "All addresses and ports.", atomic),
}) {}

/** Addresses that one cell shows. */
const shown = 3;

export const endpoints = resource(Endpoints, {
  plural: "endpoints",
  short: ["ep"],
  namespaced: true,
  columns: {
    Endpoints({ subsets = [] }) {
      const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
        ports.length === 0
          ? addresses.map((address) => address.ip)
          : ports.flatMap((port) => addresses.map((address) => hostPort(address.ip, port.port)))
      );
      if (all.length === 0) return "<none>";
      return all.slice(0, shown).join() + (all.length > shown ? ` + ${all.length - shown} more...` : "");
    },
  },
  validate: ({ subsets = [] }) => subsets.flatMap(validateSubset),
});

const hostPort = (ip: string, port: number): string => ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, i: number): Cause[] {
  const at = `subsets[${i}]`, causes: Cause[] = [];
  const check = (field: string, text: string, syntax: Syntax) =>
    causes.push(...syntax(text).map((problem) => invalid(field, text, problem)));
  if (addresses.length + notReadyAddresses.length === 0) causes.push(missing(at, "must specify `addresses` or `notReadyAddresses`"));
  for (const [list, all] of Object.entries({ addresses, notReadyAddresses })) {
    all.forEach(({ ip, hostname, nodeName }, n) => {
      check(`${at}.${list}[${n}].ip`, ip, routableAddress);
      if (hostname) check(`${at}.${list}[${n}].hostname`, hostname, dns1123Label);
      if (nodeName) check(`${at}.${list}[${n}].nodeName`, nodeName, dns1123Subdomain);
    });
  }
  ports.forEach(({ name, port }, n) => {
    if (!name && ports.length > 1) causes.push(missing(`${at}.ports[${n}].name`));
    if (name) check(`${at}.ports[${n}].name`, name, dns1123Label);
    causes.push(...portNumber(port).map((problem) => invalid(`${at}.ports[${n}].port`, port, problem)));
  });
  return causes;
}
