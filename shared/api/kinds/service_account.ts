import { atomic, bool, field, kind, list, mergedBy, optional } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import { LocalObjectReference } from "./pod/reference.ts";
import { resource } from "../resource.ts";

export class ServiceAccount extends kind("v1", "k8s.io.api.core.v1.ServiceAccount", "An identity for programs.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  secrets: field(2, list(ObjectReference), "Secrets that pods of this account may use. Not where its tokens are.", mergedBy("name")),
  imagePullSecrets: field(3, list(LocalObjectReference), "Secrets with which images of its pods are pulled.", atomic),
  automountServiceAccountToken: optional(4, bool, "Do its pods get a token mounted? A pod can say otherwise."),
}) {}

export const serviceAccounts = resource(ServiceAccount, {
  plural: "serviceaccounts",
  short: ["sa"],
  namespaced: true,
  subresources: [{ name: "token", group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", verbs: ["create"] }],
  columns: { Secrets: ({ secrets = [] }) => secrets.length },
});
