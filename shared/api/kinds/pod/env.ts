// Environment variables of a container, and where their values come from.
import { bool, field, inline, message, optional, required, string } from "../../schema.ts";
import { quantity } from "../../scalars.ts";
import { LocalObjectReference } from "./reference.ts";

const core = "k8s.io.api.core.v1";
const whole = { map: "atomic" } as const;

export class ObjectFieldSelector extends message(`${core}.ObjectFieldSelector`, "A field of the pod itself.", {
  apiVersion: field(1, string, "Version of the schema that the path is written in.", { default: "v1" }),
  fieldPath: required(2, string, "Path of the field: metadata.name, metadata.labels['x'], spec.nodeName, status.podIP, …"),
}, whole) {}
export class ResourceFieldSelector extends message(`${core}.ResourceFieldSelector`, "A request or a limit of a container.", {
  containerName: field(1, string, "The container; this one, if left out. Needed in volumes."),
  resource: required(2, string, "What to take: limits.cpu, requests.memory, …"),
  divisor: field(3, quantity, "Unit in which to give the value.", { default: "0" }),
}, whole) {}
export class ConfigMapKeySelector extends message(`${core}.ConfigMapKeySelector`, "One key of a ConfigMap.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  key: required(2, string, "The key."),
  optional: optional(3, bool, "May the ConfigMap or the key be missing?"),
}, whole) {}
export class SecretKeySelector extends message(`${core}.SecretKeySelector`, "One key of a Secret.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  key: required(2, string, "The key."),
  optional: optional(3, bool, "May the Secret or the key be missing?"),
}, whole) {}
export class FileKeySelector extends message(`${core}.FileKeySelector`, "One key of a file that an init container wrote.", {
  volumeName: required(1, string, "The emptyDir volume with the file."),
  path: required(2, string, "Path of the file in the volume."),
  key: required(3, string, "The key."),
  optional: optional(4, bool, "May the key be missing?"),
}, whole) {}

export class EnvVarSource extends message(`${core}.EnvVarSource`, "Where a variable's value comes from: one place.", {
  fieldRef: optional(1, ObjectFieldSelector, "A field of the pod."),
  resourceFieldRef: optional(2, ResourceFieldSelector, "A request or a limit of a container."),
  configMapKeyRef: optional(3, ConfigMapKeySelector, "A key of a ConfigMap."),
  secretKeyRef: optional(4, SecretKeySelector, "A key of a Secret."),
  fileKeyRef: optional(5, FileKeySelector, "A key of a file."),
}) {}
export class EnvVar extends message(`${core}.EnvVar`, "An environment variable.", {
  name: required(1, string, "Name of the variable."),
  value: field(2, string, "Its value. $(NAME) stands for a variable set before; $$(NAME) for those very characters."),
  valueFrom: optional(3, EnvVarSource, "Where the value comes from, if it is not written here."),
}) {}

export class ConfigMapEnvSource extends message(`${core}.ConfigMapEnvSource`, "A ConfigMap whose keys become variables.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  optional: optional(2, bool, "May the ConfigMap be missing?"),
}) {}
export class SecretEnvSource extends message(`${core}.SecretEnvSource`, "A Secret whose keys become variables.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  optional: optional(2, bool, "May the Secret be missing?"),
}) {}
export class EnvFromSource extends message(`${core}.EnvFromSource`, "Many variables at once.", {
  prefix: field(1, string, "Text before each name."),
  configMapRef: optional(2, ConfigMapEnvSource, "The ConfigMap to take."),
  secretRef: optional(3, SecretEnvSource, "The Secret to take."),
}) {}
