import type { Cause } from "../../decode.ts";
import type { PodSpec, PodTemplateSpec } from "./pod_spec.ts";
import { missing } from "../../resource.ts";

export function validatePod({ spec }: { spec?: PodSpec }): Cause[] {
  return spec ? validatePodSpec(spec, "spec") : [missing("spec.containers")];
}
export const validatePodSpec = (spec: PodSpec, at: string): Cause[] => spec.containers.length > 0 ? [] : [missing(`${at}.containers`)];
export const validatePodTemplate = ({ spec }: PodTemplateSpec, at: string): Cause[] =>
  spec ? validatePodSpec(spec, `${at}.spec`) : [missing(`${at}.spec.containers`)];
