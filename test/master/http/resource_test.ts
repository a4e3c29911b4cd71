import { gunzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { ConfigMap } from "../../../shared/api/kinds/configmap.ts";
import { encodeWire, wrap } from "../../../shared/api/protobuf.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("the verbs", { setup: openApi, teardown: (api) => api.close() });
const maps = "/api/v1/namespaces/default/configmaps", deployments = "/apis/apps/v1/namespaces/default/deployments";
const make = (api: ApiContext, name: string, more: object = {}) => ask(api, "POST", maps, { body: { metadata: { name }, ...more } });
const web = {
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "nginx", image: "nginx:1" }] } },
  },
};

test("POST answers 201 with the object that is stored, whatever form the body had", async (api) => {
  const table: [name: string, body: unknown, headers: Record<string, string>][] = [
    ["json", { metadata: { name: "json" }, data: { a: "b" } }, {}],
    ["untyped", '{"metadata":{"name":"untyped","creationTimestamp":null},"data":{"a":"b"}}', { "content-type": "" }],
    ["yaml", "metadata: {name: yaml}\ndata: {a: b}\n", { "content-type": "application/yaml" }],
    [
      "proto",
      wrap({ apiVersion: "v1", kind: "ConfigMap", raw: encodeWire(ConfigMap, { metadata: { name: "proto" }, data: { a: "b" } }) }),
      { "content-type": "application/vnd.kubernetes.protobuf" },
    ],
  ];
  for (const [name, body, headers] of table) {
    const answer = await ask(api, "POST", maps, { body, headers });
    assert.is(answer.status, 201, `${name}: ${JSON.stringify(answer.body)}`);
    const { kind, apiVersion, metadata, data } = answer.body;
    assert.equal([kind, apiVersion, metadata.name, metadata.namespace, data], ["ConfigMap", "v1", name, "default", { a: "b" }]);
    assert.equal((await ask(api, "GET", `${maps}/${name}`)).body, answer.body);
  }
  const again = await make(api, "json");
  assert.is(again.status, 409);
  assert.is(again.body.message, 'configmaps "json" already exists');
});

test("fieldValidation refuses, warns of or ignores what nobody knows", async (api) => {
  const post = (validation: string, body: unknown) => ask(api, "POST", `${maps}?dryRun=All&fieldValidation=${validation}`, { body });
  const misspelt = { metadata: { name: "a" }, dta: {} };
  const strict = await post("Strict", misspelt);
  assert.is(strict.status, 400);
  assert.is(strict.body.message, 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"');
  const twice = '{"metadata":{"name":"a"},"data":{"a":"1","a":"2"}}';
  assert.match((await post("Strict", twice)).body.message, /strict decoding error: duplicate field "data.a"/);
  const warned = await post("Warn", misspelt);
  assert.is(warned.status, 201);
  assert.is(warned.headers.get("warning"), '299 - "unknown field \\"dta\\""');
  assert.is((await post("", misspelt)).headers.get("warning"), '299 - "unknown field \\"dta\\""');
  assert.is((await post("Ignore", misspelt)).headers.get("warning"), null);
  const wrong = await post("Maybe", misspelt);
  assert.is(wrong.status, 422);
  assert.match(wrong.body.message, /fieldValidation: Unsupported value: "Maybe"/);
});

test("dryRun changes nothing", async (api) => {
  assert.is((await ask(api, "POST", `${maps}?dryRun=All`, { body: { metadata: { name: "a" } } })).status, 201);
  assert.is((await ask(api, "GET", `${maps}/a`)).status, 404);
  await make(api, "a");
  assert.is((await ask(api, "DELETE", `${maps}/a`, { body: { dryRun: ["All"] } })).status, 200);
  assert.is((await ask(api, "DELETE", `${maps}/a?dryRun=All`)).status, 200);
  assert.is((await ask(api, "GET", `${maps}/a`)).status, 200);
  assert.is((await ask(api, "POST", `${maps}?dryRun=Some`, { body: { metadata: { name: "b" } } })).status, 422);
});

test("PUT replaces what it has seen, and nothing newer", async (api) => {
  const { body: first } = await make(api, "a", { data: { x: "1" } });
  const second = await ask(api, "PUT", `${maps}/a`, { body: { ...first, data: { x: "2" } } });
  assert.equal([second.status, second.body.data], [200, { x: "2" }]);
  const stale = await ask(api, "PUT", `${maps}/a`, { body: { ...first, data: { x: "3" } } });
  assert.is(stale.status, 409);
  assert.is(
    stale.body.message,
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  );
  const misnamed = await ask(api, "PUT", `${maps}/a`, { body: { metadata: { name: "b" } } });
  assert.equal([misnamed.status, misnamed.body.message], [400, "the name of the object (b) does not match the name on the URL (a)"]);
  assert.is((await ask(api, "PUT", `${maps}/zz`, { body: { metadata: { name: "zz" } } })).status, 404);
});

test("PATCH speaks its languages and names them to those who speak another", async (api) => {
  await ask(api, "POST", deployments, { body: web });
  const patch = (type: string, body: unknown, query = "") =>
    ask(api, "PATCH", `${deployments}/web${query}`, { body, headers: { "content-type": `application/${type}` } });
  assert.is((await patch("merge-patch+json", { spec: { replicas: 3 } })).body.spec.replicas, 3);
  assert.is((await patch("json-patch+json", [{ op: "replace", path: "/spec/replicas", value: 4 }])).body.spec.replicas, 4);
  const sidecar = { spec: { template: { spec: { containers: [{ name: "side", image: "side:1" }] } } } };
  const both = await patch("strategic-merge-patch+json", sidecar);
  assert.equal(both.body.spec.template.spec.containers.map((container: { name: string }) => container.name).sort(), ["nginx", "side"]);
  assert.is(both.body.metadata.generation, 4);
  const foreign = await patch("toml", {});
  assert.is(foreign.status, 415);
  assert.is(
    foreign.body.message,
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, " +
      "application/strategic-merge-patch+json, application/apply-patch+yaml",
  );
  const misspelt = await patch("merge-patch+json", { spec: { replcas: 3 } }, "?fieldValidation=Strict");
  assert.equal([misspelt.status, misspelt.body.message.includes('unknown field "spec.replcas"')], [400, true]);
  const invalid = await patch("merge-patch+json", { spec: { replicas: -1 } });
  assert.equal([invalid.status, invalid.body.details.causes[0].field], [422, "spec.replicas"]);
  assert.is((await patch("merge-patch+json", { metadata: { resourceVersion: "1" }, spec: { replicas: 9 } })).status, 409);
  assert.is((await patch("merge-patch+json", { metadata: { name: "other" } })).status, 400);
  assert.is((await ask(api, "GET", `${deployments}/web`)).body.spec.replicas, 4);
});

test("DELETE says what is gone, and minds its preconditions", async (api) => {
  const { body: { metadata } } = await make(api, "a");
  const held = await ask(api, "DELETE", `${maps}/a`, { body: { preconditions: { uid: "another" } } });
  assert.is(held.status, 409);
  assert.is((await ask(api, "DELETE", `${maps}/a`, { body: { propagationPolicy: "Sometimes" } })).status, 422);
  assert.is((await ask(api, "DELETE", `${maps}/a?propagationPolicy=Orphan`, { body: { orphanDependents: true } })).status, 422);
  const gone = await ask(api, "DELETE", `${maps}/a`, { body: "", headers: { "content-type": "application/json" } });
  assert.equal(gone.body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: "a", kind: "configmaps", uid: metadata.uid },
  });
  const missing = await ask(api, "DELETE", `${maps}/a`);
  assert.equal([missing.status, missing.body.message], [404, 'configmaps "a" not found']);
});

test("DELETE shows an object that must wait for its finalizers", async (api) => {
  await make(api, "a", { metadata: { name: "a", finalizers: ["example.com/wait"] } });
  const waiting = await ask(api, "DELETE", `${maps}/a`);
  assert.equal([waiting.body.kind, typeof waiting.body.metadata.deletionTimestamp], ["ConfigMap", "string"]);
});

test("DELETE of a collection deletes what its selector names", async (api) => {
  for (const name of ["a", "b", "c"]) await make(api, name, { metadata: { name, labels: { keep: String(name === "b") } } });
  const { body } = await ask(api, "DELETE", `${maps}?labelSelector=keep=false`);
  assert.equal([body.kind, body.items.map((item: { metadata: { name: string } }) => item.metadata.name)], ["ConfigMapList", ["a", "c"]]);
  assert.equal((await ask(api, "GET", maps)).body.items.length, 1);
});

test("lists select, page, and show one revision", async (api) => {
  for (const name of ["a", "b", "c", "d", "e"]) {
    await make(api, name, { metadata: { name, labels: { even: String("bd".includes(name)) } } });
  }
  const names = (body: { items: { metadata: { name: string } }[] }) => body.items.map((item) => item.metadata.name).join("");
  const whole = (await ask(api, "GET", maps)).body;
  assert.equal([whole.kind, whole.apiVersion, names(whole)], ["ConfigMapList", "v1", "abcde"]);
  assert.is(names((await ask(api, "GET", `${maps}?labelSelector=even%3Dtrue`)).body), "bd");
  assert.is(names((await ask(api, "GET", "/api/v1/configmaps?fieldSelector=metadata.name%3Dc")).body), "c");
  const first = (await ask(api, "GET", `${maps}?limit=2`)).body;
  await make(api, "bb");
  const second = (await ask(api, "GET", `${maps}?limit=2&continue=${encodeURIComponent(first.metadata.continue)}`)).body;
  const third = (await ask(api, "GET", `${maps}?limit=2&continue=${encodeURIComponent(second.metadata.continue)}`)).body;
  assert.equal([names(first), names(second), names(third), third.metadata.continue], ["ab", "cd", "e", undefined]);
  assert.equal([first.metadata.remainingItemCount, second.metadata.resourceVersion, third.metadata.resourceVersion], [
    3,
    first.metadata.resourceVersion,
    first.metadata.resourceVersion,
  ]);
  assert.is(names((await ask(api, "GET", `${maps}?resourceVersion=0`)).body), "abbbcde");
});

test("lists refuse what cannot be meant", async (api) => {
  const table: [query: string, status: number][] = [
    ["limit=-1", 400],
    ["limit=x", 400],
    ["continue=bogus", 400],
    ["labelSelector=a+in+(", 400],
    ["fieldSelector=spec.bogus%3D1", 400],
    ["resourceVersion=x", 422],
    ["resourceVersion=999999", 504],
    ["resourceVersionMatch=Exact", 422],
    ["resourceVersionMatch=Exact&resourceVersion=0", 422],
    ["resourceVersionMatch=Roughly&resourceVersion=1", 422],
    ["sendInitialEvents=true", 422],
    ["includeObject=Some", 400],
  ];
  for (const [query, status] of table) {
    const headers = query.startsWith("include") ? { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" } : {};
    const answer = await ask(api, "GET", `${maps}?${query}`, { headers });
    assert.is(answer.status, status, `${query}: ${JSON.stringify(answer.body)}`);
    assert.is(answer.body.kind, "Status");
  }
});

test("the same list can be had as YAML, pretty, compressed, or as metadata alone", async (api) => {
  for (let i = 0; i < 4; i++) await make(api, `m${i}`, { data: { text: "x".repeat(50_000) } });
  assert.match((await ask(api, "GET", maps, { headers: { accept: "application/yaml" } })).body, /^kind: ConfigMapList\n/);
  const pretty = await api.app.request(`${maps}/m0?pretty=true`);
  assert.match(await pretty.text(), /^\{\n {2}"apiVersion": "v1",\n/);
  const compressed = await api.app.request(maps, { headers: { "accept-encoding": "gzip" } });
  assert.is(compressed.headers.get("content-encoding"), "gzip");
  const bytes = Buffer.from(await compressed.arrayBuffer());
  assert.ok(bytes.length < 10_000);
  assert.is(JSON.parse(gunzipSync(bytes).toString()).items.length, 4);
  const metadata = await ask(api, "GET", maps, { headers: { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" } });
  assert.equal([metadata.body.kind, metadata.body.items[0].kind, metadata.body.items[0].data], [
    "PartialObjectMetadataList",
    "PartialObjectMetadata",
    undefined,
  ]);
});

test("events are one thing under two names", async (api) => {
  const events = "namespaces/default/events";
  const made = await ask(api, "POST", `/api/v1/${events}`, {
    body: {
      metadata: { name: "e.1" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      reason: "Started",
      message: "hello",
      type: "Normal",
    },
  });
  assert.is(made.status, 201, JSON.stringify(made.body));
  const viewed = (await ask(api, "GET", `/apis/events.k8s.io/v1/${events}?fieldSelector=regarding.name%3Dp`)).body;
  assert.equal([viewed.items[0].note, viewed.items[0].regarding.name, viewed.items[0].apiVersion], ["hello", "p", "events.k8s.io/v1"]);
  assert.is((await ask(api, "GET", `/apis/events.k8s.io/v1/${events}?fieldSelector=regarding.name%3Dq`)).body.items.length, 0);
});
