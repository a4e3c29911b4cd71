// How much all objects of a namespace together may ask for, and how many there may be.
import type { Cause } from "../decode.ts";
import { age } from "../age.ts";
import { ObjectMeta } from "../meta.ts";
import { qualifiedName } from "../names.ts";
import { parseQuantity } from "../quantity.ts";
import { immutable, invalid, missing, resource } from "../resource.ts";
import { quantity } from "../scalars.ts";
import { atomic, field, kind, list, map, message, optional, required, string } from "../schema.ts";
import { each, obeysSyntax } from "./pod/check.ts";

const core = "k8s.io.api.core.v1";

export class ScopedResourceSelectorRequirement
  extends message(`${core}.ScopedResourceSelectorRequirement`, "A rule about which objects count.", {
    scopeName: required(1, string, "The property that is meant, such as PriorityClass."),
    operator: required(2, string, "In, NotIn, Exists or DoesNotExist."),
    values: field(3, list(string), "Values for In and NotIn; none for the others.", atomic),
  }) {}
export class ScopeSelector extends message(`${core}.ScopeSelector`, "Which objects count.", {
  matchExpressions: field(1, list(ScopedResourceSelectorRequirement), "Rules, all of which must hold.", atomic),
}, { map: "atomic" }) {}
export class ResourceQuotaSpec extends message(`${core}.ResourceQuotaSpec`, "What is wanted of a quota.", {
  hard: field(1, map(quantity), "The most of each resource that all together may have."),
  scopes: field(2, list(string), "Properties that an object must have to count. They cannot change.", atomic),
  scopeSelector: optional(3, ScopeSelector, "The same, with values."),
}) {}
export class ResourceQuotaStatus extends message(`${core}.ResourceQuotaStatus`, "How far a quota is used up.", {
  hard: field(1, map(quantity), "The most of each resource, as it is enforced."),
  used: field(2, map(quantity), "How much of each is taken."),
}) {}
export class ResourceQuota extends kind("v1", `${core}.ResourceQuota`, "How much the objects of a namespace together may ask for.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, ResourceQuotaSpec, "What is wanted."),
  status: field(3, ResourceQuotaStatus, "What is. Written by the system.", { default: {} }),
}) {}

const ofLimits = (name: string): boolean => name === "limits.cpu" || name === "limits.memory";
const usage = ({ hard = {}, used = {} }: ResourceQuotaStatus = {}, wanted: (name: string) => boolean): string =>
  Object.keys(hard).filter(wanted).sort().map((name) => `${name}: ${used[name] ?? 0}/${hard[name]}`).join(", ");

export const resourceQuotas = resource(ResourceQuota, {
  plural: "resourcequotas",
  short: ["quota"],
  namespaced: true,
  status: true,
  generation: false,
  columns: {
    Request: ({ status }) => usage(status, (name) => !ofLimits(name)),
    Limit: ({ status }) => usage(status, ofLimits),
    Age: ({ metadata }, now) => age(metadata?.creationTimestamp, now),
  },
  validate({ spec = {}, status = {} }, old) {
    const sameScopes = (a: readonly string[] = [], b: readonly string[] = []) => a.toSorted().join() === b.toSorted().join();
    return [
      ...validateAmounts(spec.hard, "spec.hard"),
      ...validateScopes(spec),
      ...validateSelector(spec.scopeSelector, "spec.scopeSelector.matchExpressions"),
      ...old && !sameScopes(spec.scopes, old.spec?.scopes) ? [immutable("spec.scopes", spec.scopes ?? null)] : [],
      ...validateAmounts(status.hard, "status.hard"),
      ...validateAmounts(status.used, "status.used"),
    ];
  },
});

/** How many there are of these; amounts of them are whole. */
const countable = [
  "pods",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services",
  "services.nodeports",
  "services.loadbalancers",
];
const measured = ["cpu", "memory", "ephemeral-storage"];
const ofCompute = [...measured, ...measured.map((name) => `requests.${name}`), ...measured.map((name) => `limits.${name}`)];
const standard = [...countable, ...ofCompute, "requests.storage"];
const isStandard = (name: string) => standard.includes(name) || /^(requests\.)?hugepages-/.test(name);

const validateAmounts = (amounts: Readonly<Record<string, string>> = {}, at: string): Cause[] =>
  Object.entries(amounts).flatMap(([name, amount]) => {
    const here = `${at}[${name}]`, causes = obeysSyntax(here, name, qualifiedName), { nano } = parseQuantity(amount);
    if (causes.length === 0 && !name.includes("/") && !isStandard(name)) {
      causes.push(invalid(here, name, "must be a standard resource for quota"));
    }
    if (nano < 0n) causes.push(invalid(here, amount, "must be greater than or equal to 0"));
    else if (nano % 1_000_000_000n !== 0n && (countable.includes(name) || name.startsWith("count/"))) {
      causes.push(invalid(here, amount, "must be an integer"));
    }
    return causes;
  });

/** Which resources a scope can count. */
const scopes: Readonly<Record<string, (resource: string) => boolean>> = {
  Terminating: ofPods,
  NotTerminating: ofPods,
  BestEffort: (resource) => resource === "pods",
  NotBestEffort: ofPods,
  PriorityClass: ofPods,
  CrossNamespacePodAffinity: ofPods,
  VolumeAttributesClass: (resource) => resource === "persistentvolumeclaims" || resource === "requests.storage",
};
function ofPods(resource: string): boolean {
  return resource === "pods" || ofCompute.includes(resource);
}
const conflicting = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

function validateScopes({ scopes: given = [], hard = {} }: ResourceQuotaSpec): Cause[] {
  const at = "spec.scopes", causes: Cause[] = [];
  for (const scope of given.slice(0, scopesMost)) {
    const counts = Object.hasOwn(scopes, scope) ? scopes[scope]! : undefined;
    if (!counts) causes.push(invalid(at, given, "unsupported scope"));
    else if (!Object.keys(hard).every(counts)) causes.push(invalid(at, given, "unsupported scope applied to resource"));
  }
  for (const pair of conflicting) {
    if (pair.every((scope) => given.includes(scope))) causes.push(invalid(at, given, "conflicting scopes"));
  }
  return causes;
}
/** Further ones than there are add nothing but the same words. */
const scopesMost = 100;

const withValues = ["In", "NotIn"], withoutValues = ["Exists", "DoesNotExist"];
const validateSelector = (selector: ScopeSelector | undefined, at: string): Cause[] =>
  each(selector?.matchExpressions, at, ({ scopeName, operator, values = [] }, here) => {
    const causes: Cause[] = [];
    if (!Object.hasOwn(scopes, scopeName)) causes.push(invalid(`${here}.scopeName`, scopeName, "unsupported scope"));
    else if (scopeName !== "PriorityClass" && scopeName !== "VolumeAttributesClass" && operator !== "Exists") {
      const words =
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, " +
        "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      causes.push(invalid(`${here}.operator`, operator, words));
    }
    if (withValues.includes(operator)) {
      const words = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) causes.push(missing(`${here}.values`, words));
    } else if (withoutValues.includes(operator)) {
      const words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) causes.push(invalid(`${here}.values`, values, words));
    } else causes.push(invalid(`${here}.operator`, operator, "not a valid selector operator"));
    return causes;
  });
