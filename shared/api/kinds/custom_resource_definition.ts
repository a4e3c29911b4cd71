// A kind that somebody adds: its names, and of each of its versions the schema, the columns and the subresources. What becomes of it is in ../custom/.
import { atomic, bool, bytes, field, int32, int64, kind, list, message, oneOf, optional, required, string } from "../schema.ts";
import { validateDefinition } from "../custom/definition_rules.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { time } from "../scalars.ts";
import { JSONSchemaProps } from "./definition/json_schema.ts";

const extensions = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1";

export class CustomResourceColumnDefinition extends message(`${extensions}.CustomResourceColumnDefinition`, "A column of `kubectl get`.", {
  name: required(1, string, "Its heading."),
  type: required(2, string, "boolean, date, integer, number or string."),
  format: field(3, string, "What the value is, more precisely."),
  description: field(4, string, "What it shows."),
  priority: field(5, int32, "Above 0 it is shown with `-o wide` only."),
  jsonPath: required(6, string, "Where the value is: `.spec.size`."),
}) {}

export class CustomResourceSubresourceScale
  extends message(`${extensions}.CustomResourceSubresourceScale`, "Where /scale finds its numbers.", {
    specReplicasPath: required(1, string, "How many there shall be: below .spec."),
    statusReplicasPath: required(2, string, "How many there are: below .status."),
    labelSelectorPath: optional(3, string, "A selector, as text."),
  }) {}
export class CustomResourceSubresourceStatus extends message(`${extensions}.CustomResourceSubresourceStatus`, "There is a /status.", {}) {}
export class CustomResourceSubresources extends message(`${extensions}.CustomResourceSubresources`, "What else a version offers.", {
  status: optional(
    1,
    CustomResourceSubresourceStatus,
    "/status: then writes to the object leave its status alone, and the other way round.",
  ),
  scale: optional(2, CustomResourceSubresourceScale, "/scale: what `kubectl scale` writes."),
}) {}
export class CustomResourceValidation extends message(`${extensions}.CustomResourceValidation`, "Which objects there may be.", {
  openAPIV3Schema: optional(1, JSONSchemaProps, "The schema of the object."),
}) {}
export class SelectableField extends message(`${extensions}.SelectableField`, "A field that field selectors may name.", {
  jsonPath: required(1, string, "Where it is: `.spec.color`."),
}) {}

export class CustomResourceDefinitionVersion extends message(`${extensions}.CustomResourceDefinitionVersion`, "A version of the kind.", {
  name: required(1, string, "Its name: v1, v2beta1 …"),
  served: required(2, bool, "Can it be asked for?", { default: false }),
  storage: required(3, bool, "Are objects stored in it? One version is that.", { default: false }),
  schema: optional(4, CustomResourceValidation, "Its schema."),
  subresources: optional(5, CustomResourceSubresources, "Its subresources."),
  additionalPrinterColumns: field(6, list(CustomResourceColumnDefinition), "Its columns; NAME and AGE if left out.", atomic),
  deprecated: field(7, bool, "Are its users warned?"),
  deprecationWarning: optional(8, string, "The words of that warning."),
  selectableFields: field(9, list(SelectableField), "Fields that field selectors may name.", atomic),
}) {}

export class CustomResourceDefinitionNames extends message(`${extensions}.CustomResourceDefinitionNames`, "What the kind is called.", {
  plural: required(1, string, "In paths."),
  singular: field(2, string, "For one of it; the kind in lower case if left out."),
  shortNames: field(3, list(string), "Shorter ones, for kubectl.", atomic),
  kind: required(4, string, "In objects."),
  listKind: field(5, string, "In lists; the kind and List if left out."),
  categories: field(6, list(string), "Groups of kinds that it is a member of: `kubectl get all`.", atomic),
}) {}

export class ServiceReference extends message(`${extensions}.ServiceReference`, "A Service that answers webhooks.", {
  namespace: required(1, string, "Its namespace."),
  name: required(2, string, "Its name."),
  path: optional(3, string, "Path of the request."),
  port: optional(4, int32, "Its port; 443 if left out."),
}) {}
export class WebhookClientConfig extends message(`${extensions}.WebhookClientConfig`, "How a webhook is reached.", {
  service: optional(1, ServiceReference, "By a Service."),
  caBundle: field(2, bytes, "Certificates that may have signed its own, PEM."),
  url: optional(3, string, "By an address."),
}) {}
export class WebhookConversion extends message(`${extensions}.WebhookConversion`, "Who converts objects between versions.", {
  clientConfig: optional(2, WebhookClientConfig, "How it is reached."),
  conversionReviewVersions: required(3, list(string), "Versions of ConversionReview that it understands.", atomic),
}) {}
export class CustomResourceConversion
  extends message(`${extensions}.CustomResourceConversion`, "How objects get from version to version.", {
    strategy: required(1, oneOf("None", "Webhook"), "None: only apiVersion changes. Webhook: not supported here."),
    webhook: optional(2, WebhookConversion, "For the strategy Webhook."),
  }) {}

export class CustomResourceDefinitionSpec extends message(`${extensions}.CustomResourceDefinitionSpec`, "What is wanted.", {
  group: required(1, string, "The API group: a domain."),
  names: required(3, CustomResourceDefinitionNames, "What the kind is called."),
  scope: required(4, oneOf("Cluster", "Namespaced"), "Are its objects in namespaces?"),
  versions: required(7, list(CustomResourceDefinitionVersion), "Its versions.", atomic),
  conversion: optional(9, CustomResourceConversion, "How objects get from version to version.", { default: { strategy: "None" } }),
  preserveUnknownFields: field(10, bool, "Of a former version of this API: must be false."),
}) {}

export class CustomResourceDefinitionCondition
  extends message(`${extensions}.CustomResourceDefinitionCondition`, "One aspect of its state.", {
    type: required(1, string, "NamesAccepted, Established, Terminating …"),
    status: required(2, string, "True, False or Unknown."),
    lastTransitionTime: field(3, time, "When the status last changed."),
    reason: field(4, string, "Why, as one word."),
    message: field(5, string, "Why, for people."),
    observedGeneration: field(6, int64, "The generation this was seen for."),
  }) {}
export class CustomResourceDefinitionStatus extends message(`${extensions}.CustomResourceDefinitionStatus`, "What is.", {
  conditions: field(1, list(CustomResourceDefinitionCondition), "Its state, aspect by aspect.", { list: "map", keys: ["type"] }),
  acceptedNames: field(2, CustomResourceDefinitionNames, "The names that it is served by."),
  storedVersions: field(3, list(string), "Versions in which objects may lie in the store.", atomic),
  observedGeneration: field(4, int64, "The generation this was seen for."),
}) {}

export class CustomResourceDefinition
  extends kind("apiextensions.k8s.io/v1", `${extensions}.CustomResourceDefinition`, "A kind that is added to the API.", {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    spec: required(2, CustomResourceDefinitionSpec, "What is wanted."),
    status: field(3, CustomResourceDefinitionStatus, "What is. Written by the system."),
  }) {}

/** Who keeps a definition until its objects are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export const customResourceDefinitions = resource(CustomResourceDefinition, {
  plural: "customresourcedefinitions",
  short: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  status: true,
  conditionalUpdate: true,
  age: false,
  columns: { "Created At": { type: "date", cell: ({ metadata }) => metadata?.creationTimestamp ?? "" } },
  defaults(definition) {
    const { names, versions } = definition.spec;
    names.singular ||= names.kind.toLowerCase();
    names.listKind ||= `${names.kind}List`;
    const storage = versions.find((version) => version.storage)?.name, stored = definition.status?.storedVersions ?? [];
    if (storage !== undefined && !stored.includes(storage)) {
      definition.status = { ...definition.status, storedVersions: [...stored, storage] };
    }
  },
  dying(definition, time) {
    definition.metadata!.finalizers = [...new Set([...definition.metadata!.finalizers ?? [], cleanupFinalizer])];
    const others = definition.status?.conditions?.filter(({ type }) => type !== "Terminating") ?? [];
    definition.status = {
      ...definition.status,
      conditions: [...others, {
        type: "Terminating",
        status: "True",
        lastTransitionTime: time,
        reason: "InstanceDeletionPending",
        message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
      }],
    };
  },
  validate: validateDefinition,
});
