// Rules of what a job makes of pods that fail, and of when it is content.
import type { Cause } from "../decode.ts";
import { qualifiedName } from "../names.ts";
import { duplicate, invalid, missing, tooLong, tooMany } from "../resource.ts";
import type { JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicy } from "./job.ts";
import { each, obeysSyntax } from "./pod/check.ts";
import { allContainers } from "./pod/defaults.ts";
import { notNegative } from "./workload.ts";

const rulesMost = 20, conditionsMost = 20, exitCodesMost = 255, indexesCharacters = 64 * 1024;
const bounded = (items: readonly unknown[], at: string, most: number): Cause[] =>
  items.length > most ? [tooMany(at, items.length, most)] : [];
/** What is wrong with all of it together, so that no value is shown. */
const without = (field: string, words: string): Cause => ({ reason: "FieldValueInvalid", field, message: `Invalid value: ${words}` });

export function validatePodFailurePolicy(spec: JobSpec, { rules }: PodFailurePolicy, at: string): Cause[] {
  const containers = new Set(allContainers(spec.template.spec ?? { containers: [] }).map(({ name }) => name));
  const many = bounded(rules, `${at}.rules`, rulesMost);
  return many.length > 0 ? many : each(rules, `${at}.rules`, (rule, here) => validateRule(rule, here, containers, spec));
}
function validateRule(rule: PodFailurePolicyRule, at: string, containers: ReadonlySet<string>, spec: JobSpec): Cause[] {
  const { action, onExitCodes, onPodConditions = [] } = rule, conditions = `${at}.onPodConditions`;
  const causes: Cause[] = [];
  if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    causes.push(invalid(`${at}.action`, action, "requires the backoffLimitPerIndex to be set"));
  }
  if (onExitCodes) causes.push(...validateExitCodes(onExitCodes, `${at}.onExitCodes`, containers));
  causes.push(...bounded(onPodConditions, conditions, conditionsMost));
  causes.push(...each(onPodConditions, conditions, ({ type }, here) => obeysSyntax(`${here}.type`, type, qualifiedName)));
  const both = onExitCodes !== undefined && onPodConditions.length > 0, none = !onExitCodes && onPodConditions.length === 0;
  if (both) causes.push(without(at, "specifying both OnExitCodes and OnPodConditions is not supported"));
  if (none) causes.push(without(at, "specifying one of OnExitCodes and OnPodConditions is required"));
  return causes;
}
function validateExitCodes(codes: PodFailurePolicyOnExitCodesRequirement, at: string, containers: ReadonlySet<string>): Cause[] {
  const { containerName, operator, values } = codes, causes: Cause[] = [], here = `${at}.values`;
  if (containerName !== undefined && !containers.has(containerName)) {
    const words = "must be one of the container or initContainer names in the pod template";
    causes.push(invalid(`${at}.containerName`, containerName, words));
  }
  if (values.length === 0) causes.push(invalid(here, values, "at least one value is required"));
  if (values.length > exitCodesMost) return [...causes, tooMany(here, values.length, exitCodesMost)];
  const seen = new Set<number>();
  values.forEach((value, i) => {
    if (operator === "In" && value === 0) causes.push(invalid(`${here}[${i}]`, value, "must not be 0 for the In operator"));
    if (seen.size === seen.add(value).size) causes.push(duplicate(`${here}[${i}]`, value));
  });
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) causes.push(invalid(here, values, "must be ordered"));
  return causes;
}

export function validateSuccessPolicy({ completionMode, completions = 0 }: JobSpec, { rules }: SuccessPolicy, at: string): Cause[] {
  if (completionMode !== "Indexed") return []; // has been said
  if (rules.length === 0) return [missing(`${at}.rules`, "at least one rules must be specified when the successPolicy is specified")];
  return [
    ...bounded(rules, `${at}.rules`, rulesMost),
    ...each(rules.slice(0, rulesMost), `${at}.rules`, ({ succeededIndexes: indexes, succeededCount: count }, here) => {
      if (indexes === undefined && count === undefined) {
        return [missing(here, "at least one of succeededCount or succeededIndexes must be specified")];
      }
      const causes: Cause[] = [];
      let total = completions;
      if (indexes !== undefined && indexes.length > indexesCharacters) causes.push(tooLong(`${here}.succeededIndexes`, indexesCharacters));
      else if (indexes !== undefined) {
        const read = countIndexes(indexes, completions);
        if (typeof read === "number") total = read;
        else causes.push(invalid(`${here}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${read.problem}`));
      }
      const most = (limit: number, words: string) =>
        count !== undefined && count > limit
          ? [invalid(`${here}.succeededCount`, count, `must be less than or equal to ${limit} (${words})`)]
          : [];
      return [
        ...causes,
        ...notNegative(`${here}.succeededCount`, count),
        ...most(completions, "the number of specified completions"),
        ...indexes === undefined || causes.length > 0 ? [] : most(total, "the number of indexes in the specified succeededIndexes field"),
      ];
    }),
  ];
}

/** How many indexes "0,2-4" names, all below `completions`. */
function countIndexes(text: string, completions: number): number | { readonly problem: string } {
  let last = -1, total = 0;
  for (const interval of text === "" ? [] : text.split(",")) {
    const ends = interval.split("-");
    if (ends.length > 2) {
      return {
        problem: `the fragment ${
          JSON.stringify(interval)
        } violates the requirement that an index interval can have at most two parts separated by '-'`,
      };
    }
    for (const end of ends) {
      if (!/^\d{1,10}$/.test(end)) return { problem: `cannot convert string to integer for index: ${JSON.stringify(end.slice(0, 20))}` };
      if (Number(end) >= completions) return { problem: `too large index: ${JSON.stringify(end)}` };
    }
    const from = Number(ends[0]), to = Number(ends.at(-1));
    for (const [before, next] of [[last, from], ...ends.length === 2 ? [[from, to]] : []] as [number, number][]) {
      if (before >= next) return { problem: `non-increasing order, previous: ${before}, current: ${next}` };
    }
    total += to - from + 1;
    last = to;
  }
  return total;
}
