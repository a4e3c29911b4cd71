import * as assert from "uvu/assert";
import { podDisruptionBudgets } from "../../../shared/api/kinds/pod_disruption_budget.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("eviction", { setup: () => openApi(), teardown: (api) => api.close() });
const space = "/api/v1/namespaces/default/pods";

/** Pods as their nodes report them. */
async function running({ registry }: ApiContext, names: readonly string[], { ready = true, phase = "Running" } = {}): Promise<void> {
  for (const name of names) {
    const spec = { nodeName: "pi-1", containers: [{ name: "a", image: "web:1" }] };
    await registry.create(pods, { metadata: { name, namespace: "default", labels: { app: "web" } }, spec } as never);
    const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
    await registry.modify(
      pods,
      { namespace: "default", name },
      (pod) => void (pod.status = { ...pod.status, phase, conditions } as never),
      {
        subresource: "status",
      },
    );
  }
}
/** A budget as its controller has left it. */
async function budget({ registry }: ApiContext, name: string, status: object, spec: object = {}): Promise<void> {
  const selector = { matchLabels: { app: "web" } };
  await registry.create(podDisruptionBudgets, { metadata: { name, namespace: "default" }, spec: { selector, ...spec } });
  await registry.modify(podDisruptionBudgets, { namespace: "default", name }, (object) => void (object.status = status), {
    subresource: "status",
  });
}
const seen = { observedGeneration: 1, expectedPods: 3, currentHealthy: 3, desiredHealthy: 2 };
const evict = (api: ApiContext, name: string, deleteOptions: object = {}) =>
  ask(api, "POST", `${space}/${name}/eviction`, {
    body: { kind: "Eviction", apiVersion: "policy/v1", metadata: { name, namespace: "default" }, deleteOptions },
  });
const statusOf = async ({ registry }: ApiContext) =>
  (await registry.get(podDisruptionBudgets, { namespace: "default", name: "web" })).object.status!;
const podOf = async (api: ApiContext, name: string) => (await ask(api, "GET", `${space}/${name}`)).body;

test("takes from the budget, and tells the pod why it goes", async (api) => {
  await running(api, ["a", "b", "c"]);
  await budget(api, "web", { ...seen, disruptionsAllowed: 1 });
  const tried = await evict(api, "a", { dryRun: ["All"] });
  assert.equal([tried.status, (await statusOf(api)).disruptionsAllowed], [201, 1]);
  const { status, body } = await evict(api, "a");
  assert.equal([status, body.status], [201, "Success"]);
  const { metadata, status: { conditions } } = await podOf(api, "a");
  assert.ok(metadata.deletionTimestamp);
  const target = conditions.find(({ type }: { type: string }) => type === "DisruptionTarget");
  assert.equal([target.status, target.reason], ["True", "EvictionByEvictionAPI"]);
  const { disruptionsAllowed, disruptedPods, conditions: said } = await statusOf(api);
  assert.equal([disruptionsAllowed, Object.keys(disruptedPods ?? {}), said?.[0]?.reason], [0, ["a"], "InsufficientPods"]);
  const refused = await evict(api, "b");
  assert.equal([refused.status, refused.body.reason, refused.body.message, refused.body.details.causes], [
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    [{ reason: "DisruptionBudget", message: "The disruption budget web needs 2 healthy pods and has 3 currently" }],
  ]);
});
test("of many who ask for the last one, one gets it", async (api) => {
  const names = ["a", "b", "c", "d", "e"];
  await running(api, names);
  await budget(api, "web", { ...seen, disruptionsAllowed: 1 });
  const answers = await Promise.all(names.map((name) => evict(api, name)));
  assert.equal(answers.map(({ status }) => status).sort(), [201, 429, 429, 429, 429]);
});
test("nobody goes before the budget has been counted", async (api) => {
  await running(api, ["a"]);
  await budget(api, "web", {});
  const { status, headers, body } = await evict(api, "a");
  assert.equal([status, headers.get("retry-after"), body.details.causes[0].message], [
    429,
    "10",
    "The disruption budget web is still being processed by the server.",
  ]);
});
test("what is not ready goes if the others are enough, or if the budget says so", async (api) => {
  await running(api, ["a", "b"], { ready: false });
  await budget(api, "web", { ...seen, currentHealthy: 1, disruptionsAllowed: 0 });
  assert.is((await evict(api, "a")).status, 429);
  await api.registry.modify(
    podDisruptionBudgets,
    { namespace: "default", name: "web" },
    ({ status }) => void (status!.currentHealthy = 2),
    {
      subresource: "status",
    },
  );
  assert.is((await evict(api, "a")).status, 201);
  await api.registry.delete(podDisruptionBudgets, { namespace: "default", name: "web" });
  await budget(api, "web", { ...seen, currentHealthy: 0, disruptionsAllowed: 0 }, { unhealthyPodEvictionPolicy: "AlwaysAllow" });
  assert.is((await evict(api, "b")).status, 201);
});
test("what has not begun, or has ended, is nobody's loss; two budgets for one pod are a mistake", async (api) => {
  await running(api, ["a"], { phase: "Succeeded" });
  await running(api, ["b"]);
  await budget(api, "web", { ...seen, disruptionsAllowed: 0 });
  assert.is((await evict(api, "a")).status, 201);
  assert.is((await evict(api, "b", { preconditions: { uid: "other" } })).status, 429);
  await budget(api, "more", { ...seen, disruptionsAllowed: 1 });
  const { status, body } = await evict(api, "b");
  assert.equal([status, body.message], [
    500,
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  ]);
});
test("another pod of the name is left alone", async (api) => {
  await running(api, ["a"]);
  assert.is((await evict(api, "a", { preconditions: { uid: "other" } })).status, 409);
  assert.is((await podOf(api, "a")).metadata.deletionTimestamp, undefined);
});
