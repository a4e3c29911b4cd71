import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { resourceQuotas } from "../../../shared/api/kinds/resource_quota.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { createRegistry, type Registry } from "../../../master/registry/registry.ts";
import { pod } from "../../kit/admission.ts";
import { closeRegistry, openRegistry } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("registry quotas", { setup: () => openRegistry(), teardown: closeRegistry, timeoutMs: 30_000 });

async function quota(registry: Registry, name: string, hard: Record<string, string>, used: Record<string, string>): Promise<void> {
  const { object } = await registry.create(resourceQuotas, { metadata: { name, namespace: "default" }, spec: { hard } });
  await registry.update(resourceQuotas, { ...object, status: { hard, used } }, { subresource: "status" });
}
const usedOf = async (registry: Registry, name: string) =>
  (await registry.get(resourceQuotas, { namespace: "default", name })).object.status!.used;
const outcome = (writing: Promise<unknown>): Promise<string> =>
  writing.then(
    () => "in",
    (error) => error instanceof ApiError ? `${error.code} ${error.message.split(": ").slice(1, 3).join(": ")}` : String(error),
  );
const count = (all: readonly string[], wanted: string): number => all.filter((one) => one === wanted).length;

test("of twenty writers at once, through three masters, ten get in where there is room for ten", async ({ registry, store }) => {
  const others = [2, 3].map((seed) => createRegistry({ store, clock: systemClock, random: seeded(seed), log: silentLog, kinds }));
  const masters = [registry, ...others];
  await quota(registry, "q", { pods: "10" }, { pods: "0" });
  const all = await Promise.all(
    Array.from(
      { length: 20 },
      (_, i) => outcome(masters[i % 3]!.create(pods, { ...pod(), metadata: { name: `p${i}`, namespace: "default" } } as never)),
    ),
  );
  assert.equal([count(all, "in"), count(all, "403 exceeded quota: q, requested")], [10, 10], all.join("\n"));
  assert.is((await registry.list(pods, { namespace: "default" })).items.length, 10);
  assert.equal(await usedOf(registry, "q"), { pods: "10" });
});

test("a write that is refused by one quota takes nothing of another", async ({ registry }) => {
  await quota(registry, "a", { configmaps: "2" }, { configmaps: "0" });
  await quota(registry, "b", { "count/configmaps": "1" }, { "count/configmaps": "0" });
  const map = (name: string) => registry.create(configMaps, { metadata: { name, namespace: "default" } });
  assert.equal([await outcome(map("one")), await outcome(map("two")), await outcome(map("one"))], [
    "in",
    "403 exceeded quota: b, requested",
    "403 exceeded quota: b, requested",
  ]);
  assert.equal([await usedOf(registry, "a"), await usedOf(registry, "b")], [{ configmaps: "1" }, { "count/configmaps": "1" }]);
});

test("a name that is taken costs nothing, nor does a dry run, which is refused all the same", async ({ registry }) => {
  await quota(registry, "q", { configmaps: "2" }, { configmaps: "0" });
  const map = (name: string, dryRun = false) => registry.create(configMaps, { metadata: { name, namespace: "default" } }, { dryRun });
  await map("one");
  assert.match(await outcome(map("one")), /^409/);
  assert.is(await outcome(map("two", true)), "in");
  assert.equal(await usedOf(registry, "q"), { configmaps: "1" });
  await map("two");
  assert.is(await outcome(map("three", true)), "403 exceeded quota: q, requested");
});

test("an update pays for what it adds", async ({ registry }) => {
  await quota(registry, "q", { "services.nodeports": "2" }, { "services.nodeports": "0" });
  const service = { metadata: { name: "s", namespace: "default" }, spec: { ports: [{ name: "a", port: 1 }, { name: "b", port: 2 }] } };
  await registry.create(services, service as never);
  const become = (spec: object) =>
    outcome(registry.modify(services, { namespace: "default", name: "s" }, (it) => void Object.assign(it.spec!, spec)));
  assert.is(await become({ type: "NodePort" }), "in");
  assert.equal(await usedOf(registry, "q"), { "services.nodeports": "2" });
  assert.is(await become({ ports: [1, 2, 3].map((port) => ({ name: `p${port}`, port })) }), "403 exceeded quota: q, requested");
  assert.is(await become({ selector: { app: "web" } }), "in", "what adds nothing is not asked");
});
