// Claims for storage, as far as a pod can name or hold them. The kind PersistentVolumeClaim has the same spec.
import { atomic, bool, field, list, map, message, oneOf, optional, required, string } from "../../schema.ts";
import { quantity } from "../../scalars.ts";
import { LabelSelector, ObjectMeta } from "../../meta.ts";
import { parseQuantity } from "../../quantity.ts";
import type { Cause } from "../../decode.ts";
import { forbidden, invalid, missing } from "../../resource.ts";
import { TypedLocalObjectReference, TypedObjectReference } from "./reference.ts";

const core = "k8s.io.api.core.v1";
export const accessMode = oneOf("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod");
export const volumeMode = oneOf("Block", "Filesystem");

type AccessMode = "ReadWriteOnce" | "ReadOnlyMany" | "ReadWriteMany" | "ReadWriteOncePod";
const shortModes = { ReadWriteOnce: "RWO", ReadOnlyMany: "ROX", ReadWriteMany: "RWX", ReadWriteOncePod: "RWOP" } as const;
/** As a column shows them, each once, in this order. */
export const accessModesText = (modes: readonly AccessMode[] = []): string =>
  (Object.keys(shortModes) as AccessMode[]).filter((mode) => modes.includes(mode)).map((mode) => shortModes[mode]).join();
export function validateAccessModes(modes: readonly AccessMode[] = [], at: string, why = ""): Cause[] {
  if (modes.length === 0) return [missing(at, why)];
  if (modes.length === 1 || !modes.includes("ReadWriteOncePod")) return [];
  return [forbidden(at, "may not use ReadWriteOncePod with other access modes")];
}
export const validateStorage = (size: string, at: string): Cause[] =>
  parseQuantity(size).nano > 0n ? [] : [invalid(at, size, "must be greater than zero")];

export class VolumeResourceRequirements extends message(`${core}.VolumeResourceRequirements`, "How big a volume must and may be.", {
  limits: field(1, map(quantity), "The most it may have."),
  requests: field(2, map(quantity), "The least it must have."),
}) {}
export class PersistentVolumeClaimSpec extends message(`${core}.PersistentVolumeClaimSpec`, "What is wanted of a volume.", {
  accessModes: field(1, list(accessMode), "Who must be able to use it at once, and how.", atomic),
  resources: field(2, VolumeResourceRequirements, "How big it must be.", { default: {} }),
  volumeName: field(3, string, "The PersistentVolume it is bound to."),
  selector: optional(4, LabelSelector, "Which volumes come into question."),
  storageClassName: optional(5, string, "StorageClass; empty: none, left out: the default one."),
  volumeMode: optional(6, volumeMode, "A file system or a raw device.", { default: "Filesystem" }),
  dataSource: optional(7, TypedLocalObjectReference, "What to fill it from: a claim or a snapshot."),
  dataSourceRef: optional(8, TypedObjectReference, "What to fill it from: any object that can fill."),
  volumeAttributesClassName: optional(9, string, "VolumeAttributesClass for its changeable properties."),
}) {}

export class PersistentVolumeClaimTemplate extends message(`${core}.PersistentVolumeClaimTemplate`, "The claim to make for a pod.", {
  metadata: field(1, ObjectMeta, "Labels and annotations of the claim."),
  spec: required(2, PersistentVolumeClaimSpec, "What is wanted of the volume."),
}) {}
export class EphemeralVolumeSource extends message(`${core}.EphemeralVolumeSource`, "A claim that lives and dies with the pod.", {
  volumeClaimTemplate: optional(1, PersistentVolumeClaimTemplate, "The claim to make."),
}) {}
export class PersistentVolumeClaimVolumeSource extends message(`${core}.PersistentVolumeClaimVolumeSource`, "The volume of a claim.", {
  claimName: required(1, string, "A PersistentVolumeClaim in the same namespace."),
  readOnly: field(2, bool, "Is it mounted read-only?"),
}) {}
