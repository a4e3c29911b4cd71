// What containers, pods and claims of a namespace get where they say nothing, and the bounds of what they may say (upstream's LimitRanger).
import type { LimitRange, LimitRangeItem } from "../../../shared/api/kinds/limit_range.ts";
import type { PersistentVolumeClaim } from "../../../shared/api/kinds/persistent_volume_claim.ts";
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import type { Container } from "../../../shared/api/kinds/pod/container.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { podTotals, quantitiesOf, type Totals } from "../../../shared/api/kinds/pod/totals.ts";
import { formatQuantity, parseQuantity } from "../../../shared/api/quantity.ts";
import { qualified } from "../../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import type { Change } from "../change.ts";
import { aggregate } from "./aggregate.ts";
import { newPod } from "./new_pod.ts";

export async function limitRangeDefaults(change: Change): Promise<undefined> {
  const pod = newPod(change), { object: { metadata: { namespace = "" } }, context: { world } } = change;
  if (pod) { for (const range of await world.limitRanges(namespace)) giveDefaults(pod, range); }
}

/** A pod's containers cannot change once it is there, so it is looked at once. The first range that forbids it says so. */
export async function limitRangeBounds(change: Change): Promise<ApiError | undefined> {
  const { kind, object, context: { world, subresource } } = change, { name = "", namespace = "", deletionTimestamp } = object.metadata;
  const pod = newPod(change);
  const claim = qualified(kind) === "persistentvolumeclaims" && !subresource && !deletionTimestamp
    ? object as PersistentVolumeClaim
    : undefined;
  if (!pod && !claim) return undefined;
  for (const { spec } of await world.limitRanges(namespace)) {
    const problems = (spec?.limits ?? []).flatMap((item) => pod ? ofPod(item, pod.spec) : ofClaim(item, claim!));
    if (problems.length > 0) return forbiddenObject(kind, name, aggregate(problems));
  }
  return undefined;
}

export function giveDefaults({ metadata, spec = { containers: [] } }: Pod, range: LimitRange): void {
  const ofContainers = (range.spec?.limits ?? []).filter(({ type }) => type === "Container");
  const limits = Object.assign({}, ...ofContainers.map((item) => item.default)) as Quantities;
  const requests = Object.assign({}, ...ofContainers.map((item) => item.defaultRequest)) as Quantities;
  const given = [
    ...(spec.containers ?? []).flatMap((container) => fill(container, "container", requests, limits)),
    ...(spec.initContainers ?? []).flatMap((container) => fill(container, "init container", requests, limits)),
  ];
  if (given.length === 0 || !metadata) return;
  metadata.annotations = { ...metadata.annotations, "kubernetes.io/limit-ranger": `LimitRanger plugin set: ${given.join("; ")}` };
}
type Quantities = Readonly<Record<string, string>>;
function fill(container: Container, called: string, requests: Quantities, limits: Quantities): string[] {
  const { resources = {}, name } = container;
  const absent = (defaults: Quantities, has: Quantities = {}) => Object.keys(defaults).filter((key) => !Object.hasOwn(has, key)).sort();
  const newRequests = absent(requests, resources.requests), newLimits = absent(limits, resources.limits);
  if (newRequests.length > 0) resources.requests = { ...requests, ...resources.requests };
  if (newLimits.length > 0) resources.limits = { ...limits, ...resources.limits };
  container.resources = resources;
  return [
    ...newRequests.length > 0 ? [`${newRequests.join(", ")} request for ${called} ${name}`] : [],
    ...newLimits.length > 0 ? [`${newLimits.join(", ")} limit for ${called} ${name}`] : [],
  ];
}

function ofPod(item: LimitRangeItem, spec: PodSpec): string[] {
  if (item.type === "Pod") return bounds(item, podTotals(spec, "requests"), podTotals(spec, "limits"));
  if (item.type !== "Container") return [];
  return [...spec.containers, ...spec.initContainers ?? []].flatMap(({ resources }) =>
    bounds(item, quantitiesOf(resources?.requests), quantitiesOf(resources?.limits))
  );
}
function bounds({ type, min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem, requests: Totals, limits: Totals): string[] {
  const of = (totals: Totals, name: string) => Object.hasOwn(totals, name) ? totals[name] : undefined, problems: string[] = [];
  for (const [name, written] of sorted(min)) {
    const request = of(requests, name),
      limit = of(limits, name),
      { nano } = parseQuantity(written),
      least = `minimum ${name} usage per ${type} is ${written}`;
    if (!request) problems.push(`${least}.  No request is specified`);
    else if (request.nano < nano) problems.push(`${least}, but request is ${formatQuantity(request)}`);
    else if (limit && limit.nano < nano) problems.push(`${least}, but limit is ${formatQuantity(limit)}`);
  }
  for (const [name, written] of sorted(max)) {
    const request = of(requests, name),
      limit = of(limits, name),
      { nano } = parseQuantity(written),
      most = `maximum ${name} usage per ${type} is ${written}`;
    if (!limit) problems.push(`${most}.  No limit is specified`);
    else if (limit.nano > nano) problems.push(`${most}, but limit is ${formatQuantity(limit)}`);
    else if (request && request.nano > nano) problems.push(`${most}, but request is ${formatQuantity(request)}`);
  }
  for (const [name, written] of sorted(maxLimitRequestRatio)) {
    const request = of(requests, name)?.nano ?? 0n, limit = of(limits, name)?.nano ?? 0n;
    const most = `${name} max limit to request ratio per ${type} is ${written}`;
    if (request === 0n) problems.push(`${most}, but no request is specified or request is 0`);
    else if (limit === 0n) problems.push(`${most}, but no limit is specified or limit is 0`);
    else if (limit * one > parseQuantity(written).nano * request) {
      problems.push(`${most}, but provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`);
    }
  }
  return problems;
}
const one = 1_000_000_000n;

/** Nobody says limits of a claim: its request alone counts. */
function ofClaim({ type, min = {}, max = {} }: LimitRangeItem, { spec }: PersistentVolumeClaim): string[] {
  if (type !== "PersistentVolumeClaim") return [];
  const requests = quantitiesOf(spec?.resources?.requests);
  return [["minimum", min, -1n] as const, ["maximum", max, 1n] as const].flatMap(([word, amounts, sign]) =>
    sorted(amounts).flatMap(([name, written]) => {
      const bound = `${word} ${name} usage per ${type} is ${written}`,
        request = Object.hasOwn(requests, name) ? requests[name]! : undefined;
      if (!request) return [`${bound}.  No request is specified`];
      const beyond = (request.nano - parseQuantity(written).nano) * sign > 0n;
      return beyond ? [`${bound}, but request is ${formatQuantity(request)}`] : [];
    })
  );
}
const sorted = (amounts: Quantities): [string, string][] => Object.entries(amounts).sort(([a], [b]) => a < b ? -1 : 1);
