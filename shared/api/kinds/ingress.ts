// Which requests from outside go to which Service.
import { ageOf } from "../age.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { atomic, field, inline, int32, kind, list, message, oneOf, optional, required, string } from "../schema.ts";
import { validateIngress } from "./ingress_rules.ts";
import { networking } from "./network_policy.ts";
import { TypedLocalObjectReference } from "./pod/reference.ts";

export class ServiceBackendPort extends message(`${networking}.ServiceBackendPort`, "A port of a Service, by name or number.", {
  name: field(1, string, "Its name."),
  number: field(2, int32, "Its number."),
}, { map: "atomic" }) {}
export class IngressServiceBackend extends message(`${networking}.IngressServiceBackend`, "A Service of the same namespace.", {
  name: required(1, string, "Name of the Service."),
  port: field(2, ServiceBackendPort, "Its port.", { default: {} }),
}) {}
export class IngressBackend extends message(`${networking}.IngressBackend`, "Where requests go: to one of these.", {
  resource: optional(3, TypedLocalObjectReference, "Another object, which the controller knows how to use."),
  service: optional(4, IngressServiceBackend, "A Service."),
}) {}

export class HTTPIngressPath extends message(`${networking}.HTTPIngressPath`, "Where requests for a path go.", {
  path: field(1, string, "The path."),
  backend: required(2, IngressBackend, "Where they go."),
  pathType: required(
    3,
    oneOf("Exact", "Prefix", "ImplementationSpecific"),
    "Exactly this path, also what is below it, or as the controller understands it.",
  ),
}) {}
export class HTTPIngressRuleValue extends message(`${networking}.HTTPIngressRuleValue`, "Paths and where requests for them go.", {
  paths: required(1, list(HTTPIngressPath), "The paths.", atomic),
}) {}
export class IngressRuleValue extends message(`${networking}.IngressRuleValue`, "What a rule says.", {
  http: optional(1, HTTPIngressRuleValue, "For HTTP."),
}) {}
export class IngressRule extends message(`${networking}.IngressRule`, "What becomes of requests for one host.", {
  host: field(1, string, "The host; `*.` may stand for its first part. All hosts, if left out."),
  ...inline(2, "ingressRuleValue", IngressRuleValue),
}) {}
export class IngressTLS extends message(`${networking}.IngressTLS`, "A certificate for some hosts.", {
  hosts: field(1, list(string), "The hosts in it.", atomic),
  secretName: field(2, string, "Secret with certificate and key."),
}) {}
export class IngressSpec extends message(`${networking}.IngressSpec`, "What is wanted of an ingress.", {
  defaultBackend: optional(1, IngressBackend, "Where requests go that no rule is about."),
  tls: field(2, list(IngressTLS), "Certificates.", atomic),
  rules: field(3, list(IngressRule), "What becomes of requests, by their hosts and paths.", atomic),
  ingressClassName: optional(4, string, "IngressClass: who looks after it."),
}) {}

export class IngressPortStatus extends message(`${networking}.IngressPortStatus`, "How a port is.", {
  port: required(1, int32, "Number of the port."),
  protocol: required(2, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port."),
  error: optional(3, string, "What is wrong with it, as one CamelCase word."),
}) {}
export class IngressLoadBalancerIngress extends message(`${networking}.IngressLoadBalancerIngress`, "One place where requests are taken.", {
  ip: field(1, string, "Its address."),
  hostname: field(2, string, "Its name."),
  ports: field(4, list(IngressPortStatus), "How its ports are.", atomic),
}) {}
export class IngressLoadBalancerStatus extends message(`${networking}.IngressLoadBalancerStatus`, "Where requests are taken.", {
  ingress: field(1, list(IngressLoadBalancerIngress), "The places.", atomic),
}) {}
export class IngressStatus extends message(`${networking}.IngressStatus`, "How an ingress is.", {
  loadBalancer: field(1, IngressLoadBalancerStatus, "Where requests are taken.", { default: {} }),
}) {}
export class Ingress extends kind("networking.k8s.io/v1", `${networking}.Ingress`, "Which requests from outside go to which Service.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, IngressSpec, "What is wanted.", { default: {} }),
  status: field(3, IngressStatus, "What is. Written by the system.", { default: {} }),
}) {}

/** Hosts that are shown. */
const shownHosts = 3;
export const ingresses = resource(Ingress, {
  plural: "ingresses",
  short: ["ing"],
  namespaced: true,
  status: true,
  columns: {
    Class: ({ spec }) => spec?.ingressClassName ?? "<none>",
    Hosts({ spec: { rules = [] } = {} }) {
      const hosts = rules.flatMap(({ host }) => host ? [host] : []), shown = hosts.slice(0, shownHosts).join() || "*";
      return hosts.length > shownHosts ? `${shown} + ${rules.length - shownHosts} more...` : shown;
    },
    Address: ({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "").filter(Boolean).join(),
    Ports: ({ spec }) => spec?.tls?.length ? "80, 443" : "80",
    Age: ageOf,
  },
  validate: validateIngress,
});
