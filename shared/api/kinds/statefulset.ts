// Pods with numbers: each keeps its name and its volumes when it is replaced.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { dns1123Label } from "../names.ts";
import { forbidden, invalid, missing, resource } from "../resource.ts";
import { intOrString, time } from "../scalars.ts";
import { atomic, field, int32, int64, kind, list, mergedBy, message, oneOf, optional, required, string } from "../schema.ts";
import { PersistentVolumeClaim } from "./persistent_volume_claim.ts";
import { ifGiven } from "./pod/check.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import {
  atMostAll,
  isNothing,
  notNegative,
  replicasScale,
  specUnchanged,
  validateCount,
  validateSelectorAndTemplate,
  wideColumns,
} from "./workload.ts";

const apps = "k8s.io.api.apps.v1";
const retention = oneOf("Retain", "Delete");

export class RollingUpdateStatefulSetStrategy
  extends message(`${apps}.RollingUpdateStatefulSetStrategy`, "How far a rolling update may go.", {
    partition: optional(1, int32, "Pods with a lower number than this stay as they are."),
    maxUnavailable: optional(2, intOrString, "Pods that may be missing: a number, or percent of the replicas, rounded up. 1, if left out."),
  }) {}
export class StatefulSetUpdateStrategy extends message(`${apps}.StatefulSetUpdateStrategy`, "How old pods are replaced by new ones.", {
  type: field(1, string, "RollingUpdate: from the highest number down; OnDelete: when somebody deletes them.", {
    default: "RollingUpdate",
  }),
  rollingUpdate: optional(2, RollingUpdateStatefulSetStrategy, "Bounds of a rolling update."),
}) {}
export class StatefulSetPersistentVolumeClaimRetentionPolicy
  extends message(`${apps}.StatefulSetPersistentVolumeClaimRetentionPolicy`, "What becomes of its claims.", {
    whenDeleted: field(1, retention, "When the set is deleted.", { default: "Retain" }),
    whenScaled: field(2, retention, "When a pod goes because there are to be fewer.", { default: "Retain" }),
  }) {}
export class StatefulSetOrdinals extends message(`${apps}.StatefulSetOrdinals`, "Which numbers the pods get.", {
  start: field(1, int32, "The lowest."),
}) {}
export class StatefulSetSpec extends message(`${apps}.StatefulSetSpec`, "What is wanted of a stateful set.", {
  replicas: optional(1, int32, "How many pods there are to be.", { default: 1 }),
  selector: required(2, LabelSelector, "Which pods belong to it. It must match the template's labels and cannot change."),
  template: required(3, PodTemplateSpec, "What the pods look like."),
  volumeClaimTemplates: field(4, list(PersistentVolumeClaim), "Claims that each pod gets for its own, and finds again.", atomic),
  serviceName: field(5, string, "The headless Service that gives the pods their names in DNS. It cannot change."),
  podManagementPolicy: field(6, string, "OrderedReady: one after the other; Parallel: all at once. It cannot change.", {
    default: "OrderedReady",
  }),
  updateStrategy: field(7, StatefulSetUpdateStrategy, "How old pods are replaced by new ones.", { default: {} }),
  revisionHistoryLimit: optional(8, int32, "How many old templates are kept to go back to.", { default: 10 }),
  minReadySeconds: field(9, int32, "Seconds for which a pod must have been ready to count as available."),
  persistentVolumeClaimRetentionPolicy: optional(10, StatefulSetPersistentVolumeClaimRetentionPolicy, "What becomes of its claims.", {
    default: {},
  }),
  ordinals: optional(11, StatefulSetOrdinals, "Which numbers the pods get; from 0, if left out."),
}) {}

export class StatefulSetCondition extends message(`${apps}.StatefulSetCondition`, "One aspect of a stateful set's state.", {
  type: required(1, string, "Name of the aspect."),
  status: required(2, string, "True, False or Unknown."),
  lastTransitionTime: field(3, time, "When the status last changed."),
  reason: field(4, string, "Why, as one CamelCase word."),
  message: field(5, string, "Why, for people."),
}) {}
export class StatefulSetStatus extends message(`${apps}.StatefulSetStatus`, "How a stateful set is.", {
  observedGeneration: field(1, int64, "The generation this was seen for."),
  replicas: required(2, int32, "Its pods.", { default: 0 }),
  readyReplicas: field(3, int32, "Those that are ready."),
  currentReplicas: field(4, int32, "Those of the template before the update."),
  updatedReplicas: field(5, int32, "Those of the newest template."),
  currentRevision: field(6, string, "The ControllerRevision of the template before the update."),
  updateRevision: field(7, string, "The ControllerRevision of the newest template."),
  collisionCount: optional(9, int32, "How often the name of a new ControllerRevision was taken."),
  conditions: field(10, list(StatefulSetCondition), "Its state, aspect by aspect.", mergedBy("type")),
  availableReplicas: field(11, int32, "Those that have been ready for minReadySeconds."),
}) {}

export class StatefulSet extends kind("apps/v1", `${apps}.StatefulSet`, "Pods with numbers, names and volumes that stay theirs.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, StatefulSetSpec, "What is wanted."),
  status: field(3, StatefulSetStatus, "What is. Written by the system.", { default: { replicas: 0 } }),
}) {}

export const statefulSets = resource(StatefulSet, {
  plural: "statefulsets",
  short: ["sts"],
  categories: ["all"],
  namespaced: true,
  status: true,
  scale: replicasScale,
  columns: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    Age: ageOf,
    Containers: wideColumns.Containers,
    Images: wideColumns.Images,
  },
  defaults({ spec }) {
    if (!spec) return;
    if (spec.template?.spec) defaultPodSpec(spec.template.spec);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion ||= "v1";
      claim.kind ||= "PersistentVolumeClaim";
      (claim.status ??= {}).phase ??= "Pending";
    }
    if (spec.updateStrategy?.type === "RollingUpdate") (spec.updateStrategy.rollingUpdate ??= {}).partition ??= 0;
  },
  validate({ spec }, old) {
    if (!spec || specUnchanged({ spec }, old)) return spec ? [] : [missing("spec.selector")];
    const { podManagementPolicy = "", ordinals, replicas, minReadySeconds, revisionHistoryLimit, serviceName } = spec;
    const policies = ["OrderedReady", "Parallel"];
    return [
      ...policies.includes(podManagementPolicy)
        ? []
        : [invalid("spec.podManagementPolicy", podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")],
      ...validateStrategy(spec.updateStrategy),
      ...notNegative("spec.replicas", replicas),
      ...notNegative("spec.minReadySeconds", minReadySeconds),
      ...notNegative("spec.ordinals.start", ordinals?.start),
      ...notNegative("spec.revisionHistoryLimit", revisionHistoryLimit),
      ...validateSelectorAndTemplate("StatefulSet", spec),
      ...ifGiven("spec.serviceName", serviceName, dns1123Label),
      ...old?.spec ? validateUpdate(spec, old.spec) : [],
    ];
  },
});

function validateStrategy(strategy: StatefulSetUpdateStrategy = {}): Cause[] {
  const at = "spec.updateStrategy", { type, rollingUpdate } = strategy;
  if (type === "OnDelete") {
    return rollingUpdate ? [invalid(`${at}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : [];
  }
  if (type !== "RollingUpdate") return [invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  const { partition, maxUnavailable } = rollingUpdate ?? {}, most = `${at}.rollingUpdate.maxUnavailable`;
  return [
    ...notNegative(`${at}.rollingUpdate.partition`, partition),
    ...validateCount(most, maxUnavailable),
    ...maxUnavailable !== undefined && isNothing(maxUnavailable) ? [invalid(most, maxUnavailable, "cannot be 0")] : [],
    ...atMostAll(most, maxUnavailable),
  ];
}

/** What may change of a set that is there. */
const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];
function validateUpdate(spec: StatefulSetSpec, old: StatefulSetSpec): Cause[] {
  const rest = (spec: StatefulSetSpec) => Object.fromEntries(Object.entries(spec).filter(([field]) => !changeable.includes(field)));
  if (sameJson(rest(spec), rest(old))) return [];
  const words = changeable.slice(0, -1).map((field) => `'${field}'`).join(", ");
  return [
    forbidden("spec", `updates to statefulset spec for fields other than ${words} and '${changeable.at(-1)}' are forbidden`),
  ];
}
