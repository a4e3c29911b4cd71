// A claim for storage: of its own, or as a StatefulSet has it in its templates.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { validateLabelSelector } from "../labels.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Subdomain } from "../names.ts";
import { compareQuantities } from "../quantity.ts";
import { forbidden, invalid, missing, resource } from "../resource.ts";
import { quantity, time } from "../scalars.ts";
import { atomic, field, kind, list, map, mergedBy, message, optional, required, string } from "../schema.ts";
import { ifGiven } from "./pod/check.ts";
import { accessMode, accessModesText, PersistentVolumeClaimSpec, validateAccessModes, validateStorage } from "./pod/claim.ts";

const core = "k8s.io.api.core.v1";

export class PersistentVolumeClaimCondition extends message(`${core}.PersistentVolumeClaimCondition`, "One aspect of a claim's state.", {
  type: required(1, string, "Name of the aspect, such as Resizing."),
  status: required(2, string, "True, False or Unknown."),
  lastProbeTime: field(3, time, "When it was last looked at."),
  lastTransitionTime: field(4, time, "When the status last changed."),
  reason: field(5, string, "Why, as one CamelCase word."),
  message: field(6, string, "Why, for people."),
}) {}
export class ModifyVolumeStatus extends message(`${core}.ModifyVolumeStatus`, "A change of a volume's class, under way.", {
  targetVolumeAttributesClassName: field(1, string, "The VolumeAttributesClass that it is to have."),
  status: required(2, string, "Pending, InProgress or Infeasible."),
}) {}
export class PersistentVolumeClaimStatus extends message(`${core}.PersistentVolumeClaimStatus`, "How a claim is.", {
  phase: field(1, string, "Pending, Bound or Lost."),
  accessModes: field(2, list(accessMode), "Who can use the volume at once, and how.", atomic),
  capacity: field(3, map(quantity), "How big the volume is."),
  conditions: field(4, list(PersistentVolumeClaimCondition), "Its state, aspect by aspect.", mergedBy("type")),
  allocatedResources: field(5, map(quantity), "What has been set aside for it, while it grows."),
  allocatedResourceStatuses: field(7, map(string), "How far it has grown.", { map: "granular" }),
  currentVolumeAttributesClassName: optional(8, string, "The VolumeAttributesClass that the volume has."),
  modifyVolumeStatus: optional(9, ModifyVolumeStatus, "A change of that class, under way."),
}) {}
export class PersistentVolumeClaim extends kind("v1", `${core}.PersistentVolumeClaim`, "A claim for storage.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, PersistentVolumeClaimSpec, "What is wanted."),
  status: field(3, PersistentVolumeClaimStatus, "What is. Written by the system."),
}) {}

export const persistentVolumeClaims = resource(PersistentVolumeClaim, {
  plural: "persistentvolumeclaims",
  short: ["pvc"],
  namespaced: true,
  status: true,
  generation: false,
  columns: {
    Status: ({ metadata, status }) => metadata?.deletionTimestamp ? "Terminating" : status?.phase ?? "",
    Volume: ({ spec }) => spec?.volumeName ?? "",
    // Of a volume that it has, not of one that it wants.
    Capacity: ({ spec, status }) => spec?.volumeName ? status?.capacity?.storage ?? "0" : "",
    "Access Modes": ({ spec, status }) => spec?.volumeName ? accessModesText(status?.accessModes) : "",
    StorageClass: ({ spec }) => spec?.storageClassName ?? "",
    VolumeAttributesClass: ({ spec }) => spec?.volumeAttributesClassName || "<unset>",
    Age: ageOf,
    VolumeMode: { wide: true, cell: ({ spec }) => spec?.volumeMode ?? "<unset>" },
  },
  born: (claim) => void (claim.status = { phase: "Pending" }),
  /** Two fields for the same, since only the newer one may name an object of any kind. */
  defaults({ spec }) {
    if (!spec || spec.dataSourceRef?.namespace) return;
    if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
    else if (spec.dataSourceRef && !spec.dataSource) spec.dataSource = { ...spec.dataSourceRef };
  },
  validate({ spec = {}, status }, old) {
    const { resources: { requests = {} } = {}, selector, storageClassName, dataSource } = spec, size = "spec.resources[storage]";
    if (old?.spec && sameJson(spec, old.spec)) return [];
    return [
      ...validateAccessModes(spec.accessModes, "spec.accessModes", "at least 1 access mode is required"),
      ...selector ? validateLabelSelector(selector, "spec.selector") : [],
      ...requests.storage === undefined ? [missing(size)] : validateStorage(requests.storage, size),
      ...ifGiven("spec.storageClassName", storageClassName, dns1123Subdomain),
      ...dataSource && !dataSource.apiGroup && dataSource.kind !== "PersistentVolumeClaim"
        ? [invalid("spec.dataSource", dataSource.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")]
        : [],
      ...old?.spec ? validateUpdate(spec, old.spec, status) : [],
    ];
  },
});

/** A claim may get its volume, and, once it has it, become bigger. */
function validateUpdate(
  spec: PersistentVolumeClaimSpec,
  old: PersistentVolumeClaimSpec,
  status: PersistentVolumeClaimStatus = {},
): Cause[] {
  const size = ({ resources }: PersistentVolumeClaimSpec) => resources?.requests?.storage ?? "0", bound = status.phase === "Bound";
  const rest = ({ volumeName, resources, volumeAttributesClassName, ...others }: PersistentVolumeClaimSpec) => [
    others,
    ...old.volumeName ? [volumeName] : [],
    ...bound ? [resources?.limits] : [resources, volumeAttributesClassName],
  ];
  if (!sameJson(rest(spec), rest(old))) {
    const except = "resources.requests and volumeAttributesClassName for bound claims";
    return [forbidden("spec", `spec is immutable after creation except ${except}`)];
  }
  if (compareQuantities(size(spec), size(old)) >= 0) return [];
  return [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")];
}
