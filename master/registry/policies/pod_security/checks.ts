// What a pod may not be at a level of the Pod Security Standards: one function a check, each with the version of Kubernetes that began it, in upstream's
// words. Pods that want a user namespace (hostUsers: false) are let off nothing: here no node makes one.
import type { ObjectMeta } from "../../../../shared/api/meta.ts";
import type { Container } from "../../../../shared/api/kinds/pod/container.ts";
import { allContainers } from "../../../../shared/api/kinds/pod/defaults.ts";
import type { PodSpec } from "../../../../shared/api/kinds/pod/pod_spec.ts";
import { added, bearers, named, plural, quoted, use, type Violation } from "./words.ts";

interface Checked {
  readonly metadata: ObjectMeta;
  readonly spec: PodSpec;
  /** Minor version of Kubernetes whose rules hold. */
  readonly version: number;
}
export interface Check {
  /** Order of the messages. */
  readonly id: string;
  readonly since: number;
  /** A check of baseline that this one of restricted includes. */
  readonly instead?: string;
  readonly look: (pod: Checked) => Violation | undefined;
}
type Context = NonNullable<Container["securityContext"]>;
const of = (spec: PodSpec, bad: (context: Context) => boolean) =>
  allContainers(spec).filter(({ securityContext = {} }) => bad(securityContext));
/** Pod and containers that say something bad, and what. */
function sayers(spec: PodSpec, said: (context: Partial<Context>) => string | undefined, bad: (value: string) => boolean) {
  const isBad = (context: Partial<Context> = {}) => bad(said(context) ?? "");
  const containers = of(spec, (context) => isBad(context)), pod = isBad(spec.securityContext as Partial<Context>);
  const values = [...pod ? [spec.securityContext as Partial<Context>] : [], ...containers.map(({ securityContext }) => securityContext!)]
    .map(said);
  return { who: bearers(pod, containers), values: [...new Set(values as string[])].sort() };
}

const capabilities = "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
  .split(" ");
const sysctls: Readonly<Record<string, number>> = {
  "kernel.shm_rmid_forced": 0,
  "net.ipv4.ip_local_port_range": 0,
  "net.ipv4.tcp_syncookies": 0,
  "net.ipv4.ping_group_range": 0,
  "net.ipv4.ip_unprivileged_port_start": 0,
  "net.ipv4.ip_local_reserved_ports": 27,
  "net.ipv4.tcp_keepalive_time": 29,
  "net.ipv4.tcp_fin_timeout": 29,
  "net.ipv4.tcp_keepalive_intvl": 29,
  "net.ipv4.tcp_keepalive_probes": 29,
  "net.ipv4.tcp_rmem": 32,
  "net.ipv4.tcp_wmem": 32,
};
const seLinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
const mustNot = (found: readonly { readonly name: string }[], what: string) =>
  found.length > 0 ? `${named(found)} must not ${what}` : undefined;
const isWindows = ({ os }: PodSpec, version: number): boolean => version >= 25 && os?.name === "windows";

export const baseline: readonly Check[] = [
  { id: "appArmorProfile", since: 0, look: appArmor },
  { id: "capabilities_baseline", since: 0, look: ({ spec }) => added(allContainers(spec), capabilities, "non-default capabilities") },
  {
    id: "hostNamespaces",
    since: 0,
    look({ spec }) {
      const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name]).map((name) => `${name}=true`);
      return shared.length > 0 ? { reason: "host namespaces", detail: shared.join(", ") } : undefined;
    },
  },
  {
    id: "hostPathVolumes",
    since: 0,
    look({ spec: { volumes = [] } }) {
      const found = volumes.filter(({ hostPath }) => hostPath);
      return found.length > 0 ? { reason: "hostPath volumes", detail: named(found, "volume") } : undefined;
    },
  },
  {
    id: "hostPorts",
    since: 0,
    look({ spec }) {
      const found = allContainers(spec).filter(({ ports = [] }) => ports.some(({ hostPort }) => hostPort));
      if (found.length === 0) return undefined;
      const ports = [...new Set(found.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort }) => hostPort ? [String(hostPort)] : [])))]
        .sort();
      return {
        reason: "hostPort",
        detail: `${named(found)} ${use(found.length)} ${plural("hostPort", ports.length)} ${ports.join(", ")}`,
      };
    },
  },
  { id: "hostProbesAndHostLifecycle", since: 34, look: probeHosts },
  {
    id: "privileged",
    since: 0,
    look({ spec }) {
      const detail = mustNot(of(spec, ({ privileged }) => privileged === true), "set securityContext.privileged=true");
      return detail ? { reason: "privileged", detail } : undefined;
    },
  },
  {
    id: "procMount",
    since: 0,
    look({ spec }) {
      const { who, values } = sayers(
        { ...spec, securityContext: {} },
        ({ procMount }) => procMount,
        (value) => value !== "" && value !== "Default",
      );
      return who ? { reason: "procMount", detail: `${who} must not set securityContext.procMount to ${quoted(values)}` } : undefined;
    },
  },
  { id: "seLinuxOptions", since: 0, look: seLinux },
  {
    id: "seccompProfile_baseline",
    since: 19,
    look({ spec }) {
      const { who, values } = sayers(spec, ({ seccompProfile }) => seccompProfile?.type, (type) => type === "Unconfined");
      return who
        ? { reason: "seccompProfile", detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}` }
        : undefined;
    },
  },
  {
    id: "sysctls",
    since: 0,
    look({ spec, version }) {
      const found = (spec.securityContext?.sysctls ?? []).filter(({ name }) => !Object.hasOwn(sysctls, name) || sysctls[name]! > version);
      return found.length > 0 ? { reason: "forbidden sysctls", detail: found.map(({ name }) => name).join(", ") } : undefined;
    },
  },
  {
    id: "windowsHostProcess",
    since: 0,
    look({ spec }) {
      const { who } = sayers(spec, ({ windowsOptions }) => String(windowsOptions?.hostProcess ?? ""), (value) => value === "true");
      return who ? { reason: "hostProcess", detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` } : undefined;
    },
  },
];

const harmlessVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
export const restricted: readonly Check[] = [
  {
    id: "allowPrivilegeEscalation",
    since: 8,
    look({ spec, version }) {
      const found = isWindows(spec, version) ? [] : of(spec, ({ allowPrivilegeEscalation }) => allowPrivilegeEscalation !== false);
      if (found.length === 0) return undefined;
      return {
        reason: "allowPrivilegeEscalation != false",
        detail: `${named(found)} must set securityContext.allowPrivilegeEscalation=false`,
      };
    },
  },
  {
    id: "capabilities_restricted",
    since: 22,
    instead: "capabilities_baseline",
    look({ spec, version }) {
      if (isWindows(spec, version)) return undefined;
      const keeping = of(spec, ({ capabilities }) => !capabilities?.drop?.includes("ALL")), reason = "unrestricted capabilities";
      const details = keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : [];
      const more = added(allContainers(spec), ["NET_BIND_SERVICE"], reason);
      if (more) details.push(more.detail);
      return details.length > 0 ? { reason, detail: details.join("; ") } : undefined;
    },
  },
  {
    id: "restrictedVolumes",
    since: 0,
    instead: "hostPathVolumes",
    look({ spec: { volumes = [] } }) {
      const typeOf = (volume: object) => Object.keys(volume).find((key) => key !== "name") ?? "unknown";
      const found = volumes.filter((volume) => !harmlessVolumes.includes(typeOf(volume)));
      if (found.length === 0) return undefined;
      const types = [...new Set(found.map(typeOf))].sort();
      const uses = `${use(found.length)} ${plural("restricted volume type", types.length)}`;
      return { reason: "restricted volume types", detail: `${named(found, "volume")} ${uses} ${quoted(types)}` };
    },
  },
  {
    id: "runAsNonRoot",
    since: 0,
    look({ spec }) {
      const { who } = sayers(spec, ({ runAsNonRoot }) => String(runAsNonRoot ?? ""), (value) => value === "false"),
        reason = "runAsNonRoot != true";
      if (who) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
      const silent = spec.securityContext?.runAsNonRoot ? [] : of(spec, ({ runAsNonRoot }) => runAsNonRoot === undefined);
      return silent.length > 0 ? { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` } : undefined;
    },
  },
  {
    id: "runAsUser",
    since: 23,
    look({ spec }) {
      const { who } = sayers(spec, ({ runAsUser }) => String(runAsUser ?? ""), (value) => value === "0");
      return who ? { reason: "runAsUser=0", detail: `${who} must not set runAsUser=0` } : undefined;
    },
  },
  {
    id: "seccompProfile_restricted",
    since: 19,
    instead: "seccompProfile_baseline",
    look({ spec, version }) {
      if (isWindows(spec, version)) return undefined;
      const { who, values } = sayers(
        spec,
        ({ seccompProfile }) => seccompProfile?.type,
        (type) => !["", "RuntimeDefault", "Localhost"].includes(type),
      );
      const field = "securityContext.seccompProfile.type", reason = "seccompProfile";
      if (who) return { reason, detail: `${who} must not set ${field} to ${quoted(values)}` };
      const silent = spec.securityContext?.seccompProfile ? [] : of(spec, ({ seccompProfile }) => !seccompProfile);
      return silent.length > 0
        ? { reason, detail: `pod or ${named(silent)} must set ${field} to "RuntimeDefault" or "Localhost"` }
        : undefined;
    },
  },
];

function appArmor({ metadata: { annotations = {} }, spec }: Checked): Violation | undefined {
  const { who, values } = sayers(spec, ({ appArmorProfile }) => appArmorProfile?.type, (type) => type === "Unconfined");
  const old = Object.entries(annotations).filter(([key, value]) =>
    key.startsWith(appArmorPrefix) && value !== "" && value !== "runtime/default" && !value.startsWith("localhost/")
  );
  const all = [...new Set([...values, ...old.map(([, value]) => value)])].sort();
  if (all.length === 0) return undefined;
  const setters = [...who ? [who] : [], ...old.length > 0 ? [named(old.map(([name]) => ({ name })), "annotation")] : []].join(" and ");
  return {
    reason: plural("forbidden AppArmor profile", all.length),
    detail: `${setters} must not set AppArmor profile type to ${quoted(all)}`,
  };
}
function seLinux({ spec }: Checked): Violation | undefined {
  type Options = NonNullable<Context["seLinuxOptions"]>;
  const isBad = ({ type = "", user, role }: Options) => !seLinuxTypes.includes(type) || Boolean(user) || Boolean(role);
  const pod = spec.securityContext?.seLinuxOptions, containers = of(spec, ({ seLinuxOptions = {} }) => isBad(seLinuxOptions));
  const who = bearers(pod !== undefined && isBad(pod), containers);
  if (!who) return undefined;
  const options: Options[] = [...pod ? [pod] : [], ...containers.map(({ securityContext }) => securityContext!.seLinuxOptions!)];
  const types = [...new Set(options.map(({ type = "" }) => type).filter((type) => !seLinuxTypes.includes(type)))].sort();
  const bad = [
    ...types.length > 0 ? [`${plural("type", types.length)} ${quoted(types)}`] : [],
    ...options.some(({ user }) => user) ? ["user may not be set"] : [],
    ...options.some(({ role }) => role) ? ["role may not be set"] : [],
  ];
  return { reason: "seLinuxOptions", detail: `${who} set forbidden securityContext.seLinuxOptions: ${bad.join("; ")}` };
}
function probeHosts({ spec }: Checked): Violation | undefined {
  const hostsOf = (
    { livenessProbe, readinessProbe, startupProbe, lifecycle }: Pick<
      Container,
      "livenessProbe" | "readinessProbe" | "startupProbe" | "lifecycle"
    >,
  ) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) =>
      [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host) => host !== undefined && host !== "") as string[]
    );
  const found = allContainers(spec).filter((container) => hostsOf(container).length > 0).sort((a, b) => a.name < b.name ? -1 : 1);
  if (found.length === 0) return undefined;
  const hosts = [...new Set(found.flatMap(hostsOf))].sort();
  const uses = `${use(found.length)} ${plural("probe or lifecycle host", hosts.length)}`;
  return { reason: "probe or lifecycle host", detail: `${named(found)} ${uses} ${quoted(hosts)}` };
}
