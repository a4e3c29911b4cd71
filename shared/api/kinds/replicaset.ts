// As many pods of one template as wanted. Deployments make these; few people do.
import { ageOf } from "../age.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { time } from "../scalars.ts";
import { field, int32, int64, kind, list, mergedBy, message, optional, required, string } from "../schema.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import { notNegative, replicasScale, selectorChanged, specUnchanged, validateSelectorAndTemplate, wideColumns } from "./workload.ts";

const apps = "k8s.io.api.apps.v1";

export class ReplicaSetSpec extends message(`${apps}.ReplicaSetSpec`, "What is wanted of a replica set.", {
  replicas: optional(1, int32, "How many pods there are to be.", { default: 1 }),
  selector: required(2, LabelSelector, "Which pods belong to it. It must match the template's labels and cannot change."),
  template: field(3, PodTemplateSpec, "What the pods look like."),
  minReadySeconds: field(4, int32, "Seconds for which a pod must have been ready to count as available."),
}) {}

export class ReplicaSetCondition extends message(`${apps}.ReplicaSetCondition`, "One aspect of a replica set's state.", {
  type: required(1, string, "Name of the aspect: ReplicaFailure."),
  status: required(2, string, "True, False or Unknown."),
  lastTransitionTime: field(3, time, "When the status last changed."),
  reason: field(4, string, "Why, as one CamelCase word."),
  message: field(5, string, "Why, for people."),
}) {}
export class ReplicaSetStatus extends message(`${apps}.ReplicaSetStatus`, "How a replica set is.", {
  replicas: required(1, int32, "Its pods that are not on their way out.", { default: 0 }),
  fullyLabeledReplicas: field(2, int32, "Those with all labels of the template."),
  observedGeneration: field(3, int64, "The generation this was seen for."),
  readyReplicas: field(4, int32, "Those that are ready."),
  availableReplicas: field(5, int32, "Those that have been ready for minReadySeconds."),
  conditions: field(6, list(ReplicaSetCondition), "Its state, aspect by aspect.", mergedBy("type")),
  terminatingReplicas: optional(7, int32, "Its pods that are on their way out."),
}) {}

export class ReplicaSet extends kind("apps/v1", `${apps}.ReplicaSet`, "As many pods of one template as wanted.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, ReplicaSetSpec, "What is wanted."),
  status: field(3, ReplicaSetStatus, "What is. Written by the system.", { default: { replicas: 0 } }),
}) {}

export const replicaSets = resource(ReplicaSet, {
  plural: "replicasets",
  short: ["rs"],
  categories: ["all"],
  namespaced: true,
  status: true,
  scale: replicasScale,
  selectable: { "status.replicas": ({ status }) => String(status?.replicas ?? 0) },
  columns: {
    Desired: { type: "integer", cell: ({ spec }) => spec?.replicas ?? 0 },
    Current: { type: "integer", cell: ({ status }) => status?.replicas ?? 0 },
    Ready: { type: "integer", cell: ({ status }) => status?.readyReplicas ?? 0 },
    Age: ageOf,
    ...wideColumns,
  },
  defaults({ spec }) {
    if (spec?.template?.spec) defaultPodSpec(spec.template.spec);
  },
  validate({ spec }, old) {
    if (specUnchanged({ spec }, old)) return [];
    return [
      ...notNegative("spec.replicas", spec?.replicas),
      ...notNegative("spec.minReadySeconds", spec?.minReadySeconds),
      ...validateSelectorAndTemplate("ReplicaSet", spec),
      ...selectorChanged(spec, old?.spec),
    ];
  },
});
