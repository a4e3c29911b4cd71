// May somebody do something? Questions that are answered at once and kept nowhere.
import { bool, field, kind, list, map, message, optional, required, string, wrapped } from "../schema.ts";
import { LabelSelectorRequirement, ObjectMeta } from "../meta.ts";
import { forbidden, invalid, missing, resource } from "../resource.ts";
import type { Cause } from "../decode.ts";

const group = "authorization.k8s.io/v1", authorization = "k8s.io.api.authorization.v1";
const atomic = { list: "atomic" } as const;

export class FieldSelectorRequirement
  extends message("k8s.io.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement", "A rule about one field.", {
    key: required(1, string, "The field."),
    operator: required(2, string, "In, NotIn, Exists or DoesNotExist."),
    values: field(3, list(string), "Values for In and NotIn; none for the others.", atomic),
  }) {}

export class FieldSelectorAttributes
  extends message(`${authorization}.FieldSelectorAttributes`, "To which objects a request is limited, by fields.", {
    rawSelector: field(1, string, "As it stands in a query."),
    requirements: field(2, list(FieldSelectorRequirement), "The same, parsed.", atomic),
  }) {}

export class LabelSelectorAttributes
  extends message(`${authorization}.LabelSelectorAttributes`, "To which objects a request is limited, by labels.", {
    rawSelector: field(1, string, "As it stands in a query."),
    requirements: field(2, list(LabelSelectorRequirement), "The same, parsed.", atomic),
  }) {}

export class ResourceAttributes extends message(`${authorization}.ResourceAttributes`, "A request for objects.", {
  namespace: field(1, string, "Namespace; empty for all of them, and for what has none."),
  verb: field(2, string, "get, list, watch, create, update, patch, delete …; `*` for all."),
  group: field(3, string, "Group; `*` for all."),
  version: field(4, string, "Version; `*` for all."),
  resource: field(5, string, "Plural of the kind; `*` for all."),
  subresource: field(6, string, "Subresource, if any."),
  name: field(7, string, "Name; empty for all."),
  fieldSelector: optional(8, FieldSelectorAttributes, "To which objects it is limited, by fields."),
  labelSelector: optional(9, LabelSelectorAttributes, "To which objects it is limited, by labels."),
}) {}

export class NonResourceAttributes extends message(`${authorization}.NonResourceAttributes`, "A request for something else than objects.", {
  path: field(1, string, "Path of the URL."),
  verb: field(2, string, "HTTP method, in lower case."),
}) {}

export class SubjectAccessReviewSpec
  extends message(`${authorization}.SubjectAccessReviewSpec`, "Who wants to do what: one of the attributes.", {
    resourceAttributes: optional(1, ResourceAttributes, "A request for objects."),
    nonResourceAttributes: optional(2, NonResourceAttributes, "A request for something else."),
    user: field(3, string, "Who."),
    groups: field(4, list(string), "The groups they are in.", atomic),
    extra: field(5, map(wrapped(`${authorization}.ExtraValue`, string)), "What else is known of them."),
    uid: field(6, string, "Their UID."),
  }) {}

export class SelfSubjectAccessReviewSpec
  extends message(`${authorization}.SelfSubjectAccessReviewSpec`, "What the caller wants to do: one of the attributes.", {
    resourceAttributes: optional(1, ResourceAttributes, "A request for objects."),
    nonResourceAttributes: optional(2, NonResourceAttributes, "A request for something else."),
  }) {}

export class SubjectAccessReviewStatus extends message(`${authorization}.SubjectAccessReviewStatus`, "The answer.", {
  allowed: required(1, bool, "May they?", { default: false }),
  denied: field(4, bool, "Is it forbidden outright, whatever other authorizers say?"),
  reason: field(2, string, "Why."),
  evaluationError: field(3, string, "What went wrong in finding out; there may be an answer nevertheless."),
}) {}

export class SelfSubjectRulesReviewSpec
  extends message(`${authorization}.SelfSubjectRulesReviewSpec`, "Where the caller wants to know their rights.", {
    namespace: field(1, string, "The namespace."),
  }) {}

export class ResourceRule extends message(`${authorization}.ResourceRule`, "What may be done with which objects.", {
  verbs: required(1, list(string), "The verbs; `*` for all.", atomic),
  apiGroups: field(2, list(string), "The groups; `*` for all.", atomic),
  resources: field(3, list(string), "The kinds, by their plurals; `*` for all.", atomic),
  resourceNames: field(4, list(string), "The names; none for all.", atomic),
}) {}

export class NonResourceRule extends message(`${authorization}.NonResourceRule`, "What may be done at which paths.", {
  verbs: required(1, list(string), "The methods; `*` for all.", atomic),
  nonResourceURLs: field(2, list(string), "The paths; `*` at the end stands for anything.", atomic),
}) {}

export class SubjectRulesReviewStatus extends message(`${authorization}.SubjectRulesReviewStatus`, "What the caller may do.", {
  resourceRules: required(1, list(ResourceRule), "With objects, in no order.", { ...atomic, default: [] }),
  nonResourceRules: required(2, list(NonResourceRule), "Elsewhere, in no order.", { ...atomic, default: [] }),
  incomplete: required(3, bool, "Is something left out?", { default: false }),
  evaluationError: field(4, string, "Why something is left out."),
}) {}

const metadata = field(1, ObjectMeta, "Must be empty.");
const status = field(3, SubjectAccessReviewStatus, "The answer. Written by the server.");

export class SubjectAccessReview extends kind(group, `${authorization}.SubjectAccessReview`, "May somebody do something?", {
  metadata,
  spec: required(2, SubjectAccessReviewSpec, "The question."),
  status,
}) {}

export class LocalSubjectAccessReview
  extends kind(group, `${authorization}.LocalSubjectAccessReview`, "May somebody do something in this namespace?", {
    metadata,
    spec: required(2, SubjectAccessReviewSpec, "The question. Its namespace must be this one."),
    status,
  }) {}

export class SelfSubjectAccessReview extends kind(group, `${authorization}.SelfSubjectAccessReview`, "May the caller do something?", {
  metadata,
  spec: required(2, SelfSubjectAccessReviewSpec, "The question."),
  status,
}) {}

export class SelfSubjectRulesReview
  extends kind(group, `${authorization}.SelfSubjectRulesReview`, "What may the caller do in a namespace?", {
    metadata,
    spec: required(2, SelfSubjectRulesReviewSpec, "The question."),
    status: field(3, SubjectRulesReviewStatus, "The answer. Written by the server."),
  }) {}

const question = { stored: false, verbs: ["create"], generation: false } as const;

export const subjectAccessReviews = resource(SubjectAccessReview, {
  ...question,
  plural: "subjectaccessreviews",
  namespaced: false,
  validate: ({ spec }) => [...aboutOneThing(spec), ...aboutSomebody(spec)],
});
export const localSubjectAccessReviews = resource(LocalSubjectAccessReview, {
  ...question,
  plural: "localsubjectaccessreviews",
  namespaced: true,
  validate({ metadata, spec }) {
    const causes = [...aboutOneThing(spec), ...aboutSomebody(spec)], namespace = spec.resourceAttributes?.namespace ?? "";
    if (spec.resourceAttributes && namespace !== metadata?.namespace) {
      causes.push(invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace"));
    }
    if (spec.nonResourceAttributes) causes.push(forbidden("spec.nonResourceAttributes", "disallowed on this kind of request"));
    return causes;
  },
});
export const selfSubjectAccessReviews = resource(SelfSubjectAccessReview, {
  ...question,
  plural: "selfsubjectaccessreviews",
  namespaced: false,
  validate: ({ spec }) => aboutOneThing(spec),
});
export const selfSubjectRulesReviews = resource(SelfSubjectRulesReview, {
  ...question,
  plural: "selfsubjectrulesreviews",
  namespaced: false,
});

function aboutOneThing({ resourceAttributes, nonResourceAttributes }: SelfSubjectAccessReviewSpec): Cause[] {
  if (resourceAttributes && nonResourceAttributes) {
    return [invalid("spec.nonResourceAttributes", nonResourceAttributes, "cannot be specified in combination with resourceAttributes")];
  }
  const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return resourceAttributes || nonResourceAttributes ? [] : [invalid("spec.resourceAttributes", null, why)];
}
const aboutSomebody = ({ user, groups = [] }: SubjectAccessReviewSpec): Cause[] =>
  user || groups.length > 0 ? [] : [missing("spec.user", "at least one of user or group must be specified")];
