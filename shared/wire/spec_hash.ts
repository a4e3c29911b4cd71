// What makes a container, or a pod's sandbox, another one. The hashes stand in labels of containers on devices that nobody can reach: a hash that changes by an
// update of this code restarts the fleet. Hence, for ever:
// - The fields are listed here one by one. What is absent or says its default is left out, so that a schema with a new field or default changes no hash.
// - A new field joins a list only when set, at its end. Another way of hashing is `h2:`; a container labelled `h1:` is then still compared by h1.
// - The golden pairs of the tests may be added to, never changed.
// Left out on purpose, because it can change under a running container: cpu and memory (they can be resized), probes, hooks, restart policies, what ConfigMaps and
// Secrets contain (files are renewed in place, variables stay as they were at the start, as in Kubernetes), and the variables that name a namespace's services.
import { createHash } from "node:crypto";
import type { Container } from "../api/kinds/pod/container.ts";
import type { EnvFromSource, EnvVar } from "../api/kinds/pod/env.ts";
import type { PodSpec } from "../api/kinds/pod/pod_spec.ts";
import type { Volume } from "../api/kinds/pod/volume.ts";

type Value = string | number | boolean | readonly Value[];
type Pair = readonly [name: string, value: Value];

/** `h1:` and 128 bits, hex: over what of the pod reaches this container and cannot change while it runs. */
export function containerHash(pod: PodSpec, container: Container): string {
  const own = container.securityContext ?? {}, shared = pod.securityContext ?? {};
  const seccomp = own.seccompProfile ?? shared.seccompProfile, appArmor = own.appArmorProfile ?? shared.appArmorProfile;
  const seLinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  return hash([
    ["image", container.image],
    ["command", container.command],
    ["args", container.args],
    ["workingDir", container.workingDir],
    ["envFrom", container.envFrom?.map(envFrom)],
    ["env", container.env?.map(env)],
    [
      "mounts",
      container.volumeMounts?.map((mount) =>
        pairs([
          ["path", mount.mountPath],
          ["volume", volume(pod.volumes?.find(({ name }) => name === mount.name))],
          ["name", mount.name],
          ["readOnly", mount.readOnly],
          ["subPath", mount.subPath],
          ["subPathExpr", mount.subPathExpr],
          ["propagation", unless("None", mount.mountPropagation)],
        ])
      ),
    ],
    ["stdin", container.stdin],
    ["tty", container.tty],
    ["terminationMessagePath", unless("/dev/termination-log", container.terminationMessagePath)],
    ["user", own.runAsUser ?? shared.runAsUser],
    ["group", own.runAsGroup ?? shared.runAsGroup],
    ["supplementalGroups", shared.supplementalGroups],
    ["fsGroup", shared.fsGroup],
    ["privileged", own.privileged],
    ["readOnlyRoot", own.readOnlyRootFilesystem],
    ["noNewPrivileges", own.allowPrivilegeEscalation === false],
    ["addCapabilities", own.capabilities?.add],
    ["dropCapabilities", own.capabilities?.drop],
    ["procMount", unless("Default", own.procMount)],
    ["seccomp", seccomp && unless("RuntimeDefault", seccomp.localhostProfile ?? seccomp.type)],
    ["appArmor", appArmor && unless("RuntimeDefault", appArmor.localhostProfile ?? appArmor.type)],
    ["seLinux", seLinux && [seLinux.user ?? "", seLinux.role ?? "", seLinux.type ?? "", seLinux.level ?? ""]],
    ["limits", sorted(container.resources?.limits, (name) => !resizable.includes(name))],
    ["devices", container.volumeDevices?.map(({ name, devicePath }) => [name, devicePath])],
  ]);
}

/** `h1:` and 128 bits, hex: over what of the pod makes its sandbox. `podName` is the host name of a pod that names none. */
export function sandboxHash(podName: string, pod: PodSpec): string {
  const ports = [...pod.initContainers ?? [], ...pod.containers].flatMap(({ ports }) => ports ?? []).filter(({ hostPort }) => hostPort);
  return hash([
    ["hostname", pod.hostnameOverride || pod.hostname || podName],
    ["subdomain", pod.setHostnameAsFQDN && pod.subdomain],
    ["hostNetwork", pod.hostNetwork],
    ["hostPid", pod.hostPID],
    ["hostIpc", pod.hostIPC],
    ["shareProcessNamespace", pod.shareProcessNamespace],
    ["dnsPolicy", unless("ClusterFirst", pod.dnsPolicy)],
    ["nameservers", pod.dnsConfig?.nameservers],
    ["searches", pod.dnsConfig?.searches],
    ["options", pod.dnsConfig?.options?.map(({ name = "", value = "" }) => [name, value])],
    ["hostAliases", pod.hostAliases?.map(({ ip, hostnames = [] }) => [ip, ...hostnames])],
    // With the node's own network the ports are open anyway: nothing is made for them.
    [
      "ports",
      pod.hostNetwork ? undefined : ports.map(({ hostPort = 0, containerPort, protocol = "TCP", hostIP = "" }) => [
        hostPort,
        containerPort,
        protocol,
        hostIP,
      ]),
    ],
    ["sysctls", pod.securityContext?.sysctls?.map(({ name, value }) => [name, value])],
  ]);
}

const resizable: readonly string[] = ["cpu", "memory"];

/** As it is written; where it refers to something, the reference. */
function env({ name, value, valueFrom: from }: EnvVar): Value {
  if (!from) return [name, value ?? ""];
  const { fieldRef, resourceFieldRef: resource, configMapKeyRef: configMap, secretKeyRef: secret, fileKeyRef: file } = from;
  if (fieldRef) return [name, "field", fieldRef.fieldPath];
  if (resource) return [name, "resource", resource.containerName ?? "", resource.resource, unless("0", resource.divisor) ?? ""];
  if (configMap) return [name, "configMap", configMap.name ?? "", configMap.key];
  if (secret) return [name, "secret", secret.name ?? "", secret.key];
  if (file) return [name, "file", file.volumeName, file.path, file.key];
  return [name, "unknown"];
}
const envFrom = ({ prefix = "", configMapRef, secretRef }: EnvFromSource): Value =>
  secretRef ? [prefix, "secret", secretRef.name ?? ""] : [prefix, "configMap", configMapRef?.name ?? ""];

/** What is mounted, as far as it cannot be renewed in place: files from ConfigMaps and their like can. */
function volume(volume: Volume | undefined): Value | undefined {
  if (volume?.hostPath) return ["hostPath", volume.hostPath.path];
  if (volume?.emptyDir?.medium) return ["emptyDir", volume.emptyDir.medium];
  if (volume?.persistentVolumeClaim) return ["claim", volume.persistentVolumeClaim.claimName];
  if (volume?.image) return ["image", volume.image.reference ?? ""];
  return undefined;
}

const unless = (usual: string, value: string | undefined): string | undefined => value === usual ? undefined : value;
const sorted = (map: Readonly<Record<string, string>> | undefined, counts: (key: string) => boolean): Value =>
  Object.entries(map ?? {}).filter(([key]) => counts(key)).sort(([a], [b]) => a < b ? -1 : 1);

/** Only what is set: undefined, false, "" and an empty list all mean "as usual". Zero does not: user 0 is somebody. */
const pairs = (all: readonly (readonly [string, Value | undefined])[]): readonly Pair[] =>
  all.filter((pair): pair is Pair => {
    const value = pair[1];
    return value !== undefined && value !== false && value !== "" && !(Array.isArray(value) && value.length === 0);
  });
const hash = (all: readonly (readonly [string, Value | undefined])[]): string =>
  `h1:${createHash("sha256").update(JSON.stringify(pairs(all))).digest("hex").slice(0, 32)}`;
