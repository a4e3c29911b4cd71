// PATCH as server-side apply: the body is a configuration, in JSON or YAML, of what one manager wants; what it does not say is not its business.
import { said } from "../../shared/api/said.ts";
import { apiVersionOf, forbidden, type Kind, type KubernetesObject, missing } from "../../shared/api/resource.ts";
import type { Json } from "../../shared/api/schema.ts";
import { ApiError, badRequest, conflict } from "../../shared/api/status.ts";
import { writeAttempts } from "../../shared/limits.ts";
import { timestamp } from "../registry/lifecycle.ts";
import { apply } from "../registry/ownership/apply.ts";
import type { Stored, WriteOptions } from "../registry/registry.ts";
import { objectIn, parseText, readBody } from "./body.ts";
import type { Api, HttpContext } from "./context.ts";
import { mediaType } from "./negotiate.ts";
import { warnNotActedOn } from "./not_acted_on.ts";
import { decodeDocument, invalidOptions, placeObject } from "./object.ts";
import { attributesOf, mayOrThrow } from "./rbac.ts";
import { isTrue } from "./request.ts";

export const applyPatch = "application/apply-patch+yaml";
/** A view's objects are another kind's, whose fields their owners own. */
export const isApply = (c: HttpContext, kind: Kind): boolean =>
  kind.view === undefined && mediaType(c.req.header("content-type") ?? "").type === applyPatch;

/** `force` has a meaning here only. @throws ApiError Invalid */
export function refuseForce(c: HttpContext): void {
  if (c.get("query").get("force") !== null) throw invalidOptions(c, forbidden("force", "may not be specified for non-apply patch"));
}

export async function applyObject(api: Api, c: HttpContext, kind: Kind, how: WriteOptions): Promise<{ stored: Stored; created: boolean }> {
  const query = c.get("query"), { subresource = "" } = how;
  if (!query.get("fieldManager")) throw invalidOptions(c, missing("fieldManager", "is required for apply patch"));
  const { config, preconditions } = await readConfig(c, kind, subresource);
  const application = {
    config,
    manager: how.fieldManager!,
    subresource,
    force: isTrue(query.get("force")),
    time: timestamp(api.clock.now()),
  };
  const applied = (live: KubernetesObject): KubernetesObject => {
    const object = apply(kind, live as never, application);
    object.metadata = { ...object.metadata, ...preconditions };
    warnNotActedOn(c, kind, object, live.metadata && live);
    return object;
  };
  const key = c.get("info").resource!, options: WriteOptions = { ...how, operation: "Apply" };
  for (let attempt = 1;; attempt++) {
    try {
      return { stored: await api.registry.modify(kind, key, applied, options), created: false };
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== "NotFound" || subresource !== "") throw error;
    }
    if (preconditions.uid) {
      const why = `uid mismatch: the provided object specified uid ${preconditions.uid}, and no existing object was found`;
      throw conflict(kind, key.name, `Operation cannot be fulfilled on ${kind.plural} "${key.name}": ${why}`);
    }
    if (preconditions.resourceVersion) throw conflict(kind, key.name);
    // Who may change what is there may not for that reason make what is not.
    mayOrThrow(c.var.authorizer, c.var.user, attributesOf({ ...c.get("info"), verb: "create" }, query));
    const object = applied({});
    placeObject(c, kind, object);
    try {
      return { stored: await api.registry.create(kind, object, options), created: true };
    } catch (error) { // somebody else was faster
      if (attempt === writeAttempts || !(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
    }
  }
}

async function readConfig(
  c: HttpContext,
  kind: Kind,
  subresource: string,
): Promise<{ config: Json; preconditions: { uid?: string; resourceVersion?: string } }> {
  const document = objectIn(parseText(await readBody(c), "application/yaml")), { value: body } = document;
  const expected = apiVersionOf(kind);
  if (body.apiVersion !== expected) {
    const got = typeof body.apiVersion === "string" ? body.apiVersion : "";
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${got}, expected: ${expected}`);
  }
  if (!body.kind) throw badRequest("Object 'Kind' is missing in the apply patch");
  const { value } = decodeDocument(c, kind, document);
  const given = said(kind.schema, body, value) as KubernetesObject & Json;
  if (given.metadata?.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  placeObject(c, kind, given);
  const { uid, resourceVersion } = given.metadata!, { status, ...others } = given;
  // What this path leaves alone whatever the body says, is not applied.
  const config: Json = subresource === "status" ? { ...(status !== undefined && { status }) } : kind.status ? others : given;
  return { config, preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } };
}
