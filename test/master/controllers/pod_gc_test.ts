import * as assert from "uvu/assert";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { nodeGoneMs } from "../../../shared/limits.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { runController } from "../../../master/controllers/controller.ts";
import { createRecorder } from "../../../master/controllers/events.ts";
import { podGc, superfluous } from "../../../master/controllers/pod_gc.ts";
import { startCache } from "../../../master/registry/cache.ts";
import { podsIn, until } from "../../kit/cluster.ts";
import { closeRegistry, openRegistry } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("podGc()", {
  async setup() {
    const context = await openRegistry(), ended = new AbortController(), clock = new HandCrankedClock();
    const { registry, store } = context, cache = await startCache({ store, kinds, log: silentLog }, ended.signal);
    const recorder = createRecorder({ registry, clock, log: silentLog }, "test");
    const running = runController(podGc(clock), { registry, cache, clock, random: seeded(1), log: silentLog, recorder }, ended.signal);
    const stop = async () => {
      ended.abort();
      await Promise.all([running, cache.stopped]);
      await closeRegistry(context);
    };
    return { registry, cache, clock, stop };
  },
  teardown: ({ stop }) => stop(),
});
const pod = (name: string, nodeName: string) =>
  ({ metadata: { name, namespace: "default" }, spec: { nodeName, containers: [{ name: "a", image: "v1" }] } }) as never;

test("pods of a node that is gone go after a while, also those about to end", async ({ registry, cache, clock }) => {
  const node = await registry.create(nodes, { metadata: { name: "a" } });
  await registry.create(nodes, { metadata: { name: "b" } });
  await Promise.all([
    registry.create(pods, pod("one", "a")),
    registry.create(pods, pod("two", "a")),
    registry.create(pods, pod("other", "b")),
  ]);
  await registry.delete(pods, { namespace: "default", name: "two" });
  await registry.delete(nodes, node);
  const { revision } = await registry.create(nodes, { metadata: { name: "c" } });
  await cache.waitFor(revision, new AbortController().signal);
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.advance(nodeGoneMs - 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(podsIn(cache).length, 3, "not at once");
  clock.advance(1);
  await until(cache, "one left", () => podsIn(cache).length === 1);
  assert.is(podsIn(cache)[0]!.name, "other");
});

test("pods of a node that comes back in time stay", async ({ registry, cache, clock }) => {
  const node = await registry.create(nodes, { metadata: { name: "a" } });
  await registry.create(pods, pod("one", "a"));
  await registry.delete(nodes, node);
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.advance(nodeGoneMs - 1);
  await registry.create(nodes, { metadata: { name: "a" } });
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.advance(nodeGoneMs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(podsIn(cache).length, 1);
});

test("superfluous() names the oldest of too many", () => {
  const ended = [3, 1, 2].map((day) =>
    ({ name: String(day), object: { metadata: { creationTimestamp: `2026-01-0${day}T00:00:00Z` } } }) as never
  );
  assert.equal(superfluous(ended, 1).map(({ name }) => name), ["1", "2"]);
  assert.equal(superfluous(ended, 3), []);
});
