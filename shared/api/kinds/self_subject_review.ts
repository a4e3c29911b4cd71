// Who am I? What `kubectl auth whoami` asks. kubectl 1.27 knows v1beta1 only.
import { field, kind, message } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { UserInfo } from "./user_info.ts";

const doc = { kind: "Who is the caller?", status: "The answer.", metadata: "Must be empty.", filled: "The answer. Written by the server." };

export class SelfSubjectReviewStatus extends message("k8s.io.api.authentication.v1.SelfSubjectReviewStatus", doc.status, {
  userInfo: field(1, UserInfo, "What the server knows of the caller."),
}) {}
export class SelfSubjectReview extends kind("authentication.k8s.io/v1", "k8s.io.api.authentication.v1.SelfSubjectReview", doc.kind, {
  metadata: field(1, ObjectMeta, doc.metadata),
  status: field(2, SelfSubjectReviewStatus, doc.filled),
}) {}

export class SelfSubjectReviewStatusBeta extends message("k8s.io.api.authentication.v1beta1.SelfSubjectReviewStatus", doc.status, {
  userInfo: field(1, UserInfo, "What the server knows of the caller."),
}) {}
export class SelfSubjectReviewBeta
  extends kind("authentication.k8s.io/v1beta1", "k8s.io.api.authentication.v1beta1.SelfSubjectReview", doc.kind, {
    metadata: field(1, ObjectMeta, doc.metadata),
    status: field(2, SelfSubjectReviewStatusBeta, doc.filled),
  }) {}

const facts = { plural: "selfsubjectreviews", namespaced: false, stored: false, verbs: ["create"] } as const;
export const selfSubjectReviews = resource(SelfSubjectReview, facts);
export const selfSubjectReviewsBeta = resource(SelfSubjectReviewBeta, facts);
