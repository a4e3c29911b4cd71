// Which webhooks are asked about a request. Pure.
import type { Webhook } from "../../../shared/api/kinds/webhook_configuration.ts";
import { type Kind, qualified } from "../../../shared/api/resource.ts";
import { fromLabelSelector, matchLabels } from "../../../shared/api/selector.ts";
import type { Draft } from "../lifecycle.ts";

export type WebhookOperation = "CREATE" | "UPDATE" | "DELETE";
export interface Asked {
  readonly kind: Kind;
  readonly subresource: string;
  readonly operation: WebhookOperation;
}
/** Nobody may lock out who would take a webhook away again. */
const exempt = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"].map((plural) =>
  `${plural}.admissionregistration.k8s.io`
);
/** What is written through these is no object of the kind that is written. */
const otherKinds = ["binding", "scale"];
export const isAsked = ({ kind, subresource }: Asked): boolean => !exempt.includes(qualified(kind)) && !otherKinds.includes(subresource);

export function concerns({ rules = [] }: Webhook, { kind, subresource, operation }: Asked): boolean {
  const has = (values: readonly string[] = [], value: string) => values.includes("*") || values.includes(value);
  return rules.some(({ operations, apiGroups, apiVersions, resources = [], scope = "*" }) =>
    has(operations, operation) && has(apiGroups, kind.group) && has(apiVersions, kind.version) &&
    (scope === "*" || (scope === "Namespaced") === kind.namespaced) &&
    resources.some((text) => {
      const [plural, part = ""] = text.split("/");
      return (plural === "*" || plural === kind.plural) && (part === "*" || part === subresource);
    })
  );
}

type Labels = Readonly<Record<string, string>>;
/** @param ofNamespace labels of the namespace that the object is in, or is; undefined where there is none: then it is asked */
export function selects(
  { namespaceSelector, objectSelector }: Webhook,
  objects: readonly (Draft | undefined)[],
  ofNamespace: Labels | undefined,
): boolean {
  const inNamespace = ofNamespace === undefined || matchLabels(fromLabelSelector(namespaceSelector ?? {}), ofNamespace);
  const wanted = fromLabelSelector(objectSelector ?? {});
  return inNamespace && objects.some((object) => object !== undefined && matchLabels(wanted, object.metadata.labels));
}
