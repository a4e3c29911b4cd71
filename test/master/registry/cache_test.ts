import * as assert from "uvu/assert";
import { type ConfigMap, configMaps } from "../../../shared/api/kinds/configmap.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { type Pod, pods } from "../../../shared/api/kinds/pod.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { type Cache, type Change, startCache } from "../../../master/registry/cache.ts";
import { type ListOptions, type Store, StoreError, type WatchBatch } from "../../../master/store/store.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { rejects, suite } from "../../kit/suite.ts";

interface Context extends RegistryContext {
  cache: Cache & { stopped: Promise<void> };
  stop: AbortController;
}
const test = suite<Context>("registry cache", {
  async setup() {
    const context = await openRegistry(), stop = new AbortController();
    const cache = await startCache({ store: context.store, kinds, log: silentLog }, stop.signal);
    return Object.assign(context, { cache, stop });
  },
  async teardown(context) {
    context.stop.abort();
    await context.cache.stopped;
    await closeRegistry(context);
  },
  timeoutMs: 20_000,
});

const pod = (name: string, nodeName?: string, owner?: string): Pod =>
  ({
    metadata: {
      name,
      namespace: "default",
      ...(owner && { ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: owner }] }),
    },
    spec: { containers: [{ name: "c", image: "i" }], ...(nodeName && { nodeName }) },
  }) as Pod;
const key = (name: string) => ({ namespace: "default", name });
const names = (found: Iterable<{ name: string }>) => [...found].map(({ name }) => name).sort().join();
const within = () => AbortSignal.timeout(5000);

test("waitFor() resolves when the cache shows what was written", async ({ registry, cache }) => {
  const { revision, uid } = await registry.create(pods, pod("a", "pi-1"));
  await cache.waitFor(revision, within());
  assert.is(cache.get(pods, "default", "a")!.revision, revision);
  assert.is(cache.byUid(uid), cache.get(pods, "default", "a"));
  const stop = new AbortController(), waiting = cache.waitFor(revision + 1000, stop.signal);
  stop.abort(new Error("enough"));
  assert.is((await rejects(waiting)).message, "enough");
});

test("byField(), owned() and list() follow every change", async ({ registry, cache }) => {
  assert.is(names(cache.byField(pods, "spec.nodeName", "pi-1")), "");
  await registry.create(pods, pod("a", "pi-1", "rs-1"));
  await registry.create(pods, pod("b", undefined, "rs-1"));
  let { revision } = await registry.create(pods, pod("c", "pi-1"));
  await cache.waitFor(revision, within());
  assert.equal([
    names(cache.byField(pods, "spec.nodeName", "pi-1")),
    names(cache.byField(pods, "spec.nodeName", "")),
    names(cache.owned("rs-1")),
  ], ["a,c", "b", "a,b"]);
  await registry.modify(pods, key("b"), (b) => ({ ...b, spec: { ...b.spec!, nodeName: "pi-2" } }), { subresource: "binding" });
  ({ stored: { revision } } = await registry.delete(pods, key("a"), { gracePeriodSeconds: 0 }));
  await cache.waitFor(revision, within());
  assert.equal([
    names(cache.byField(pods, "spec.nodeName", "pi-1")),
    names(cache.byField(pods, "spec.nodeName", "")),
    names(cache.owned("rs-1")),
  ], ["c", "", "b"]);
  assert.equal([
    names(cache.list(pods)),
    names(cache.list(pods, "default")),
    names(cache.list(pods, "other")),
    names(cache.list(configMaps)),
  ], ["b,c", "b,c", "", ""]);
});

test("subscribe() tells every change once, in revision order, when the indexes show it", async ({ registry, cache }) => {
  const told: string[] = [], revisions: number[] = [];
  const unsubscribe = cache.subscribe(({ kind, before, after }: Change) => {
    const { namespace, name } = (after ?? before)!;
    assert.is(cache.get(kind, namespace, name), after);
    told.push(`${kind.plural} ${name} ${before ? before.revision : "-"} ${after ? after.revision : "-"}`);
    revisions.push(cache.revision);
  });
  const a = await registry.create(configMaps, { metadata: { name: "a", namespace: "default" } });
  const b = await registry.update(configMaps, { metadata: { name: "a", namespace: "default" }, data: { x: "1" } });
  const { stored: c } = await registry.delete(configMaps, key("a"));
  await cache.waitFor(c.revision, within());
  assert.equal(told, [`configmaps a - ${a.revision}`, `configmaps a ${a.revision} ${b.revision}`, `configmaps a ${b.revision} -`]);
  assert.equal(revisions, [a.revision, b.revision, c.revision]);
  unsubscribe();
  await registry.create(configMaps, { metadata: { name: "b", namespace: "default" } });
  await cache.waitFor(registry.revision(), within());
  assert.is(told.length, 3);
});

test("startCache() lists again when compaction has overtaken its watch, and tells the difference", async ({ registry, store }) => {
  // A store whose watch breaks off once, after others have written and compacted.
  let breaks = 0;
  const lossy: Store = Object.assign(Object.create(store) as Store, {
    list: store.list.bind(store),
    async *watch(prefix: string, from: number, options: { signal: AbortSignal }): AsyncIterable<WatchBatch> {
      if (breaks++ === 0) {
        await registry.delete(configMaps, key("gone"));
        await registry.update(configMaps, { metadata: { name: "changed", namespace: "default" }, data: { x: "1" } });
        await registry.create(configMaps, { metadata: { name: "new", namespace: "default" } });
        await store.compact(registry.revision());
      }
      yield* store.watch(prefix, from, options);
    },
  });
  for (const name of ["gone", "changed", "same"]) await registry.create(configMaps, { metadata: { name, namespace: "default" } });
  const stop = new AbortController(), told: string[] = [];
  const cache = await startCache({ store: lossy, kinds, log: silentLog }, stop.signal);
  cache.subscribe(({ before, after }) => told.push(`${(after ?? before)!.name} ${before ? "was" : "new"} ${after ? "is" : "gone"}`));
  const later = await registry.create(configMaps, { metadata: { name: "later", namespace: "default" } });
  await cache.waitFor(later.revision, within());
  await cache.waitFor(registry.revision(), within());
  stop.abort();
  await cache.stopped;
  assert.equal(told.toSorted(), ["changed was is", "gone was gone", "later new is", "new new is"]);
  assert.is(breaks, 2);
});

test("startCache() begins with what this member has where nobody leads, and goes on from there", async ({ registry, store }) => {
  const before = await registry.create(pods, pod("before")), stop = new AbortController();
  const leaderless = Object.assign(Object.create(store) as Store, {
    list: (prefix: string, options?: ListOptions) =>
      options?.serializable ? store.list(prefix, options) : Promise.reject(new StoreError("NoQuorum", "nobody leads")),
    watch: store.watch.bind(store),
  });
  const cache = await startCache({ store: leaderless, kinds, log: silentLog }, stop.signal);
  assert.is(cache.get(pods, "default", "before")!.revision, before.revision);
  const { revision } = await registry.create(pods, pod("after"));
  await cache.waitFor(revision, within());
  assert.is(cache.get(pods, "default", "after")!.revision, revision);
  stop.abort();
  await cache.stopped;
});

test("startCache() mirrors exactly what the store holds after any sequence of writes", async ({ registry, cache }) => {
  const random = seeded(5);
  cache.byField(pods, "spec.nodeName", "pi-0");
  for (let step = 0; step < 150; step++) {
    const name = `p${Math.floor(random() * 12)}`, dice = random();
    const node = `pi-${Math.floor(random() * 3)}`, owner = `rs-${Math.floor(random() * 2)}`;
    const work = dice < 0.5
      ? registry.create(pods, pod(name, node, owner))
      : dice < 0.7
      ? registry.modify(pods, key(name), (p) => ({ ...p, metadata: { ...p.metadata, labels: { step: String(step) } } }))
      : registry.delete(pods, key(name), { gracePeriodSeconds: 0 });
    await work.catch(() => {});
  }
  await cache.waitFor(registry.revision(), within());
  const { items } = await registry.list(pods);
  const shown = (all: Iterable<{ name: string; revision: number }>) => [...all].map((one) => `${one.name} ${one.revision}`).sort();
  assert.equal(shown(cache.list(pods)), shown(items));
  for (const i of [0, 1, 2]) {
    assert.equal(
      shown(cache.byField(pods, "spec.nodeName", `pi-${i}`)),
      shown(items.filter((item) => item.fields["spec.nodeName"] === `pi-${i}`)),
    );
    assert.equal(shown(cache.owned(`rs-${i}`)), shown(items.filter((item) => item.ownerUids.includes(`rs-${i}`))));
  }
  assert.ok(items.length > 2);
});

test("get() of the cache parses nothing until somebody touches the object", async ({ registry, cache }) => {
  const { revision } = await registry.create(configMaps, { metadata: { name: "a", namespace: "default" }, data: { x: "1" } } as ConfigMap);
  await cache.waitFor(revision, within());
  const { parse } = JSON;
  let parsed = 0;
  JSON.parse = (...args) => (parsed++, parse(...args));
  try {
    const stored = cache.get(configMaps, "default", "a")!;
    assert.equal([stored.name, stored.labels, stored.deleting, parsed], ["a", {}, false, 0]);
    assert.equal([stored.object.data, parsed], [{ x: "1" }, 1]);
    assert.is(stored.object, stored.object);
  } finally {
    JSON.parse = parse;
  }
});
