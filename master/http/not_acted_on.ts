// What is stored and shown, and that nothing acts on yet: whoever writes it is told so. What begins to act takes its line from here.
import { isDeepStrictEqual } from "node:util";
import { type Kind, type KubernetesObject, qualified } from "../../shared/api/resource.ts";
import type { Field, Json, Message, Type } from "../../shared/api/schema.ts";
import type { HttpContext } from "./context.ts";

/** Kinds without a controller. */
export const kindsNotActedOn: readonly string[] = [
  "cronjobs.batch",
  "horizontalpodautoscalers.autoscaling",
  "ingressclasses.networking.k8s.io",
  "ingresses.networking.k8s.io",
  "jobs.batch",
  "networkpolicies.networking.k8s.io",
  "persistentvolumeclaims",
  "persistentvolumes",
  "replicationcontrollers",
  "runtimeclasses.node.k8s.io",
  "statefulsets.apps",
  "storageclasses.storage.k8s.io",
];

const core = "k8s.io.api.core.v1.";
const diskKinds =
  "gcePersistentDisk awsElasticBlockStore gitRepo nfs iscsi glusterfs persistentVolumeClaim rbd flexVolume cinder cephfs flocker " +
  "fc azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO storageos csi ephemeral image";
/** Message → its fields. */
export const fieldsNotActedOn: Readonly<Record<string, string>> = {
  [`${core}PodSpec`]: "preemptionPolicy topologySpreadConstraints runtimeClassName hostUsers resourceClaims schedulingGroup resources",
  [`${core}Affinity`]: "podAffinity podAntiAffinity",
  [`${core}PodSecurityContext`]:
    "seLinuxOptions windowsOptions fsGroupChangePolicy appArmorProfile supplementalGroupsPolicy seLinuxChangePolicy",
  [`${core}SecurityContext`]: "seLinuxOptions procMount windowsOptions appArmorProfile",
  [`${core}Container`]: "volumeDevices resizePolicy restartPolicyRules",
  [`${core}EphemeralContainer`]: "volumeDevices resizePolicy restartPolicyRules targetContainerName",
  [`${core}ResourceRequirements`]: "claims",
  [`${core}VolumeMount`]: "recursiveReadOnly",
  [`${core}Lifecycle`]: "stopSignal",
  [`${core}EnvVarSource`]: "fileKeyRef",
  [`${core}Volume`]: diskKinds,
  [`${core}VolumeProjection`]: "clusterTrustBundle podCertificate",
  [`${core}ServiceSpec`]:
    "loadBalancerIP externalName healthCheckNodePort ipFamilies allocateLoadBalancerNodePorts loadBalancerClass trafficDistribution",
};
/** Values that say nothing: what is so anyway, or what the server itself has filled in. */
const harmless: Readonly<Record<string, readonly unknown[]>> = {
  preemptionPolicy: ["PreemptLowerPriority", "Never"],
  procMount: ["Default"],
  recursiveReadOnly: ["Disabled"],
  ipFamilies: [["IPv4"]],
  allocateLoadBalancerNodePorts: [true],
  healthCheckNodePort: [0],
};
const fields = new Map(Object.entries(fieldsNotActedOn).map(([id, names]) => [id, new Set(names.split(" "))]));

/** Paths of fields that nothing acts on, each once, whatever number of list items has it: named where it stands first. */
export function notActedOn(kind: Kind, object: KubernetesObject): string[] {
  const found = new Map<string, string>();
  for (const [name, { type }] of Object.entries(kind.schema.fields)) {
    if (name !== "metadata" && name !== "status") look(type, (object as Json)[name], name, name, found);
  }
  return [...found.values()];
}
function look(type: Type<unknown>, value: unknown, path: string, place: string, found: Map<string, string>): void {
  if (typeof value !== "object" || value === null || !leads(type)) return;
  if (type.type === "array") return (value as unknown[]).forEach((item, i) => look(type.item!, item, `${path}[${i}]`, place, found));
  const { id, fields: known } = type as Message, idle = fields.get(id);
  for (const [name, inner] of Object.entries(value)) {
    const field: Field | undefined = Object.hasOwn(known, name) ? known[name] : undefined, here = `${place}.${name}`;
    if (!field || found.has(here)) continue;
    if (!idle?.has(name)) look(field.type, inner, `${path}.${name}`, here, found);
    else if (![...harmless[name] ?? [], field.default].some((quiet) => isDeepStrictEqual(inner, quiet))) found.set(here, `${path}.${name}`);
  }
}
/** Is there, in this message or below, a field that nothing acts on? Most of an object need not be looked at. */
const leading = new WeakMap<object, boolean>();
function leads(type: Type<unknown>): boolean {
  if (type.type === "array") return leads(type.item!);
  if (type.type !== "message") return false;
  const { id, fields: known } = type as Message;
  let leadsOn = leading.get(known);
  if (leadsOn === undefined) {
    leading.set(known, false); // a message within itself
    leadsOn = fields.has(id) || Object.values<Field>(known).some((field) => leads(field.type));
    leading.set(known, leadsOn);
  }
  return leadsOn;
}

/** A warning for the kind, or for each such field. Of a patch with `old`, only if it wants something else than before: a new label is no news. */
export function warnNotActedOn(c: HttpContext, kind: Kind, object: KubernetesObject, old?: KubernetesObject): void {
  const wanted = ({ metadata: _, status: _1, ...rest }: KubernetesObject & { status?: unknown }) => rest;
  if (old && isDeepStrictEqual(wanted(object), wanted(old))) return;
  const but = "stored, but nothing acts on", warnings = c.get("warnings");
  if (kindsNotActedOn.includes(qualified(kind))) warnings.add(`${qualified(kind)}: ${but} them yet`);
  else for (const path of notActedOn(kind, object)) warnings.add(`${path}: ${but} it yet`);
}
