// A container: what runs, with what around it.
import * as v from "valibot";
import { atomic, bool, field, inline, int32, list, mergedBy, message, oneOf, optional, refine, required, string } from "../../schema.ts";
import { EnvFromSource, EnvVar } from "./env.ts";
import { Lifecycle, Probe } from "./probe.ts";
import { ResourceRequirements } from "./resources.ts";
import { SecurityContext } from "./security.ts";

const core = "k8s.io.api.core.v1";
export const portNumber = refine(
  int32,
  v.minValue(1, "must be between 1 and 65535, inclusive"),
  v.maxValue(65535, "must be between 1 and 65535, inclusive"),
);
export const pullPolicy = oneOf("Always", "IfNotPresent", "Never");

export class ContainerPort extends message(`${core}.ContainerPort`, "A port on which a container listens.", {
  name: field(1, string, "Name, unique in the pod; services may refer to it."),
  hostPort: field(2, portNumber, "Port to open on the node. Most containers need none. With hostNetwork: the same as containerPort."),
  containerPort: required(3, portNumber, "Port to open on the pod's address."),
  protocol: field(4, oneOf("TCP", "UDP", "SCTP"), "Protocol of the port.", { default: "TCP" }),
  hostIP: field(5, string, "Address of the node on which to open the host port; all, if left out."),
}) {}

export class VolumeMount extends message(`${core}.VolumeMount`, "A volume of the pod, as a container sees it.", {
  name: required(1, string, "Name of the volume."),
  readOnly: field(2, bool, "May the container not write to it?"),
  mountPath: required(3, string, "Path in the container at which the volume appears."),
  subPath: field(4, string, "Path in the volume to mount instead of its root."),
  mountPropagation: optional(5, oneOf("None", "HostToContainer", "Bidirectional"), "Which later mounts are seen on the other side."),
  subPathExpr: field(6, string, "As subPath, with $(NAME) standing for environment variables."),
  recursiveReadOnly: optional(7, oneOf("Disabled", "IfPossible", "Enabled"), "Are mounts below it read-only, too?"),
}) {}
export class VolumeDevice extends message(`${core}.VolumeDevice`, "A raw block device for a container.", {
  name: required(1, string, "Name of the volume, which is a claim of mode Block."),
  devicePath: required(2, string, "Path in the container at which the device appears."),
}) {}

export class ContainerResizePolicy extends message(`${core}.ContainerResizePolicy`, "What a change of one resource does to a container.", {
  resourceName: required(1, oneOf("cpu", "memory"), "The resource."),
  restartPolicy: required(2, oneOf("NotRequired", "RestartContainer"), "Must the container start anew?"),
}) {}
export class ContainerRestartRuleOnExitCodes extends message(`${core}.ContainerRestartRuleOnExitCodes`, "A set of exit codes.", {
  operator: required(1, oneOf("In", "NotIn"), "Does the rule hold for these codes, or for all others?"),
  values: field(2, list(int32), "The codes.", { list: "set" }),
}) {}
export class ContainerRestartRule extends message(`${core}.ContainerRestartRule`, "When a container that ended is started again.", {
  action: required(1, oneOf("Restart", "RestartAllContainers"), "What to do if the rule holds."),
  exitCodes: optional(2, ContainerRestartRuleOnExitCodes, "The exit codes for which it holds."),
}) {}

const common = {
  name: required(1, string, "Name, unique in the pod. It cannot change."),
  image: field(2, string, "Image to run."),
  command: field(3, list(string), "What to run instead of the image's entrypoint. $(NAME) stands for a variable.", atomic),
  args: field(4, list(string), "Arguments instead of the image's. $(NAME) stands for a variable.", atomic),
  workingDir: field(5, string, "Working directory; the image's, if left out."),
  ports: field(6, list(ContainerPort), "Ports on which it listens. For information: a port left out can be reached, too.", {
    ...mergedBy("containerPort", "protocol"),
  }),
  env: field(7, list(EnvVar), "Environment variables.", mergedBy("name")),
  resources: field(8, ResourceRequirements, "What it needs and may have at most.", { default: {} }),
  volumeMounts: field(9, list(VolumeMount), "Volumes of the pod that it sees.", mergedBy("mountPath")),
  livenessProbe: optional(10, Probe, "Is it alive? If not, it is started anew."),
  readinessProbe: optional(11, Probe, "Can it serve? If not, services leave it out."),
  lifecycle: optional(12, Lifecycle, "What happens at its start and before its end."),
  terminationMessagePath: field(13, string, "File in the container whose end becomes its last message.", {
    default: "/dev/termination-log",
  }),
  imagePullPolicy: field(14, pullPolicy, "When to pull the image. Always for the tag latest or none, else IfNotPresent."),
  securityContext: optional(15, SecurityContext, "Its rights."),
  stdin: field(16, bool, "Is there an open standard input?"),
  stdinOnce: field(17, bool, "Is standard input closed when the first client leaves?"),
  tty: field(18, bool, "Is there a terminal? Needs stdin."),
  envFrom: field(19, list(EnvFromSource), "Sources of many variables; env comes after them, the last one wins.", atomic),
  terminationMessagePolicy: field(20, oneOf("File", "FallbackToLogsOnError"), "From where the last message comes.", { default: "File" }),
  volumeDevices: field(21, list(VolumeDevice), "Raw block devices that it sees.", mergedBy("devicePath")),
  startupProbe: optional(22, Probe, "Has it started? Until then the other probes wait; if never, it is started anew."),
  resizePolicy: field(23, list(ContainerResizePolicy), "What a change of its resources does to it.", atomic),
  restartPolicy: optional(
    24,
    oneOf("Always", "OnFailure", "Never"),
    "Its own restart policy. Always on an init container makes it a sidecar.",
  ),
  restartPolicyRules: field(25, list(ContainerRestartRule), "Exceptions to its restart policy, the first that holds.", atomic),
};

export class Container extends message(`${core}.Container`, "A container of a pod.", common) {}
export class EphemeralContainerCommon extends message(
  `${core}.EphemeralContainerCommon`,
  "What an ephemeral container has in common with others.",
  common,
) {}
export class EphemeralContainer extends message(`${core}.EphemeralContainer`, "A container added to a running pod, to look into it.", {
  ...inline(1, "ephemeralContainerCommon", EphemeralContainerCommon),
  targetContainerName: field(2, string, "Container whose processes it sees."),
}) {}
