// Bytes to a response: JSON or YAML, pretty for people, compressed when large.
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { stringify } from "yaml";
import type { Stored } from "../registry/registry.ts";
import { gzipFromBytes } from "../../shared/limits.ts";
import type { HttpContext } from "./context.ts";
import type { Wanted } from "./negotiate.ts";
import { columnDefinitions, partialMetadata, row, table } from "./table.ts";
import { includeOf } from "./list.ts";

const compress = promisify(gzip);
const utf8 = new TextDecoder();
/** Programs in front of which a person sits, as upstream has them. */
const people = /^(curl|Wget|Mozilla\/5\.0)/;

/** `json` is JSON text. It leaves as it is, unless the client wants it otherwise. Headers set on `c` go along. */
export async function respond(c: HttpContext, json: Uint8Array | string, wanted: Wanted, status = 200): Promise<Response> {
  let body = json, type = "application/json";
  if (wanted.yaml) {
    body = stringify(JSON.parse(text(json)));
    type = "application/yaml";
  } else if (isPretty(c)) body = JSON.stringify(JSON.parse(text(json)), null, 2) + "\n";
  c.get("audit")?.response(json);
  c.header("content-type", type);
  c.header("cache-control", "no-cache, private");
  if (body.length > gzipFromBytes && /\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) {
    c.header("content-encoding", "gzip");
    c.header("vary", "accept-encoding", { append: true });
    body = new Uint8Array(await compress(body, { level: constants.Z_BEST_SPEED }));
  }
  return c.body(body as Uint8Array<ArrayBuffer>, status as 200);
}
const text = (json: Uint8Array | string): string => typeof json === "string" ? json : utf8.decode(json);
function isPretty(c: HttpContext): boolean {
  const asked = c.get("query").get("pretty");
  return asked === null ? people.test(c.req.header("user-agent") ?? "") : /^(1|t|true|)$/i.test(asked);
}

export const respondJson = (c: HttpContext, value: unknown, wanted: Wanted, status = 200): Promise<Response> =>
  respond(c, JSON.stringify(value), wanted, status);

/** One object in the form the client wants. */
export function respondStored(c: HttpContext, stored: Stored, wanted: Wanted, now: number, status = 200): Promise<Response> {
  if (wanted.form === "object") return respond(c, stored.bytes(), wanted, status);
  if (wanted.form === "metadata") return respondJson(c, partialMetadata(stored, wanted.version), wanted, status);
  const rows = [row(stored, now, includeOf(c), wanted.version)];
  const metadata = { resourceVersion: String(stored.revision) };
  return respondJson(c, table(wanted.version, metadata, columnDefinitions(stored.kind), rows), wanted, status);
}
