import * as v from "valibot";
import { field, int32, kind, list, map, message, oneOf, optional, refine, required, string } from "../schema.ts";
import { intOrString } from "../scalars.ts";
import { Condition, label, ObjectMeta } from "../meta.ts";
import { invalid, missing, resource } from "../resource.ts";

const core = "k8s.io.api.core.v1";
const port = refine(
  int32,
  v.minValue(1, "must be between 1 and 65535, inclusive"),
  v.maxValue(65535, "must be between 1 and 65535, inclusive"),
);

export class ServicePort extends message(`${core}.ServicePort`, "One port of a service.", {
  name: field(1, label, "Name, unique in the service; may be left out if there is only one port."),
  protocol: field(2, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port.", { default: "TCP" }),
  port: required(3, port, "The port the service offers."),
  targetPort: field(4, intOrString, "Number or name of the port on the pods. Same as `port` if left out."),
  nodePort: field(5, int32, "Port on every node, for services of type NodePort and LoadBalancer."),
  appProtocol: optional(6, string, "What is spoken on the port, as a hint to proxies."),
}) {}

export class ServiceSpec extends message(`${core}.ServiceSpec`, "What the service offers, and by which pods.", {
  ports: field(1, list(ServicePort), "The ports of the service.", {
    list: "map",
    keys: ["port", "protocol"],
    patch: { strategy: "merge", key: "port" },
  }),
  selector: field(2, map(string), "Labels of the pods that serve. Without it, somebody else keeps the endpoints.", { map: "atomic" }),
  clusterIP: field(3, string, "Address of the service; None for a headless one."),
  type: field(4, oneOf("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"), "How the service can be reached.", {
    default: "ClusterIP",
  }),
  sessionAffinity: field(7, oneOf("ClientIP", "None"), "Does a client stay with its pod?", { default: "None" }),
  externalName: field(10, string, "The DNS name that a service of type ExternalName stands for."),
  internalTrafficPolicy: optional(22, oneOf("Cluster", "Local"), "Which pods serve clients inside the cluster."),
}) {}

export class ServiceStatus extends message(`${core}.ServiceStatus`, "How the service is.", {
  conditions: field(2, list(Condition), "Its state, aspect by aspect.", {
    list: "map",
    keys: ["type"],
    patch: { strategy: "merge", key: "type" },
  }),
}) {}

export class Service extends kind("v1", `${core}.Service`, "A name and an address for a changing set of pods.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, ServiceSpec, "What is wanted."),
  status: field(3, ServiceStatus, "What is. Written by the system."),
}) {}

export const services = resource(Service, {
  plural: "services",
  short: ["svc"],
  namespaced: true,
  status: true,
  columns: {
    Type: (service) => service.spec?.type ?? "",
    "Cluster-IP": (service) => service.spec?.clusterIP ?? "<none>",
    "Port(s)": (service) => service.spec?.ports?.map((p) => `${p.port}/${p.protocol}`).join() ?? "<none>",
  },
  defaults({ spec }) {
    for (const port of spec?.ports ?? []) port.targetPort ??= port.port;
  },
  validate({ spec = {} }) {
    const { ports = [], type, externalName } = spec;
    if (type === "ExternalName") return externalName ? [] : [missing("spec.externalName")];
    if (ports.length === 0 && spec.clusterIP !== "None") return [missing("spec.ports")];
    return ports.flatMap((port, i) => {
      const at = `spec.ports[${i}]`;
      if (ports.length > 1 && !port.name) return [missing(`${at}.name`)];
      return port.nodePort && type === "ClusterIP"
        ? [invalid(`${at}.nodePort`, port.nodePort, "may not be used when `type` is 'ClusterIP'")]
        : [];
    });
  },
});
