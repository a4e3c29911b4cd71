import * as assert from "uvu/assert";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("discovery", { setup: openApi, teardown: (api) => api.close() });
const aggregated = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

test("both forms name the same resources and verbs", async (api) => {
  for (const version of ["v2", "v2beta1"]) {
    const seen = new Map<string, string>();
    for (const path of ["/api", "/apis"]) {
      const { body, headers } = await ask(api, "GET", path, { headers: { accept: `${aggregated(version)},application/json` } });
      assert.is(headers.get("content-type"), aggregated(version));
      assert.equal([body.kind, body.apiVersion], ["APIGroupDiscoveryList", `apidiscovery.k8s.io/${version}`]);
      for (const group of body.items) {
        for (const { version: groupVersion, resources } of group.versions) {
          for (const { resource, verbs, subresources = [] } of resources) {
            const base = `${group.metadata.name ?? ""}/${groupVersion}/${resource}`;
            seen.set(base, verbs.join());
            for (const sub of subresources) seen.set(`${base}/${sub.subresource}`, sub.verbs.join());
          }
        }
      }
    }
    const older = new Map<string, string>();
    const groups = (await ask(api, "GET", "/apis")).body.groups as { name: string; versions: { groupVersion: string }[] }[];
    for (const groupVersion of ["v1", ...groups.flatMap((group) => group.versions.map((one) => one.groupVersion))]) {
      const { body } = await ask(api, "GET", groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`);
      assert.equal([body.kind, body.groupVersion], ["APIResourceList", groupVersion]);
      for (const { name, verbs } of body.resources) older.set(`${groupVersion === "v1" ? "/v1" : groupVersion}/${name}`, verbs.join());
    }
    assert.equal([...seen].sort(), [...older].sort());
    assert.ok(seen.has("/v1/pods/log") && seen.has("apps/v1/deployments/scale"));
  }
});

test("a client that has it already gets 304", async (api) => {
  const headers = { accept: aggregated("v2") }, first = await ask(api, "GET", "/apis", { headers });
  const again = await ask(api, "GET", "/apis", { headers: { ...headers, "if-none-match": first.headers.get("etag")! } });
  assert.equal([again.status, again.body], [304, ""]);
  assert.is.not(first.headers.get("etag"), (await ask(api, "GET", "/apis")).headers.get("etag"));
  assert.is(first.headers.get("vary"), "Accept");
});

test("pods/eviction and scale say which kind is spoken there", async (api) => {
  const core = (await ask(api, "GET", "/api/v1")).body.resources, apps = (await ask(api, "GET", "/apis/apps/v1")).body.resources;
  const find = (list: { name: string }[], name: string) => list.find((one) => one.name === name);
  assert.equal(find(core, "pods/eviction"), {
    name: "pods/eviction",
    singularName: "",
    namespaced: true,
    kind: "Eviction",
    group: "policy",
    version: "v1",
    verbs: ["create"],
  });
  const { kind, group, version } = find(apps, "deployments/scale") as unknown as Record<string, string>;
  assert.equal([kind, group, version], ["Scale", "autoscaling", "v1"]);
});
