import * as assert from "uvu/assert";
import { events } from "../../../shared/api/kinds/event.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { startCache } from "../../../master/registry/cache.ts";
import type { Registry } from "../../../master/registry/face.ts";
import { runScheduler } from "../../../master/scheduler/scheduler.ts";
import { podsIn, until } from "../../kit/cluster.ts";
import { closeRegistry, openRegistry } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("runScheduler()", {
  async setup() {
    const context = await openRegistry(), ended = new AbortController(), said: string[] = [];
    const { registry, store } = context, cache = await startCache({ store, kinds, log: silentLog }, ended.signal);
    let running: Promise<void> = Promise.resolve();
    return {
      registry,
      cache,
      said,
      start(through: Registry = registry) {
        const record = (about: { name: string }, _type: string, reason: string, message: string) =>
          void said.push(`${about.name} ${reason} ${message}`);
        running = runScheduler({ registry: through, cache, clock: systemClock, random: seeded(1), log: silentLog, record }, ended.signal);
      },
      async stop() {
        ended.abort();
        await Promise.all([running, cache.stopped]);
        await closeRegistry(context);
      },
    };
  },
  teardown: ({ stop }) => stop(),
  timeoutMs: 20_000,
});

async function addNode(registry: Registry, name: string, room: { cpu?: string; pods?: string } = {}, ready = "True"): Promise<void> {
  await registry.create(nodes, { metadata: { name } });
  await registry.modify(nodes, { name }, (node) => {
    const allocatable = { cpu: "4", memory: "8Gi", pods: "110", ...room };
    node.status = { allocatable, conditions: [{ type: "Ready", status: ready }] } as never;
  }, { subresource: "status" });
}
const pod = (name: string, spec: object = {}, cpu = "10m") =>
  ({
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "a", image: "v1", resources: { requests: { cpu } } }], ...spec },
  }) as never;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test("a thousand pods get nodes among a hundred, evenly, and none is asked too much", async ({ registry, cache, start }) => {
  await Promise.all(numbers(100).map((i) => addNode(registry, `n${i}`, { pods: "11" })));
  start();
  await Promise.all(numbers(1000).map((i) => registry.create(pods, pod(`p${i}`))));
  await until(cache, "all bound", () => podsIn(cache).every(({ fields }) => fields["spec.nodeName"]), 15_000);
  const load = new Map<string, number>();
  for (const { fields } of podsIn(cache)) load.set(fields["spec.nodeName"]!, (load.get(fields["spec.nodeName"]!) ?? 0) + 1);
  assert.equal([load.size, Math.min(...load.values()), Math.max(...load.values())], [100, 10, 10]);
});

test("what fits nowhere says why, and is placed when there is room", async ({ registry, cache, said, start }) => {
  await addNode(registry, "small", { cpu: "1" });
  await addNode(registry, "away", {}, "Unknown");
  start();
  await registry.create(pods, pod("first", {}, "800m"));
  await until(cache, "bound", () => podsIn(cache).some(({ fields }) => fields["spec.nodeName"] === "small"));
  await registry.create(pods, pod("second", {}, "800m"));
  const scheduled = () => cache.get(pods, "default", "second")?.object.status?.conditions?.find(({ type }) => type === "PodScheduled");
  await until(cache, "refused", () => scheduled()?.status === "False");
  const message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were not ready.";
  assert.equal([scheduled()!.reason, scheduled()!.message], ["Unschedulable", message]);
  assert.ok(said.includes(`second FailedScheduling ${message}`));
  await registry.delete(pods, { namespace: "default", name: "first" }, { gracePeriodSeconds: 0 });
  await until(cache, "placed", () => scheduled()?.status === "True");
  assert.is(cache.get(pods, "default", "second")!.object.spec!.nodeName, "small");
});

test("a parked pod wakes when its node comes, gets a label, or is ready", async ({ registry, cache, start }) => {
  start();
  await registry.create(pods, pod("p", { nodeSelector: { disk: "yes" } }));
  await addNode(registry, "a", {}, "False");
  await registry.modify(nodes, { name: "a" }, (node) => void (node.metadata!.labels = { disk: "yes" }));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.is(podsIn(cache)[0]!.fields["spec.nodeName"], undefined);
  await registry.modify(nodes, { name: "a" }, (node) => {
    node.status!.conditions = [{ type: "Ready", status: "True" }];
  }, { subresource: "status" });
  await until(cache, "placed", () => podsIn(cache)[0]!.fields["spec.nodeName"] === "a");
});

test("a pod is placed once, whatever is written to it meanwhile, and also after a write that failed", async ({ registry, cache, said, start }) => {
  await addNode(registry, "a");
  await addNode(registry, "b");
  let attempts = 0, atOnce = 0, most = 0;
  const flaky: Registry = {
    ...registry,
    async modify(kind, key, change, how) {
      if (how?.subresource !== "binding") return await registry.modify(kind, key, change, how);
      const attempt = String(++attempts);
      most = Math.max(most, ++atOnce);
      try {
        await registry.modify(pods, key, (pod) => void (pod.metadata!.annotations = { attempt }));
        await until(
          cache,
          "heard while it is being bound",
          () => cache.get(pods, "default", "p")!.object.metadata!.annotations!["attempt"] === attempt,
        );
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (attempts <= 3) throw new Error("the store does not take it now");
        return await registry.modify(kind, key, change, how);
      } finally {
        atOnce--;
      }
    },
  };
  start(flaky);
  await registry.create(pods, pod("p"));
  await until(cache, "placed", () => podsIn(cache)[0]?.fields["spec.nodeName"] !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal([attempts, most], [4, 1]);
  assert.equal(said.filter((line) => line.includes("Scheduled")).length, 1);
});

test("a pod that cannot be bound takes nobody's room meanwhile", async ({ registry, cache, start }) => {
  await addNode(registry, "a", { pods: "1" });
  let failed = 0;
  start({
    ...registry,
    async modify(kind, key, change, how) {
      if (how?.subresource === "binding" && key.name === "stuck" && ++failed) throw new Error("the store does not take it now");
      return await registry.modify(kind, key, change, how);
    },
  });
  await registry.create(pods, pod("stuck"));
  while (failed === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await registry.create(pods, pod("next"));
  await until(cache, "placed", () => cache.get(pods, "default", "next")?.fields["spec.nodeName"] === "a");
});

test("pods of another scheduler, with gates, or about to end are not its business", async ({ registry, cache, start }) => {
  await addNode(registry, "a");
  start();
  await registry.create(pods, pod("other", { schedulerName: "mine" }));
  await registry.create(pods, pod("gated", { schedulingGates: [{ name: "skerry.dev/wait" }] }));
  await registry.create(pods, pod("ours"));
  await until(cache, "ours", () => cache.get(pods, "default", "ours")?.fields["spec.nodeName"] === "a");
  assert.equal(podsIn(cache).filter(({ fields }) => fields["spec.nodeName"]).length, 1);
  await registry.modify(pods, { namespace: "default", name: "gated" }, (pod) => void (delete pod.spec!.schedulingGates));
  await until(cache, "gated", () => cache.get(pods, "default", "gated")?.fields["spec.nodeName"] === "a");
  assert.equal([...cache.list(events)], []);
});
