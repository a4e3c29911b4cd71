// The schemas of everything we serve, in the three forms clients ask for.
import type { Hono } from "hono";
import type { Env, KindIndex } from "./context.ts";

export function openapiRoutes(app: Hono<Env>, _index: KindIndex): void {
  app.get(
    "/openapi/v2",
    () => new Response(new Uint8Array(), { headers: { "content-type": "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" } }),
  );
  app.get("/openapi/v3", (c) => c.json({ paths: {} }));
}
