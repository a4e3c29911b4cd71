// What we want, as libpod's create requests (API 4.0 and later). Pure. Everything that Kubernetes wants otherwise than Podman's defaults is said here.
import type { SpecGenerator } from "podman-api-client";
import { containerFormat, containerLabels, containerName } from "../../shared/names.ts";
import { type ContainerSpec, type Identity, RuntimeError, type SandboxSpec } from "./runtime.ts";

/** The period of cpu quotas, in microseconds (the kernel's default, and Kubernetes'). */
const cpuPeriodUs = 100_000;

const identityLabels = (identity: Identity): Record<string, string> => ({
  [containerLabels.podUid]: identity.podUid,
  [containerLabels.podNamespace]: identity.podNamespace,
  [containerLabels.podName]: identity.podName,
  [containerLabels.specHash]: identity.specHash,
  [containerLabels.format]: containerFormat,
});

const podOf = (identity: Identity) => ({ namespace: identity.podNamespace, name: identity.podName, uid: identity.podUid });
export const sandboxName = (spec: Identity): string => containerName(podOf(spec));
export const nameOfContainer = (spec: ContainerSpec): string => containerName(podOf(spec), spec.container, spec.attempt);

/** Body of POST /pods/create. `network` is the Podman network whose bridge is the node's pod network. */
export function podCreateRequest(spec: SandboxSpec, network: string): Record<string, unknown> {
  const shared = [
    "net",
    ...(spec.hostIpc ? [] : ["ipc"]), // libpod 4 gives a pod no host IPC: its members take it one by one, see `usesHostIpc`
    ...(spec.hostNetwork ? [] : ["uts"]),
    ...(spec.shareProcessNamespace || spec.hostPid ? ["pid"] : []),
  ];
  return {
    name: sandboxName(spec),
    labels: identityLabels(spec),
    shared_namespaces: shared,
    share_parent: true,
    exit_policy: "continue", // the sandbox outlives its containers: that is what restarts and init containers stand on
    ...(spec.hostNetwork
      ? { netns: { nsmode: "host" } }
      : { hostname: spec.hostname, netns: { nsmode: "bridge" }, Networks: { [network]: attachment(spec.address) } }),
    ...(spec.hostPid ? { pidns: { nsmode: "host" } } : {}),
    ...(spec.dns ? { dns_server: [...spec.dns.servers], dns_search: [...spec.dns.searches], dns_option: [...spec.dns.options] } : {}),
    ...(spec.hostAliases.length === 0
      ? {}
      : { hostadd: spec.hostAliases.flatMap(({ ip, hostnames }) => hostnames.map((hostname) => `${hostname}:${ip}`)) }),
    // With the host's network a port is already open on the host.
    ...(spec.hostNetwork || spec.ports.length === 0 ? {} : { portmappings: spec.ports.map(portMapping) }),
    ...(Object.keys(spec.sysctls).length === 0 ? {} : { sysctl: { ...spec.sysctls } }),
  };
}

/** Whether a pod was created with hostIpc, from the namespaces that its members share: our other pods all share `ipc`. */
export const usesHostIpc = (sharedNamespaces: readonly string[]): boolean => !sharedNamespaces.includes("ipc");

const attachment = (address: string | undefined) => ({
  interface_name: "eth0",
  ...(address === undefined ? {} : { static_ips: [address] }),
});

const portMapping = (port: SandboxSpec["ports"][number]) => ({
  host_port: port.hostPort,
  container_port: port.containerPort,
  protocol: port.protocol,
  ...(port.hostIp === undefined ? {} : { host_ip: port.hostIp }),
});

/** Body of POST /containers/create, for a member of the pod `sandboxId`. @throws RuntimeError Engine for a group without a user, as CRI does */
export function containerCreateRequest(sandboxId: string, spec: ContainerSpec, pod: { hostIpc: boolean }): SpecGenerator {
  const { security } = spec;
  const user = userOf(security.user, security.group);
  const limits = resourceLimits(spec.resources);
  const request: Record<string, unknown> = {
    name: nameOfContainer(spec),
    pod: sandboxId,
    image: spec.image,
    ...(pod.hostIpc ? { ipcns: { nsmode: "host" } } : {}),
    labels: {
      ...identityLabels(spec),
      [containerLabels.container]: spec.container,
      [containerLabels.attempt]: String(spec.attempt),
    },
    // `entrypoint` alone drops the image's CMD and `command` alone replaces only CMD: exactly Kubernetes' command and args.
    ...(spec.command === undefined ? {} : { entrypoint: [...spec.command] }),
    ...(spec.args === undefined ? {} : { command: [...spec.args] }),
    env: { ...spec.env },
    ...(spec.workingDir === undefined ? {} : { work_dir: spec.workingDir }),
    ...(user === undefined ? {} : { user }),
    ...(security.supplementalGroups.length === 0 ? {} : { groups: security.supplementalGroups.map(String) }),
    ...(security.privileged ? { privileged: true } : {}),
    ...(security.readOnlyRoot ? { read_only_filesystem: true } : {}),
    ...(security.noNewPrivileges ? { no_new_privileges: true } : {}),
    ...(security.addCapabilities.length === 0 ? {} : { cap_add: [...security.addCapabilities] }),
    ...(security.dropCapabilities.length === 0 ? {} : { cap_drop: [...security.dropCapabilities] }),
    ...(security.seccomp === undefined ? {} : { seccomp_profile_path: security.seccomp }),
    ...(spec.mounts.length === 0 ? {} : { mounts: spec.mounts.map(bind) }),
    ...(limits === undefined ? {} : { resource_limits: limits }),
    oom_score_adj: spec.oomScoreAdj,
    stop_timeout: spec.stopTimeoutSeconds,
    terminal: spec.tty,
    stdin: spec.stdin,
    // No size: with one, conmon truncates the file and everything before is gone. The agent rotates (log_rotation.ts).
    log_configuration: { driver: "k8s-file", path: spec.logPath },
    restart_policy: "no", // restarts are the agent's: it knows back-off, attempts and probes
    image_volume_mode: "ignore",
    systemd: "false",
  };
  return request as SpecGenerator;
}

const bind = (mount: ContainerSpec["mounts"][number]) => ({
  type: "bind",
  source: mount.source,
  destination: mount.target,
  options: ["rbind", mount.readOnly ? "ro" : "rw", ...(mount.propagation === undefined ? [] : [mount.propagation])],
});

function userOf(user: number | undefined, group: number | undefined): string | undefined {
  if (user === undefined && group !== undefined) {
    throw new RuntimeError("Engine", `Cannot run as group ${group}: runAsGroup needs runAsUser beside it`);
  }
  return user === undefined ? undefined : group === undefined ? String(user) : `${user}:${group}`;
}

function resourceLimits(resources: ContainerSpec["resources"]): Record<string, unknown> | undefined {
  const { cpuShares, cpuQuotaUs, memoryBytes, pids } = resources;
  const limits: Record<string, unknown> = {};
  if (cpuShares !== undefined || cpuQuotaUs !== undefined) {
    limits.cpu = {
      ...(cpuShares === undefined ? {} : { shares: cpuShares }),
      ...(cpuQuotaUs === undefined ? {} : { quota: cpuQuotaUs, period: cpuPeriodUs }),
    };
  }
  // swap is memory and swap together: equal means no swap, as in Kubernetes.
  if (memoryBytes !== undefined) limits.memory = { limit: memoryBytes, swap: memoryBytes };
  if (pids !== undefined) limits.pids = { limit: pids };
  return Object.keys(limits).length === 0 ? undefined : limits;
}
