// The schemas of everything we serve, in the three forms clients ask for: v3 in one document per group and version, v2 as JSON, and v2 as protobuf, without
// which kubectl up to 1.27 creates nothing. Made when asked for, and kept while the kinds are the same.
import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { bodies } from "../../shared/api/kinds/mod.ts";
import { openapiDocuments, openapiIndex } from "../../shared/api/openapi.ts";
import { encodeOpenapiV2, openapiV2 } from "../../shared/api/openapi_v2.ts";
import { ApiError } from "../../shared/api/status.ts";
import type { KindSet } from "../registry/kind_set.ts";
import type { Env, HttpContext } from "./context.ts";
import { perKinds } from "./discovery.ts";
import { pageNotFound } from "./errors.ts";
import { version } from "./health.ts";
import { mediaType } from "./negotiate.ts";

const v2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** Clients spell it with an @; the answer's type must not have one. */
const v2Asked = ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", v2Protobuf];
/** Seconds: a document under its hash is the same for ever. */
const yearSeconds = 31_536_000;

export function openapiRoutes(app: Hono<Env>, kinds: KindSet): void {
  const documents = perKinds(kinds, (served) => openapiDocuments(served, bodies, version.gitVersion));
  const listing = perKinds(kinds, () => tagged(JSON.stringify(openapiIndex(documents()))));
  const v2 = perKinds(kinds, (served) => openapiV2(served, bodies, version.gitVersion));
  const v2Json = perKinds(kinds, () => tagged(JSON.stringify(v2())));
  const v2Bytes = perKinds(kinds, () => tagged(encodeOpenapiV2(v2())));

  app.get("/openapi/v2", (c) => {
    const types = (c.req.header("accept") ?? "*/*").split(",").map((part) => mediaType(part.trim()).type);
    const wanted = types.find((type) => v2Asked.includes(type) || ["application/json", "application/*", "*/*"].includes(type));
    if (!wanted) throw new ApiError("NotAcceptable", `only the following media types are accepted: application/json, ${v2Asked[0]}`);
    return v2Asked.includes(wanted) ? answer(c, v2Bytes(), v2Protobuf) : answer(c, v2Json(), "application/json");
  });
  app.get("/openapi/v3", (c) => answer(c, listing(), "application/json"));
  app.get("/openapi/v3/*", (c) => {
    const path = c.req.path.replace(/^\/openapi\/v3\//, ""), found = documents().get(path);
    if (!found) return pageNotFound();
    const asked = c.get("query").get("hash");
    const current = `/openapi/v3/${path}?hash=${found.hash}`;
    if (asked !== null && asked !== found.hash) return new Response(null, { status: 301, headers: { location: current } });
    const caching = asked === null ? "no-cache, private" : `public, max-age=${yearSeconds}, immutable`;
    return answer(c, { body: found.text, etag: `"${found.hash}"` }, "application/json", caching);
  });
}

interface Tagged {
  readonly body: string | Uint8Array;
  readonly etag: string;
}
const tagged = (body: string | Uint8Array): Tagged => ({ body, etag: `"${createHash("sha256").update(body).digest("hex")}"` });

function answer(c: HttpContext, { body, etag }: Tagged, type: string, caching = "no-cache, private"): Response {
  const headers = { "content-type": type, etag, vary: "Accept, Accept-Encoding", "cache-control": caching };
  if (c.req.header("if-none-match") === etag) return new Response(null, { status: 304, headers });
  return new Response(body as string | Uint8Array<ArrayBuffer>, { headers });
}
