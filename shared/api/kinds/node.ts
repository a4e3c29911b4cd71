import { atomic, bool, field, int32, int64, kind, list, map, mergedBy, message, oneOf, optional, required, string } from "../schema.ts";
import { quantity, time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { age } from "../age.ts";
import type { Cause } from "../decode.ts";
import { cidr } from "../ip.ts";
import { labelValue, qualifiedName } from "../names.ts";
import { duplicate, forbidden, invalid, resource } from "../resource.ts";

const core = "k8s.io.api.core.v1";

export class Taint extends message(`${core}.Taint`, "Keeps away, or drives away, the pods that do not tolerate it.", {
  key: required(1, string, "Name of the taint."),
  value: field(2, string, "A value that tolerations can ask for."),
  effect: required(3, oneOf("NoSchedule", "PreferNoSchedule", "NoExecute"), "What happens to pods that do not tolerate it."),
  timeAdded: optional(4, time, "When it was put on."),
}) {}

export class ConfigMapNodeConfigSource extends message(`${core}.ConfigMapNodeConfigSource`, "A ConfigMap with a kubelet's configuration.", {
  namespace: required(1, string, "Its namespace."),
  name: required(2, string, "Its name."),
  uid: field(3, string, "Its UID. Only in the status."),
  resourceVersion: field(4, string, "The state of it that is used. Only in the status."),
  kubeletConfigKey: required(5, string, "The key that holds the configuration."),
}) {}

export class NodeConfigSource extends message(`${core}.NodeConfigSource`, "Where a kubelet's configuration came from, once.", {
  configMap: optional(2, ConfigMapNodeConfigSource, "The ConfigMap."),
}) {}

export class NodeSpec extends message(`${core}.NodeSpec`, "What a node is given, and which pods it takes.", {
  podCIDR: field(1, string, "The subnet its pods get their addresses from."),
  podCIDRs: field(7, list(string), "The same, one for each IP family; the first is `podCIDR`.", {
    list: "set",
    patch: { strategy: "merge" },
  }),
  providerID: field(3, string, "Name of the machine at its provider, as `<provider>://<id>`."),
  unschedulable: field(4, bool, "Are new pods kept away? What `kubectl cordon` sets."),
  taints: field(5, list(Taint), "Taints of the node.", atomic),
  configSource: optional(6, NodeConfigSource, "No longer used."),
  externalID: field(2, string, "No longer used."),
}) {}

export class NodeCondition extends message(`${core}.NodeCondition`, "One aspect of a node's state.", {
  type: required(1, string, "Name of the aspect: Ready, MemoryPressure, DiskPressure, PIDPressure …"),
  status: required(2, string, "True, False or Unknown."),
  lastHeartbeatTime: field(3, time, "When the node last confirmed it."),
  lastTransitionTime: field(4, time, "When the status last changed."),
  reason: field(5, string, "Why, as one CamelCase word."),
  message: field(6, string, "Why, for people."),
}) {}

export class NodeAddress extends message(`${core}.NodeAddress`, "A name or address of the node.", {
  type: required(1, string, "Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS."),
  address: required(2, string, "The name or address."),
}) {}

export class DaemonEndpoint extends message(`${core}.DaemonEndpoint`, "A port of a program on the node.", {
  Port: required(1, int32, "Number of the port.", { default: 0 }),
}) {}

export class NodeDaemonEndpoints extends message(`${core}.NodeDaemonEndpoints`, "Ports of the programs on the node.", {
  kubeletEndpoint: field(1, DaemonEndpoint, "The kubelet's. Skerry's agent listens on none."),
}) {}

export class NodeSwapStatus extends message(`${core}.NodeSwapStatus`, "Swap of the node.", {
  capacity: optional(1, int64, "All of it, in bytes."),
}) {}

export class NodeSystemInfo extends message(`${core}.NodeSystemInfo`, "What the machine is and what runs it.", {
  machineID: required(1, string, "The operating system's id of the machine.", { default: "" }),
  systemUUID: required(2, string, "The firmware's id of the machine.", { default: "" }),
  bootID: required(3, string, "A new one at every boot.", { default: "" }),
  kernelVersion: required(4, string, "As `uname -r` says.", { default: "" }),
  osImage: required(5, string, "Name and version of the operating system.", { default: "" }),
  containerRuntimeVersion: required(6, string, "As `podman://5.4.0`.", { default: "" }),
  kubeletVersion: required(7, string, "Version of the agent.", { default: "" }),
  kubeProxyVersion: required(8, string, "No longer used.", { default: "" }),
  operatingSystem: required(9, string, "linux.", { default: "" }),
  architecture: required(10, string, "arm64, arm, amd64 …", { default: "" }),
  swap: optional(11, NodeSwapStatus, "Swap."),
}) {}

export class ContainerImage extends message(`${core}.ContainerImage`, "An image that lies on the node.", {
  names: field(1, list(string), "Its names, with tag or digest.", atomic),
  sizeBytes: field(2, int64, "Its size."),
}) {}

export class AttachedVolume extends message(`${core}.AttachedVolume`, "A volume that is attached to the node.", {
  name: required(1, string, "Name of the volume."),
  devicePath: required(2, string, "Where its device appears.", { default: "" }),
}) {}

export class NodeConfigStatus extends message(`${core}.NodeConfigStatus`, "What became of the `configSource`.", {
  assigned: optional(1, NodeConfigSource, "What the node was told to use."),
  active: optional(2, NodeConfigSource, "What it uses."),
  lastKnownGood: optional(3, NodeConfigSource, "What it falls back to."),
  error: field(4, string, "What went wrong."),
}) {}

export class NodeRuntimeHandlerFeatures extends message(`${core}.NodeRuntimeHandlerFeatures`, "What a runtime can do.", {
  recursiveReadOnlyMounts: optional(1, bool, "Mounts that are read-only all the way down."),
  userNamespaces: optional(2, bool, "User namespaces."),
}) {}

export class NodeRuntimeHandler extends message(`${core}.NodeRuntimeHandler`, "A container runtime of the node.", {
  name: field(1, string, "Name of the handler; empty for the default one."),
  features: optional(2, NodeRuntimeHandlerFeatures, "What it can do."),
}) {}

export class NodeFeatures extends message(`${core}.NodeFeatures`, "What all runtimes of the node can do.", {
  supplementalGroupsPolicy: optional(1, bool, "`supplementalGroupsPolicy` of pods."),
}) {}

export class NodeStatus extends message(`${core}.NodeStatus`, "What the node is and how it is.", {
  capacity: field(1, map(quantity), "All the machine has: cpu, memory, ephemeral-storage, pods …"),
  allocatable: field(2, map(quantity), "What of that pods can have."),
  phase: field(3, oneOf("Pending", "Running", "Terminated"), "No longer used."),
  conditions: field(4, list(NodeCondition), "Its state, aspect by aspect.", mergedBy("type")),
  addresses: field(5, list(NodeAddress), "Its names and addresses.", mergedBy("type")),
  daemonEndpoints: field(6, NodeDaemonEndpoints, "Ports of the programs on it."),
  nodeInfo: field(7, NodeSystemInfo, "What the machine is and what runs it."),
  images: field(8, list(ContainerImage), "Images on it.", atomic),
  volumesInUse: field(9, list(string), "Volumes that are attached or mounted.", atomic),
  volumesAttached: field(10, list(AttachedVolume), "Volumes that are attached.", atomic),
  config: optional(11, NodeConfigStatus, "No longer used."),
  runtimeHandlers: field(12, list(NodeRuntimeHandler), "Its container runtimes.", atomic),
  features: optional(13, NodeFeatures, "What all of them can do."),
  declaredFeatures: field(14, list(string), "Features that pods can require.", atomic),
}) {}

export class Node extends kind("v1", `${core}.Node`, "A machine that runs pods.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, NodeSpec, "What is wanted."),
  status: field(3, NodeStatus, "What is. Written by the system."),
}) {}

const rolePrefix = "node-role.kubernetes.io/";

export const nodes = resource(Node, {
  plural: "nodes",
  short: ["no"],
  namespaced: false,
  status: true,
  generation: false,
  selectable: { "spec.unschedulable": (node) => String(node.spec?.unschedulable ?? false) },
  columns: {
    Status: ({ spec, status }) => {
      const ready = status?.conditions?.find((condition) => condition.type === "Ready")?.status;
      const word = ready === undefined ? "Unknown" : ready === "True" ? "Ready" : "NotReady";
      return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
    },
    Roles: ({ metadata }) => roles(metadata?.labels ?? {}).join() || "<none>",
    Age: ({ metadata }, now) => age(metadata?.creationTimestamp, now),
    Version: ({ status }) => status?.nodeInfo?.kubeletVersion || "<unknown>",
    "Internal-IP": { wide: true, cell: (node) => address(node, "InternalIP") },
    "External-IP": { wide: true, cell: (node) => address(node, "ExternalIP") },
    "OS-Image": { wide: true, cell: ({ status }) => status?.nodeInfo?.osImage || "<unknown>" },
    "Kernel-Version": { wide: true, cell: ({ status }) => status?.nodeInfo?.kernelVersion || "<unknown>" },
    "Container-Runtime": { wide: true, cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || "<unknown>" },
  },
  validate({ spec = {} }, old) {
    const { taints = [], podCIDRs = [], podCIDR = "", providerID = "" } = spec, before = old?.spec ?? {};
    const causes = validateTaints(taints);
    podCIDRs.forEach((subnet, i) => causes.push(...cidr(subnet).map((problem) => invalid(`spec.podCIDRs[${i}]`, subnet, problem))));
    if (podCIDRs.length > 0 && podCIDRs[0] !== podCIDR) causes.push(invalid("spec.podCIDRs", podCIDRs, "first value must match `podCIDR`"));
    if (before.podCIDR && podCIDR !== before.podCIDR) causes.push(forbidden("spec.podCIDR", notAgain("podCIDR")));
    if (before.providerID && providerID !== before.providerID) causes.push(forbidden("spec.providerID", notAgain("providerID")));
    return causes;
  },
});

const address = ({ status }: Node, type: string): string =>
  status?.addresses?.find((address) => address.type === type)?.address || "<none>";

function roles(labels: Record<string, string>): string[] {
  const found = Object.keys(labels).filter((key) => key.startsWith(rolePrefix) && key !== rolePrefix).map((key) =>
    key.slice(rolePrefix.length)
  );
  const old = labels["kubernetes.io/role"];
  return [...new Set(old ? [...found, old] : found)].sort();
}

const notAgain = (field: string): string => `node updates may not change ${field} except from "" to valid`;

function validateTaints(taints: Taint[]): Cause[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key, value = "", effect }, i) => {
    const at = `spec.taints[${i}]`, causes = qualifiedName(key).map((problem) => invalid(`${at}.key`, key, problem));
    causes.push(...labelValue(value).map((problem) => invalid(`${at}.value`, value, problem)));
    if (seen.size === seen.add(`${effect} ${key}`).size) causes.push({ ...duplicate(at, { key, value, effect }), field: `${at}.key` });
    return causes;
  });
}
