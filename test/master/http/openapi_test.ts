import * as assert from "uvu/assert";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("openapi", { setup: openApi, teardown: (api) => api.close() });

test("/openapi/v3 leads to documents that may be kept for ever under their hash", async (api) => {
  const index = (await ask(api, "GET", "/openapi/v3")).body.paths as Record<string, { serverRelativeURL: string }>;
  assert.ok(index["api/v1"] && index["apis/apps/v1"]);
  for (const [path, { serverRelativeURL }] of Object.entries(index)) {
    const { status, headers, body } = await ask(api, "GET", serverRelativeURL);
    assert.equal([status, body.openapi], [200, "3.0.0"], path);
    assert.match(headers.get("cache-control")!, /immutable/);
    const known = await ask(api, "GET", serverRelativeURL, { headers: { "if-none-match": headers.get("etag")! } });
    assert.is(known.status, 304);
  }
  const stale = await ask(api, "GET", "/openapi/v3/api/v1?hash=OLD");
  assert.equal([stale.status, stale.headers.get("location")], [301, index["api/v1"]!.serverRelativeURL]);
  assert.is((await ask(api, "GET", "/openapi/v3/apis/bogus/v1")).status, 404);
});

test("the document lets kubectl leave validation to the server", async (api) => {
  const { paths } = (await ask(api, "GET", "/openapi/v3/apis/apps/v1")).body;
  const { patch } = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
  assert.ok(patch.parameters.some((parameter: { name: string }) => parameter.name === "fieldValidation"));
  assert.equal(patch["x-kubernetes-group-version-kind"], { group: "apps", kind: "Deployment", version: "v1" });
});

test("/openapi/v2 is protobuf for those who ask for it, JSON for others", async (api) => {
  const asked = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const proto = await api.app.request("/openapi/v2", { headers: { accept: asked } });
  assert.is(proto.headers.get("content-type"), "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  const bytes = new Uint8Array(await proto.arrayBuffer());
  assert.equal([...bytes.subarray(0, 5)], [0x0a, 3, ...new TextEncoder().encode("2.0")]);
  const json = await ask(api, "GET", "/openapi/v2", { headers: { accept: "application/json" } });
  assert.ok(json.body.definitions["io.k8s.api.apps.v1.Deployment"]);
  assert.is((await ask(api, "GET", "/openapi/v2", { headers: { accept: "text/html" } })).status, 406);
});
