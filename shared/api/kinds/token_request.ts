// The body of serviceaccounts/token: what `kubectl create token` posts.
import { atomic, field, int64, kind, list, message, optional, string } from "../schema.ts";
import { time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import type { Cause } from "../decode.ts";
import { invalid, tooMany } from "../resource.ts";
import { tokenAudiences } from "../../limits.ts";

const authentication = "k8s.io.api.authentication.v1";

export class BoundObjectReference extends message(`${authentication}.BoundObjectReference`, "The object a token hangs on.", {
  kind: field(1, string, "Pod, Secret or Node."),
  apiVersion: field(2, string, "Group and version of its schema."),
  name: field(3, string, "Its name."),
  uid: field(4, string, "Its UID."),
}) {}

export class TokenRequestSpec extends message(`${authentication}.TokenRequestSpec`, "What the token shall be good for.", {
  audiences: field(1, list(string), "Who it is meant for. The API server, if left out.", atomic),
  expirationSeconds: optional(4, int64, "How long it shall be valid; the server may choose otherwise.", { default: 3600 }),
  boundObjectRef: optional(3, BoundObjectReference, "The object with which it ends."),
}) {}

export class TokenRequestStatus extends message(`${authentication}.TokenRequestStatus`, "The token.", {
  token: field(1, string, "The bearer token."),
  expirationTimestamp: field(2, time, "Until when it is valid."),
}) {}

export class TokenRequest
  extends kind("authentication.k8s.io/v1", `${authentication}.TokenRequest`, "Asks for a token of a ServiceAccount.", {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    spec: field(2, TokenRequestSpec, "What is wanted.", { default: {} }),
    status: field(3, TokenRequestStatus, "The answer. Written by the server."),
  }) {}

/** Seconds that a pod's own token is asked for where nobody says otherwise: "short, but do not break who keeps it". It really lives for longer. */
export const usualTokenSeconds = 3607;
/** Seconds a token may be valid, as upstream allows. */
export const tokenSeconds = { least: 600, most: 2 ** 32 } as const;

export function validateTokenRequest({ spec: { expirationSeconds = 3600, audiences = [] } = {} }: TokenRequest): Cause[] {
  if (audiences.length > tokenAudiences) return [tooMany("spec.audiences", audiences.length, tokenAudiences)];
  const at = "spec.expirationSeconds";
  if (expirationSeconds < tokenSeconds.least) return [invalid(at, expirationSeconds, "may not specify a duration less than 10 minutes")];
  if (expirationSeconds > tokenSeconds.most) return [invalid(at, expirationSeconds, "may not specify a duration larger than 2^32 seconds")];
  return [];
}
