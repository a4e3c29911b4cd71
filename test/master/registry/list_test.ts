import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { parseLabels } from "../../../shared/api/selector.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import { listObjects } from "../../../master/registry/list.ts";
import type { ListQuery, Registry } from "../../../master/registry/registry.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite<RegistryContext>("registry list", { setup: openRegistry, teardown: closeRegistry, timeoutMs: 20_000 });

const make = (registry: Registry, name: string, labels: Record<string, string> = {}, namespace = "default") =>
  registry.create(configMaps, { metadata: { name, namespace, labels }, data: { n: "0" } });
const fill = (registry: Registry, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(registry, `m${String(i).padStart(3, "0")}`, { odd: String(i % 2) })));
async function pages(registry: Registry, query: ListQuery, between: () => Promise<unknown> = () => Promise.resolve()) {
  const all = [];
  let token: string | undefined;
  for (;;) {
    const page = await registry.list(configMaps, { ...query, ...(token && { continue: token }) });
    all.push(page);
    token = page.continue;
    if (!token) return all;
    await between();
  }
}
const refused = async (work: Promise<unknown>): Promise<ApiError> => await rejects(work) as ApiError;

test("list() shows one snapshot on all pages while others write", async ({ registry }) => {
  await fill(registry, 60);
  const expected = (await registry.list(configMaps)).items.map((item) => `${item.name} ${item.revision}`);
  let round = 0;
  const all = await pages(registry, { limit: 7 }, async () => {
    round++;
    await Promise.all([
      make(registry, `a-new-${round}`),
      make(registry, `z-new-${round}`),
      registry.delete(configMaps, { namespace: "default", name: `m${String(59 - round).padStart(3, "0")}` }),
      registry.modify(configMaps, { namespace: "default", name: "m050" }, (object) => ({ ...object, data: { n: String(round) } })),
    ]);
  });
  assert.equal(all.flatMap((page) => page.items.map((item) => `${item.name} ${item.revision}`)), expected);
  assert.is(new Set(all.map((page) => page.revision)).size, 1);
  assert.equal(all.map((page) => page.remaining), [53, 46, 39, 32, 25, 18, 11, 4, undefined]);
  assert.ok((await registry.list(configMaps)).items.length !== 60, "the writers did write");
});

test("list() fills its pages with what the selectors match", async ({ registry }) => {
  await fill(registry, 30);
  await registry.create(namespaces, { metadata: { name: "other" } });
  await make(registry, "elsewhere", { odd: "1" }, "other");
  const labels = parseLabels("odd=1");
  const all = await pages(registry, { namespace: "default", labels, limit: 6 });
  assert.equal(all.map((page) => page.items.length), [6, 6, 3]);
  assert.ok(all.every((page) => page.remaining === undefined));
  assert.is((await registry.list(configMaps, { labels })).items.length, 16);
  const one = await registry.list(configMaps, { namespace: "default", fields: [{ field: "metadata.name", equal: true, value: "m00" }] });
  assert.is(one.items.length, 0, "a name is not a prefix");
});

test("list() shows one snapshot though a page takes several looks at the store", async ({ registry, store }) => {
  await fill(registry, 12);
  let looks = 0;
  const list: typeof store.list = async (prefix, options) => {
    const range = await store.list(prefix, { ...options, limit: 3 });
    if (looks++ === 0) await registry.delete(configMaps, { namespace: "default", name: "m011" });
    return range;
  };
  const { items } = await listObjects(
    Object.assign(Object.create(store), { list, status: store.status.bind(store) }),
    configMaps as never,
    {
      labels: parseLabels("odd=1"),
      limit: 100,
    },
  );
  assert.equal([items.map((item) => item.name), looks], [["m001", "m003", "m005", "m007", "m009", "m011"], 4]);
});

test("list() knows the fields a kind offers, and refuses others in Kubernetes' words", async ({ registry }) => {
  const container = { containers: [{ name: "c", image: "i" }] };
  await registry.create(pods, { metadata: { name: "a", namespace: "default" }, spec: { ...container, nodeName: "pi-7" } });
  await registry.create(pods, { metadata: { name: "b", namespace: "default" }, spec: container });
  const on = async (value: string, equal = true) =>
    (await registry.list(pods, { fields: [{ field: "spec.nodeName", equal, value }] })).items.map((item) => item.name);
  assert.equal([await on("pi-7"), await on(""), await on("pi-7", false)], [["a"], ["b"], ["b"]]);
  const fields = [{ field: "spec.color", equal: true, value: "red" }];
  assert.is((await refused(registry.list(pods, { fields }))).message, "field label not supported: spec.color");
  assert.is(
    (await refused(registry.list(configMaps, { fields }))).message,
    '"spec.color" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
});

test("list() refuses a token that is mangled or belongs to another list", async ({ registry }) => {
  await fill(registry, 5);
  const { continue: token } = await registry.list(configMaps, { limit: 2 });
  assert.is((await registry.list(configMaps, { limit: 2, continue: token! })).items[0]!.name, "m002");
  for (
    const query of [{ continue: "rubbish" }, { continue: token!.slice(0, -4) }, { continue: token!, namespace: "default" }, {
      continue: token!,
      labels: parseLabels("a=b"),
    }]
  ) {
    const error = await refused(registry.list(configMaps, query));
    assert.equal([error.code, error.message.slice(0, 26)], [400, "continue key is not valid:"]);
  }
});

test("list() says when a page is too old, and offers to go on in the newest state", async ({ registry, store }) => {
  await fill(registry, 6);
  const first = await registry.list(configMaps, { limit: 2 });
  await make(registry, "m003b");
  await store.compact(registry.revision());
  const error = await refused(registry.list(configMaps, { limit: 2, continue: first.continue! }));
  assert.equal([error.code, error.reason], [410, "Expired"]);
  assert.match(error.message, /^The provided continue parameter is too old to display a consistent list result\./);
  const rest = await registry.list(configMaps, { continue: error.status().metadata.continue as string });
  assert.equal(rest.items.map((item) => item.name), ["m002", "m003", "m003b", "m004", "m005"]);
});

test("list() heeds resourceVersion and resourceVersionMatch", async ({ registry, store }) => {
  const { revision } = await make(registry, "a");
  await make(registry, "b");
  const names = async (query: ListQuery) => (await registry.list(configMaps, query)).items.map((item) => item.name).join();
  assert.is(await names({ resourceVersion: "0" }), "a,b");
  assert.is(await names({ resourceVersion: String(revision) }), "a,b");
  assert.is(await names({ resourceVersion: String(revision), match: "NotOlderThan", limit: 5 }), "a,b");
  assert.is(await names({ resourceVersion: String(revision), match: "Exact" }), "a");
  assert.is(await names({ resourceVersion: String(revision), limit: 5 }), "a", "a limit without match means Exact");
  const future = await refused(registry.list(configMaps, { resourceVersion: "9999" }));
  assert.equal([future.code, future.details!.causes![0]!.reason], [504, "ResourceVersionTooLarge"]);
  assert.match(future.message, /^Timeout: Too large resource version: 9999, current: \d+$/);
  await store.compact(registry.revision());
  assert.is((await refused(registry.list(configMaps, { resourceVersion: String(revision), match: "Exact" }))).reason, "Expired");
  assert.is((await refused(registry.list(configMaps, { match: "Exact" }))).code, 422);
  assert.is((await refused(registry.list(configMaps, { resourceVersion: "0", match: "Exact" }))).code, 422);
  assert.is((await refused(registry.list(configMaps, { resourceVersion: "-1" }))).code, 422);
});
