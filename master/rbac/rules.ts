// Pure: what a rule of a role allows, and whether rules cover others. As upstream's RBAC authorizer and its escalation check read them.
import type { PolicyRule } from "../../shared/api/kinds/role.ts";
import type { Attributes } from "./user.ts";

const all = "*";
const has = (values: readonly string[] | undefined, value: string): boolean =>
  values !== undefined && (values.includes(all) || values.includes(value));

export function allows(rule: PolicyRule, wanted: Attributes): boolean {
  if (!has(rule.verbs, wanted.verb)) return false;
  if ("path" in wanted) return rule.nonResourceURLs?.some((url) => pathCovers(url, wanted.path)) ?? false;
  const { group, resource, subresource = "", name = "" } = wanted, { resourceNames = [] } = rule;
  return has(rule.apiGroups, group) && (rule.resources?.some((pattern) => resourceCovers(pattern, resource, subresource)) ?? false) &&
    (resourceNames.length === 0 || resourceNames.includes(name));
}

function resourceCovers(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === all) return true;
  if (subresource === "") return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}
const pathCovers = (pattern: string, path: string): boolean =>
  pattern === all || pattern === path || (pattern.endsWith(all) && path.startsWith(pattern.replace(/\*+$/, "")));

/** A rule about one verb with one thing. */
export type Single =
  & { readonly verb: string }
  & (
    | { readonly group: string; readonly resource: string; readonly name?: string }
    | { readonly url: string }
  );

export function* singles(rules: readonly PolicyRule[]): Iterable<Single> {
  for (const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } of rules) {
    for (const verb of verbs) {
      for (const group of apiGroups) {
        for (const resource of resources) {
          if (resourceNames.length === 0) yield { verb, group, resource };
          for (const name of resourceNames) yield { verb, group, resource, name };
        }
      }
      for (const url of nonResourceURLs) yield { verb, url };
    }
  }
}

/** Does one rule give at least this? */
export function covers(rule: PolicyRule, one: Single): boolean {
  if (!has(rule.verbs, one.verb)) return false;
  if ("url" in one) return rule.nonResourceURLs?.some((url) => pathCovers(url, one.url)) ?? false;
  const { resources = [], resourceNames = [] } = rule;
  const subresource = one.resource.includes("/") ? one.resource.slice(one.resource.indexOf("/") + 1) : undefined;
  return has(rule.apiGroups, one.group) &&
    (has(resources, one.resource) || (subresource !== undefined && resources.includes(`*/${subresource}`))) &&
    (resourceNames.length === 0 || (one.name !== undefined && resourceNames.includes(one.name)));
}

/** Of what `wanted` gives, what `held` does not. */
export const missingFrom = (held: readonly PolicyRule[], wanted: readonly PolicyRule[]): Single[] =>
  [...singles(wanted)].filter((one) => !held.some((rule) => covers(rule, one)));

/** In how many single rights these rules fall apart. */
export const countSingles = (rules: readonly PolicyRule[]): number =>
  rules.reduce(
    (sum, { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }) =>
      sum + verbs.length * (apiGroups.length * resources.length * Math.max(1, resourceNames.length) + nonResourceURLs.length),
    0,
  );

/** As upstream prints rules that somebody may not give away: those about one thing with all their verbs, in order. */
export function ruleTexts(missing: readonly Single[]): string[] {
  const quoted = (...values: string[]) => `[${values.map((value) => JSON.stringify(value)).join(" ")}]`,
    grouped = new Map<string, string[]>();
  for (const one of missing) {
    const about = "url" in one
      ? `NonResourceURLs:${quoted(one.url)}`
      : `APIGroups:${quoted(one.group)}, Resources:${quoted(one.resource)}${
        one.name === undefined ? "" : `, ResourceNames:${quoted(one.name)}`
      }`;
    const verbs = grouped.get(about);
    if (verbs) { if (!verbs.includes(one.verb)) verbs.push(one.verb); }
    else grouped.set(about, [one.verb]);
  }
  return [...grouped].map(([about, verbs]) => `{${about}, Verbs:${quoted(...verbs)}}`).sort();
}
