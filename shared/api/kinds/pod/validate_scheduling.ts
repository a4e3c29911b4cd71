// Rules of what says where a pod runs.
import type { Cause } from "../../decode.ts";
import { validateLabelSelector } from "../../labels.ts";
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from "../../names.ts";
import { duplicate, forbidden, invalid, missing, unsupported } from "../../resource.ts";
import type { Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm } from "./affinity.ts";
import { atLeast, each, obeysSyntax, unique } from "./check.ts";
import type { Toleration, TopologySpreadConstraint } from "./pod_spec.ts";

export const validateTolerations = (tolerations: readonly Toleration[] | undefined, at: string): Cause[] =>
  each(tolerations, at, ({ key = "", operator = "", value = "", effect = "", tolerationSeconds }, here) => {
    const causes = key ? obeysSyntax(`${here}.key`, key, qualifiedName) : [];
    if (!key && operator !== "Exists") {
      const words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      causes.push(invalid(`${here}.operator`, operator, words));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      causes.push(invalid(`${here}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === "" || operator === "Equal") {
      const broken = labelValue(value).join(";");
      if (broken) causes.push(invalid(`${here}.operator`, value, broken));
    } else if (operator === "Exists") {
      if (value) causes.push(invalid(`${here}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else causes.push(unsupported(`${here}.operator`, operator, ["Equal", "Exists"])); // Gt and Lt: not before their feature is stable
    return causes;
  });

export function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity = {}, at: string): Cause[] {
  const required = "requiredDuringSchedulingIgnoredDuringExecution", preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  const validatePods = (affinity: PodAffinity | undefined, here: string): Cause[] => [
    ...each(affinity?.[required], `${here}.${required}`, validatePodTerm),
    ...each(affinity?.[preferred], `${here}.${preferred}`, ({ weight, podAffinityTerm }, here) => [
      ...validateWeight(weight, `${here}.weight`),
      ...validatePodTerm(podAffinityTerm, `${here}.podAffinityTerm`),
    ]),
  ];
  return [
    ...nodeAffinity?.[required] ? validateNodeSelector(nodeAffinity[required], `${at}.nodeAffinity.${required}`) : [],
    ...each(nodeAffinity?.[preferred], `${at}.nodeAffinity.${preferred}`, ({ weight, preference }, here) => [
      ...validateWeight(weight, `${here}.weight`),
      ...validateNodeTerm(preference, `${here}.preference`),
    ]),
    ...validatePods(podAffinity, `${at}.podAffinity`),
    ...validatePods(podAntiAffinity, `${at}.podAntiAffinity`),
  ];
}
const validateWeight = (weight: number, at: string): Cause[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(at, weight, "must be in the range 1-100")];

export const validateNodeSelector = ({ nodeSelectorTerms }: NodeSelector, at: string): Cause[] =>
  nodeSelectorTerms.length === 0
    ? [missing(`${at}.nodeSelectorTerms`, "must have at least one node selector term")]
    : each(nodeSelectorTerms, `${at}.nodeSelectorTerms`, validateNodeTerm);
const validateNodeTerm = ({ matchExpressions, matchFields }: NodeSelectorTerm, at: string): Cause[] => [
  ...each(matchExpressions, `${at}.matchExpressions`, validateNodeRequirement),
  ...each(matchFields, `${at}.matchFields`, validateNodeField),
];
function validateNodeRequirement({ key, operator, values = [] }: NodeSelectorRequirement, at: string): Cause[] {
  const causes: Cause[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) causes.push(missing(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) causes.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (values.length !== 1) {
    causes.push(missing(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  }
  return [
    ...causes,
    ...obeysSyntax(`${at}.key`, key, qualifiedName),
    ...each(values, `${at}.values`, (value, here) => obeysSyntax(here, value, labelValue)),
  ];
}
function validateNodeField({ key, operator, values = [] }: NodeSelectorRequirement, at: string): Cause[] {
  const causes: Cause[] = [];
  if (operator !== "In" && operator !== "NotIn") causes.push(invalid(`${at}.operator`, operator, "not a valid selector operator"));
  else if (values.length !== 1) {
    causes.push(missing(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== "metadata.name") return [...causes, invalid(`${at}.key`, key, "not a valid field selector key")];
  return [...causes, ...each(values, `${at}.values`, (value, here) => obeysSyntax(here, value, dns1123Subdomain))];
}

function validatePodTerm(term: PodAffinityTerm, at: string): Cause[] {
  const { labelSelector, namespaceSelector, namespaces, topologyKey } = term;
  return [
    ...labelSelector ? validateLabelSelector(labelSelector, `${at}.labelSelector`) : [],
    ...namespaceSelector ? validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`) : [],
    ...each(namespaces, at, (name) => obeysSyntax(`${at}.namespace`, name, dns1123Label)),
    ...obeysSyntax(`${at}.topologyKey`, topologyKey, qualifiedName),
  ];
}

export const validateSpread = (constraints: readonly TopologySpreadConstraint[] | undefined, at: string): Cause[] => [
  ...each(constraints, at, ({ maxSkew, topologyKey, whenUnsatisfiable, minDomains, labelSelector }, here) => [
    ...atLeast(`${here}.maxSkew`, maxSkew, 1),
    ...obeysSyntax(`${here}.topologyKey`, topologyKey, qualifiedName),
    ...atLeast(`${here}.minDomains`, minDomains, 1),
    ...minDomains !== undefined && whenUnsatisfiable !== "DoNotSchedule"
      ? [invalid(`${here}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`)]
      : [],
    ...labelSelector ? validateLabelSelector(labelSelector, `${here}.labelSelector`) : [],
  ]),
  ...unique(
    constraints,
    at,
    ({ topologyKey, whenUnsatisfiable }) => `{${topologyKey}, ${whenUnsatisfiable}}`,
    (here, pair) => duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, pair),
  ),
];
