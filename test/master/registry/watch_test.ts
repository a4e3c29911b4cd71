import * as assert from "uvu/assert";
import { type ConfigMap, configMaps } from "../../../shared/api/kinds/configmap.ts";
import { parseLabels } from "../../../shared/api/selector.ts";
import { seeded } from "../../../shared/util/clock.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import type { Registry, Stored, WatchEvent } from "../../../master/registry/registry.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite<RegistryContext>("registry watch", { setup: openRegistry, teardown: closeRegistry, timeoutMs: 20_000 });

type Query = Parameters<Registry["watch"]>[1];
/** Events up to and including the first at `until` or behind it. */
async function watched(registry: Registry, query: Query, until: number): Promise<WatchEvent<ConfigMap>[]> {
  const seen: WatchEvent<ConfigMap>[] = [], stop = new AbortController();
  for await (const batch of registry.watch(configMaps, query, stop.signal)) {
    seen.push(...batch);
    if (batch.at(-1)!.revision >= until) break;
  }
  stop.abort();
  return seen;
}
const make = (registry: Registry, name: string, labels: Record<string, string> = {}) =>
  registry.create(configMaps, { metadata: { name, namespace: "default", labels } });
const label = (registry: Registry, name: string, labels: Record<string, string>) =>
  registry.modify(configMaps, { namespace: "default", name }, (object) => ({ ...object, metadata: { ...object.metadata, labels } }));
const told = (events: readonly WatchEvent<ConfigMap>[]) =>
  events.map((event) => event.type === "BOOKMARK" ? event.type : `${event.type} ${event.stored.name}`);

test("watch() from any revision turns the list of then into the list of now", async ({ registry }) => {
  const random = seeded(11), revisions = [registry.revision()];
  for (let step = 0; step < 120; step++) {
    const name = `m${Math.floor(random() * 8)}`, dice = random(), key = { namespace: "default", name };
    const labels = { tier: random() < 0.5 ? "a" : "b" };
    const work = dice < 0.4 ? make(registry, name, labels) : dice < 0.75 ? label(registry, name, labels) : registry.delete(configMaps, key);
    await work.catch(() => {});
    revisions.push(registry.revision());
  }
  const end = await make(registry, "end", { tier: "a" }); // in every selection, so every watch can know its end
  for (const labels of [[], parseLabels("tier=a")]) {
    const now = await registry.list(configMaps, { labels });
    for (const from of new Set(revisions)) {
      const then = await registry.list(configMaps, { labels, resourceVersion: String(from), match: "Exact" });
      const state = new Map(then.items.map((item) => [item.name, item.revision]));
      let previous = from;
      for (const event of await watched(registry, { labels, from }, end.revision)) {
        if (event.type === "BOOKMARK") throw new Error("nobody asked for bookmarks");
        assert.ok(event.revision > previous, "in order, none twice");
        previous = event.revision;
        const { name, revision } = event.stored;
        assert.is(state.has(name), event.type !== "ADDED", `${event.type} ${name} from ${from}`);
        if (event.type === "DELETED") state.delete(name);
        else state.set(name, revision);
      }
      assert.equal([...state].sort(), now.items.map((item) => [item.name, item.revision]));
    }
  }
  assert.ok(new Set(revisions).size > 40);
});

test("watch() without a revision begins with what is there, then a bookmark, then what happens", async ({ registry }) => {
  await make(registry, "a");
  await make(registry, "b");
  const stop = new AbortController(), seen: WatchEvent<ConfigMap>[] = [];
  let later: Promise<Stored<ConfigMap>> | undefined;
  for await (const batch of registry.watch(configMaps, {}, stop.signal)) {
    seen.push(...batch);
    if (batch[0]!.type === "BOOKMARK") later = make(registry, "c");
    else if (later) break;
  }
  assert.equal(told(seen), ["ADDED a", "ADDED b", "BOOKMARK", "ADDED c"]);
  assert.is(seen[2]!.revision, (await later!).revision - 1);
});

test("watch() tells a selector's watcher who enters and who leaves", async ({ registry }) => {
  const from = registry.revision();
  await make(registry, "a", { app: "web" });
  await label(registry, "a", { app: "other" });
  await label(registry, "a", { app: "still-other" });
  const back = await label(registry, "a", { app: "web" });
  await label(registry, "a", { app: "web", x: "1" });
  const { stored } = await registry.delete(configMaps, { namespace: "default", name: "a" });
  const events = await watched(registry, { labels: parseLabels("app=web"), from }, stored.revision);
  assert.equal(told(events), ["ADDED a", "DELETED a", "ADDED a", "MODIFIED a", "DELETED a"]);
  assert.is(events[2]!.revision, back.revision);
  const gone = events.at(-1)!;
  assert.equal(gone.type !== "BOOKMARK" && [gone.stored.revision, gone.stored.labels], [stored.revision, { app: "web", x: "1" }]);
});

test("watch() of one name hears of that name only", async ({ registry }) => {
  const from = registry.revision();
  await make(registry, "web-2");
  const last = await make(registry, "web");
  const fields = [{ field: "metadata.name", equal: true, value: "web" }];
  assert.equal(told(await watched(registry, { namespace: "default", fields, from }, last.revision)), ["ADDED web"]);
});

test("watch() from a compacted revision is Expired", async ({ registry, store }) => {
  const from = registry.revision();
  await make(registry, "a");
  await make(registry, "b");
  await store.compact(registry.revision());
  const error = await rejects(watched(registry, { from }, Infinity)) as ApiError;
  assert.equal([error.code, error.message], [410, `too old resource version: ${from} (${registry.revision()})`]);
});

test("watch() decodes a change once for all its watchers", async ({ registry }) => {
  const stop = new AbortController(), from = registry.revision();
  const first = async () => {
    for await (const [event] of registry.watch(configMaps, { from }, stop.signal)) return event!.type !== "BOOKMARK" && event!.stored;
  };
  const watchers = [first(), first(), first()];
  await make(registry, "a");
  const [one, ...others] = await Promise.all(watchers);
  stop.abort();
  assert.ok(one && others.every((other) => other === one));
});

test("watch() ends with its signal", async ({ registry }) => {
  const stop = new AbortController();
  const ended = (async () => {
    for await (const _ of registry.watch(configMaps, { from: registry.revision() }, stop.signal));
    return true;
  })();
  stop.abort();
  assert.is(await ended, true);
});
