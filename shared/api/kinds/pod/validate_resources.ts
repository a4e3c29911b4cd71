// Rules of requests and limits.
import type { Cause } from "../../decode.ts";
import { qualifiedName } from "../../names.ts";
import { compareQuantities, parseQuantity } from "../../quantity.ts";
import { duplicate, forbidden, invalid, missing, notFound } from "../../resource.ts";
import { each, obeysSyntax, unique } from "./check.ts";
import type { PodSpec } from "./pod_spec.ts";
import type { ResourceRequirements } from "./resources.ts";

const standard = ["cpu", "memory", "ephemeral-storage"];
const isHugePages = (name: string) => name.startsWith("hugepages-");
const isNative = (name: string) => !name.includes("/") || name.includes("kubernetes.io/");
/** Only what the node can share out by time or reclaim may be promised twice. */
const canOvercommit = (name: string) => isNative(name) && !isHugePages(name);

export function validateResources({ limits = {}, requests = {}, claims }: ResourceRequirements, at: string, spec: PodSpec): Cause[] {
  const causes = [...validateList(limits, `${at}.limits`), ...validateList(requests, `${at}.requests`)];
  for (const [name, request] of Object.entries(requests)) {
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined) {
      if (!canOvercommit(name)) causes.push(missing(`${at}.limits`, "Limit must be set for non overcommitable resources"));
    } else if (!canOvercommit(name) && compareQuantities(request, limit) !== 0) {
      causes.push(invalid(`${at}.requests`, request, `must be equal to ${name} limit of ${limit}`));
    } else if (compareQuantities(request, limit) > 0) {
      causes.push(invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  const known = new Set(spec.resourceClaims?.map(({ name }) => name));
  return [
    ...causes,
    ...unique(claims, `${at}.claims`, ({ name, request = "" }) => `${name}/${request}`, duplicate),
    ...each(claims, `${at}.claims`, ({ name }, here) => known.has(name) ? [] : [notFound(`${here}.name`, name)]),
  ];
}

export const validateQuantities = (quantities: Readonly<Record<string, string>>, at: string): Cause[] =>
  Object.entries(quantities).flatMap(([name, quantity]) => validateQuantity(name, quantity, `${at}[${name}]`));

function validateList(quantities: Readonly<Record<string, string>>, at: string): Cause[] {
  return Object.entries(quantities).flatMap(([name, quantity]) => {
    const here = `${at}[${name}]`;
    return [...validateName(name, here), ...validateQuantity(name, quantity, here)];
  });
}
function validateName(name: string, at: string): Cause[] {
  const broken = obeysSyntax(at, name, qualifiedName);
  if (broken.length > 0) return broken;
  if (!name.includes("/")) {
    return standard.includes(name) || isHugePages(name) ? [] : [invalid(at, name, "must be a standard resource for containers")];
  }
  return isNative(name) || !name.startsWith("requests.") ? [] : [invalid(at, name, "doesn't follow extended resource name standard")];
}
function validateQuantity(name: string, quantity: string, at: string): Cause[] {
  const { nano } = parseQuantity(quantity);
  if (nano < 0n) return [invalid(at, quantity, "must be greater than or equal to 0")];
  return !isNative(name) && nano % 1_000_000_000n !== 0n ? [invalid(at, quantity, "must be an integer")] : [];
}

/** Of the pod as a whole: nothing in it may be promised more than it, and none allowed more. */
export function validatePodResources(spec: PodSpec, at: string): Cause[] {
  const { resources } = spec;
  if (!resources) return [];
  const causes = validateResources({ ...resources, claims: [] }, at, spec);
  if (resources.claims) causes.push(forbidden(`${at}.claims`, "claims cannot be set for Resources at pod-level"));
  for (const name of Object.keys({ ...resources.limits, ...resources.requests })) {
    if (!standard.includes(name) && !isHugePages(name)) causes.push(invalid(at, name, "must be a standard resource for pods"));
  }
  each(spec.containers, `${at}.containers`, ({ resources: { limits = {} } = {} }, here) => {
    for (const [name, limit] of Object.entries(limits)) {
      const most = resources.limits?.[name];
      if (most !== undefined && compareQuantities(limit, most) > 0) {
        causes.push(invalid(`${here}[${name}].limits`, limit, `must be less than or equal to pod limits of ${most}`));
      }
    }
    return [];
  });
  return causes;
}
