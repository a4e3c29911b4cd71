import * as v from "valibot";
import { atomic, bool, field, int32, kind, list, map, mergedBy, message, oneOf, optional, refine, required, string } from "../schema.ts";
import { intOrString } from "../scalars.ts";
import { Condition, label, ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { inheritService, serviceDefaults, validateService } from "./service_rules.ts";

const core = "k8s.io.api.core.v1";
const outside = "must be between 1 and 65535, inclusive";
const port = refine(int32, v.minValue(1, outside), v.maxValue(65535, outside));

export class ServicePort extends message(`${core}.ServicePort`, "One port of a service.", {
  name: field(1, label, "Name, unique in the service; may be left out if there is only one port."),
  protocol: field(2, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port.", { default: "TCP" }),
  port: required(3, port, "The port the service offers."),
  targetPort: field(4, intOrString, "Number or name of the port on the pods. Same as `port` if left out."),
  nodePort: field(5, int32, "Port on every node, for services of type NodePort and LoadBalancer; chosen by the system if left out."),
  appProtocol: optional(6, string, "What is spoken on the port, as a hint to proxies."),
}) {}

export class ClientIPConfig extends message(`${core}.ClientIPConfig`, "Affinity by client address.", {
  timeoutSeconds: optional(1, int32, "Seconds without traffic after which a client may get another pod; at most a day.", {
    default: 10_800,
  }),
}) {}

export class SessionAffinityConfig extends message(`${core}.SessionAffinityConfig`, "Details of the session affinity.", {
  clientIP: optional(1, ClientIPConfig, "For affinity by client address."),
}) {}

export class ServiceSpec extends message(`${core}.ServiceSpec`, "What the service offers, and by which pods.", {
  ports: field(1, list(ServicePort), "The ports of the service.", {
    list: "map",
    keys: ["port", "protocol"],
    patch: { strategy: "merge", key: "port" },
  }),
  selector: field(2, map(string), "Labels of the pods that serve. Without it, somebody else keeps the endpoints.", { map: "atomic" }),
  clusterIP: field(3, string, "Address of the service, chosen by the system if left out; None for a headless one. It cannot change."),
  clusterIPs: field(18, list(string), "Its addresses, one for each IP family; the first is `clusterIP`.", atomic),
  type: field(4, oneOf("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"), "How the service can be reached.", {
    default: "ClusterIP",
  }),
  externalIPs: field(
    5,
    list(string),
    "Further addresses that nodes take traffic for; that it gets there is somebody else's business.",
    atomic,
  ),
  sessionAffinity: field(7, oneOf("ClientIP", "None"), "Does a client stay with its pod?", { default: "None" }),
  loadBalancerIP: field(8, string, "Address wished for from the load balancer. Not every provider heeds it."),
  loadBalancerSourceRanges: field(9, list(string), "Networks whose clients the load balancer lets through.", atomic),
  externalName: field(10, string, "The DNS name that a service of type ExternalName stands for."),
  externalTrafficPolicy: field(
    11,
    oneOf("Cluster", "Local"),
    "Which pods serve clients outside the cluster: all, or those of the node they came to.",
  ),
  healthCheckNodePort: field(12, int32, "Port on every node where a load balancer asks whether it has pods that serve."),
  publishNotReadyAddresses: field(13, bool, "Do pods serve, and have names in DNS, before they are ready?"),
  sessionAffinityConfig: optional(14, SessionAffinityConfig, "Details of the session affinity."),
  ipFamilyPolicy: optional(17, oneOf("SingleStack", "PreferDualStack", "RequireDualStack"), "One IP family or two?"),
  ipFamilies: field(19, list(oneOf("IPv4", "IPv6")), "The IP families, in the order of `clusterIPs`.", atomic),
  allocateLoadBalancerNodePorts: optional(20, bool, "Does a service of type LoadBalancer get node ports?"),
  loadBalancerClass: optional(21, string, "Who provides the load balancer, if not the default provider. It cannot change."),
  internalTrafficPolicy: optional(
    22,
    oneOf("Cluster", "Local"),
    "Which pods serve clients inside the cluster: all, or those of the client's node.",
  ),
  trafficDistribution: optional(23, string, "Which pods are preferred: PreferSameZone, PreferSameNode or PreferClose."),
}) {}

export class PortStatus extends message(`${core}.PortStatus`, "How a port of the load balancer is.", {
  port: required(1, int32, "Number of the port."),
  protocol: required(2, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port."),
  error: optional(3, string, "What is wrong with it, as one CamelCase word."),
}) {}

export class LoadBalancerIngress extends message(`${core}.LoadBalancerIngress`, "One place where the load balancer takes traffic.", {
  ip: field(1, string, "Its address."),
  hostname: field(2, string, "Its name."),
  ipMode: optional(3, string, "VIP: packets arrive with this address; Proxy: with the node's or the pod's."),
  ports: field(4, list(PortStatus), "How its ports are.", atomic),
}) {}

export class LoadBalancerStatus extends message(`${core}.LoadBalancerStatus`, "How the load balancer is.", {
  ingress: field(1, list(LoadBalancerIngress), "Where it takes traffic.", atomic),
}) {}

export class ServiceStatus extends message(`${core}.ServiceStatus`, "How the service is.", {
  loadBalancer: field(1, LoadBalancerStatus, "The load balancer, if it has one.", { default: {} }),
  conditions: field(2, list(Condition), "Its state, aspect by aspect.", mergedBy("type")),
}) {}

export class Service extends kind("v1", `${core}.Service`, "A name and an address for a changing set of pods.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, ServiceSpec, "What is wanted.", { default: {} }),
  status: field(3, ServiceStatus, "What is. Written by the system.", { default: {} }),
}) {}

export const services = resource(Service, {
  plural: "services",
  short: ["svc"],
  categories: ["all"],
  namespaced: true,
  status: true,
  generation: false,
  names: "dns1035",
  selectable: {
    "spec.clusterIP": (service) => service.spec?.clusterIP ?? "",
    "spec.type": (service) => service.spec?.type ?? "",
  },
  columns: {
    Type: (service) => service.spec?.type ?? "",
    "Cluster-IP": (service) => service.spec?.clusterIP || "<none>",
    "External-IP": (service) => externalAddress(service),
    "Port(s)": (service) =>
      service.spec?.ports?.map(({ port, nodePort, protocol }) => `${nodePort ? `${port}:${nodePort}` : port}/${protocol}`).join() ||
      "<none>",
    Selector: {
      wide: true,
      cell: ({ spec }) => Object.entries(spec?.selector ?? {}).map(([key, value]) => `${key}=${value}`).sort().join() || "<none>",
    },
  },
  defaults: serviceDefaults,
  inherit: inheritService,
  validate: validateService,
});

function externalAddress({ spec = {}, status }: Service): string {
  const external = spec.externalIPs ?? [];
  if (spec.type === "ExternalName") return spec.externalName || "<none>";
  if (spec.type !== "LoadBalancer") return external.join() || "<none>";
  const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "").filter(Boolean);
  return [...ingress, ...external].join() || "<pending>";
}
