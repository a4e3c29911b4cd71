// Storage that somebody has, and who has claimed it.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Subdomain } from "../names.ts";
import { ObjectReference } from "../reference.ts";
import { forbidden, immutable, invalid, missing, resource, unsupported } from "../resource.ts";
import { quantity, time } from "../scalars.ts";
import { atomic, field, inline, kind, list, map, message, oneOf, optional, string } from "../schema.ts";
import { PersistentVolumeSource } from "./persistent_volume_source.ts";
import { NodeSelector } from "./pod/affinity.ts";
import { ifGiven, noBacksteps, obeysSyntax } from "./pod/check.ts";
import { accessMode, accessModesText, validateAccessModes, validateStorage, volumeMode } from "./pod/claim.ts";
import { validateNodeSelector } from "./pod/validate_scheduling.ts";

const core = "k8s.io.api.core.v1";

export class VolumeNodeAffinity extends message(`${core}.VolumeNodeAffinity`, "From which nodes a volume can be reached.", {
  required: optional(1, NodeSelector, "From these only."),
}) {}
export class PersistentVolumeSpec extends message(`${core}.PersistentVolumeSpec`, "What a volume is like.", {
  capacity: field(1, map(quantity), "How big it is."),
  ...inline(2, "persistentVolumeSource", PersistentVolumeSource),
  accessModes: field(3, list(accessMode), "Who can use it at once, and how.", atomic),
  claimRef: optional(4, ObjectReference, "The claim that it is bound to, or kept for.", { map: "granular" }),
  persistentVolumeReclaimPolicy: field(5, oneOf("Delete", "Recycle", "Retain"), "What becomes of it when its claim has gone.", {
    default: "Retain",
  }),
  storageClassName: field(6, string, "The StorageClass that it belongs to; none, if empty."),
  mountOptions: field(7, list(string), "Options of mount(8).", atomic),
  volumeMode: optional(8, volumeMode, "A file system or a raw device.", { default: "Filesystem" }),
  nodeAffinity: optional(9, VolumeNodeAffinity, "From which nodes it can be reached; from all, if left out."),
  volumeAttributesClassName: optional(10, string, "VolumeAttributesClass of its changeable properties."),
}) {}
export class PersistentVolumeStatus extends message(`${core}.PersistentVolumeStatus`, "How a volume is.", {
  phase: field(1, string, "Pending, Available, Bound, Released or Failed."),
  message: field(2, string, "Why, for people."),
  reason: field(3, string, "Why, as one CamelCase word."),
  lastPhaseTransitionTime: optional(4, time, "When the phase last changed."),
}) {}
export class PersistentVolume extends kind("v1", `${core}.PersistentVolume`, "Storage that somebody has.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, PersistentVolumeSpec, "What it is like.", { default: {} }),
  status: field(3, PersistentVolumeStatus, "How it is. Written by the system."),
}) {}

export const persistentVolumes = resource(PersistentVolume, {
  plural: "persistentvolumes",
  short: ["pv"],
  namespaced: false,
  status: true,
  generation: false,
  columns: {
    Capacity: ({ spec }) => spec?.capacity?.storage ?? "0",
    "Access Modes": ({ spec }) => accessModesText(spec?.accessModes),
    "Reclaim Policy": ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? "",
    Status: ({ metadata, status }) => metadata?.deletionTimestamp ? "Terminating" : status?.phase ?? "",
    Claim: ({ spec }) => spec?.claimRef ? `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}` : "",
    StorageClass: ({ spec }) => spec?.storageClassName ?? "",
    VolumeAttributesClass: ({ spec }) => spec?.volumeAttributesClassName || "<unset>",
    Reason: ({ status }) => status?.reason ?? "",
    Age: ageOf,
    VolumeMode: { wide: true, cell: ({ spec }) => spec?.volumeMode ?? "<unset>" },
  },
  born: (volume) => void (volume.status = { phase: "Pending" }),
  validate({ spec = {} }, old) {
    const { capacity = {}, nodeAffinity, local } = spec, at = "spec.capacity";
    const sized = Object.keys(capacity).join() === "storage";
    return [
      ...validateAccessModes(spec.accessModes, "spec.accessModes"),
      ...Object.keys(capacity).length === 0 ? [missing(at)] : sized ? [] : [unsupported(at, capacity, ["storage"])],
      ...sized ? validateStorage(capacity.storage!, `${at}[storage]`) : [],
      ...nodeAffinity ? validateNodes(nodeAffinity, "spec.nodeAffinity") : [],
      ...validateSource(spec),
      ...local && !nodeAffinity ? [missing("spec.nodeAffinity", "Local volume requires node affinity")] : [],
      ...ifGiven("spec.storageClassName", spec.storageClassName, dns1123Subdomain),
      ...old?.spec ? validateUpdate(spec, old.spec) : [],
    ];
  },
});

const validateNodes = ({ required }: VolumeNodeAffinity, at: string): Cause[] =>
  required ? validateNodeSelector(required, `${at}.required`) : [missing(`${at}.required`, "must specify required node constraints")];

const sources = Object.keys(PersistentVolumeSource.fields) as (keyof PersistentVolumeSource)[];
function validateSource(spec: PersistentVolumeSpec): Cause[] {
  const [source, ...others] = sources.filter((source) => spec[source] !== undefined), { hostPath, local, nfs, csi } = spec;
  const path = hostPath?.path ?? local?.path;
  if (!source) return [missing("spec", "must specify a volume type")];
  return [
    ...others.map((other) => forbidden(`spec.${other}`, "may not specify more than 1 volume type")),
    ...path === "" ? [missing(`spec.${source}.path`)] : path ? obeysSyntax(`spec.${source}.path`, path, noBacksteps) : [],
    ...path === "/" && hostPath && spec.persistentVolumeReclaimPolicy === "Recycle"
      ? [forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'")]
      : [],
    ...nfs && !nfs.path.startsWith("/") ? [invalid("spec.nfs.path", nfs.path, "must be an absolute path")] : [],
    ...csi?.driver === "" ? [missing("spec.csi.driver")] : [],
    ...csi?.volumeHandle === "" ? [missing("spec.csi.volumeHandle")] : [],
  ];
}

/** What holds somebody's data stays what and where it is. */
function validateUpdate(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): Cause[] {
  const made = (spec: PersistentVolumeSpec) => sources.map((source) => spec[source]);
  return [
    ...sameJson(made(spec), made(old))
      ? []
      : [forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")],
    ...spec.volumeMode === old.volumeMode ? [] : [immutable("spec.volumeMode", spec.volumeMode)],
    ...!old.nodeAffinity || sameJson(spec.nodeAffinity, old.nodeAffinity)
      ? []
      : [immutable("spec.nodeAffinity", spec.nodeAffinity ?? null)],
  ];
}
