// PATCH: which language the patch is in, and what it makes of the object. The result must be as good as the body of a PUT.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { Json } from "../../shared/api/schema.ts";
import { badRequest } from "../../shared/api/status.ts";
import { jsonPatch, mergePatch, strategicMergePatch } from "../registry/patch.ts";
import type { Stored, WriteOptions } from "../registry/registry.ts";
import { applyPatch, refuseForce } from "./apply_request.ts";
import { type Document, objectIn, parseText, readBody, unsupportedMediaType } from "./body.ts";
import type { Api, HttpContext } from "./context.ts";
import { mediaType } from "./negotiate.ts";
import { warnNotActedOn } from "./not_acted_on.ts";
import { type BodyKind, decodeDocument, placeObject } from "./object.ts";

/** In the order in which upstream names them. */
const strategic = "application/strategic-merge-patch+json";
const languages = ["application/json-patch+json", "application/merge-patch+json", strategic] as const;

/** @returns what makes the patched object of the current one, and may be called again for a newer one. @throws ApiError UnsupportedMediaType, BadRequest */
export async function readPatch<T>(c: HttpContext, kind: BodyKind<T>): Promise<(current: T) => T> {
  const type = mediaType(c.req.header("content-type") ?? "").type;
  const spoken = kind.definition === undefined ? languages : languages.filter((known) => known !== strategic); // a custom resource has no merge keys
  const language = spoken.find((known) => known === type);
  if (!language) throw unsupportedMediaType([...spoken, applyPatch]);
  refuseForce(c);
  const body = parseText(await readBody(c), "application/json");
  const decoded = (value: Json, duplicates: Document["duplicates"]): T => decodeDocument(c, kind, { value, duplicates }).value;
  switch (language) {
    case "application/json-patch+json": {
      if (!Array.isArray(body.value)) throw badRequest("a JSON patch must be a list of operations");
      const operations = body.value;
      return (current) => decoded(jsonPatch(current as Json, operations), []);
    }
    case "application/merge-patch+json": {
      const { value, duplicates } = objectIn(body);
      return (current) => decoded(mergePatch(current as Json, value) as Json, duplicates);
    }
    case strategic: {
      const { value, duplicates } = objectIn(body);
      return (current) => decoded(strategicMergePatch(kind.schema, current as Json, value), duplicates);
    }
  }
}

export async function patchObject(api: Api, c: HttpContext, kind: Kind, how: WriteOptions): Promise<Stored> {
  const change = await readPatch<KubernetesObject>(c, kind);
  return await api.registry.modify(kind, c.get("info").resource!, (current) => {
    const patched = change(current);
    placeObject(c, kind, patched);
    if (how.subresource === undefined) warnNotActedOn(c, kind, patched, current);
    return patched;
  }, how);
}
