// How something is deleted. The options stand in the body or in the query; a client may send either, or an empty body.
import { invalid, unsupported } from "../../shared/api/resource.ts";
import type { DeleteOptions } from "../registry/registry.ts";
import { contentType, objectIn, parseText, readBody } from "./body.ts";
import type { DeleteOptions as DeleteOptionsBody } from "../../shared/api/kinds/delete_options.ts";
import { deleteOptionsBody } from "./bodies.ts";
import type { HttpContext } from "./context.ts";
import { checked, decodeBody, decodeDocument, dryRun, invalidOptions, protobufType } from "./object.ts";

/** @throws ApiError BadRequest, Invalid */
export async function readDeleteOptions(c: HttpContext): Promise<{ options: DeleteOptions; dryRun: boolean }> {
  const bytes = await readBody(c);
  return deleteOptions(c, bytes.byteLength === 0 ? {} : body(c, bytes));
}
function body(c: HttpContext, bytes: Uint8Array): DeleteOptionsBody {
  const type = contentType(c.req.raw);
  if (type === protobufType) return checked(deleteOptionsBody, decodeBody(c, deleteOptionsBody, bytes, type));
  const document = objectIn(parseText(bytes, type));
  // Clients name any group and version here: DeleteOptions is known in all of them.
  const { apiVersion: _, kind: __, ...value } = document.value;
  return checked(deleteOptionsBody, decodeDocument(c, deleteOptionsBody, { ...document, value }));
}

/** From a body that has been read; what the query says stands in for what the body leaves out. */
export function deleteOptions(c: HttpContext, asked: DeleteOptionsBody): { options: DeleteOptions; dryRun: boolean } {
  const { query } = c.var;
  const grace = asked.gracePeriodSeconds ?? number(c, query.get("gracePeriodSeconds"));
  const orphan = asked.orphanDependents ?? boolean(query.get("orphanDependents"));
  const policy = asked.propagationPolicy ?? query.get("propagationPolicy") ?? undefined;
  if (policy !== undefined && !isPolicy(policy)) {
    throw invalidOptions(c, unsupported("propagationPolicy", policy, policies));
  }
  if (policy !== undefined && orphan !== undefined) {
    throw invalidOptions(c, invalid("propagationPolicy", policy, "orphanDependents and propagationPolicy cannot be both set"));
  }
  const propagationPolicy = policy ?? (orphan === undefined ? undefined : orphan ? "Orphan" : "Background");
  const { uid, resourceVersion } = asked.preconditions ?? {};
  return {
    dryRun: dryRun(c, [...asked.dryRun ?? [], ...query.getAll("dryRun")]),
    options: {
      ...(grace !== undefined && { gracePeriodSeconds: grace < 0 ? 1 : grace }),
      ...(propagationPolicy !== undefined && { propagationPolicy }),
      ...((uid || resourceVersion) && { preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } }),
    },
  };
}
const policies = ["Orphan", "Background", "Foreground"] as const;
const isPolicy = (text: string): text is typeof policies[number] => policies.some((policy) => policy === text);
const boolean = (text: string | null): boolean | undefined => text === null ? undefined : text === "true" || text === "1";
function number(c: HttpContext, text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,12}$/.test(text)) throw invalidOptions(c, invalid("gracePeriodSeconds", text, "must be a whole number of seconds"));
  return Number(text);
}
