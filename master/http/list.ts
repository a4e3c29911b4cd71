// What a list or a watch asks for, and a list's body: written as one piece out of the bytes the objects already are.
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { apiVersionOf, forbidden, invalid, type Kind, type KubernetesObject, unsupported } from "../../shared/api/resource.ts";
import { type Fields, type Labels, parseFields, parseLabels } from "../../shared/api/selector.ts";
import { badRequest } from "../../shared/api/status.ts";
import { listSliceObjects } from "../../shared/limits.ts";
import type { ListQuery, Page, Stored } from "../registry/registry.ts";
import type { HttpContext } from "./context.ts";
import type { Wanted } from "./negotiate.ts";
import { invalidOptions } from "./object.ts";
import { columnDefinitions, type Include, type ListMeta, partialMetadata, row, table } from "./table.ts";

/** @throws ApiError BadRequest, Invalid */
export function listQuery(c: HttpContext, kind: Kind): ListQuery {
  const { query } = c.var;
  const limit = count(query, "limit"), resourceVersion = query.get("resourceVersion") || undefined;
  const next = query.get("continue") || undefined, match = query.get("resourceVersionMatch") || undefined;
  if (query.has("sendInitialEvents")) {
    throw invalidOptions(c, forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  if (resourceVersion !== undefined && !/^\d+$/.test(resourceVersion)) {
    throw invalidOptions(c, invalid("resourceVersion", resourceVersion, "must be a number that this server gave out"));
  }
  if (next !== undefined && resourceVersion !== undefined && resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  if (match !== undefined) {
    const refused = (why: string) => invalidOptions(c, forbidden("resourceVersionMatch", `resourceVersionMatch is forbidden ${why}`));
    if (resourceVersion === undefined) throw refused("unless resourceVersion is provided");
    if (next !== undefined) throw refused("when continue is provided");
    if (match !== "Exact" && match !== "NotOlderThan") {
      throw invalidOptions(c, unsupported("resourceVersionMatch", match, ["Exact", "NotOlderThan"]));
    }
    if (match === "Exact" && resourceVersion === "0") {
      throw invalidOptions(c, forbidden("resourceVersionMatch", 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'));
    }
    return { ...selection(c, kind), ...(limit && { limit }), resourceVersion: resourceVersion!, match };
  }
  return {
    ...selection(c, kind),
    ...(limit && { limit }),
    ...(next !== undefined && { continue: next }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}

/** Namespace and selectors. */
export function selection(c: HttpContext, kind: Kind): { namespace?: string; labels?: Labels; fields?: Fields } {
  const { query, info: { resource } } = c.var;
  const labels = parseLabels(query.get("labelSelector") ?? "");
  const known = ["metadata.name", ...kind.namespaced ? ["metadata.namespace"] : [], ...Object.keys(kind.selectable ?? {})];
  const fields = parseFields(query.get("fieldSelector") ?? "", (field) => known.includes(field));
  return {
    ...(resource!.namespace !== "" && { namespace: resource!.namespace }),
    ...(labels.length > 0 && { labels }),
    ...(fields.length > 0 && { fields }),
  };
}

/** A whole number of the query; 0 where it is not there. @throws ApiError BadRequest */
export function count(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? "";
  if (text === "") return 0;
  if (!/^\d{1,12}$/.test(text)) throw badRequest(`${name} is ${JSON.stringify(text)}, but must be a whole number that is not negative`);
  return Number(text);
}

export function includeOf(c: HttpContext): Include {
  const asked = c.get("query").get("includeObject") || "Metadata";
  if (asked === "Metadata" || asked === "Object" || asked === "None") return asked;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
}

const listMeta = (page: Page<KubernetesObject>): ListMeta => ({
  resourceVersion: String(page.revision),
  ...(page.continue !== undefined && { continue: page.continue }),
  ...(page.remaining && { remainingItemCount: page.remaining }),
});

export async function renderList(
  c: HttpContext,
  kind: Kind,
  page: Page<KubernetesObject>,
  wanted: Wanted,
  now: number,
): Promise<Uint8Array | string> {
  const metadata = listMeta(page), { version } = wanted;
  switch (wanted.form) {
    case "table": {
      const include = includeOf(c);
      return await filled(
        table(version, metadata, columnDefinitions(kind), []),
        page.items,
        (stored) => row(stored, now, include, version),
      );
    }
    case "metadata": {
      const list = { kind: "PartialObjectMetadataList", apiVersion: `meta.k8s.io/${version}`, metadata, items: [] };
      return await filled(list, page.items, (stored) => partialMetadata(stored, version));
    }
    default:
      return spliceList(kind, metadata, page.items);
  }
}

/** JSON text of a list whose last field, an empty array, gets its items. Each is read and written anew, which takes time: others have their turn in between. */
async function filled(list: unknown, items: readonly Stored[], form: (stored: Stored) => unknown): Promise<string> {
  const parts: string[] = [];
  for (let at = 0; at < items.length; at += listSliceObjects) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    parts.push(items.slice(at, at + listSliceObjects).map((stored) => JSON.stringify(form(stored))).join(","));
  }
  return `${JSON.stringify(list).slice(0, -2)}${parts.join(",")}]}`;
}

/** `{"kind":"PodList",…,"items":[` + each object's own bytes + `]}`: no object is parsed or serialised for a list. */
function spliceList(kind: Kind, metadata: ListMeta, items: readonly Stored[]): Uint8Array {
  const head = Buffer.from(
    `{"kind":"${kind.listKind ?? `${kind.kind}List`}","apiVersion":"${apiVersionOf(kind)}","metadata":${
      JSON.stringify(metadata)
    },"items":[`,
  );
  const parts = items.map((stored) => stored.bytes());
  const size = parts.reduce((sum, part) => sum + part.byteLength, 0) + head.byteLength + Math.max(0, parts.length - 1) + 2;
  const whole = Buffer.allocUnsafe(size);
  whole.set(head, 0);
  let at = head.byteLength;
  for (const [index, part] of parts.entries()) {
    if (index > 0) whole[at++] = comma;
    whole.set(part, at);
    at += part.byteLength;
  }
  whole.write("]}", at);
  return whole;
}
const comma = ",".charCodeAt(0);
