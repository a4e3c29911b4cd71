// What is written down of which request: audit.k8s.io/v1 Policy, as upstream reads it. The first rule that matches says; where none does, nothing is written.
import * as v from "valibot";
import { parseYaml } from "../../../shared/api/yaml.ts";
import type { User } from "../../rbac/user.ts";
import type { RequestInfo } from "../request.ts";

export const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type AuditLevel = (typeof levels)[number];
export const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof stages)[number];

const strings = v.optional(v.array(v.string()), []);
const GroupResources = v.strictObject({ group: v.optional(v.string(), ""), resources: strings, resourceNames: strings });
const path = v.pipe(v.string(), v.regex(/^(\*|\/[^*]*\*?)$/, "must begin with /, and have * at its end only"));
const omitStages = v.optional(v.array(v.picklist(stages)), []);
const Rule = v.pipe(
  v.strictObject({
    level: v.picklist(levels),
    users: strings,
    userGroups: strings,
    verbs: strings,
    resources: v.optional(v.array(GroupResources), []),
    namespaces: strings,
    nonResourceURLs: v.optional(v.array(path), []),
    omitStages,
  }),
  v.check(
    ({ resources, namespaces, nonResourceURLs }) => nonResourceURLs.length === 0 || (resources.length === 0 && namespaces.length === 0),
    "rules cannot apply to both regular resources and non-resource URLs",
  ),
  v.check(
    ({ resources }) => resources.every((one) => one.resourceNames.length === 0 || one.resources.length > 0),
    "using resourceNames requires at least one resource",
  ),
);
const Policy = v.strictObject({
  apiVersion: v.literal("audit.k8s.io/v1"),
  kind: v.literal("Policy"),
  metadata: v.optional(v.record(v.string(), v.unknown())),
  omitStages,
  rules: v.pipe(v.array(Rule), v.minLength(1, "must have at least one rule")),
});
export type Policy = v.InferOutput<typeof Policy>;
type Rule = v.InferOutput<typeof Rule>;

/** @throws Error that names the field */
export function parsePolicy(text: string): Policy {
  const result = v.safeParse(Policy, parseYaml(text).value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Error(`${v.getDotPath(issue) ?? "policy"}: ${issue.message}`);
}

/**
 * Where nobody says otherwise: who changed what, who read secrets, and who went into a pod. Reads tell little and are many; so are events, and questions about
 * what one may do.
 */
export const defaultPolicy: Policy = parsePolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources:
  - {group: "", resources: [secrets, serviceaccounts/token, pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy, nodes/proxy]}
  - {group: authentication.k8s.io, resources: [tokenreviews]}
- {level: None, verbs: [get, list, watch, head, options]}
- level: None
  resources:
  - {group: "", resources: [events]}
  - {group: events.k8s.io, resources: [events]}
  - {group: authorization.k8s.io}
  - {group: authentication.k8s.io}
- level: Metadata
`);

export interface Decided {
  readonly level: AuditLevel;
  readonly omit: ReadonlySet<Stage>;
}
/** @param user undefined: nobody knows who it was */
export function decide(policy: Policy, user: Pick<User, "name" | "groups"> | undefined, info: RequestInfo): Decided {
  const rule = policy.rules.find((one) => matches(one, user, info));
  if (!rule) return { level: "None", omit: new Set() };
  return { level: atMost(rule.level, info), omit: new Set([...policy.omitStages, ...rule.omitStages]) };
}

function matches(rule: Rule, user: Pick<User, "name" | "groups"> | undefined, { verb, path, resource }: RequestInfo): boolean {
  if (rule.users.length > 0 && !rule.users.includes(user?.name ?? "")) return false;
  if (rule.userGroups.length > 0 && !rule.userGroups.some((group) => user?.groups.includes(group))) return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) {
    if (!resource) return false;
    if (rule.namespaces.length > 0 && !rule.namespaces.includes(resource.namespace)) return false;
    return rule.resources.length === 0 || rule.resources.some((one) => covers(one, resource));
  }
  if (rule.nonResourceURLs.length === 0) return true;
  return !resource && rule.nonResourceURLs.some((one) => one.endsWith("*") ? path.startsWith(one.slice(0, -1)) : one === path);
}

function covers(
  rule: v.InferOutput<typeof GroupResources>,
  { group, plural, subresource, name }: NonNullable<RequestInfo["resource"]>,
): boolean {
  if (rule.group !== group) return false;
  if (rule.resources.length === 0) return true;
  if (rule.resourceNames.length > 0 && !rule.resourceNames.includes(name)) return false;
  const whole = subresource === "" ? plural : `${plural}/${subresource}`;
  return rule.resources.some((one) =>
    one === "*" || one === whole || (subresource !== "" && (one === `*/${subresource}` || one === `${plural}/*`))
  );
}

/** What nobody may read in a log, whatever the policy says. */
function atMost(level: AuditLevel, { resource }: RequestInfo): AuditLevel {
  const hidden = resource && (
    (resource.group === "" &&
      (resource.plural === "secrets" || (resource.plural === "serviceaccounts" && resource.subresource === "token"))) ||
    (resource.group === "authentication.k8s.io" && resource.plural === "tokenreviews")
  );
  return hidden && level !== "None" ? "Metadata" : level;
}
