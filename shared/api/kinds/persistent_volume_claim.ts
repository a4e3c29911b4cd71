// A claim for storage, as a StatefulSet has it in its templates.
import { ObjectMeta } from "../meta.ts";
import { quantity, time } from "../scalars.ts";
import { atomic, field, kind, list, map, mergedBy, message, optional, required, string } from "../schema.ts";
import { accessMode, PersistentVolumeClaimSpec } from "./pod/claim.ts";

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
