// Who looks after an Ingress.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Subdomain, domainPrefixedPath, pathSegment } from "../names.ts";
import { forbidden, immutable, missing, resource, tooLong } from "../resource.ts";
import { field, kind, message, oneOf, optional, required, string } from "../schema.ts";
import { networking } from "./network_policy.ts";
import { ifGiven, obeysSyntax } from "./pod/check.ts";

export class IngressClassParametersReference
  extends message(`${networking}.IngressClassParametersReference`, "An object with settings of the class.", {
    apiGroup: optional(1, string, "Group of the object; the core group, if left out."),
    kind: required(2, string, "Kind of the object."),
    name: required(3, string, "Name of the object."),
    scope: optional(4, oneOf("Cluster", "Namespace"), "Is it in a namespace?", { default: "Cluster" }),
    namespace: optional(5, string, "Its namespace."),
  }) {}
export class IngressClassSpec extends message(`${networking}.IngressClassSpec`, "What is wanted of an ingress class.", {
  controller: field(1, string, "Who looks after Ingresses of this class, such as `acme.io/ingress`. It cannot change."),
  parameters: optional(2, IngressClassParametersReference, "Settings that the controller knows."),
}) {}
export class IngressClass extends kind("networking.k8s.io/v1", `${networking}.IngressClass`, "Who looks after an Ingress.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, IngressClassSpec, "What is wanted.", { default: {} }),
}) {}

/** Of a class that Ingresses get which name none. */
export const defaultIngressClassAnnotation = "ingressclass.kubernetes.io/is-default-class";

const controllerCharacters = 250;
export const ingressClasses = resource(IngressClass, {
  plural: "ingressclasses",
  namespaced: false,
  columns: {
    Controller: ({ spec }) => spec?.controller ?? "",
    Parameters: ({ spec: { parameters } = {} }) =>
      parameters ? `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ""}/${parameters.name}` : "<none>",
    Age: ageOf,
  },
  validate({ spec = {} }, old) {
    const { controller = "", parameters } = spec, at = "spec.controller", causes: Cause[] = [];
    if (controller.length > controllerCharacters) causes.push(tooLong(at, controllerCharacters));
    causes.push(...controller === "" ? [missing(at)] : obeysSyntax(at, controller, domainPrefixedPath));
    if (parameters) causes.push(...validateParameters(parameters, "spec.parameters"));
    if (old && old.spec?.controller !== controller) causes.push(immutable(at, controller));
    return causes;
  },
});

function validateParameters(parameters: IngressClassParametersReference, at: string): Cause[] {
  const { scope, namespace } = parameters, causes = validateReference(parameters, at), field = `${at}.namespace`;
  if (scope === "Namespace" && !namespace) causes.push(missing(field, "`parameters.scope` is set to 'Namespace'"));
  if (scope === "Cluster" && namespace !== undefined) causes.push(forbidden(field, "`parameters.scope` is set to 'Cluster'"));
  return [...causes, ...scope === "Namespace" ? ifGiven(field, namespace, dns1123Subdomain) : []];
}

/** An object of any kind, which need not be one of ours. */
export const validateReference = (
  it: { readonly apiGroup?: string; readonly kind: string; readonly name: string },
  at: string,
): Cause[] => [
  ...ifGiven(`${at}.apiGroup`, it.apiGroup, dns1123Subdomain),
  ...it.kind === "" ? [missing(`${at}.kind`)] : obeysSyntax(`${at}.kind`, it.kind, pathSegment),
  ...it.name === "" ? [missing(`${at}.name`)] : obeysSyntax(`${at}.name`, it.name, pathSegment),
];
