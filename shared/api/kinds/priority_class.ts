import { bool, field, int32, kind, oneOf, optional, string } from "../schema.ts";
import { age } from "../age.ts";
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { forbidden, immutable, resource } from "../resource.ts";

export class PriorityClass
  extends kind("scheduling.k8s.io/v1", "k8s.io.api.scheduling.v1.PriorityClass", "How much a kind of pod matters.", {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    value: field(2, int32, "The priority: more goes before less. It cannot change.", { default: 0 }),
    globalDefault: field(3, bool, "Do pods that name no class get this one?"),
    description: field(4, string, "When to use it, for people."),
    preemptionPolicy: optional(5, oneOf("Never", "PreemptLowerPriority"), "May its pods push others away? It cannot change.", {
      default: "PreemptLowerPriority",
    }),
  }) {}

/** Those that every cluster has (scheduling.k8s.io, SystemPriorityClasses). */
export const systemClasses: readonly PriorityClass[] = [
  {
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
    preemptionPolicy: "PreemptLowerPriority",
  },
  {
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    preemptionPolicy: "PreemptLowerPriority",
  },
];

/** Values above are kept for the system's own classes. */
const highestValue = 1_000_000_000;
const systemName = (why: string): string =>
  `priority class names with 'system-' prefix are reserved for system use only${why && `. error: ${why}`}`;

export const priorityClasses = resource(PriorityClass, {
  plural: "priorityclasses",
  short: ["pc"],
  namespaced: false,
  columns: {
    Value: { type: "integer", cell: (it) => it.value ?? 0 },
    "Global-Default": { cell: (it) => it.globalDefault ?? false },
    Age: ({ metadata }, now) => age(metadata?.creationTimestamp, now),
    PreemptionPolicy: (it) => it.preemptionPolicy ?? "",
  },
  validate({ metadata: { name = "" } = {}, value = 0, preemptionPolicy, globalDefault = false }, old) {
    const causes: Cause[] = [], known = systemClasses.find(({ metadata }) => metadata?.name === name);
    if (known) {
      if (value !== known.value) {
        causes.push(forbidden("metadata.name", systemName(`value of ${name} PriorityClass must be ${known.value}`)));
      }
      if (globalDefault) causes.push(forbidden("metadata.name", systemName(`globalDefault of ${name} PriorityClass must be false`)));
    } else if (name.startsWith("system-")) {
      causes.push(forbidden("metadata.name", systemName("")));
    } else if (value > highestValue) {
      causes.push(forbidden("value", `maximum allowed value of a user defined priority is ${highestValue}`));
    }
    if (old && value !== (old.value ?? 0)) causes.push(forbidden("value", "may not be changed in an update."));
    if (old && preemptionPolicy !== old.preemptionPolicy) causes.push(immutable("preemptionPolicy", preemptionPolicy));
    return causes;
  },
});
