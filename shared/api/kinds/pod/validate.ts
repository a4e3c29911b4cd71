// Rules of pods and of templates for pods. Each field has passed its own by now. Order, places and words are Kubernetes' (pkg/apis/core/validation).
import type { Cause } from "../../decode.ts";
import { ipAddress } from "../../ip.ts";
import { sameJson } from "../../json.ts";
import { validateAnnotations, validateLabels } from "../../labels.ts";
import type { ObjectMeta } from "../../meta.ts";
import { dns1123Label, dns1123Subdomain, qualifiedName } from "../../names.ts";
import { duplicate, forbidden, invalid, missing } from "../../resource.ts";
import { each, ifGiven, obeysSyntax, unique } from "./check.ts";
import { allContainers } from "./defaults.ts";
import type { PodDNSConfig, PodSpec, PodTemplateSpec } from "./pod_spec.ts";
import { validateContainers } from "./validate_container.ts";
import { validatePodResources, validateQuantities } from "./validate_resources.ts";
import { validateAffinity, validateSpread, validateTolerations } from "./validate_scheduling.ts";
import { validatePodSecurity } from "./validate_security.ts";
import { validateUpdate } from "./validate_update.ts";
import { validateVolumes } from "./validate_volume.ts";

interface Pod {
  readonly metadata?: ObjectMeta;
  readonly spec?: PodSpec;
}

/** With `old`, also what may not change. Without it and without a subresource the pod is new. */
export function validatePod({ spec }: Pod, old?: Pod, subresource?: string): Cause[] {
  if (!spec) return [missing("spec.containers")];
  // A pod that an older release has let in stays writable: its status, its labels.
  if (old && sameJson(spec, old.spec)) return [];
  const causes = validatePodSpec(spec, "spec", true);
  for (const key of ["containers", "initContainers", "ephemeralContainers"] as const) {
    causes.push(
      ...each(
        spec[key] ?? [],
        `spec.${key}`,
        ({ image = "" }, at) =>
          image === image.trim() ? [] : [invalid(`${at}.image`, image, "must not have leading or trailing whitespace")],
      ),
    );
  }
  if (old?.spec) return [...causes, ...validateUpdate(spec, old.spec)];
  if (subresource !== undefined) return causes;
  if (spec.ephemeralContainers) causes.push(forbidden("spec.ephemeralContainers", "cannot be set on create"));
  if (spec.nodeName && spec.schedulingGates) {
    causes.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return causes;
}

export function validatePodTemplate({ metadata, spec }: PodTemplateSpec, at: string): Cause[] {
  if (!spec) return [missing(`${at}.spec.containers`)];
  return [
    ...validateLabels(metadata?.labels, `${at}.metadata.labels`),
    ...validateAnnotations(metadata?.annotations, `${at}.metadata.annotations`),
    ...validatePodSpec(spec, `${at}.spec`, false),
    ...spec.ephemeralContainers ? [forbidden(`${at}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template")] : [],
  ];
}

function validatePodSpec(spec: PodSpec, at: string, isPod: boolean): Cause[] {
  const { activeDeadlineSeconds: deadline, overhead = {} } = spec;
  return [
    ...validateVolumes(spec.volumes, `${at}.volumes`),
    ...validateClaims(spec, `${at}.resourceClaims`),
    ...validateContainers(spec, at),
    ...validatePodResources(spec, `${at}.resources`),
    ...spec.hostNetwork ? validateHostNetwork(spec, at, isPod) : [],
    ...validateLabels(spec.nodeSelector, `${at}.nodeSelector`),
    ...spec.securityContext ? validatePodSecurity(spec.securityContext, `${at}.securityContext`) : [],
    ...validateSharing(spec, at),
    ...validateAffinity(spec.affinity, `${at}.affinity`),
    ...validateDns(spec, `${at}.dnsConfig`),
    ...each(
      spec.readinessGates,
      `${at}.readinessGates`,
      (gate, here) => obeysSyntax(`${here}.conditionType`, gate.conditionType, qualifiedName),
    ),
    ...each(spec.schedulingGates, `${at}.schedulingGates`, ({ name }, here) => obeysSyntax(here, name, qualifiedName)),
    ...unique(spec.schedulingGates, `${at}.schedulingGates`, ({ name }) => name, duplicate),
    ...validateSpread(spec.topologySpreadConstraints, `${at}.topologySpreadConstraints`),
    ...ifGiven(`${at}.serviceAccountName`, spec.serviceAccountName, dns1123Subdomain),
    ...ifGiven(`${at}.nodeName`, spec.nodeName, dns1123Subdomain),
    ...deadline !== undefined && (deadline < 1 || deadline > 2 ** 31 - 1)
      ? [invalid(`${at}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive")]
      : [],
    ...ifGiven(`${at}.hostname`, spec.hostname, dns1123Label),
    ...ifGiven(`${at}.subdomain`, spec.subdomain, dns1123Label),
    ...ifGiven(
      `${at}.hostnameOverride`,
      spec.hostnameOverride,
      (name) => name.length > 64 ? ["must be no more than 64 characters"] : dns1123Subdomain(name),
    ),
    ...validateTolerations(spec.tolerations, `${at}.tolerations`),
    ...each(spec.hostAliases, `${at}.hostAliases`, ({ ip, hostnames }, here) => [
      ...obeysSyntax(`${here}.ip`, ip, ipAddress),
      ...each(hostnames, `${here}.hostnames`, (name, here) => obeysSyntax(here, name, dns1123Subdomain)),
    ]),
    ...ifGiven(`${at}.priorityClassName`, spec.priorityClassName, dns1123Subdomain),
    ...ifGiven(`${at}.runtimeClassName`, spec.runtimeClassName, dns1123Subdomain),
    ...validateQuantities(overhead, `${at}.overhead`),
    ...spec.os?.name === "linux" ? validateLinux(spec, at) : [],
  ];
}

const validateClaims = ({ resourceClaims }: PodSpec, at: string): Cause[] => [
  ...each(resourceClaims, at, (claim, here) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    const both = resourceClaimName !== undefined && resourceClaimTemplateName !== undefined;
    const none = resourceClaimName === undefined && resourceClaimTemplateName === undefined;
    return [
      ...obeysSyntax(`${here}.name`, name, dns1123Label),
      ...both ? [invalid(here, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")] : [],
      ...none ? [invalid(here, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")] : [],
    ];
  }),
  ...unique(resourceClaims, at, ({ name }) => name, (here, name) => duplicate(`${here}.name`, name)),
];

/** In a template the host port may still be missing: the pod will get it. */
const validateHostNetwork = ({ containers }: PodSpec, at: string, isPod: boolean): Cause[] =>
  each(
    containers,
    `${at}.containers`,
    ({ ports }, here) =>
      each(ports, `${here}.ports`, ({ hostPort = 0, containerPort }, here) =>
        (isPod || hostPort !== 0) && hostPort !== containerPort
          ? [invalid(`${here}.hostPort`, hostPort, "must match `containerPort` when `hostNetwork` is true")]
          : []),
  );

function validateSharing({ shareProcessNamespace, hostUsers, hostNetwork, hostPID, hostIPC }: PodSpec, at: string): Cause[] {
  const causes: Cause[] = [];
  if (shareProcessNamespace && hostPID) {
    causes.push(invalid(`${at}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  }
  if (hostUsers !== false) return causes;
  const shared = { hostNetwork, HostPID: hostPID, HostIPC: hostIPC };
  return [
    ...causes,
    ...Object.entries(shared).filter(([, on]) => on).map(([name]) => forbidden(`${at}.${name}`, "when `pod.Spec.HostUsers` is false")),
  ];
}

const nameserversMost = 3, searchesMost = 32, searchCharactersMost = 2048; // what C libraries read
function validateDns({ dnsPolicy, dnsConfig }: PodSpec, at: string): Cause[] {
  if (dnsPolicy === "None") {
    if (!dnsConfig) return [missing(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if (!dnsConfig.nameservers?.length) {
      return [missing(`${at}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
    }
  }
  const { nameservers = [], searches = [], options }: PodDNSConfig = dnsConfig ?? {};
  const causes: Cause[] = [];
  if (nameservers.length > nameserversMost) {
    causes.push(invalid(`${at}.nameservers`, nameservers, `must not have more than ${nameserversMost} nameservers`));
  }
  if (searches.length > searchesMost) {
    causes.push(invalid(`${at}.searches`, searches, `must not have more than ${searchesMost} search paths`));
  }
  if (searches.join(" ").length > searchCharactersMost) {
    const words = `must not have more than ${searchCharactersMost} characters (including spaces) in the search list`;
    causes.push(invalid(`${at}.searches`, searches, words));
  }
  return [
    ...causes,
    ...each(nameservers, `${at}.nameservers`, (address, here) => obeysSyntax(here, address, ipAddress)),
    // Since release 1.34 a single dot and underscores may stand here, too.
    ...each(
      searches,
      `${at}.searches`,
      (search, here) =>
        search === "."
          ? []
          : dns1123Subdomain(search.replace(/\.$/, "").replaceAll("_", "a")).map((problem) => invalid(here, search, problem)),
    ),
    ...each(options, `${at}.options`, ({ name }, here) => name ? [] : [missing(here, "must not be empty")]),
  ];
}

function validateLinux(spec: PodSpec, at: string): Cause[] {
  const not = "windows options cannot be set for a linux pod";
  const own = spec.securityContext?.windowsOptions ? [forbidden(`${at}.securityContext.windowsOptions`, not)] : [];
  if (!allContainers(spec).some(({ securityContext }) => securityContext?.windowsOptions)) return own;
  return [
    ...own,
    ...(["initContainers", "containers", "ephemeralContainers"] as const).flatMap((key) =>
      each(
        spec[key] ?? [],
        `${at}.${key}`,
        ({ securityContext }, here) => securityContext?.windowsOptions ? [forbidden(`${here}.securityContext.windowsOptions`, not)] : [],
      )
    ),
  ];
}
