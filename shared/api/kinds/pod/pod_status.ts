// What is known of a pod. The agent on its node observes most of it; the master adds what only it can see.
import { atomic, bool, field, int32, int64, list, map, mergedBy, message, oneOf, optional, required, string } from "../../schema.ts";
import { quantity, time } from "../../scalars.ts";
import { signal } from "./probe.ts";
import { ResourceRequirements } from "./resources.ts";

const core = "k8s.io.api.core.v1";

export class PodCondition extends message(`${core}.PodCondition`, "One aspect of a pod's state.", {
  type: required(1, string, "Name of the aspect: PodScheduled, Initialized, ContainersReady, Ready, …"),
  status: required(2, string, "True, False or Unknown."),
  lastProbeTime: field(3, time, "When it was last looked at."),
  lastTransitionTime: field(4, time, "When the status last changed."),
  reason: field(5, string, "Why, as one CamelCase word."),
  message: field(6, string, "Why, for people."),
  observedGeneration: field(7, int64, "The generation this was seen for."),
}) {}

export class ContainerStateWaiting
  extends message(`${core}.ContainerStateWaiting`, "A container that does not run yet, or not again yet.", {
    reason: field(1, string, "Why, as one CamelCase word: ContainerCreating, ImagePullBackOff, CrashLoopBackOff, …"),
    message: field(2, string, "Why, for people."),
  }) {}
export class ContainerStateRunning extends message(`${core}.ContainerStateRunning`, "A container that runs.", {
  startedAt: field(1, time, "Since when."),
}) {}
export class ContainerStateTerminated extends message(`${core}.ContainerStateTerminated`, "A container that has ended.", {
  exitCode: required(1, int32, "Exit status of its first process.", { default: 0 }),
  signal: field(2, int32, "Number of the signal that ended it."),
  reason: field(3, string, "Why, as one CamelCase word: Completed, Error, OOMKilled, …"),
  message: field(4, string, "Its last message."),
  startedAt: field(5, time, "When it had started."),
  finishedAt: field(6, time, "When it ended."),
  containerID: field(7, string, "Which one it was, as type://id."),
}) {}
export class ContainerState extends message(`${core}.ContainerState`, "One of three states; none means waiting.", {
  waiting: optional(1, ContainerStateWaiting, "It waits."),
  running: optional(2, ContainerStateRunning, "It runs."),
  terminated: optional(3, ContainerStateTerminated, "It has ended."),
}) {}

export class LinuxContainerUser extends message(`${core}.LinuxContainerUser`, "User and groups of a first process.", {
  uid: required(1, int64, "User.", { default: 0 }),
  gid: required(2, int64, "Group.", { default: 0 }),
  supplementalGroups: field(3, list(int64), "Further groups.", atomic),
}) {}
export class ContainerUser extends message(`${core}.ContainerUser`, "Whom a container started as.", {
  linux: optional(1, LinuxContainerUser, "On a Linux node."),
}) {}
export class ImageVolumeStatus extends message(`${core}.ImageVolumeStatus`, "State of a volume made of an image.", {
  imageRef: required(1, string, "Digest of the image in use.", { default: "" }),
}) {}
export class VolumeStatus extends message(`${core}.VolumeStatus`, "State of a mounted volume, by its type.", {
  image: optional(1, ImageVolumeStatus, "Of a volume made of an image."),
}) {}
export class VolumeMountStatus extends message(`${core}.VolumeMountStatus`, "A mount as it is.", {
  name: required(1, string, "Name of the volume."),
  mountPath: required(2, string, "Where in the container."),
  readOnly: field(3, bool, "Is it read-only?"),
  recursiveReadOnly: optional(4, string, "Are mounts below it read-only, too? Disabled or Enabled."),
  volumeStatus: optional(5, VolumeStatus, "State of the volume."),
}) {}
export class ResourceHealth extends message(`${core}.ResourceHealth`, "Health of one device.", {
  resourceID: required(1, string, "Which device."),
  health: field(2, string, "Healthy, Unhealthy or Unknown."),
  message: optional(6, string, "Why, for people."),
}) {}
export class ResourceStatus extends message(`${core}.ResourceStatus`, "Health of the devices of one resource.", {
  name: required(1, string, "Name of the resource."),
  resources: field(2, list(ResourceHealth), "Its devices.", { list: "map", keys: ["resourceID"] }),
}) {}

export class ContainerStatus extends message(`${core}.ContainerStatus`, "What is known of one container.", {
  name: required(1, string, "Name of the container."),
  state: field(2, ContainerState, "How it is now.", { default: {} }),
  lastState: field(3, ContainerState, "How its run before this one ended.", { default: {} }),
  ready: required(4, bool, "Does it pass its readiness probe?", { default: false }),
  restartCount: required(5, int32, "How often it was started again.", { default: 0 }),
  image: required(6, string, "The image it runs.", { default: "" }),
  imageID: required(7, string, "That image's digest.", { default: "" }),
  containerID: field(8, string, "Which one it is, as type://id."),
  started: optional(9, bool, "Has it started, so that its startup probe has passed?"),
  allocatedResources: field(10, map(quantity), "What the node has set aside for it."),
  resources: optional(11, ResourceRequirements, "Requests and limits in force."),
  volumeMounts: field(12, list(VolumeMountStatus), "Its mounts.", mergedBy("mountPath")),
  user: optional(13, ContainerUser, "Whom its first process started as."),
  allocatedResourcesStatus: field(14, list(ResourceStatus), "Health of its devices.", mergedBy("name")),
  stopSignal: optional(15, signal, "Signal that stops it."),
}) {}

export class PodIP extends message(`${core}.PodIP`, "An address of the pod.", { ip: required(1, string, "The address.") }) {}
export class HostIP extends message(`${core}.HostIP`, "An address of the pod's node.", { ip: required(1, string, "The address.") }) {}

export class PodResourceClaimStatus extends message(`${core}.PodResourceClaimStatus`, "Which object a device claim became.", {
  name: required(1, string, "Name of the entry of the pod's resourceClaims."),
  resourceClaimName: optional(2, string, "Name of the ResourceClaim made for it; none, if none was needed."),
}) {}
export class ContainerExtendedResourceRequest extends message(
  `${core}.ContainerExtendedResourceRequest`,
  "Which request of a claim serves a container's extended resource.",
  {
    containerName: required(1, string, "The container."),
    resourceName: required(2, string, "The extended resource."),
    requestName: required(3, string, "The request."),
  },
) {}
export class PodExtendedResourceClaimStatus extends message(
  `${core}.PodExtendedResourceClaimStatus`,
  "The claim made for a pod's extended resources.",
  {
    requestMappings: required(1, list(ContainerExtendedResourceRequest), "Which request serves what.", atomic),
    resourceClaimName: required(2, string, "Name of the ResourceClaim."),
  },
) {}
export class NodeAllocatableResourceClaimStatus extends message(
  `${core}.NodeAllocatableResourceClaimStatus`,
  "Ordinary resources of the node that a device claim uses up.",
  {
    resourceClaimName: required(1, string, "Name of the ResourceClaim."),
    containers: field(2, list(string), "Containers that use it.", { list: "set" }),
    resources: required(3, map(quantity), "What it uses up."),
  },
) {}

export class PodStatus extends message(`${core}.PodStatus`, "What is known of a pod.", {
  phase: field(1, oneOf("Pending", "Running", "Succeeded", "Failed", "Unknown"), "Where it is in its life."),
  conditions: field(2, list(PodCondition), "Its state, aspect by aspect.", mergedBy("type")),
  message: field(3, string, "Why it is so, for people."),
  reason: field(4, string, "Why it is so, as one CamelCase word: Evicted, NodeLost, …"),
  hostIP: field(5, string, "First address of its node."),
  podIP: field(6, string, "Its first address."),
  startTime: optional(7, time, "When its node took it on."),
  containerStatuses: field(8, list(ContainerStatus), "Its containers.", atomic),
  qosClass: field(
    9,
    oneOf("Guaranteed", "Burstable", "BestEffort"),
    "How firmly its resources are promised, from its requests and limits.",
  ),
  initContainerStatuses: field(10, list(ContainerStatus), "Its init containers.", atomic),
  nominatedNodeName: field(11, string, "Node on which room is being made for it."),
  podIPs: field(12, list(PodIP), "All its addresses.", mergedBy("ip")),
  ephemeralContainerStatuses: field(13, list(ContainerStatus), "Its ephemeral containers.", atomic),
  resize: field(14, string, "No longer set; conditions say how a change of resources stands."),
  resourceClaimStatuses: field(15, list(PodResourceClaimStatus), "Its device claims.", {
    ...mergedBy("name"),
    patch: { strategy: "merge,retainKeys", key: "name" },
  }),
  hostIPs: field(16, list(HostIP), "All addresses of its node.", { ...atomic, patch: { strategy: "merge", key: "ip" } }),
  observedGeneration: field(17, int64, "The generation this was seen for."),
  extendedResourceClaimStatus: optional(18, PodExtendedResourceClaimStatus, "The claim made for its extended resources."),
  allocatedResources: field(19, map(quantity), "What its node has set aside for it as a whole."),
  resources: optional(20, ResourceRequirements, "Its own requests and limits in force."),
  nodeAllocatableResourceClaimStatuses: field(21, list(NodeAllocatableResourceClaimStatus), "What its claims use of the node.", atomic),
}) {}
