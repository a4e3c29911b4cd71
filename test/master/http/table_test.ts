import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { events } from "../../../shared/api/kinds/event.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { columnDefinitions } from "../../../master/http/table.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("tables", { setup: openApi, teardown: (api) => api.close() });
const headers = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const maps = "/api/v1/namespaces/default/configmaps";
const columns = (kind: unknown, wide = false) =>
  columnDefinitions(kind as Kind).filter(({ priority }) => wide || priority === 0).map(({ name }) => name);

test("columnDefinitions() puts the name first and the age last, unless the kind says otherwise", () => {
  assert.equal(columns(configMaps), ["Name", "Data", "Age"]);
  assert.equal(columns(pods), ["Name", "Ready", "Status", "Restarts", "Age"]);
  assert.equal(columns(events).slice(0, 4), ["Last Seen", "Type", "Reason", "Object"]);
  assert.ok(columns(events, true).includes("Name"));
  assert.is(columnDefinitions(configMaps as unknown as Kind)[0]!.format, "name");
});

test("a list, and one object, can be had as a table", async (api) => {
  await ask(api, "POST", maps, { body: { metadata: { name: "a" }, data: { x: "1", y: "2" } } });
  for (const path of [maps, `${maps}/a`]) {
    const { body } = await ask(api, "GET", path, { headers });
    assert.equal([body.kind, body.apiVersion, body.rows.length], ["Table", "meta.k8s.io/v1", 1]);
    assert.equal(body.rows[0].cells.slice(0, 2), ["a", 2]);
    assert.equal([body.rows[0].object.kind, body.rows[0].object.metadata.namespace], ["PartialObjectMetadata", "default"]);
    assert.is(typeof body.metadata.resourceVersion, "string");
  }
  assert.is((await ask(api, "GET", `${maps}?includeObject=Object`, { headers })).body.rows[0].object.kind, "ConfigMap");
  assert.is((await ask(api, "GET", `${maps}?includeObject=None`, { headers })).body.rows[0].object, null);
  assert.is((await ask(api, "GET", `${maps}/none`, { headers })).body.kind, "Status");
});
