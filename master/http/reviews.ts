// Questions that are answered at once: may I, may somebody, what may I, who am I. The answers come from authorize(), as those to requests do.
import { type KubernetesObject, qualified } from "../../shared/api/resource.ts";
import { invalidObject } from "../../shared/api/status.ts";
import type { HttpContext, Operation } from "./context.ts";
import { placeObject, readValue } from "./object.ts";
import { admins, type Attributes, authorize, type Decision, nodeName, type User } from "./rbac.ts";
import { respondJson } from "./respond.ts";
import { notImplemented } from "./stream.ts";

/** Of the review kinds, what is needed here. */
interface Review extends KubernetesObject {
  spec?: {
    resourceAttributes?: {
      verb?: string;
      group?: string;
      version?: string;
      resource?: string;
      subresource?: string;
      namespace?: string;
      name?: string;
      fieldSelector?: { rawSelector?: string };
    };
    nonResourceAttributes?: { path?: string; verb?: string };
    user?: string;
    uid?: string;
    groups?: readonly string[];
  };
}
type Answer = (review: Review, c: HttpContext) => unknown;

const answers: Readonly<Record<string, Answer>> = {
  selfsubjectaccessreviews: (review, { var: { user } }) => verdict(authorize(user, asked(review))),
  subjectaccessreviews: (review) => verdict(authorize(somebody(review), asked(review))),
  localsubjectaccessreviews: (review) => verdict(authorize(somebody(review), asked(review))),
  selfsubjectrulesreviews: (_, { var: { user } }) => ({ ...rulesOf(user), incomplete: false }),
  selfsubjectreviews: (_, { var: { user } }) => ({ userInfo: userInfo(user) }),
};

/** @throws ApiError Invalid, NotImplemented */
export async function answerReview({ c, kind, wanted }: Operation): Promise<Response> {
  const answer = Object.hasOwn(answers, kind.plural) ? answers[kind.plural] : undefined;
  if (!answer) throw notImplemented(qualified(kind));
  const review: Review = await readValue(c, kind);
  placeObject(c, kind, review);
  const causes = kind.validate?.(review) ?? [];
  if (causes.length > 0) throw invalidObject(kind, "", causes);
  const { namespace, ...metadata } = review.metadata ?? {};
  const shown = { ...metadata, ...(namespace && { namespace }), creationTimestamp: null };
  return respondJson(c, { ...review, metadata: shown, status: answer(review, c) }, wanted, 201);
}

function asked({ spec: { resourceAttributes, nonResourceAttributes } = {} }: Review): Attributes {
  if (nonResourceAttributes) return { verb: nonResourceAttributes.verb ?? "", path: nonResourceAttributes.path ?? "" };
  const { verb = "", group = "", resource = "", fieldSelector, ...more } = resourceAttributes ?? {};
  return { verb, group, resource, ...more, ...(fieldSelector?.rawSelector && { fieldSelector: fieldSelector.rawSelector }) };
}
const somebody = ({ spec: { user = "", groups = [], uid } = {} }: Review): User => ({ name: user, groups, ...(uid && { uid }) });
const verdict = ({ allowed, reason }: Decision) => ({ allowed, ...(reason && { reason }) });

/** What authorize() allows, as rules; for people to read. */
function rulesOf(user: User) {
  const nonResourceRules = [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"] }];
  if (user.groups.includes(admins)) {
    return {
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    };
  }
  const node = nodeName(user), reads = ["get", "list", "watch"];
  const self = {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
  };
  return {
    resourceRules: [
      self,
      { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
      ...node === undefined ? [] : [
        { verbs: reads, apiGroups: [""], resources: ["nodes"], resourceNames: [node] },
        { verbs: reads, apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: [node] },
      ],
    ],
    nonResourceRules: [...nonResourceRules, {
      verbs: ["get"],
      nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"],
    }],
  };
}

const userInfo = ({ name, uid, groups, extra }: User) => ({ username: name, ...(uid && { uid }), groups, ...(extra && { extra }) });
