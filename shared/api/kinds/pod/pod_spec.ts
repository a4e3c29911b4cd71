// What is wanted of a pod, and the template from which workloads make pods.
import { atomic, bool, field, int32, int64, list, map, mergedBy, message, oneOf, optional, required, string } from "../../schema.ts";
import { quantity } from "../../scalars.ts";
import { LabelSelector, ObjectMeta } from "../../meta.ts";
import { Affinity } from "./affinity.ts";
import { Container, EphemeralContainer } from "./container.ts";
import { LocalObjectReference } from "./reference.ts";
import { ResourceRequirements } from "./resources.ts";
import { PodSecurityContext } from "./security.ts";
import { Volume } from "./volume.ts";

const core = "k8s.io.api.core.v1";

export class Toleration extends message(`${core}.Toleration`, "Taints that do not keep the pod away: all that match what is given here.", {
  key: field(1, string, "Key of the taint; with Exists and no key, every taint."),
  operator: field(2, oneOf("Equal", "Exists", "Gt", "Lt"), "How the value is compared. Equal, if left out."),
  value: field(3, string, "Value of the taint."),
  effect: field(4, oneOf("NoSchedule", "PreferNoSchedule", "NoExecute"), "Effect of the taint; every effect, if left out."),
  tolerationSeconds: optional(5, int64, "Seconds for which a NoExecute taint is borne; for ever, if left out."),
}) {}

const inclusion = oneOf("Honor", "Ignore");
export class TopologySpreadConstraint extends message(`${core}.TopologySpreadConstraint`, "How evenly pods lie over places.", {
  maxSkew: required(1, int32, "By how many pods the fullest place may exceed the emptiest."),
  topologyKey: required(2, string, "Key of the node label that makes a place."),
  whenUnsatisfiable: required(3, oneOf("DoNotSchedule", "ScheduleAnyway"), "Does the pod wait, or go where it hurts least?"),
  labelSelector: optional(4, LabelSelector, "Which pods are counted."),
  minDomains: optional(5, int32, "Places there must be at least, or the emptiest counts as having none."),
  nodeAffinityPolicy: optional(6, inclusion, "Do only nodes count that the pod's node affinity allows? Honor, if left out."),
  nodeTaintsPolicy: optional(7, inclusion, "Do only nodes count whose taints the pod tolerates? Ignore, if left out."),
  matchLabelKeys: field(8, list(string), "Labels that counted pods share with this one.", atomic),
}) {}

export class PodDNSConfigOption extends message(`${core}.PodDNSConfigOption`, "An option of the resolver.", {
  name: field(1, string, "Name of the option."),
  value: optional(2, string, "Its value, if it has one."),
}) {}
export class PodDNSConfig extends message(`${core}.PodDNSConfig`, "What is added to the resolver's configuration.", {
  nameservers: field(1, list(string), "Addresses of name servers.", atomic),
  searches: field(2, list(string), "Domains in which short names are looked up.", atomic),
  options: field(3, list(PodDNSConfigOption), "Options of the resolver.", atomic),
}) {}
export class HostAlias extends message(`${core}.HostAlias`, "A line of the pod's hosts file.", {
  ip: required(1, string, "The address."),
  hostnames: field(2, list(string), "Its names.", atomic),
}) {}
export class PodOS extends message(`${core}.PodOS`, "An operating system.", {
  name: required(1, oneOf("linux", "windows"), "Its name."),
}) {}
export class PodReadinessGate extends message(`${core}.PodReadinessGate`, "A condition that must be True for the pod to be ready.", {
  conditionType: required(1, string, "Type of the condition."),
}) {}
export class PodSchedulingGate extends message(`${core}.PodSchedulingGate`, "A reason not to look for a node yet.", {
  name: required(1, string, "Name of the gate."),
}) {}
export class PodResourceClaim extends message(`${core}.PodResourceClaim`, "A device claim of the pod: an object or a template for one.", {
  name: required(1, string, "Name by which containers refer to it."),
  resourceClaimName: optional(3, string, "A ResourceClaim in the same namespace."),
  resourceClaimTemplateName: optional(4, string, "A ResourceClaimTemplate from which one is made for this pod."),
}) {}
export class PodSchedulingGroup extends message(`${core}.PodSchedulingGroup`, "Pods that find nodes together or not at all.", {
  podGroupName: optional(1, string, "Name of the PodGroup."),
}) {}

export class PodSpec extends message(`${core}.PodSpec`, "What is wanted of a pod.", {
  volumes: field(1, list(Volume), "Volumes that its containers can mount.", {
    ...mergedBy("name"),
    patch: { strategy: "merge,retainKeys", key: "name" },
  }),
  containers: required(2, list(Container), "Its containers; at least one.", mergedBy("name")),
  restartPolicy: field(3, oneOf("Always", "OnFailure", "Never"), "When containers that ended are started again.", { default: "Always" }),
  terminationGracePeriodSeconds: optional(4, int64, "Seconds that its processes have to stop.", { default: 30 }),
  activeDeadlineSeconds: optional(5, int64, "Seconds it may run on its node before it counts as failed."),
  dnsPolicy: field(6, oneOf("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"), "Where names are looked up.", {
    default: "ClusterFirst",
  }),
  nodeSelector: field(7, map(string), "Labels that its node must have.", { map: "atomic" }),
  serviceAccountName: field(8, string, "ServiceAccount as which it speaks to the API."),
  serviceAccount: field(9, string, "The old name of serviceAccountName; always the same."),
  nodeName: field(10, string, "Node it is bound to. Set by the scheduler."),
  hostNetwork: field(11, bool, "Does it use the node's network?"),
  hostPID: field(12, bool, "Does it see the node's processes?"),
  hostIPC: field(13, bool, "Does it share the node's IPC?"),
  securityContext: optional(14, PodSecurityContext, "Rights of all its containers.", { default: {} }),
  imagePullSecrets: field(15, list(LocalObjectReference), "Secrets with which images are pulled.", mergedBy("name")),
  hostname: field(16, string, "Its host name; its own name, if left out."),
  subdomain: field(17, string, "Name of the headless service below which its host name can be looked up."),
  affinity: optional(18, Affinity, "Where it wants to run."),
  schedulerName: field(19, string, "Who finds it a node.", { default: "default-scheduler" }),
  initContainers: field(20, list(Container), "Containers that run one after another before the others start.", mergedBy("name")),
  automountServiceAccountToken: optional(21, bool, "Does it get a token of its ServiceAccount?"),
  tolerations: field(22, list(Toleration), "Taints that do not keep it away.", atomic),
  hostAliases: field(23, list(HostAlias), "Lines of its hosts file.", mergedBy("ip")),
  priorityClassName: field(24, string, "PriorityClass from which its priority comes."),
  priority: optional(25, int32, "Who goes first, and who gives way. Set from its PriorityClass."),
  dnsConfig: optional(26, PodDNSConfig, "What is added to its resolver's configuration."),
  shareProcessNamespace: optional(27, bool, "Do its containers see each other's processes?"),
  readinessGates: field(28, list(PodReadinessGate), "Conditions that must be True for it to be ready.", atomic),
  runtimeClassName: optional(29, string, "RuntimeClass that runs it."),
  enableServiceLinks: optional(30, bool, "Do its containers get variables that name the services of its namespace?"),
  preemptionPolicy: optional(31, oneOf("PreemptLowerPriority", "Never"), "May pods of lower priority be removed for it?"),
  overhead: field(32, map(quantity), "What running it costs beyond its containers. Set from its RuntimeClass."),
  topologySpreadConstraints: field(33, list(TopologySpreadConstraint), "How evenly its group lies over places.", {
    ...mergedBy("topologyKey", "whenUnsatisfiable"),
  }),
  ephemeralContainers: field(34, list(EphemeralContainer), "Containers added to look into it. Not part of templates.", mergedBy("name")),
  setHostnameAsFQDN: optional(35, bool, "Is its full domain name its host name?"),
  os: optional(36, PodOS, "The operating system of its containers."),
  hostUsers: optional(37, bool, "Does it use the node's users? false: a user namespace of its own."),
  schedulingGates: field(38, list(PodSchedulingGate), "Reasons not to look for a node yet. They can only be removed.", mergedBy("name")),
  resourceClaims: field(39, list(PodResourceClaim), "Its device claims.", {
    ...mergedBy("name"),
    patch: { strategy: "merge,retainKeys", key: "name" },
  }),
  resources: optional(40, ResourceRequirements, "What all its containers together need and may have at most."),
  hostnameOverride: optional(41, string, "Host name in its containers, whatever else is said."),
  schedulingGroup: optional(43, PodSchedulingGroup, "Pods that find nodes together with it."),
}) {}

export class PodTemplateSpec extends message(`${core}.PodTemplateSpec`, "What the pods made from a template look like.", {
  metadata: field(1, ObjectMeta, "Labels and annotations of the pods."),
  spec: field(2, PodSpec, "What is wanted of the pods."),
}) {}
