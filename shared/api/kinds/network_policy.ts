// Who may talk to a group of pods, and to whom these may talk.
import type { Cause } from "../decode.ts";
import { cidr, networkWithin } from "../ip.ts";
import { validateLabelSelector } from "../labels.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { portName, portNumber } from "../names.ts";
import { forbidden, invalid, missing, resource } from "../resource.ts";
import { intOrString } from "../scalars.ts";
import { atomic, field, int32, kind, list, message, oneOf, optional, required, string } from "../schema.ts";
import { each, obeysSyntax } from "./pod/check.ts";
import { selectorText } from "./workload.ts";

export const networking = "k8s.io.api.networking.v1";

export class IPBlock extends message(`${networking}.IPBlock`, "A network, but for parts of it.", {
  cidr: required(1, string, "The network, such as 192.168.1.0/24."),
  except: field(2, list(string), "Networks within it that are not meant.", atomic),
}) {}
export class NetworkPolicyPeer extends message(`${networking}.NetworkPolicyPeer`, "Somebody to talk to: pods, or a network.", {
  podSelector: optional(1, LabelSelector, "Pods, of the policy's own namespace or of those that namespaceSelector selects."),
  namespaceSelector: optional(2, LabelSelector, "Namespaces; all their pods, unless podSelector is there, too."),
  ipBlock: optional(3, IPBlock, "A network outside. Not with the other two."),
}) {}
export class NetworkPolicyPort extends message(`${networking}.NetworkPolicyPort`, "A port, or a range of ports.", {
  protocol: optional(1, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port.", { default: "TCP" }),
  port: optional(2, intOrString, "Its number, or its name on the pods. All, if left out."),
  endPort: optional(3, int32, "The last of a range that begins at the number in `port`."),
}) {}

const ports = field(1, list(NetworkPolicyPort), "On which ports. On all, if left out.", atomic);
export class NetworkPolicyIngressRule extends message(`${networking}.NetworkPolicyIngressRule`, "What may come in.", {
  ports,
  from: field(2, list(NetworkPolicyPeer), "From any of these. From everybody, if left out.", atomic),
}) {}
export class NetworkPolicyEgressRule extends message(`${networking}.NetworkPolicyEgressRule`, "What may go out.", {
  ports,
  to: field(2, list(NetworkPolicyPeer), "To any of these. To everybody, if left out.", atomic),
}) {}
export class NetworkPolicySpec extends message(`${networking}.NetworkPolicySpec`, "What is wanted of a network policy.", {
  podSelector: field(1, LabelSelector, "The pods it is about. Empty: all of the namespace.", { default: {} }),
  ingress: field(2, list(NetworkPolicyIngressRule), "What may come in: whatever one of these lets through.", atomic),
  egress: field(3, list(NetworkPolicyEgressRule), "What may go out: whatever one of these lets through.", atomic),
  policyTypes: field(
    4,
    list(oneOf("Ingress", "Egress")),
    "Which way it is about. Ingress, and Egress if it has such rules, if left out.",
    atomic,
  ),
}) {}
export class NetworkPolicy extends kind("networking.k8s.io/v1", `${networking}.NetworkPolicy`, "Who may talk to some pods.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, NetworkPolicySpec, "What is wanted.", { default: {} }),
}) {}

export const networkPolicies = resource(NetworkPolicy, {
  plural: "networkpolicies",
  short: ["netpol"],
  namespaced: true,
  columns: { "Pod-Selector": ({ spec }) => selectorText(spec?.podSelector) },
  defaults({ spec }) {
    if (!spec || spec.policyTypes?.length) return;
    spec.policyTypes = spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
  },
  validate({ spec = {} }) {
    const { podSelector = {}, ingress, egress, policyTypes = [] } = spec, at = "spec.policyTypes";
    return [
      ...validateLabelSelector(podSelector, "spec.podSelector"),
      ...each(ingress, "spec.ingress", ({ ports, from }, here) => validateRule(ports, from, here, "from")),
      ...each(egress, "spec.egress", ({ ports, to }, here) => validateRule(ports, to, here, "to")),
      ...policyTypes.length > 2 ? [invalid(at, policyTypes, "may not specify more than two policyTypes")] : [],
    ];
  },
});

type Ports = NetworkPolicyIngressRule["ports"];
const validateRule = (ports: Ports, peers: NetworkPolicyIngressRule["from"], at: string, direction: "from" | "to"): Cause[] => [
  ...each(ports, `${at}.ports`, validatePort),
  ...each(peers, `${at}.${direction}`, validatePeer),
];

function validatePort({ port, endPort }: NetworkPolicyPort, at: string): Cause[] {
  const last = `${at}.endPort`;
  if (port === undefined) return endPort === undefined ? [] : [invalid(last, endPort, "may not be specified when `port` is not specified")];
  if (typeof port === "string") {
    return [
      ...endPort === undefined ? [] : [invalid(last, endPort, "may not be specified when `port` is non-numeric")],
      ...obeysSyntax(`${at}.port`, port, portName),
    ];
  }
  const causes = portNumber(port).map((problem) => invalid(`${at}.port`, port, problem));
  if (endPort === undefined) return causes;
  if (endPort < port) causes.push(invalid(last, port, "must be greater than or equal to `port`"));
  return [...causes, ...portNumber(endPort).map((problem) => invalid(last, endPort, problem))];
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, at: string): Cause[] {
  const causes = [
    ...podSelector ? validateLabelSelector(podSelector, `${at}.podSelector`) : [],
    ...namespaceSelector ? validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`) : [],
    ...ipBlock ? validateBlock(ipBlock, `${at}.ipBlock`) : [],
  ];
  if (!podSelector && !namespaceSelector && !ipBlock) causes.push(missing(at, "must specify a peer"));
  else if (ipBlock && (podSelector || namespaceSelector)) causes.push(forbidden(at, "may not specify both ipBlock and another peer"));
  return causes;
}

function validateBlock({ cidr: network, except }: IPBlock, at: string): Cause[] {
  if (network === "") return [missing(`${at}.cidr`)];
  const broken = obeysSyntax(`${at}.cidr`, network, cidr);
  return [
    ...broken,
    ...each(except, `${at}.except`, (part, here) => {
      const causes = obeysSyntax(here, part, cidr);
      if (causes.length + broken.length > 0 || networkWithin(part, network)) return causes;
      return [invalid(here, part, "must be a strict subset of `cidr`")];
    }),
  ];
}
