// Questions that are answered at once: may I, may somebody, what may I, who am I. The answers come from the authorizer, as those to requests do.
import { type KubernetesObject, qualified } from "../../shared/api/resource.ts";
import { badRequest, invalidObject } from "../../shared/api/status.ts";
import { authenticatedUser } from "./auth.ts";
import type { HttpContext, Operation } from "./context.ts";
import { placeObject, readValue } from "./object.ts";
import type { Identity } from "../identity/identity.ts";
import type { Decision, Rights } from "../rbac/authorizer.ts";
import type { Attributes, User } from "../rbac/user.ts";
import { respondJson } from "./respond.ts";
import { tokenAudiences, tokenCharacters } from "../../shared/limits.ts";
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
    extra?: Readonly<Record<string, readonly string[]>>;
    namespace?: string;
    token?: string;
    audiences?: readonly string[];
  };
}
type Answer = (review: Review, c: HttpContext, identity: Identity) => unknown;

const answers: Readonly<Record<string, Answer>> = {
  selfsubjectaccessreviews: (review, { var: { user, authorizer } }) => verdict(authorizer.authorize(user, asked(review))),
  subjectaccessreviews: (review, { var: { authorizer } }) => verdict(authorizer.authorize(somebody(review), asked(review))),
  localsubjectaccessreviews: (review, { var: { authorizer } }) => verdict(authorizer.authorize(somebody(review), asked(review))),
  selfsubjectrulesreviews: ({ spec: { namespace = "" } = {} }, { var: { user, authorizer } }) => {
    if (namespace === "") throw badRequest("no namespace on request");
    return rulesText(authorizer.rightsOf(user, namespace));
  },
  selfsubjectreviews: (_, { var: { user } }) => ({ userInfo: userInfo(user) }),
  tokenreviews: async ({ spec: { token = "", audiences = [] } = {} }, _, identity) => {
    if (token === "") throw badRequest("token is required for TokenReview in authentication");
    if (token.length > tokenCharacters) throw badRequest(`a token of more than ${tokenCharacters} characters is none of ours`);
    if (audiences.length > tokenAudiences) throw badRequest(`more than ${tokenAudiences} audiences`);
    const verdict = await identity.review(token, audiences);
    if (verdict.error !== undefined) return { user: {}, error: verdict.error };
    return { authenticated: true, user: userInfo(authenticatedUser(verdict.user)), audiences: verdict.audiences };
  },
};

/** @throws ApiError Invalid, NotImplemented */
export async function answerReview({ api, c, kind, wanted }: Operation): Promise<Response> {
  const answer = Object.hasOwn(answers, kind.plural) ? answers[kind.plural] : undefined;
  if (!answer) throw notImplemented(qualified(kind));
  const review: Review = await readValue(c, kind);
  placeObject(c, kind, review);
  const causes = kind.validate?.(review) ?? [];
  if (causes.length > 0) throw invalidObject(kind, "", causes);
  const { namespace, ...metadata } = review.metadata ?? {};
  const shown = { ...metadata, ...(namespace && { namespace }), creationTimestamp: null };
  return respondJson(c, { ...review, metadata: shown, status: await answer(review, c, api.identity) }, wanted, 201);
}

function asked({ spec: { resourceAttributes, nonResourceAttributes } = {} }: Review): Attributes {
  if (nonResourceAttributes) return { verb: nonResourceAttributes.verb ?? "", path: nonResourceAttributes.path ?? "" };
  const { verb = "", group = "", resource = "", fieldSelector, ...more } = resourceAttributes ?? {};
  return { verb, group, resource, ...more, ...(fieldSelector?.rawSelector && { fieldSelector: fieldSelector.rawSelector }) };
}
const somebody = ({ spec: { user = "", groups = [], uid, extra } = {} }: Review): User => ({
  name: user,
  groups,
  ...(uid && { uid }),
  ...(extra && { extra }),
});
const verdict = ({ allowed, reason }: Decision) => ({ allowed, ...(reason && { reason }) });

/** Rules as a review lists them: those about objects, and those about paths. */
const rulesText = ({ rules, incomplete, error }: Rights) => ({
  resourceRules: rules.filter(({ resources = [] }) => resources.length > 0)
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, ...(resourceNames && { resourceNames }) })),
  nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs }) => nonResourceURLs ? [{ verbs, nonResourceURLs }] : []),
  incomplete,
  ...(error && { evaluationError: error }),
});

const userInfo = ({ name, uid, groups, extra }: User) => ({ username: name, ...(uid && { uid }), groups, ...(extra && { extra }) });
