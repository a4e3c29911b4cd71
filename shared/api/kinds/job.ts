// Pods that run until enough of them have succeeded.
import { ageOf, humanDuration } from "../age.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { time } from "../scalars.ts";
import { atomic, bool, field, int32, int64, kind, list, message, oneOf, optional, required, string } from "../schema.ts";
import { generateSelector, validateJob } from "./job_rules.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import { wideColumns } from "./workload.ts";

const batch = "k8s.io.api.batch.v1";
const set = { list: "set" } as const;

export class PodFailurePolicyOnExitCodesRequirement
  extends message(`${batch}.PodFailurePolicyOnExitCodesRequirement`, "A rule about the exit codes of containers.", {
    containerName: optional(1, string, "The container that is meant; each of them, if left out."),
    operator: required(2, oneOf("In", "NotIn"), "Is the exit code one of these, or none of them?"),
    values: required(3, list(int32), "The exit codes, in order.", { ...set, default: [] }),
  }) {}
export class PodFailurePolicyOnPodConditionsPattern
  extends message(`${batch}.PodFailurePolicyOnPodConditionsPattern`, "A condition that a failed pod has.", {
    type: required(1, string, "Name of the condition."),
    status: field(2, oneOf("True", "False", "Unknown"), "Its status.", { default: "True" }),
  }) {}
export class PodFailurePolicyRule extends message(`${batch}.PodFailurePolicyRule`, "What a failed pod means, if it is such a one.", {
  action: required(1, oneOf("FailJob", "FailIndex", "Ignore", "Count"), "What is done about it."),
  onExitCodes: optional(2, PodFailurePolicyOnExitCodesRequirement, "Which exit codes it must have."),
  onPodConditions: field(3, list(PodFailurePolicyOnPodConditionsPattern), "Conditions, one of which it must have.", atomic),
}) {}
export class PodFailurePolicy extends message(`${batch}.PodFailurePolicy`, "What failed pods mean.", {
  rules: required(1, list(PodFailurePolicyRule), "Rules; the first that matches counts.", { ...atomic, default: [] }),
}) {}
export class SuccessPolicyRule extends message(`${batch}.SuccessPolicyRule`, "What is enough.", {
  succeededIndexes: optional(1, string, "Indexes that count, such as 0,2-4."),
  succeededCount: optional(2, int32, "How many of them must have succeeded; all, if left out."),
}) {}
export class SuccessPolicy extends message(`${batch}.SuccessPolicy`, "When a job has succeeded before all of it is done.", {
  rules: required(1, list(SuccessPolicyRule), "Rules; one is enough.", { ...atomic, default: [] }),
}) {}
export class JobSpec extends message(`${batch}.JobSpec`, "What is wanted of a job.", {
  parallelism: optional(1, int32, "How many pods may run at once."),
  completions: optional(2, int32, "How many must succeed; one, and all that run then, if left out beside parallelism."),
  activeDeadlineSeconds: optional(3, int64, "Seconds after which it has failed, whatever runs."),
  selector: optional(4, LabelSelector, "Which pods belong to it. Made by the system, unless manualSelector says otherwise."),
  manualSelector: optional(5, bool, "Is the selector the writer's own?"),
  template: required(6, PodTemplateSpec, "What the pods look like. It cannot change."),
  backoffLimit: optional(7, int32, "How many pods may fail before it has failed. 6, if left out."),
  ttlSecondsAfterFinished: optional(8, int32, "Seconds after its end until it is deleted; never, if left out."),
  completionMode: optional(9, oneOf("NonIndexed", "Indexed"), "Do its pods have numbers, each of which must succeed once?"),
  suspend: optional(10, bool, "Does it wait, without pods?"),
  podFailurePolicy: optional(11, PodFailurePolicy, "What failed pods mean."),
  backoffLimitPerIndex: optional(12, int32, "How many pods of one index may fail before that index has failed."),
  maxFailedIndexes: optional(13, int32, "How many indexes may fail before the job has failed."),
  podReplacementPolicy: optional(14, oneOf("TerminatingOrFailed", "Failed"), "Is a pod replaced when it begins to go, or once it is gone?"),
  managedBy: optional(15, string, "Which controller looks after it; the cluster's own, if left out. It cannot change."),
  successPolicy: optional(16, SuccessPolicy, "When it has succeeded before all of it is done."),
}) {}

export class JobCondition extends message(`${batch}.JobCondition`, "One aspect of a job's state.", {
  type: required(1, string, "Name of the aspect: Complete, Failed, Suspended …"),
  status: required(2, string, "True, False or Unknown."),
  lastProbeTime: field(3, time, "When it was last looked at."),
  lastTransitionTime: field(4, time, "When the status last changed."),
  reason: field(5, string, "Why, as one CamelCase word."),
  message: field(6, string, "Why, for people."),
}) {}
export class UncountedTerminatedPods extends message(`${batch}.UncountedTerminatedPods`, "Pods that have ended and are not counted yet.", {
  succeeded: field(1, list(string), "UIDs of those that have succeeded.", set),
  failed: field(2, list(string), "UIDs of those that have failed.", set),
}) {}
export class JobStatus extends message(`${batch}.JobStatus`, "How a job is.", {
  conditions: field(1, list(JobCondition), "Its state, aspect by aspect.", { ...atomic, patch: { strategy: "merge", key: "type" } }),
  startTime: optional(2, time, "When it began."),
  completionTime: optional(3, time, "When it succeeded."),
  active: field(4, int32, "Its pods that have not ended."),
  succeeded: field(5, int32, "Those that have succeeded."),
  failed: field(6, int32, "Those that have failed."),
  completedIndexes: field(7, string, "The indexes that have succeeded, such as 0,2-4."),
  uncountedTerminatedPods: optional(8, UncountedTerminatedPods, "Pods that have ended and are not counted yet."),
  ready: optional(9, int32, "Its pods that are ready."),
  failedIndexes: optional(10, string, "The indexes that have failed."),
  terminating: optional(11, int32, "Its pods that are on their way out."),
}) {}

export class Job extends kind("batch/v1", `${batch}.Job`, "Pods that run until enough of them have succeeded.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, JobSpec, "What is wanted."),
  status: field(3, JobStatus, "What is. Written by the system.", { default: {} }),
}) {}

export const jobs = resource(Job, {
  plural: "jobs",
  categories: ["all"],
  namespaced: true,
  status: true,
  selectable: { "status.successful": ({ status }) => String(status?.succeeded ?? 0) },
  columns: {
    Status: statusWord,
    Completions: ({ spec, status }) => `${status?.succeeded ?? 0}/${wanted(spec)}`,
    Duration: ({ status: { startTime, completionTime } = {} }, now) =>
      startTime ? humanDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime)) : "",
    Age: ageOf,
    ...wideColumns,
  },
  defaults({ metadata, spec }) {
    if (!spec) return;
    if (spec.template?.spec) defaultPodSpec(spec.template.spec);
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
    spec.completionMode ??= "NonIndexed";
    spec.suspend ??= false;
    spec.manualSelector ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
    const labels = spec.template?.metadata?.labels;
    if (labels && metadata && !metadata.labels) metadata.labels = { ...labels };
  },
  born: generateSelector,
  validate: validateJob,
});

const wanted = ({ completions, parallelism = 1 }: Partial<JobSpec> = {}): string =>
  completions === undefined ? `1${parallelism > 1 ? ` of ${parallelism}` : ""}` : String(completions);

/** The order is Kubernetes' own (pkg/printers, printJob). */
function statusWord({ metadata, status }: Job): string {
  const has = (wanted: string) => status?.conditions?.some(({ type, status }) => type === wanted && status === "True") ?? false;
  const ended = ["Complete", "Failed"].find(has);
  if (ended) return ended;
  if (metadata?.deletionTimestamp) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}
