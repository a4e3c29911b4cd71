// Pods from a template, replaced by new ones little by little when the template changes.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { forbidden, invalid, missing, resource } from "../resource.ts";
import { intOrString, time } from "../scalars.ts";
import { bool, field, int32, int64, kind, list, mergedBy, message, oneOf, optional, required, string } from "../schema.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import {
  atMostAll,
  isNothing,
  notNegative,
  replicasScale,
  selectorChanged,
  specUnchanged,
  validateCount,
  validateSelectorAndTemplate,
  wideColumns,
} from "./workload.ts";

const apps = "k8s.io.api.apps.v1";

export class RollingUpdateDeployment extends message(`${apps}.RollingUpdateDeployment`, "How far a rolling update may go at once.", {
  maxUnavailable: optional(
    1,
    intOrString,
    "Pods that may be missing: a number, or percent of the replicas, rounded down. 25%, if left out.",
  ),
  maxSurge: optional(2, intOrString, "Pods that there may be beyond the replicas: a number, or percent, rounded up. 25%, if left out."),
}) {}
export class DeploymentStrategy extends message(`${apps}.DeploymentStrategy`, "How old pods are replaced by new ones.", {
  type: field(1, oneOf("RollingUpdate", "Recreate"), "Little by little, or all old ones first.", { default: "RollingUpdate" }),
  rollingUpdate: optional(2, RollingUpdateDeployment, "Bounds of a rolling update. Not with Recreate."),
}) {}
export class DeploymentSpec extends message(`${apps}.DeploymentSpec`, "What is wanted of a deployment.", {
  replicas: optional(1, int32, "How many pods there are to be.", { default: 1 }),
  selector: required(2, LabelSelector, "Which pods belong to it. It must match the template's labels and cannot change."),
  template: required(3, PodTemplateSpec, "What the pods look like."),
  strategy: field(4, DeploymentStrategy, "How old pods are replaced by new ones.", { default: {}, patch: { strategy: "retainKeys" } }),
  minReadySeconds: field(5, int32, "Seconds for which a pod must have been ready to count as available."),
  revisionHistoryLimit: optional(6, int32, "How many old ReplicaSets are kept to roll back to.", { default: 10 }),
  paused: field(7, bool, "Do changes of the template wait?"),
  progressDeadlineSeconds: optional(9, int32, "Seconds without progress after which a rollout counts as failed.", { default: 600 }),
}) {}

export class DeploymentCondition extends message(`${apps}.DeploymentCondition`, "One aspect of a deployment's state.", {
  type: required(1, string, "Name of the aspect: Available, Progressing or ReplicaFailure."),
  status: required(2, string, "True, False or Unknown."),
  reason: field(4, string, "Why, as one CamelCase word."),
  message: field(5, string, "Why, for people."),
  lastUpdateTime: field(6, time, "When anything of this last changed."),
  lastTransitionTime: field(7, time, "When the status last changed."),
}) {}
export class DeploymentStatus extends message(`${apps}.DeploymentStatus`, "How a deployment is.", {
  observedGeneration: field(1, int64, "The generation this was seen for."),
  replicas: field(2, int32, "Its pods, old and new, that are not on their way out."),
  updatedReplicas: field(3, int32, "Those of the newest template."),
  availableReplicas: field(4, int32, "Those that have been ready for minReadySeconds."),
  unavailableReplicas: field(5, int32, "How many are still missing to be fully available."),
  conditions: field(6, list(DeploymentCondition), "Its state, aspect by aspect.", mergedBy("type")),
  readyReplicas: field(7, int32, "Those that are ready."),
  collisionCount: optional(8, int32, "How often the name of a new ReplicaSet was taken."),
  terminatingReplicas: optional(9, int32, "Its pods that are on their way out."),
}) {}

export class Deployment extends kind("apps/v1", `${apps}.Deployment`, "Pods from a template, updated little by little.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, DeploymentSpec, "What is wanted."),
  status: field(3, DeploymentStatus, "What is. Written by the system.", { default: {} }),
}) {}

export const deployments = resource(Deployment, {
  plural: "deployments",
  short: ["deploy"],
  categories: ["all"],
  namespaced: true,
  status: true,
  scale: replicasScale,
  columns: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    "Up-to-date": { type: "integer", cell: ({ status }) => status?.updatedReplicas ?? 0 },
    Available: { type: "integer", cell: ({ status }) => status?.availableReplicas ?? 0 },
    Age: ageOf,
    ...wideColumns,
  },
  defaults({ spec }) {
    if (spec?.template?.spec) defaultPodSpec(spec.template.spec);
    if (spec?.strategy?.type !== "RollingUpdate") return;
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  },
  validate({ spec }, old) {
    if (specUnchanged({ spec }, old)) return [];
    const { replicas, minReadySeconds = 0, revisionHistoryLimit, progressDeadlineSeconds } = spec ?? {};
    const causes = [
      ...notNegative("spec.replicas", replicas),
      ...validateSelectorAndTemplate("Deployment", spec),
      ...validateStrategy(spec?.strategy),
      ...notNegative("spec.minReadySeconds", minReadySeconds),
      ...notNegative("spec.revisionHistoryLimit", revisionHistoryLimit),
      ...notNegative("spec.progressDeadlineSeconds", progressDeadlineSeconds),
      ...selectorChanged(spec, old?.spec),
    ];
    if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
      causes.push(invalid("spec.progressDeadlineSeconds", progressDeadlineSeconds, "must be greater than minReadySeconds"));
    }
    return causes;
  },
});

function validateStrategy({ type, rollingUpdate }: DeploymentStrategy = {}): Cause[] {
  const at = "spec.strategy.rollingUpdate";
  if (type === "Recreate") return rollingUpdate ? [forbidden(at, "may not be specified when strategy `type` is 'Recreate'")] : [];
  if (!rollingUpdate) return [missing(at, "this should be defaulted and never be nil")];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const causes = [...validateCount(`${at}.maxUnavailable`, maxUnavailable), ...validateCount(`${at}.maxSurge`, maxSurge)];
  if (isNothing(maxUnavailable) && isNothing(maxSurge)) {
    causes.push(invalid(`${at}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  return [...causes, ...atMostAll(`${at}.maxUnavailable`, maxUnavailable)];
}
