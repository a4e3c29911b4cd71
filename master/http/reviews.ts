// Questions that are answered at once: may I, may somebody, what may I, who am I. The answers come from authorize(), as those to requests do.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { badRequest } from "../../shared/api/status.ts";
import type { HttpContext } from "./context.ts";
import { pageNotFound } from "./errors.ts";
import { type BodyKind, readValue } from "./object.ts";
import { admins, type Attributes, authorize, type Decision, nodeName, type User } from "./rbac.ts";
import type { Operation } from "./resource.ts";
import { respondJson } from "./respond.ts";

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
    };
    nonResourceAttributes?: { path?: string; verb?: string };
    user?: string;
    uid?: string;
    groups?: readonly string[];
    namespace?: string;
  };
}
type Answer = (review: Review, c: HttpContext) => unknown;

const answers: Readonly<Record<string, Answer>> = {
  selfsubjectaccessreviews: (review, { var: { user } }) => verdict(authorize(user, asked(review))),
  subjectaccessreviews: (review) => verdict(authorize(somebody(review), asked(review))),
  localsubjectaccessreviews: (review, c) => {
    const { namespace } = c.var.info.resource!, attributes = asked(review);
    if ("path" in attributes || attributes.namespace !== namespace) {
      throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
    }
    return verdict(authorize(somebody(review), attributes));
  },
  selfsubjectrulesreviews: (_, { var: { user } }) => ({ ...rulesOf(user), incomplete: false }),
  selfsubjectreviews: (_, { var: { user } }) => ({ userInfo: userInfo(user) }),
};

export async function answerReview({ c, kind, wanted }: Operation): Promise<Response> {
  const answer = Object.hasOwn(answers, kind.plural) ? answers[kind.plural] : undefined;
  if (!answer) return pageNotFound();
  const review = await readValue(c, kind as Kind & BodyKind<Review>);
  const metadata = { ...review.metadata, creationTimestamp: null };
  return respondJson(c, { ...review, metadata, status: answer(review, c) }, wanted, 201);
}

/** @throws ApiError BadRequest */
function asked({ spec = {} }: Review): Attributes {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    throw badRequest("exactly one of resourceAttributes or nonResourceAttributes must be specified");
  }
  if (nonResourceAttributes) return { verb: nonResourceAttributes.verb ?? "", path: nonResourceAttributes.path ?? "" };
  const { verb = "", group = "", resource = "", ...more } = resourceAttributes!;
  return { verb, group, resource, ...more };
}
function somebody({ spec = {} }: Review): User {
  const { user = "", groups = [], uid } = spec;
  if (user === "" && groups.length === 0) throw badRequest("at least one of spec.user and spec.groups must be specified");
  return { name: user, groups, ...(uid && { uid }) };
}
const verdict = ({ allowed, reason }: Decision) => ({ allowed, ...(reason && { reason }) });

/** What authorize() allows, as rules; for people to read. */
export function rulesOf(user: User) {
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
