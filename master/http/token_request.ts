// serviceaccounts/token: `kubectl create token`. The token is shown once, and written down nowhere.
import { type BoundObjectReference, validateTokenRequest } from "../../shared/api/kinds/token_request.ts";
import { ApiError, forbiddenObject, invalidObject } from "../../shared/api/status.ts";
import type { Grant } from "../identity/claims.ts";
import { grantFor } from "../identity/request.ts";
import { nodeName, type User } from "../rbac/user.ts";
import { newUid } from "../registry/identity.ts";
import { timestamp } from "../registry/lifecycle.ts";
import { tokenRequestBody } from "./bodies.ts";
import type { Operation } from "./context.ts";
import { placeObject, readValue } from "./object.ts";
import { respondJson } from "./respond.ts";

/** @throws ApiError */
export async function answerTokenRequest({ api, c, kind, wanted }: Operation): Promise<Response> {
  const request = await readValue(c, tokenRequestBody), { identity } = api;
  placeObject(c, kind, request);
  const causes = validateTokenRequest(request);
  if (causes.length > 0) throw invalidObject(tokenRequestBody, "", causes);
  const target = c.get("info").resource!, now = identity.now(), { spec = {} } = request, { expirationSeconds = 3600 } = spec;
  const grant = await grantFor(identity.accounts, target, spec, { now, id: newUid(api.random) });
  const wrong = nodeObjection(c.var.user, spec.boundObjectRef, grant);
  if (wrong) throw forbiddenObject(kind, target.name, wrong);
  if (request.metadata?.uid && request.metadata.uid !== grant.account.uid) {
    const why =
      `the UID in the token request (${request.metadata.uid}) does not match the UID of the service account (${grant.account.uid})`;
    throw new ApiError("Conflict", why);
  }
  const { name, namespace } = target, { audiences } = grant;
  return await respondJson(
    c,
    {
      ...request,
      metadata: { name, namespace, creationTimestamp: timestamp(now) },
      spec: { ...spec, audiences, expirationSeconds },
      status: { token: identity.accounts.issue(grant), expirationTimestamp: timestamp((grant.issuedAt + expirationSeconds) * 1000) },
    },
    wanted,
    201,
  );
}

/** A node gets tokens for its own pods alone (upstream's NodeRestriction). */
function nodeObjection(user: User, reference: BoundObjectReference | undefined, { bound: { pod, node } }: Grant): string | undefined {
  const name = nodeName(user);
  if (name === undefined) return undefined;
  if (!pod) return `node ${JSON.stringify(name)} requested token not bound to a pod`;
  if (!reference?.uid) return `node ${JSON.stringify(name)} requested token with a pod binding without a uid`;
  return node?.name === name ? undefined : `node ${JSON.stringify(name)} requested token bound to a pod scheduled on a different node`;
}
