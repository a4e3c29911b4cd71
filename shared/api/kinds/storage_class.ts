// A kind of storage that can be had: who makes it, and how.
import { ageOf } from "../age.ts";
import { Buffer } from "node:buffer";
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { labelValue, qualifiedName } from "../names.ts";
import { duplicate, forbidden, immutable, invalid, missing, resource, tooLong } from "../resource.ts";
import { sameJson } from "../json.ts";
import { atomic, bool, field, kind, list, map, message, oneOf, optional, required, string } from "../schema.ts";
import { each, obeysSyntax, unique } from "./pod/check.ts";

const core = "k8s.io.api.core.v1";

export class TopologySelectorLabelRequirement
  extends message(`${core}.TopologySelectorLabelRequirement`, "A label of nodes, and the values that it may have.", {
    key: required(1, string, "Key of the label."),
    values: required(2, list(string), "Values; one of them.", atomic),
  }) {}
export class TopologySelectorTerm extends message(`${core}.TopologySelectorTerm`, "Nodes that all of these fit.", {
  matchLabelExpressions: field(1, list(TopologySelectorLabelRequirement), "Rules about their labels.", atomic),
}, { map: "atomic" }) {}
export class StorageClass extends kind("storage.k8s.io/v1", "k8s.io.api.storage.v1.StorageClass", "A kind of storage that can be had.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  provisioner: required(2, string, "Who makes its volumes. It cannot change."),
  parameters: field(3, map(string), "What the provisioner wants to know. They cannot change."),
  reclaimPolicy: optional(4, oneOf("Delete", "Retain"), "What becomes of a volume that nobody claims any more. It cannot change.", {
    default: "Delete",
  }),
  mountOptions: field(5, list(string), "Options of mount(8).", atomic),
  allowVolumeExpansion: optional(6, bool, "Can its volumes grow?"),
  volumeBindingMode: optional(
    7,
    oneOf("Immediate", "WaitForFirstConsumer"),
    "When a claim gets its volume: at once, or once a pod that uses it has its node. It cannot change.",
    { default: "Immediate" },
  ),
  allowedTopologies: field(8, list(TopologySelectorTerm), "Where its volumes may be made.", atomic),
}) {}

/** Of a class that claims get which name none. */
export const defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";
export const isDefaultClass = ({ metadata }: { metadata?: ObjectMeta }): boolean =>
  metadata?.annotations?.[defaultClassAnnotation] === "true";

const parameterCount = 512, parameterBytes = 256 * 1024;
export const storageClasses = resource(StorageClass, {
  plural: "storageclasses",
  short: ["sc"],
  namespaced: false,
  generation: false,
  columns: {
    Name: (it) => `${it.metadata?.name}${isDefaultClass(it) ? " (default)" : ""}`,
    Provisioner: ({ provisioner }) => provisioner,
    ReclaimPolicy: ({ reclaimPolicy }) => reclaimPolicy ?? "Delete",
    VolumeBindingMode: ({ volumeBindingMode }) => volumeBindingMode ?? "<unset>",
    AllowVolumeExpansion: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    Age: ageOf,
  },
  validate(it, old) {
    const { provisioner, parameters = {}, allowedTopologies, volumeBindingMode } = it;
    return [
      ...provisioner === ""
        ? [missing("provisioner")]
        : obeysSyntax("provisioner", provisioner, (name) => qualifiedName(name.toLowerCase())),
      ...validateParameters(parameters, "parameters"),
      ...each(allowedTopologies, "allowedTopologies", validateTerm),
      ...(old ? ["parameters", "provisioner", "reclaimPolicy"] as const : [])
        .filter((field) => !sameJson(it[field] ?? {}, old![field] ?? {}))
        .map((field) => forbidden(field, `updates to ${field} are forbidden.`)),
      ...old && old.volumeBindingMode !== volumeBindingMode ? [immutable("volumeBindingMode", volumeBindingMode)] : [],
    ];
  },
});

function validateParameters(parameters: Readonly<Record<string, string>>, at: string): Cause[] {
  const entries = Object.entries(parameters);
  if (entries.length > parameterCount) return [tooLong(at, parameterCount)];
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...Object.hasOwn(parameters, "") ? [invalid(at, "", "field can not be empty.")] : [],
    ...bytes > parameterBytes ? [tooLong(at, parameterBytes)] : [],
  ];
}

const validateTerm = ({ matchLabelExpressions }: TopologySelectorTerm, at: string): Cause[] => [
  ...each(matchLabelExpressions, `${at}.matchLabelExpressions`, ({ key, values }, here) => [
    ...values.length === 0 ? [missing(`${here}.values`)] : [],
    ...unique(values, `${here}.values`, (value) => value, duplicate),
    ...each(values, `${here}.values`, (value, place) => obeysSyntax(place, value, labelValue)),
    ...obeysSyntax(`${here}.key`, key, qualifiedName),
  ]),
  ...unique(matchLabelExpressions, `${at}.matchLabelExpressions`, ({ key }) => key, (here, key) => duplicate(`${here}.key`, key)),
];
