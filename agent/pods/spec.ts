// What the engine is told: a pod's definition as SandboxSpec and ContainerSpec. Pure.
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import { qosClass } from "../../shared/api/kinds/pod/qos.ts";
import { milliUnits, units } from "../../shared/api/quantity.ts";
import { paths } from "../../shared/names.ts";
import type { ContainerSpec, ImageInfo, Mount, SandboxSpec } from "../runtime/runtime.ts";
import { Missing } from "../volumes/sources.ts";
import { graceOf } from "./plan.ts";
import type { DesiredPod } from "./desired.ts";
import { expand } from "./env.ts";

export interface Dns {
  /** Addresses of the cluster's own name server; empty: there is none. */
  readonly servers: readonly string[];
  readonly clusterDomain: string;
}

export function sandboxSpec(pod: DesiredPod, address: string | undefined, dns: Dns): SandboxSpec {
  const { spec } = pod;
  const containers = [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")];
  return {
    ...identity(pod),
    specHash: pod.sandboxHash,
    hostname: hostname(pod, dns.clusterDomain),
    hostNetwork: spec.hostNetwork ?? false,
    hostPid: spec.hostPID ?? false,
    hostIpc: spec.hostIPC ?? false,
    shareProcessNamespace: spec.shareProcessNamespace ?? false,
    ...(address !== undefined && { address }),
    dns: dnsOf(pod, dns),
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => ({ ip, hostnames })),
    ports: containers.flatMap(({ ports = [] }) => ports).flatMap(({ hostPort, containerPort, protocol = "TCP", hostIP }) =>
      hostPort && protocol !== "SCTP"
        ? [{ hostPort, containerPort, protocol: protocol.toLowerCase() as "tcp" | "udp", ...(hostIP && { hostIp: hostIP }) }]
        : []
    ),
    sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
  };
}

const identity = (pod: DesiredPod) => ({ podUid: pod.uid, podNamespace: pod.namespace, podName: pod.name });

/** At most 63 characters: what the kernel lets a host be called. */
function hostname({ name, namespace, spec }: DesiredPod, clusterDomain: string): string {
  const own = spec.hostnameOverride || spec.hostname || name;
  const full = spec.setHostnameAsFQDN && spec.subdomain ? `${own}.${spec.subdomain}.${namespace}.svc.${clusterDomain}` : own;
  return full.slice(0, 63).replace(/[-.]+$/, "");
}

/** Undefined: as on the node. */
function dnsOf({ namespace, spec }: DesiredPod, { servers, clusterDomain }: Dns): SandboxSpec["dns"] {
  const { dnsPolicy: policy = "ClusterFirst", dnsConfig = {} } = spec;
  const ofCluster = (policy === "ClusterFirst" && !spec.hostNetwork || policy === "ClusterFirstWithHostNet") && servers.length > 0;
  if (!ofCluster && policy !== "None" && spec.dnsConfig === undefined) return undefined;
  const searches = ofCluster ? [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : [];
  const options = new Map(ofCluster ? [["ndots", "5"]] : []);
  for (const { name, value } of dnsConfig.options ?? []) if (name) options.set(name, value ?? "");
  return {
    servers: [...ofCluster ? servers : [], ...dnsConfig.nameservers ?? []],
    searches: [...new Set([...searches, ...dnsConfig.searches ?? []])],
    options: [...options].map(([name, value]) => value ? `${name}:${value}` : name),
  };
}

/** What was found and made for one start of a container. */
export interface Prepared {
  readonly attempt: number;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly logPath: string;
  readonly image: ImageInfo;
  /** Memory of the machine: who is killed first depends on what share was requested. */
  readonly memoryBytes: number;
}

/** @throws Missing if the image would run as root where that is forbidden */
export function containerSpec(pod: DesiredPod, container: Container, prepared: Prepared): ContainerSpec {
  const { env, attempt, mounts, logPath } = prepared;
  const some = (words: readonly string[] | undefined) => words?.length ? words.map((word) => expand(word, env)) : undefined;
  return {
    ...identity(pod),
    specHash: pod.hashes.get(container.name)!,
    container: container.name,
    attempt,
    image: container.image ?? "",
    command: some(container.command),
    args: some(container.args),
    env,
    workingDir: container.workingDir || undefined,
    mounts,
    stdin: container.stdin ?? false,
    tty: container.tty ?? false,
    stopTimeoutSeconds: graceOf(pod),
    resources: resources(container),
    oomScoreAdj: oomScoreAdj(pod, container, prepared.memoryBytes),
    security: security(pod, container, prepared.image),
    logPath,
  };
}

/** Shares from the request (or the limit, if that is all there is); the quota from the limit, per 100 ms and at least 1 ms, as the kernel wants. */
function resources({ resources: { limits = {}, requests = {} } = {} }: Container): ContainerSpec["resources"] {
  const cpu = requests.cpu ?? limits.cpu;
  return {
    cpuShares: cpu === undefined ? 2 : Math.min(262_144, Math.max(2, Math.floor(Number(milliUnits(cpu)) * 1024 / 1000))),
    ...(limits.cpu !== undefined && Number(milliUnits(limits.cpu)) > 0 &&
      { cpuQuotaUs: Math.max(1000, Number(milliUnits(limits.cpu)) * 100) }),
    ...(limits.memory !== undefined && Number(units(limits.memory)) > 0 && { memoryBytes: Number(units(limits.memory)) }),
  };
}

/** As Kubernetes: promised memory is taken last. */
function oomScoreAdj(pod: DesiredPod, { resources: { requests = {} } = {} }: Container, memoryBytes: number): number {
  const qos = qosClass({ spec: pod.spec });
  if (qos !== "Burstable") return qos === "Guaranteed" ? -997 : 1000;
  const share = Number(units(requests.memory ?? "0")) / memoryBytes;
  return Math.min(999, Math.max(2, Math.floor(1000 - 1000 * share)));
}

function security({ spec }: DesiredPod, { securityContext: own = {} }: Container, image: ImageInfo): ContainerSpec["security"] {
  const shared = spec.securityContext ?? {};
  const user = own.runAsUser ?? shared.runAsUser, group = own.runAsGroup ?? shared.runAsGroup;
  if (own.runAsNonRoot ?? shared.runAsNonRoot) requireNonRoot(user, image.user);
  const seccomp = own.seccompProfile ?? shared.seccompProfile;
  const groups = [...shared.supplementalGroups ?? [], ...shared.fsGroup === undefined ? [] : [shared.fsGroup]];
  return {
    // A group needs a user beside it: the image's, if that is a number, else root.
    ...(user !== undefined ? { user } : group !== undefined && { user: Number.parseInt(image.user) || 0 }),
    ...(group !== undefined && { group }),
    supplementalGroups: [...new Set(groups)],
    privileged: own.privileged ?? false,
    readOnlyRoot: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    ...(seccomp?.type === "Unconfined" && { seccomp: "unconfined" }),
    ...(seccomp?.type === "Localhost" && seccomp.localhostProfile && { seccomp: `${paths.data}/seccomp/${seccomp.localhostProfile}` }),
  };
}

function requireNonRoot(user: number | undefined, ofImage: string): void {
  const name = ofImage.split(":")[0]!;
  if (user === 0) throw new Missing("container's runAsUser breaks non-root policy");
  if (user !== undefined) return;
  if (name === "" || name === "root" || name === "0") throw new Missing("container has runAsNonRoot and image will run as root");
  if (!/^\d+$/.test(name)) {
    throw new Missing(`container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root`);
  }
}
