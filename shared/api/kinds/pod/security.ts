// With which rights a pod's processes run.
import { atomic, bool, field, int64, list, message, oneOf, optional, required, string } from "../../schema.ts";

const core = "k8s.io.api.core.v1";
const profile = oneOf("Localhost", "RuntimeDefault", "Unconfined");

export class Capabilities extends message(`${core}.Capabilities`, "POSIX capabilities that differ from the runtime's usual ones.", {
  add: field(1, list(string), "Capabilities to add.", atomic),
  drop: field(2, list(string), "Capabilities to take away; ALL takes all.", atomic),
}) {}

export class SELinuxOptions extends message(`${core}.SELinuxOptions`, "An SELinux context.", {
  user: field(1, string, "User part of the context."),
  role: field(2, string, "Role part of the context."),
  type: field(3, string, "Type part of the context."),
  level: field(4, string, "Level part of the context."),
}) {}

export class SeccompProfile extends message(`${core}.SeccompProfile`, "Which system calls are allowed.", {
  type: required(1, profile, "The runtime's own profile, one from a file on the node, or none."),
  localhostProfile: optional(2, string, "Path of the file, below the node's directory of profiles. Only with Localhost."),
}) {}

export class AppArmorProfile extends message(`${core}.AppArmorProfile`, "Which AppArmor profile applies.", {
  type: required(1, profile, "The runtime's own profile, one loaded on the node, or none."),
  localhostProfile: optional(2, string, "Name of the loaded profile. Only with Localhost."),
}) {}

export class WindowsSecurityContextOptions extends message(
  `${core}.WindowsSecurityContextOptions`,
  "Rights on Windows nodes. Kept, but no node here acts on it.",
  {
    gmsaCredentialSpecName: optional(1, string, "Name of the GMSA credential spec."),
    gmsaCredentialSpec: optional(2, string, "The GMSA credential spec itself."),
    runAsUserName: optional(3, string, "User of the first process."),
    hostProcess: optional(4, bool, "Does it run as a process of the host?"),
  },
) {}

export class Sysctl extends message(`${core}.Sysctl`, "A kernel parameter of the pod.", {
  name: required(1, string, "Name of the parameter."),
  value: required(2, string, "Its value.", { default: "" }),
}) {}

export class SecurityContext extends message(`${core}.SecurityContext`, "Rights of one container; what stands here beats the pod's.", {
  capabilities: optional(1, Capabilities, "Capabilities to add and to drop."),
  privileged: optional(2, bool, "Does it run with nearly all rights of the node's root?"),
  seLinuxOptions: optional(3, SELinuxOptions, "SELinux context of the container."),
  runAsUser: optional(4, int64, "UID of the first process; the image's, if left out."),
  runAsNonRoot: optional(5, bool, "Is the container refused if its first process would be root?"),
  readOnlyRootFilesystem: optional(6, bool, "Is the root file system mounted read-only?"),
  allowPrivilegeEscalation: optional(7, bool, "May a process gain more rights than its parent?"),
  runAsGroup: optional(8, int64, "GID of the first process; the runtime's choice, if left out."),
  procMount: optional(9, oneOf("Default", "Unmasked"), "How /proc is mounted."),
  windowsOptions: optional(10, WindowsSecurityContextOptions, "Rights on Windows nodes."),
  seccompProfile: optional(11, SeccompProfile, "System calls of the container."),
  appArmorProfile: optional(12, AppArmorProfile, "AppArmor profile of the container."),
}) {}

export class PodSecurityContext extends message(`${core}.PodSecurityContext`, "Rights of all containers of a pod.", {
  seLinuxOptions: optional(1, SELinuxOptions, "SELinux context of all containers."),
  runAsUser: optional(2, int64, "UID of each container's first process; the image's, if left out."),
  runAsNonRoot: optional(3, bool, "Are containers refused whose first process would be root?"),
  supplementalGroups: field(4, list(int64), "Further groups of each container's first process.", atomic),
  fsGroup: optional(5, int64, "Group that owns the volumes that can change owner, and that each process has."),
  runAsGroup: optional(6, int64, "GID of each container's first process."),
  sysctls: field(7, list(Sysctl), "Kernel parameters of the pod.", atomic),
  windowsOptions: optional(8, WindowsSecurityContextOptions, "Rights on Windows nodes."),
  fsGroupChangePolicy: optional(9, oneOf("Always", "OnRootMismatch"), "When are a volume's owners changed to fsGroup?"),
  seccompProfile: optional(10, SeccompProfile, "System calls of the containers."),
  appArmorProfile: optional(11, AppArmorProfile, "AppArmor profile of the containers."),
  supplementalGroupsPolicy: optional(12, oneOf("Merge", "Strict"), "Do the groups of the image's user count, too?"),
  seLinuxChangePolicy: optional(13, string, "How volumes get their SELinux label: MountOption or Recursive."),
}) {}
