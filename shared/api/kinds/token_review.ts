import { atomic, bool, field, kind, list, message, required, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { UserInfo } from "./user_info.ts";

const authentication = "k8s.io.api.authentication.v1";

export class TokenReviewSpec extends message(`${authentication}.TokenReviewSpec`, "A token somebody has shown.", {
  token: required(1, string, "The bearer token."),
  audiences: field(2, list(string), "Who is asking: the token must be meant for one of them. The API server, if left out.", atomic),
}) {}

export class TokenReviewStatus extends message(`${authentication}.TokenReviewStatus`, "What the token says.", {
  authenticated: field(1, bool, "Is it somebody's?"),
  user: field(2, UserInfo, "Whose.", { default: {} }),
  audiences: field(4, list(string), "Which of the askers it is meant for.", atomic),
  error: field(3, string, "Why it could not be checked."),
}) {}

export class TokenReview extends kind("authentication.k8s.io/v1", `${authentication}.TokenReview`, "Whose token is this?", {
  metadata: field(1, ObjectMeta, "Must be empty."),
  spec: required(2, TokenReviewSpec, "The question."),
  status: field(3, TokenReviewStatus, "The answer. Written by the server."),
}) {}

export const tokenReviews = resource(TokenReview, {
  plural: "tokenreviews",
  namespaced: false,
  stored: false,
  verbs: ["create"],
  generation: false,
});
