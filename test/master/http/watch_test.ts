import * as assert from "uvu/assert";
import { pullStream } from "../../../master/http/pull_stream.ts";
import { createRegistry } from "../../../master/registry/registry.ts";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { KindSet } from "../../../master/registry/kind_set.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { watchBookmarkMs, watchKeepAliveMs, watchStallMs } from "../../../shared/limits.ts";
import { HandCrankedClock, seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite<ApiContext & { clock: HandCrankedClock }>("a watch", {
  async setup() {
    const clock = new HandCrankedClock();
    return { ...await openApi({ clock }), clock };
  },
  teardown: (api) => api.close(),
});
const maps = "/api/v1/namespaces/default/configmaps";
const make = (api: ApiContext, name: string, labels = {}) =>
  api.registry.create(configMaps, { metadata: { name, namespace: "default", labels } });
const table = { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" };

/** A watch whose lines can be taken one by one. */
async function open({ app }: Pick<ApiContext, "app">, query: string, headers: Record<string, string> = {}) {
  const response = await app.request(`${maps}?watch=true&${query}`, { headers });
  assert.is(response.status, 200);
  assert.is(response.headers.get("content-type"), "application/json");
  const reader = response.body!.getReader(), decoder = new TextDecoder();
  let text = "";
  const raw = async (): Promise<string | undefined> => {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
    const end = text.indexOf("\n"), line = text.slice(0, end);
    text = text.slice(end + 1);
    return line;
  };
  return {
    raw,
    // deno-lint-ignore no-explicit-any
    next: async (): Promise<any> => {
      const line = await raw();
      return line === undefined ? undefined : JSON.parse(line);
    },
    close: () => reader.cancel(),
  };
}
/** Something to iterate over, by its next() alone. */
const source = (next: () => Promise<IteratorResult<never>>): AsyncIterable<never> => ({ [Symbol.asyncIterator]: () => ({ next }) });
const brief = (event: { type: string; object: { metadata: { name: string } } }) => `${event.type} ${event.object.metadata.name}`;

test("a watch without a version begins with what is there; with one, with what comes after", async (api) => {
  const a = await make(api, "a");
  await make(api, "b");
  const whole = await open(api, ""), zero = await open(api, "resourceVersion=0"), later = await open(api, `resourceVersion=${a.revision}`);
  assert.equal([brief(await whole.next()), brief(await whole.next())], ["ADDED a", "ADDED b"]);
  assert.equal([brief(await zero.next()), brief(await zero.next())], ["ADDED a", "ADDED b"]);
  assert.is(brief(await later.next()), "ADDED b");
  await api.registry.modify(configMaps, a, (map) => ({ ...map, data: { x: "1" } }));
  const gone = await api.registry.delete(configMaps, a);
  for (const watch of [whole, zero, later]) {
    const modified = await watch.next(), deleted = await watch.next();
    assert.equal([brief(modified), modified.object.data], ["MODIFIED a", { x: "1" }]);
    assert.equal([brief(deleted), deleted.object.metadata.resourceVersion], ["DELETED a", String(gone.stored.revision)]);
    await watch.close();
  }
});

test("an object that enters the selector is added, one that leaves it is deleted", async (api) => {
  const stored = await make(api, "a", { app: "web" });
  const watch = await open(api, `labelSelector=app%3Dweb&resourceVersion=${stored.revision}`);
  await api.registry.modify(configMaps, stored, (map) => ({ ...map, metadata: { ...map.metadata, labels: { app: "other" } } }));
  await api.registry.modify(configMaps, stored, (map) => ({ ...map, metadata: { ...map.metadata, labels: { app: "web" } } }));
  assert.equal([brief(await watch.next()), brief(await watch.next())], ["DELETED a", "ADDED a"]);
  await watch.close();
});

test("a table's columns stand in its first event only", async (api) => {
  await make(api, "a");
  await make(api, "b");
  const watch = await open(api, "", table);
  const first = (await watch.next()).object, second = (await watch.next()).object;
  assert.equal([first.kind, first.columnDefinitions.length, first.rows[0].cells.slice(0, 2)], ["Table", 3, ["a", 0]]);
  assert.equal([second.columnDefinitions.length, second.rows[0].object.kind, second.rows[0].object.metadata.name], [
    0,
    "PartialObjectMetadata",
    "b",
  ]);
  await watch.close();
});

test("sendInitialEvents marks the end of what was there", async (api) => {
  const { revision } = await make(api, "a");
  const watch = await open(api, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=1");
  assert.is(brief(await watch.next()), "ADDED a");
  assert.equal(await watch.next(), {
    type: "BOOKMARK",
    object: {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { resourceVersion: String(revision), creationTimestamp: null, annotations: { "k8s.io/initial-events-end": "true" } },
    },
  });
  await watch.close();
  for (
    const query of [
      "sendInitialEvents=true",
      "resourceVersionMatch=NotOlderThan",
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    ]
  ) {
    assert.is((await ask(api, "GET", `${maps}?watch=true&${query}`)).status, 422, query);
  }
  assert.is((await ask(api, "GET", `${maps}?watch=true&fieldSelector=bogus%3D1`)).status, 400);
  assert.is((await ask(api, "GET", `${maps}?watch=true&resourceVersion=x`)).status, 400);
});

test("a silent watch sends empty lines, bookmarks if they were asked for, and a last one at its end", async (api) => {
  const { revision } = await make(api, "a");
  const watch = await open(api, "allowWatchBookmarks=true&timeoutSeconds=70");
  assert.is(brief(await watch.next()), "ADDED a");
  const lines: string[] = [];
  for (let passed = 0; passed < 75_000; passed += watchKeepAliveMs) {
    const coming = watch.raw();
    await new Promise((resolve) => setTimeout(resolve, 5));
    api.clock.advance(watchKeepAliveMs);
    lines.push(await coming ?? "end");
  }
  assert.equal(lines.slice(0, 3), ["", "", ""]);
  for (const at of [3, 4]) assert.is(JSON.parse(lines[at]!).object.metadata.resourceVersion, String(revision), String(at));
  assert.is(await watch.raw(), undefined);
  assert.ok(watchBookmarkMs === 60_000);
});

test("what is too old is an ERROR event with 410, and the end", async () => {
  const registry = {
    revision: () => 9,
    watch: () => source(() => Promise.reject(new ApiError("Expired", "too old resource version: 1 (1000)"))),
  } as unknown as ReturnType<typeof createRegistry>;
  const api = await openApi({ registry, kinds: new KindSet(kinds) });
  const watch = await open(api, "resourceVersion=1"), event = await watch.next();
  assert.equal([event.type, event.object.code, event.object.reason, event.object.message], [
    "ERROR",
    410,
    "Expired",
    "too old resource version: 1 (1000)",
  ]);
  assert.is(await watch.next(), undefined);
  await api.close();
});

test("a client that does not read holds nothing but one batch, and is cut", async () => {
  let taken = 0, stopped = 0;
  const endless = (async function* () {
    for (;;) {
      taken++;
      yield new Uint8Array(1000);
    }
  })();
  const clock = new HandCrankedClock(), stream = pullStream(endless, clock, () => stopped++);
  const reader = stream.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(taken <= 2, `taken ${taken}`);
  clock.advance(watchStallMs);
  assert.is(stopped, 1);
  assert.match((await rejects(reader.read())).message, /has read nothing for 120000 ms/);
});

test("a watch ends when the server stops, and when the client goes", async () => {
  const stopping = new AbortController();
  let ended = 0;
  const registry = {
    revision: () => 1,
    watch: (_kind: unknown, _query: unknown, signal: AbortSignal) =>
      source(async () => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        ended++;
        return { done: true, value: undefined };
      }),
  } as unknown as ReturnType<typeof createRegistry>;
  const api = await openApi({ registry, stopping: stopping.signal, clock: systemClock, random: seeded(1), log: silentLog });
  const first = await open(api, ""), second = await open(api, "");
  const left = second.raw();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const one = first.raw();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await first.close();
  await one;
  assert.is(ended, 1);
  stopping.abort();
  assert.is(await left, undefined);
  assert.is(ended, 2);
  await api.close();
});
