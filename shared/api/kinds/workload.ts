// What the kinds that make pods from a template have in common.
import type { Cause } from "../decode.ts";
import { validateLabelSelector } from "../labels.ts";
import type { LabelSelector } from "../meta.ts";
import { type Column, forbidden, immutable, invalid, missing, unsupported } from "../resource.ts";
import { fromLabelSelector, matchLabels, toText } from "../selector.ts";
import { sameJson } from "../json.ts";
import type { PodTemplateSpec } from "./pod/pod_spec.ts";
import { validatePodTemplate } from "./pod/validate.ts";

interface Workload {
  readonly spec?: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec };
}

/** Where all of them keep how many pods there are and are to be. */
export const replicasScale = { specReplicas: ".spec.replicas", statusReplicas: ".status.replicas", selector: ".spec.selector" } as const;

/** Containers, Images and Selector, for `-o wide`. */
export const wideColumns = {
  Containers: { wide: true, cell: ({ spec }) => containers(spec?.template, "name") },
  Images: { wide: true, cell: ({ spec }) => containers(spec?.template, "image") },
  Selector: { wide: true, cell: ({ spec }) => selectorText(spec?.selector) },
} satisfies Record<string, Column<Workload>>;

const containers = (template: PodTemplateSpec | undefined, key: "name" | "image"): string =>
  template?.spec?.containers?.map((container) => container[key] ?? "").join() ?? "";
export const selectorText = (selector: LabelSelector | undefined): string =>
  toText(fromLabelSelector(selector ?? {}).toSorted((a, b) => a.key < b.key ? -1 : 1)) || "<none>";

/** `restartPolicy` must be Always, and `selector` must match the template. `kind` as its messages name it. */
export function validateSelectorAndTemplate(kind: string, spec: Workload["spec"] = {}): Cause[] {
  const { selector, template = {} } = spec;
  const causes: Cause[] = [];
  const rules = fromLabelSelector(selector);
  if (!selector) causes.push(missing("spec.selector"));
  else {
    causes.push(...validateLabelSelector(selector, "spec.selector"));
    // Kubernetes says "deployment" of ReplicaSets, too.
    const called = kind === "ReplicaSet" ? "deployment" : kind.toLowerCase();
    if (rules.length === 0) causes.push(invalid("spec.selector", selector, `empty selector is invalid for ${called}`));
    else if (causes.length === 0 && !matchLabels(rules, template.metadata?.labels)) {
      const labels = template.metadata?.labels ?? {};
      causes.push(invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
    }
  }
  // And "ReplicaSet" of Deployments.
  return [
    ...causes,
    ...validatePodTemplate(template, "spec.template"),
    ...validateEndless(template, kind === "Deployment" ? "ReplicaSet" : kind),
  ];
}
/** Its pods are to run for good. */
export function validateEndless({ spec }: PodTemplateSpec, called: string): Cause[] {
  const at = "spec.template.spec", { restartPolicy = "Always", activeDeadlineSeconds } = spec ?? {};
  return [
    ...restartPolicy === "Always" ? [] : [unsupported(`${at}.restartPolicy`, restartPolicy, ["Always"])],
    ...activeDeadlineSeconds === undefined
      ? []
      : [forbidden(`${at}.activeDeadlineSeconds`, `activeDeadlineSeconds in ${called} is not Supported`)],
  ];
}
/** Then its rules need not hold again: what an older release has let in stays writable. */
export const specUnchanged = ({ spec }: { spec?: unknown }, old: { spec?: unknown } | undefined): boolean =>
  old !== undefined && sameJson(spec, old.spec);
export const selectorChanged = (spec: Workload["spec"], old: Workload["spec"]): Cause[] =>
  old === undefined || sameJson(spec?.selector, old.selector) ? [] : [immutable("spec.selector", spec?.selector)];

export const notNegative = (field: string, value: number | undefined): Cause[] =>
  value !== undefined && value < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : [];

/** How many, or what part of all, may be away or too many in a rolling update. */
export function validateCount(field: string, value: number | string | undefined): Cause[] {
  if (typeof value !== "string") return notNegative(field, value);
  const words =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return /^[0-9]+%$/.test(value) ? [] : [invalid(field, value, words)];
}
export const atMostAll = (field: string, value: number | string | undefined): Cause[] =>
  typeof value === "string" && parseInt(value) > 100 ? [invalid(field, value, "must not be greater than 100%")] : [];
export const isNothing = (value: number | string | undefined): boolean => parseInt(String(value ?? 0)) === 0;
