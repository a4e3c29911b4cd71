import * as assert from "uvu/assert";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { podDisruptionBudgets } from "../../../shared/api/kinds/pod_disruption_budget.ts";
import { planBudget, type ScaleOf } from "../../../master/controllers/disruption.ts";
import type { StoredPod } from "../../../master/controllers/pods_of.ts";
import { evictionBelievedMs } from "../../../shared/limits.ts";
import { type Cluster, openCluster, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("planBudget()");
const now = Date.parse("2026-06-01T12:00:00Z");
interface Given {
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly owner?: string;
}
const pod = (name: string, { ready = true, deleting = false, owner = "web" }: Given = {}): StoredPod =>
  ({
    name,
    deleting,
    object: {
      metadata: { name, ...owner && { ownerReferences: [{ controller: true, uid: owner }] } },
      status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
    },
  }) as never;
const three = [pod("a"), pod("b"), pod("c")];
const scaleOf: ScaleOf = ({ object }) => {
  const { uid } = object.metadata!.ownerReferences![0]!;
  return uid === "job" ? undefined : { uid, replicas: uid === "web" ? 3 : 1 };
};
const plan = (spec: object, mine: readonly StoredPod[], status: object = {}, at = now) => {
  const planned = planBudget({ metadata: { generation: 4 }, spec, status }, mine, scaleOf, at);
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = planned;
  return { planned, counts: [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods] };
};

test("a number that must stay", () => {
  assert.equal(plan({ minAvailable: 2 }, three).counts, [1, 3, 2, 3]);
  assert.equal(plan({ minAvailable: 2 }, [...three.slice(0, 2), pod("c", { ready: false })]).counts, [0, 2, 2, 3]);
  assert.equal(plan({ minAvailable: 2 }, [...three, pod("d", { deleting: true })]).counts, [1, 3, 2, 4]);
  assert.equal(plan({ minAvailable: 0 }, []).counts, [0, 0, 0, 0]);
});
test("what may be away is reckoned from what there should be, not from what there is", () => {
  assert.equal(plan({ maxUnavailable: 1 }, three).counts, [1, 3, 2, 3]);
  assert.equal(plan({ maxUnavailable: 1 }, three.slice(0, 2)).counts, [0, 2, 2, 3]);
  assert.equal(plan({ maxUnavailable: "50%" }, three).counts, [2, 3, 1, 3], "rounded up");
  assert.equal(plan({ minAvailable: "50%" }, three).counts, [1, 3, 2, 3], "rounded up");
  assert.equal(plan({ maxUnavailable: 1 }, [...three, pod("d", { owner: "db" })]).counts, [1, 4, 3, 4], "of two owners");
  assert.equal(plan({ maxUnavailable: 1 }, [...three, pod("d", { owner: "" })]).counts, [2, 4, 2, 3], "one that nobody replaces");
});
test("nobody goes while nobody can tell how many there should be", () => {
  const { planned, counts } = plan({ maxUnavailable: 1 }, [pod("a", { owner: "job" })], { currentHealthy: 1 });
  assert.is(counts[0], 0);
  const { reason, message, status } = planned.conditions![0]!;
  assert.equal([status, reason, message], ["False", "SyncFailed", 'found no controllers for pod "a"']);
});
test("an eviction counts until its pod is seen to go, or should have gone", () => {
  const since = { disruptedPods: { a: "2026-06-01T12:00:00Z", gone: "2026-06-01T12:00:00Z" } };
  const soon = plan({ minAvailable: 1 }, three, since, now + 1000);
  assert.equal([soon.counts, soon.planned.disruptedPods], [[1, 2, 1, 3], { a: "2026-06-01T12:00:00Z" }]);
  const going = plan({ minAvailable: 1 }, [pod("a", { deleting: true }), ...three.slice(1)], since, now + 1000);
  assert.equal([going.counts, going.planned.disruptedPods], [[1, 2, 1, 3], {}]);
  const late = plan({ minAvailable: 1 }, three, since, now + evictionBelievedMs);
  assert.equal([late.counts, late.planned.disruptedPods], [[2, 3, 1, 3], {}]);
});
test("the condition says since when", () => {
  const first = plan({ minAvailable: 2 }, three).planned, [condition] = first.conditions!;
  assert.equal(condition, {
    type: "DisruptionAllowed",
    status: "True",
    reason: "SufficientPods",
    message: "",
    observedGeneration: 4,
    lastTransitionTime: "2026-06-01T12:00:00Z",
  });
  assert.equal(plan({ minAvailable: 2 }, three, first, now + 60_000).planned, first, "nothing to write");
  const [after] = plan({ minAvailable: 3 }, three, first, now + 60_000).planned.conditions!;
  assert.equal([after!.status, after!.reason, after!.lastTransitionTime], ["False", "InsufficientPods", "2026-06-01T12:01:00Z"]);
});

const live = suite<Cluster>("disruptionController", {
  setup: () => openCluster(),
  teardown: (cluster) => cluster.close(),
  timeoutMs: 20_000,
});
live("keeps up with pods, replicas and evictions", async ({ registry, cache }) => {
  const key = { namespace: "default", name: "web" }, metadata = { ...key }, selector = { matchLabels: { app: "web" } };
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image: "v1" }] } };
  const status = () => cache.get(podDisruptionBudgets, "default", "web")?.object.status ?? {};
  const counted = (...counts: number[]) =>
    until(cache, counts.join(), () => {
      const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status();
      return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods].join() === counts.join();
    }, 10_000);
  await registry.create(podDisruptionBudgets, { metadata, spec: { maxUnavailable: 1, selector } });
  await registry.create(deployments, { metadata, spec: { replicas: 3, selector, template } } as never);
  await counted(1, 3, 2, 3);
  await registry.modify(deployments, key, ({ spec }) => void (spec!.replicas = 4));
  await counted(1, 4, 3, 4);
  const [pod] = readyPods(cache);
  await registry.modify(podDisruptionBudgets, key, ({ status }) => {
    status!.disruptedPods = { [pod!.name]: new Date().toISOString() };
    status!.disruptionsAllowed = 0;
  }, { subresource: "status" });
  await registry.delete(pods, pod!);
  await counted(1, 4, 3, 4);
  assert.equal(status().disruptedPods ?? {}, {});
});
