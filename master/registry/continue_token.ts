// Where the next page of a list begins: base64url of [version, revision, last key, MAC]. The MAC ties it to the list it came from (kind, namespace,
// selectors) and to this cluster since its last restore. Its key is no secret: whoever forges a token gets to read what he may list anyway.
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { badRequest } from "../../shared/api/status.ts";

const version = 1;
const macBytes = 12;
/** Revision of a token that goes on in the newest state, whatever the earlier pages have shown. */
export const inconsistent = -1;

export interface Position {
  readonly revision: number;
  /** Key behind the list's prefix of the last object that was looked at. */
  readonly after: string;
}

/** `list`: everything that must be the same on all pages. */
export function encodeContinue({ revision, after }: Position, list: unknown, clusterEpoch: string): string {
  return Buffer.from(JSON.stringify([version, revision, after, mac(revision, after, list, clusterEpoch)])).toString("base64url");
}
/** @throws ApiError BadRequest */
export function decodeContinue(token: string, list: unknown, clusterEpoch: string): Position {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    throw notValid("it cannot be decoded");
  }
  if (!Array.isArray(parts) || parts.length !== 4) throw notValid("it cannot be decoded");
  const [of, revision, after, seal] = parts;
  if (of !== version) throw notValid(`its version is ${of}, this server knows ${version}`);
  if (!Number.isSafeInteger(revision) || typeof after !== "string" || seal !== mac(revision, after, list, clusterEpoch)) {
    throw notValid("it belongs to another list: resource, namespace and selectors must be the same on all pages");
  }
  return { revision, after };
}
const notValid = (why: string) => badRequest(`continue key is not valid: ${why}`);
const mac = (revision: number, after: string, list: unknown, clusterEpoch: string): string =>
  createHmac("sha256", `continue ${clusterEpoch}`).update(JSON.stringify([version, revision, after, list])).digest()
    .subarray(0, macBytes).toString("base64url");
