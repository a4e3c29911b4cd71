// What of a pod's spec may change while it lives.
import type { Cause } from "../../decode.ts";
import { sameJson } from "../../json.ts";
import { forbidden, invalid } from "../../resource.ts";
import { each } from "./check.ts";
import type { Container } from "./container.ts";
import type { PodSpec } from "./pod_spec.ts";

const changeable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
];

export function validateUpdate(spec: PodSpec, old: PodSpec): Cause[] {
  for (const key of ["containers", "initContainers"] as const) {
    if ((spec[key]?.length ?? 0) !== (old[key]?.length ?? 0)) {
      return [forbidden(`spec.${key}`, "pod updates may not add or remove containers")];
    }
  }
  const causes = [...validateDeadline(spec, old), ...validateTolerations(spec, old), ...validateGates(spec, old)];
  // As if nothing had changed of what may; anything left is too much.
  const images = (containers: Container[] | undefined, from: Container[] | undefined) =>
    containers?.map((container, i) => ({ ...container, image: from?.[i]?.image }));
  const { terminationGracePeriodSeconds: grace } = spec, { terminationGracePeriodSeconds: before = 0 } = old;
  const held: Record<string, unknown> = {
    ...spec,
    containers: images(spec.containers, old.containers),
    initContainers: images(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
    terminationGracePeriodSeconds: before < 0 && grace === 1 ? before : grace,
  };
  if (old.schedulingGates) Object.assign(held, { nodeSelector: narrowed(spec, old, causes) });
  const changes = differences(old, held, "spec");
  if (changes.length === 0) return causes;
  return [...causes, forbidden("spec", `pod updates may not change fields other than ${changeable.join(",")}\n${changes.join("\n")}`)];
}

/** It may come, and it may be brought forward. */
function validateDeadline({ activeDeadlineSeconds: now }: PodSpec, { activeDeadlineSeconds: before }: PodSpec): Cause[] {
  const field = "spec.activeDeadlineSeconds";
  if (before === undefined) return [];
  if (now === undefined) return [invalid(field, null, "must not update from a positive integer to nil value")];
  return now > before ? [invalid(field, now, "must be less than or equal to previous value")] : [];
}
function validateTolerations({ tolerations = [] }: PodSpec, { tolerations: before = [] }: PodSpec): Cause[] {
  const kept = before.every((old) =>
    tolerations.some(({ tolerationSeconds: _, ...now }) => {
      const { tolerationSeconds: _1, ...was } = old;
      return sameJson(was, now);
    })
  );
  return kept ? [] : [forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")];
}
function validateGates({ schedulingGates }: PodSpec, { schedulingGates: before = [] }: PodSpec): Cause[] {
  return each(
    schedulingGates,
    "spec.schedulingGates",
    ({ name }, at) =>
      before.some((gate) => gate.name === name)
        ? []
        : [forbidden(`${at}.name`, `only deletion is allowed, but found new scheduling gate '${name}'`)],
  );
}
/** While a pod is gated, its node selector may get further labels. Returns the selector it is then held against. */
function narrowed({ nodeSelector = {} }: PodSpec, { nodeSelector: before }: PodSpec, causes: Cause[]): PodSpec["nodeSelector"] {
  if (!Object.entries(before ?? {}).every(([key, value]) => nodeSelector[key] === value)) {
    causes.push(invalid("spec.nodeSelector", nodeSelector, "only additions to spec.nodeSelector are allowed (no mutations or deletions)"));
  }
  return before;
}

/** `-spec.nodeName: "a"` and `+spec.nodeName: "b"`, down to the values that differ. */
function differences(old: unknown, now: unknown, at: string): string[] {
  if (old === now || sameJson(old, now)) return [];
  if (typeof old !== "object" || typeof now !== "object" || old === null || now === null || Array.isArray(old) !== Array.isArray(now)) {
    return [...old === undefined ? [] : [`-${at}: ${JSON.stringify(old)}`], ...now === undefined ? [] : [`+${at}: ${JSON.stringify(now)}`]];
  }
  const of = (key: string) => Array.isArray(old) ? `${at}[${key}]` : `${at}.${key}`;
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((key) =>
    differences((old as Record<string, unknown>)[key], (now as Record<string, unknown>)[key], of(key))
  );
}
