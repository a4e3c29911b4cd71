import * as assert from "uvu/assert";
import { eventually, openNode, podObject, setOf, type TestNode } from "../../kit/pods.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<{ node: TestNode }>("createPods", {
  setup: async () => ({ node: await openNode({ writeLogs: true }) }),
  teardown: ({ node }) => node.close(),
});
const phases = (node: TestNode, uid: string) =>
  node.reports.filter((report) => report.uid === uid).map(({ state }) => state?.phase as string | undefined);
const status = (node: TestNode, uid: string) => node.pods.local.get(uid)?.status;

test("a pod of the set runs, has an address, and is ready", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web")));
  await node.pods.settled();
  const now = status(node, "uid-web")!;
  assert.is(now.phase, "Running");
  assert.match(now.podIP!, /^10\.201\.1\.\d+$/);
  assert.is(now.conditions!.find(({ type }) => type === "Ready")?.status, "True");
  assert.is(now.containerStatuses![0]!.restartCount, 0);
  assert.ok(now.containerStatuses![0]!.state!.running!.startedAt);
  assert.equal(phases(node, "uid-web").filter((phase, i, all) => phase !== all[i - 1]), ["Pending", "Running"]);
});

test("nothing is written to the engine for a set that is as it was, nor by an agent that starts beside it", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web"), podObject("db")));
  await node.pods.settled();
  const writes = node.runtime.writes;
  node.pods.setDesired(setOf(2, podObject("web"), podObject("db")));
  await node.pods.settled();
  await node.stop();
  await node.start();
  node.pods.setDesired(setOf(2, podObject("web"), podObject("db")));
  await node.pods.settled();
  assert.is(node.runtime.writes, writes);
  assert.is(status(node, "uid-web")?.phase, "Running");
});

test("a pod that left the set is stopped and leaves nothing", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web"), podObject("db")));
  await node.pods.settled();
  node.pods.setDesired(setOf(2, podObject("db")));
  await node.pods.settled();
  await eventually("gone", () => node.reports.some(({ uid, gone }) => uid === "uid-web" && gone));
  assert.equal((await node.runtime.observe()).sandboxes.map(({ podName }) => podName), ["db"]);
});
