// Who is asked before an object is stored: programs elsewhere, over HTTPS, that may change it or refuse it.
import type { Cause } from "../decode.ts";
import { ageOf } from "../age.ts";
import { validateLabelSelector } from "../labels.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { dns1123Subdomain, qualifiedName } from "../names.ts";
import { duplicate, invalid, missing, resource, tooMany, unsupported } from "../resource.ts";
import { atomic, bytes, field, inline, int32, kind, list, mergedBy, message, oneOf, optional, required, string } from "../schema.ts";
import { webhooksMost } from "../../limits.ts";
import { each, obeysSyntax, unique } from "./pod/check.ts";
import { validateConditions } from "./webhook_conditions.ts";

const admission = "k8s.io.api.admissionregistration.v1";

export class ServiceReference extends message(`${admission}.ServiceReference`, "A service that answers.", {
  namespace: required(1, string, "Its namespace."),
  name: required(2, string, "Its name."),
  path: optional(3, string, "Path of the URL that is asked."),
  port: optional(4, int32, "Port of the service.", { default: 443 }),
}) {}
export class WebhookClientConfig extends message(`${admission}.WebhookClientConfig`, "How a webhook is reached.", {
  service: optional(1, ServiceReference, "A service of the cluster; that or a URL."),
  caBundle: field(
    2,
    bytes,
    "Authorities, in PEM, of which one has signed its certificate; those that the master's system knows, if left out.",
  ),
  url: optional(3, string, "Where it is, as https://host:port/path."),
}) {}
export class Rule extends message(`${admission}.Rule`, "Some resources.", {
  apiGroups: field(1, list(string), "Groups; * is all.", atomic),
  apiVersions: field(2, list(string), "Versions; * is all.", atomic),
  resources: field(3, list(string), "Resources, as `pods`, `pods/status`, `pods/*`, `*` (all, but no subresources), `*/*`.", atomic),
  scope: optional(4, oneOf("Cluster", "Namespaced", "*"), "Those in namespaces, those in none, or both.", { default: "*" }),
}) {}
export class RuleWithOperations extends message(`${admission}.RuleWithOperations`, "What is done to which resources.", {
  operations: field(1, list(oneOf("*", "CREATE", "UPDATE", "DELETE", "CONNECT")), "What is done; * is all.", atomic),
  ...inline(2, "rule", Rule),
}) {}
export class MatchCondition extends message(`${admission}.MatchCondition`, "A condition on requests.", {
  name: required(1, string, "Its name."),
  expression: required(2, string, "What must be true, in CEL."),
}) {}

const common = {
  name: required(1, string, "Its name, unique and with a domain."),
  clientConfig: required(2, WebhookClientConfig, "How it is reached."),
  rules: field(3, list(RuleWithOperations), "What it is asked about.", atomic),
  failurePolicy: optional(4, oneOf("Fail", "Ignore"), "Is a request refused when it cannot be asked?", { default: "Fail" }),
  namespaceSelector: optional(5, LabelSelector, "Namespaces whose objects it is asked about.", { default: {} }),
  sideEffects: optional(6, oneOf("None", "NoneOnDryRun", "Some", "Unknown"), "Does asking it change anything?"),
  timeoutSeconds: optional(7, int32, "Seconds that it has to answer.", { default: 10 }),
  admissionReviewVersions: field(8, list(string), "Versions of AdmissionReview that it speaks.", atomic),
};
const matchPolicy = oneOf("Exact", "Equivalent");
const equivalent = { default: "Equivalent" } as const, everything = { default: {} };
const matchPolicyDoc = "Is it asked about other versions of the same resources, too?",
  objectSelectorDoc = "Objects that it is asked about.";
const conditionsDoc = "What must hold of a request besides.";
export class MutatingWebhook extends message(`${admission}.MutatingWebhook`, "Who may change an object.", {
  ...common,
  matchPolicy: optional(9, matchPolicy, matchPolicyDoc, equivalent),
  reinvocationPolicy: optional(10, oneOf("Never", "IfNeeded"), "Is it asked again when others change the object after it?", {
    default: "Never",
  }),
  objectSelector: optional(11, LabelSelector, objectSelectorDoc, everything),
  matchConditions: field(12, list(MatchCondition), conditionsDoc, mergedBy("name")),
}) {}
export class ValidatingWebhook extends message(`${admission}.ValidatingWebhook`, "Who may refuse an object.", {
  ...common,
  matchPolicy: optional(9, matchPolicy, matchPolicyDoc, equivalent),
  objectSelector: optional(10, LabelSelector, objectSelectorDoc, everything),
  matchConditions: field(11, list(MatchCondition), conditionsDoc, mergedBy("name")),
}) {}
export type Webhook = ValidatingWebhook & Pick<MutatingWebhook, "reinvocationPolicy">;

const group = "admissionregistration.k8s.io/v1", metadata = field(1, ObjectMeta, "Name, labels and the like.");
export class MutatingWebhookConfiguration
  extends kind(group, `${admission}.MutatingWebhookConfiguration`, "Who is asked to change objects before they are stored.", {
    metadata,
    webhooks: field(2, list(MutatingWebhook), "Whom to ask, one after another.", mergedBy("name")),
  }) {}
export class ValidatingWebhookConfiguration
  extends kind(group, `${admission}.ValidatingWebhookConfiguration`, "Who is asked whether objects may be stored.", {
    metadata,
    webhooks: field(2, list(ValidatingWebhook), "Whom to ask, all at once.", mergedBy("name")),
  }) {}

const facts = { namespaced: false, categories: ["api-extensions"], generation: true };
const count = (webhooks: readonly unknown[] = []): number => webhooks.length;
export const mutatingWebhookConfigurations = resource(MutatingWebhookConfiguration, {
  ...facts,
  plural: "mutatingwebhookconfigurations",
  columns: { Webhooks: { type: "integer", cell: ({ webhooks }) => count(webhooks) }, Age: ageOf },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
});
export const validatingWebhookConfigurations = resource(ValidatingWebhookConfiguration, {
  ...facts,
  plural: "validatingwebhookconfigurations",
  columns: { Webhooks: { type: "integer", cell: ({ webhooks }) => count(webhooks) }, Age: ageOf },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
});

function validateWebhooks(webhooks: readonly ValidatingWebhook[] | undefined): Cause[] {
  if (count(webhooks) > webhooksMost) return [tooMany("webhooks", count(webhooks), webhooksMost)];
  return [
    ...unique(webhooks, "webhooks", ({ name }) => name, (here, name) => duplicate(`${here}.name`, name)),
    ...each(webhooks, "webhooks", validateWebhook),
  ];
}
function validateWebhook(hook: ValidatingWebhook, at: string): Cause[] {
  const { name, clientConfig, rules, sideEffects, timeoutSeconds = 10, admissionReviewVersions = [], matchConditions = [] } = hook;
  const causes = obeysSyntax(`${at}.name`, name, dns1123Subdomain);
  if (causes.length === 0 && name.split(".").length < 3) {
    causes.push(invalid(`${at}.name`, name, "should be a domain with at least three segments separated by dots"));
  }
  if (admissionReviewVersions.length === 0) {
    causes.push(missing(`${at}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
  } else if (!admissionReviewVersions.includes("v1")) {
    causes.push(invalid(`${at}.admissionReviewVersions`, admissionReviewVersions, "must include at least one of v1"));
  }
  if (sideEffects !== "None" && sideEffects !== "NoneOnDryRun") {
    const here = `${at}.sideEffects`, known = ["None", "NoneOnDryRun"];
    causes.push(
      sideEffects === undefined ? missing(here, "must specify one of None, NoneOnDryRun") : unsupported(here, sideEffects, known),
    );
  }
  if (timeoutSeconds < 1 || timeoutSeconds > 30) {
    causes.push(invalid(`${at}.timeoutSeconds`, timeoutSeconds, "the timeout value must be between 1 and 30 seconds"));
  }
  for (const selector of ["namespaceSelector", "objectSelector"] as const) {
    if (hook[selector]) causes.push(...validateLabelSelector(hook[selector], `${at}.${selector}`));
  }
  causes.push(...validateConditions(matchConditions, `${at}.matchConditions`));
  return [...causes, ...validateClient(clientConfig, `${at}.clientConfig`), ...each(rules, `${at}.rules`, validateRule)];
}

function validateClient({ url, service }: WebhookClientConfig, at: string): Cause[] {
  if ((url === undefined) === (service === undefined)) {
    return [missing(at, "exactly one of url or service is required")];
  }
  if (service) {
    const { name, namespace, path = "/", port = 443 } = service, here = `${at}.service`;
    return [
      ...name ? [] : [missing(`${here}.name`, "service name is required")],
      ...namespace ? [] : [missing(`${here}.namespace`, "service namespace is required")],
      ...path.startsWith("/") && !path.includes("//")
        ? []
        : [invalid(`${here}.path`, path, "must start with a '/', and have no empty segments")],
      ...port >= 1 && port <= 65535 ? [] : [invalid(`${here}.port`, port, "port is not valid: must be between 1 and 65535, inclusive")],
    ];
  }
  const here = `${at}.url`, form = "; desired format: https://host[/path]", parsed = URL.canParse(url!) ? new URL(url!) : undefined;
  if (!parsed) return [missing(here, `url must be a valid URL${form}`)];
  const wrong = (when: boolean, words: string) => when ? [invalid(here, url, `${words}${form}`)] : [];
  return [
    ...wrong(parsed.protocol !== "https:", "'https' is the only allowed URL scheme"),
    ...wrong(parsed.username + parsed.password !== "", "user information is not permitted in the URL"),
    ...wrong(parsed.hash !== "", "fragments are not permitted in the URL"),
    ...wrong(parsed.search !== "", "query parameters are not permitted in the URL"),
  ];
}

function validateRule({ operations = [], apiGroups = [], apiVersions = [], resources = [] }: RuleWithOperations, at: string): Cause[] {
  const lists = { operations, apiGroups, apiVersions, resources } as const, causes: Cause[] = [];
  for (const [name, values] of Object.entries(lists)) {
    if (values.length === 0) causes.push(missing(`${at}.${name}`));
    else if (name !== "resources" && values.length > 1 && (values as string[]).includes("*")) {
      causes.push(
        invalid(`${at}.${name}`, values, "if '*' is present, must not specify other " + (name === "operations" ? name : words[name])),
      );
    }
  }
  apiVersions.forEach((version, i) => version === "" && causes.push(missing(`${at}.apiVersions[${i}]`)));
  resources.forEach((name, i) => {
    if (name === "") causes.push(missing(`${at}.resources[${i}]`));
    else if (name.split("/").length > 2 || name.split("/").some((part) => part !== "*" && qualifiedName(part).length > 0)) {
      causes.push(invalid(`${at}.resources[${i}]`, name, "must be resource or resource/subresource"));
    }
  });
  if (resources.length > 1 && resources.includes("*/*")) {
    causes.push(invalid(`${at}.resources`, resources, "if '*/*' is present, must not specify other resources"));
  }
  return causes;
}
const words: Readonly<Record<string, string>> = { apiGroups: "API groups", apiVersions: "API versions" };
