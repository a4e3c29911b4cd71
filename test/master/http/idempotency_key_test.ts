import * as assert from "uvu/assert";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("Idempotency-Key", { setup: openApi, teardown: (api) => api.close() });
const maps = "/api/v1/namespaces/default/configmaps";
type More = Omit<NonNullable<Parameters<typeof ask>[3]>, "headers"> & { readonly key: string; readonly headers?: Record<string, string> };
const once = (api: ApiContext, method: string, path: string, { key, headers, ...more }: More) =>
  ask(api, method, path, { ...more, headers: { ...headers, "idempotency-key": key } });
const map = { metadata: { name: "a" }, data: { n: "1" } };

test("a POST that comes again makes nothing, and gets the answer of the first", async (api) => {
  const named = { body: { metadata: { generateName: "a-" } }, key: "k1" };
  const [first, again] = [await once(api, "POST", maps, named), await once(api, "POST", maps, named)];
  assert.equal([first.status, again.status, again.body], [201, 201, first.body]);
  const other = await once(api, "POST", maps, { ...named, key: "k2" });
  assert.is.not(other.body.metadata.name, first.body.metadata.name);
  assert.is((await ask(api, "GET", maps)).body.items.length, 2);
});

test("two that come at once are one", async (api) => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => once(api, "POST", maps, { body: { metadata: { generateName: "a-" } }, key: "k" })),
  );
  assert.equal(answers.map(({ status, body }) => [status, body.metadata.uid]), answers.map(() => [201, answers[0]!.body.metadata.uid]));
  assert.is((await ask(api, "GET", maps)).body.items.length, 1);
});

test("a PUT, a PATCH and a DELETE that come again change nothing that came in between", async (api) => {
  await ask(api, "POST", maps, { body: map });
  const add = { body: [{ op: "test", path: "/data/n", value: "1" }, { op: "replace", path: "/data/n", value: "2" }], key: "patch" };
  const patch = () => once(api, "PATCH", `${maps}/a`, { ...add, headers: { "content-type": "application/json-patch+json" } });
  const patched = await patch();
  assert.is(patched.body.data.n, "2");
  const put = () => once(api, "PUT", `${maps}/a`, { body: { ...map, data: { n: "3" } }, key: "put" });
  assert.is((await put()).body.data.n, "3");
  await ask(api, "PUT", `${maps}/a`, { body: { ...map, data: { n: "4" } } });
  assert.equal((await patch()).body, patched.body);
  assert.is((await put()).body.data.n, "3");
  assert.is((await ask(api, "GET", `${maps}/a`)).body.data.n, "4");
  const remove = () => once(api, "DELETE", `${maps}/a`, { key: "delete" });
  const removed = await remove();
  await ask(api, "POST", maps, { body: map });
  assert.equal([removed.status, (await remove()).body], [200, removed.body]);
  assert.is((await ask(api, "GET", `${maps}/a`)).status, 200);
});

test("it is one user's and one request's; a refusal and a dry run are not remembered", async (api) => {
  const first = await once(api, "POST", maps, { body: map, key: "k" });
  const other = await once(api, "POST", maps, { body: { ...map, data: {} }, key: "k" });
  assert.equal([first.status, other.status], [201, 422]);
  assert.match(other.body.message, /Idempotency-Key: Invalid value: another request was made with this key/);
  const eve = { name: "eve", groups: ["system:masters", "system:authenticated"] };
  assert.is((await once(api, "POST", maps, { body: map, key: "k", as: eve })).body.reason, "AlreadyExists");
  const second = { metadata: { name: "b" } };
  assert.is((await once(api, "POST", `${maps}?dryRun=All`, { body: second, key: "dry" })).status, 201);
  assert.is((await once(api, "POST", `/api/v1/namespaces/later/configmaps`, { body: second, key: "later" })).status, 404);
  await ask(api, "POST", "/api/v1/namespaces", { body: { metadata: { name: "later" } } });
  assert.is((await once(api, "POST", `/api/v1/namespaces/later/configmaps`, { body: second, key: "later" })).status, 201);
});

test("a key that cannot be one, and one for a collection, is refused", async (api) => {
  for (const key of ["", "a b", "x".repeat(256)]) assert.is((await once(api, "POST", maps, { body: map, key })).status, 400, key);
  assert.is((await once(api, "DELETE", maps, { key: "all" })).status, 400);
});

test("what is too old to be shown is said to be done", async (api) => {
  const request = { body: map, key: "old" };
  const made = await once(api, "POST", maps, request);
  await ask(api, "PUT", `${maps}/a`, { body: { ...map, data: {} } });
  await api.compact();
  const again = await once(api, "POST", maps, request);
  assert.equal([made.status, again.status, again.body.reason], [201, 410, "Expired"]);
  assert.match(again.body.message, /was carried out before/);
});
