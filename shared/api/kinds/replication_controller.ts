// As many pods of one template as wanted: the older form of a ReplicaSet, whose selector is bare labels.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { invalid, missing, resource } from "../resource.ts";
import { fromMap, matchLabels } from "../selector.ts";
import { time } from "../scalars.ts";
import { field, int32, int64, kind, list, map, mergedBy, message, optional, required, string } from "../schema.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import { validatePodTemplate } from "./pod/validate.ts";
import { notNegative, replicasScale, selectorText, specUnchanged, validateEndless, wideColumns } from "./workload.ts";

const core = "k8s.io.api.core.v1";

export class ReplicationControllerSpec extends message(`${core}.ReplicationControllerSpec`, "What is wanted of a replication controller.", {
  replicas: optional(1, int32, "How many pods there are to be.", { default: 1 }),
  selector: field(2, map(string), "Labels of the pods that belong to it. The template's, if left out.", { map: "atomic" }),
  template: optional(3, PodTemplateSpec, "What the pods look like."),
  minReadySeconds: field(4, int32, "Seconds for which a pod must have been ready to count as available."),
}) {}
export class ReplicationControllerCondition
  extends message(`${core}.ReplicationControllerCondition`, "One aspect of a replication controller's state.", {
    type: required(1, string, "Name of the aspect: ReplicaFailure."),
    status: required(2, string, "True, False or Unknown."),
    lastTransitionTime: field(3, time, "When the status last changed."),
    reason: field(4, string, "Why, as one CamelCase word."),
    message: field(5, string, "Why, for people."),
  }) {}
export class ReplicationControllerStatus extends message(`${core}.ReplicationControllerStatus`, "How a replication controller is.", {
  replicas: required(1, int32, "Its pods that are not on their way out.", { default: 0 }),
  fullyLabeledReplicas: field(2, int32, "Those with all labels of the template."),
  observedGeneration: field(3, int64, "The generation this was seen for."),
  readyReplicas: field(4, int32, "Those that are ready."),
  availableReplicas: field(5, int32, "Those that have been ready for minReadySeconds."),
  conditions: field(6, list(ReplicationControllerCondition), "Its state, aspect by aspect.", mergedBy("type")),
}) {}
export class ReplicationController extends kind("v1", `${core}.ReplicationController`, "As many pods of one template as wanted.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, ReplicationControllerSpec, "What is wanted."),
  status: field(3, ReplicationControllerStatus, "What is. Written by the system.", { default: { replicas: 0 } }),
}) {}

export const replicationControllers = resource(ReplicationController, {
  plural: "replicationcontrollers",
  short: ["rc"],
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
    Containers: wideColumns.Containers,
    Images: wideColumns.Images,
    Selector: { wide: true, cell: ({ spec }) => selectorText({ matchLabels: spec?.selector ?? {} }) },
  },
  defaults({ metadata, spec }) {
    if (!spec?.template) return;
    if (spec.template.spec) defaultPodSpec(spec.template.spec);
    const { labels } = spec.template.metadata ?? {};
    if (!labels) return;
    spec.selector ??= { ...labels };
    if (metadata && !metadata.labels) metadata.labels = { ...labels };
  },
  validate({ spec = {} }, old) {
    if (specUnchanged({ spec }, old)) return [];
    return [
      ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
      ...spec.selector ? [] : [missing("spec.selector")],
      ...notNegative("spec.replicas", spec.replicas),
      ...spec.template ? validateTemplate(spec.template, spec.selector) : [missing("spec.template")],
    ];
  },
});

function validateTemplate(template: PodTemplateSpec, selector: Readonly<Record<string, string>> = {}): Cause[] {
  const at = "spec.template", { metadata: { labels = {} } = {} } = template;
  const causes = validatePodTemplate(template, at);
  if (!matchLabels(fromMap(selector), labels)) {
    causes.unshift(invalid(`${at}.metadata.labels`, labels, "`selector` does not match template `labels`"));
  }
  return [...causes, ...validateEndless(template, "ReplicationController")];
}
