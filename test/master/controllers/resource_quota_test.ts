import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { resourceQuotas } from "../../../shared/api/kinds/resource_quota.ts";
import { seeded, sleep, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { runController } from "../../../master/controllers/controller.ts";
import { createRecorder } from "../../../master/controllers/events.ts";
import { resourceQuotaController } from "../../../master/controllers/resource_quota.ts";
import { startCache } from "../../../master/registry/cache.ts";
import type { Registry } from "../../../master/registry/registry.ts";
import { pod } from "../../kit/admission.ts";
import { until } from "../../kit/cluster.ts";
import { closeRegistry, openRegistry } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("resourceQuotaController()", {
  async setup() {
    const context = await openRegistry(), ended = new AbortController(), clock = systemClock;
    const { registry, store } = context, cache = await startCache({ store, kinds, log: silentLog }, ended.signal);
    const recorder = createRecorder({ registry, clock, log: silentLog }, "test");
    const needs = { registry, cache, clock, random: seeded(1), log: silentLog, recorder };
    const running = runController(resourceQuotaController(clock), needs, ended.signal);
    const stop = async () => {
      ended.abort();
      await Promise.all([running, cache.stopped]);
      await closeRegistry(context);
    };
    return { registry, cache, stop };
  },
  teardown: ({ stop }) => stop(),
  timeoutMs: 30_000,
});

const namespace = "default";
const quota = (registry: Registry, hard: Record<string, string>) =>
  registry.create(resourceQuotas, { metadata: { name: "q", namespace }, spec: { hard } });
const named = (name: string) => ({ ...pod(), metadata: { name, namespace } }) as never;

test("what was there before the quota counts, and what goes, or has ended, no more", async ({ registry, cache }) => {
  const status = () => cache.get(resourceQuotas, namespace, "q")?.object.status;
  const shows = (hard: object, used: object) =>
    until(cache, "the status", () => JSON.stringify(status()) === JSON.stringify({ hard, used }));
  for (const name of ["a", "b", "c"]) await registry.create(pods, named(name));
  const hard = { "count/pods": "9", pods: "3" };
  await quota(registry, hard);
  await shows(hard, { "count/pods": "3", pods: "3" });
  await registry.modify(pods, { namespace, name: "a" }, (it) => void (it.status = { ...it.status, phase: "Succeeded" }), {
    subresource: "status",
  });
  await shows(hard, { "count/pods": "3", pods: "2" });
  await registry.delete(pods, { namespace, name: "b" });
  await shows(hard, { "count/pods": "2", pods: "1" });
  await registry.create(pods, named("d"));
  await shows(hard, { "count/pods": "3", pods: "2" });
  await registry.modify(resourceQuotas, { namespace, name: "q" }, (it) => void (it.spec = { hard: { pods: "1" } }));
  await shows({ pods: "1" }, { pods: "2" });
});

test("however fast things come and go, in the end the count is right, and there were never more than may be", async ({ registry, cache }) => {
  const live = () => [...cache.list(configMaps, namespace)].length;
  let most = 0;
  const unsubscribe = cache.subscribe(() => most = Math.max(most, live()));
  await quota(registry, { configmaps: "5" });
  await until(
    cache,
    "the first count",
    () => cache.get(resourceQuotas, namespace, "q")?.object.status?.used?.configmaps === "0",
  );
  const random = seeded(5);
  await Promise.all(Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; i < 15; i++) {
      const name = `m${writer}-${i}`;
      const made = await registry.create(configMaps, { metadata: { name, namespace } }).then(() => true, () => false);
      if (!made) await sleep(systemClock, 5);
      else if (random() < 0.8) await registry.delete(configMaps, { namespace, name });
    }
  }));
  await until(
    cache,
    "the last count",
    () => cache.get(resourceQuotas, namespace, "q")?.object.status?.used?.configmaps === String(live()),
  );
  assert.ok(most >= 2 && most <= 5, `${most} at once`);
  // What is left can be had, and no more.
  const more = Array.from(
    { length: 10 },
    (_, i) => registry.create(configMaps, { metadata: { name: `last-${i}`, namespace } }).catch(() => {}),
  );
  await Promise.all(more);
  await until(cache, "the cache to be full", () => live() === 5);
  unsubscribe();
  assert.equal([most, (await registry.list(configMaps, { namespace })).items.length], [5, 5]);
});
