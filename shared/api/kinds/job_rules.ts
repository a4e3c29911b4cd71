// Rules of jobs, and of the templates for them in a CronJob. Order, places and words are Kubernetes' (pkg/apis/batch/validation).
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { validateLabelSelector } from "../labels.ts";
import type { ObjectMeta } from "../meta.ts";
import { dns1123Label, domainPrefixedPath } from "../names.ts";
import { immutable, invalid, missing, tooLong, unsupported } from "../resource.ts";
import { fromLabelSelector, matchLabels } from "../selector.ts";
import type { JobSpec } from "./job.ts";
import { validatePodFailurePolicy, validateSuccessPolicy } from "./job_policies.ts";
import { obeysSyntax } from "./pod/check.ts";
import { validatePodTemplate } from "./pod/validate.ts";
import { notNegative, specUnchanged } from "./workload.ts";

interface Job {
  metadata?: ObjectMeta;
  spec?: JobSpec;
  readonly status?: { readonly startTime?: string };
}
const prefix = "batch.kubernetes.io/";
/** What the pods of a job are found by. The names without prefix are older. */
const labelsOf = ({ name = "", uid = "" }: ObjectMeta): Record<string, string> => ({
  "controller-uid": uid,
  [`${prefix}controller-uid`]: uid,
  "job-name": name,
  [`${prefix}job-name`]: name,
});

/** A new job gets a selector that no other job's pods match. What the writer has set already stays, and may then be refused. */
export function generateSelector({ metadata = {}, spec }: Job): void {
  if (!spec?.template || spec.manualSelector) return;
  const template = spec.template.metadata ??= {};
  template.labels = { ...labelsOf(metadata), ...template.labels };
  const selector = spec.selector ??= {}, key = `${prefix}controller-uid`;
  selector.matchLabels = { [key]: labelsOf(metadata)[key]!, ...selector.matchLabels };
  metadata.labels ??= { ...template.labels }; // as defaults() does for who brings labels: else the next write would
}

export function validateJob(job: Job, old?: Job): Cause[] {
  if (specUnchanged(job, old)) return [];
  const { metadata = {}, spec } = job;
  if (!spec) return [missing("spec.template")];
  const { completionMode, completions = 0 } = spec, last = `${metadata.name}-${completions - 1}`;
  return [
    ...old || spec.manualSelector ? [] : validateGenerated(metadata, spec),
    ...validateJobSpec(spec, "spec"),
    ...validateSelector(spec),
    ...old === undefined && completionMode === "Indexed" && completions > 0 && dns1123Label(last).length > 0
      ? [invalid("metadata.name", metadata.name, `will not able to create pod with invalid DNS label: ${last}`)]
      : [],
    ...old?.spec ? validateUpdate(spec, old as Job & { spec: JobSpec }) : [],
  ];
}

function validateGenerated(metadata: ObjectMeta, { selector, template }: JobSpec): Cause[] {
  if (!metadata.uid) return [missing("metadata.uid")];
  const labels = template.metadata?.labels ?? {}, at = "spec.template.metadata.labels";
  const causes = Object.entries(labelsOf(metadata)).flatMap(([key, value]) => {
    if (labels[key] === value) return [];
    const words = `must be '${value}'`;
    return [Object.hasOwn(labels, key) ? invalid(`${at}[${key}]`, labels, words) : missing(`${at}[${key}]`, words)];
  });
  const own = { matchLabels: { [`${prefix}controller-uid`]: metadata.uid } }, legacy = { matchLabels: { "controller-uid": metadata.uid } };
  return sameJson(selector, own) || sameJson(selector, legacy)
    ? causes
    : [...causes, invalid("spec.selector", selector, "`selector` not auto-generated")];
}

function validateSelector({ selector, template }: JobSpec): Cause[] {
  if (!selector) return [missing("spec.selector")];
  const causes = validateLabelSelector(selector, "spec.selector"), labels = template.metadata?.labels ?? {};
  if (causes.length > 0 || matchLabels(fromLabelSelector(selector), labels)) return causes;
  return [invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")];
}

export function validateJobSpec(spec: JobSpec, at: string): Cause[] {
  const { managedBy, podFailurePolicy, podReplacementPolicy, template } = spec;
  const { restartPolicy = "Always" } = template.spec ?? {}, policy = `${at}.template.spec.restartPolicy`;
  const causes = [
    ...notNegative(`${at}.parallelism`, spec.parallelism),
    ...notNegative(`${at}.completions`, spec.completions),
    ...notNegative(`${at}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...notNegative(`${at}.backoffLimit`, spec.backoffLimit),
    ...notNegative(`${at}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
    ...notNegative(`${at}.backoffLimitPerIndex`, spec.backoffLimitPerIndex),
    ...notNegative(`${at}.maxFailedIndexes`, spec.maxFailedIndexes),
  ];
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    causes.push(missing(`${at}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
  }
  if (managedBy !== undefined) {
    causes.push(...obeysSyntax(`${at}.managedBy`, managedBy, domainPrefixedPath));
    if (managedBy.length > managedByCharacters) causes.push(tooLong(`${at}.managedBy`, managedByCharacters));
  }
  causes.push(...spec.completionMode === "Indexed" ? validateIndexed(spec, at) : validateNonIndexed(spec, at));
  if (podFailurePolicy) causes.push(...validatePodFailurePolicy(spec, podFailurePolicy, `${at}.podFailurePolicy`));
  if (spec.successPolicy) causes.push(...validateSuccessPolicy(spec, spec.successPolicy, `${at}.successPolicy`));
  if (podFailurePolicy && podReplacementPolicy !== undefined && podReplacementPolicy !== "Failed") {
    causes.push(unsupported(`${at}.podReplacementPolicy`, podReplacementPolicy, ["Failed"]));
  }
  causes.push(...validatePodTemplate(template, `${at}.template`));
  if (restartPolicy === "Always") causes.push(missing(policy, 'valid values: "OnFailure", "Never"'));
  else if (podFailurePolicy && restartPolicy !== "Never") {
    causes.push(invalid(policy, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
  return causes;
}
const managedByCharacters = 63, indexesMost = 100_000, fewIndexes = 10_000;

function validateIndexed({ completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes }: JobSpec, at: string): Cause[] {
  if (completions === undefined) return [missing(`${at}.completions`, "when completion mode is Indexed")];
  const causes: Cause[] = [];
  const most = (field: string, value: number, limit: number, words = "") => {
    if (value > limit) causes.push(invalid(`${at}.${field}`, value, `must be less than or equal to ${limit}${words}`));
  };
  most("parallelism", parallelism, indexesMost, " when completion mode is Indexed");
  if (maxFailedIndexes !== undefined) {
    if (maxFailedIndexes > completions) {
      causes.push(invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, "must be less than or equal to completions"));
    }
    most("maxFailedIndexes", maxFailedIndexes, indexesMost);
  }
  if (backoffLimitPerIndex === undefined || completions <= indexesMost) return causes;
  const words = ` when completions are above ${indexesMost} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) {
    causes.push(missing(`${at}.maxFailedIndexes`, `must be specified when completions is above ${indexesMost}`));
  }
  most("parallelism", parallelism, fewIndexes, words);
  most("maxFailedIndexes", maxFailedIndexes ?? 0, fewIndexes, words);
  return causes;
}
function validateNonIndexed({ backoffLimitPerIndex, maxFailedIndexes, successPolicy }: JobSpec, at: string): Cause[] {
  const indexed = { backoffLimitPerIndex, maxFailedIndexes, successPolicy }, words = "requires indexed completion mode";
  return Object.entries(indexed).flatMap(([field, value]) => value === undefined ? [] : [invalid(`${at}.${field}`, value, words)]);
}

function validateUpdate(spec: JobSpec, { spec: old, status }: Job & { spec: JobSpec }): Cause[] {
  const causes: Cause[] = [], { completions, parallelism } = spec;
  if (completions !== old.completions) {
    if (spec.completionMode !== "Indexed" || completions === undefined) causes.push(immutable("spec.completions", completions));
    else if (completions !== parallelism) {
      causes.push(invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism"));
    }
  }
  // Where its pods go may still change while it waits and has never run.
  const waiting = old.suspend === true && status?.startTime === undefined;
  const fixed = ({ template: { metadata, spec: pod } }: JobSpec) => {
    if (!waiting) return { metadata, pod };
    const { labels: _, annotations: _1, ...meta } = metadata ?? {};
    const { nodeSelector: _2, tolerations: _3, schedulingGates: _4, affinity, ...rest } = pod ?? {};
    const { nodeAffinity: _5, ...affine } = affinity ?? {};
    return { meta, rest, affine };
  };
  if (!sameJson(spec.selector, old.selector)) causes.push(immutable("spec.selector", spec.selector));
  if (!sameJson(fixed(spec), fixed(old))) causes.push(immutable("spec.template", spec.template));
  for (const field of ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] as const) {
    if (!sameJson(spec[field], old[field])) causes.push(immutable(`spec.${field}`, spec[field]));
  }
  return causes;
}
