// What pods go through when all goes well.
import { readdir, readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { shortly } from "../../kit/eventually.ts";
import { configMapObject, podObject, setOf } from "../../kit/pods.ts";
import { isGone, main, phases, podsSuite, reasons, settle, sh, status } from "./kit.ts";

const test = podsSuite("createPods");

test("a pod of the set runs, has an address, and is ready", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  const now = status(node, "web")!;
  assert.is(now.phase, "Running");
  assert.match(now.podIP!, /^10\.201\.1\.\d+$/);
  assert.is(now.hostIP, "192.0.2.1");
  assert.is(now.conditions!.find(({ type }) => type === "Ready")?.status, "True");
  assert.is(now.qosClass, "BestEffort");
  assert.is(now.observedGeneration, 1);
  const { restartCount, state, containerID, started, ready } = main(node, "web")!;
  assert.equal([restartCount, started, ready], [0, true, true]);
  assert.ok(state!.running!.startedAt);
  assert.match(containerID!, /^emulated:\/\//);
  assert.equal(phases(node, "web"), ["Pending", "Running"]);
});

test("what has not changed is not reported again", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  const { length } = node.reports;
  for (let gen = 2; gen < 6; gen++) await settle(node, gen, podObject("web"), configMapObject("other", { gen: String(gen) }));
  assert.is(node.reports.length, length);
});

test("a look that began before a pod's last step ended is not used for that pod", async ({ node }) => {
  const observe = node.runtime.observe.bind(node.runtime);
  node.runtime.observe = async () => {
    const seen = await observe();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return seen;
  };
  const start = node.runtime.startContainer.bind(node.runtime);
  node.runtime.startContainer = async (id) => {
    node.pods.setDesired(setOf(2, podObject("web"), configMapObject("other", {}))); // wakes it
    await new Promise((resolve) => setTimeout(resolve, 10)); // so that a look has begun
    await start(id);
  };
  await settle(node, 1, podObject("web"));
  await shortly("running", () => main(node, "web")?.state?.running !== undefined);
  assert.is(node.runtime.writes, 4, "a sandbox made and started, a container made and started: each once");
});

test("a pod that left the set is stopped and leaves nothing", async ({ node }) => {
  await settle(node, 1, podObject("web"), podObject("db"));
  await settle(node, 2, podObject("db"));
  await shortly("gone", () => isGone(node, "web"));
  assert.equal((await node.runtime.observe()).sandboxes.map(({ podName }) => podName), ["db"]);
  assert.equal(await readdir(`${node.directory}/data/pods`), ["uid-db"]);
  assert.equal(await readdir(`${node.directory}/data/logs`), ["default_db_uid-db"]);
});

test("a deleted pod is stopped and reported gone, once", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  const deleted = podObject("web", {}, { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 5 });
  await settle(node, 2, deleted);
  await shortly("gone", () => isGone(node, "web"));
  await settle(node, 3, deleted, configMapObject("other", {}));
  assert.is(node.reports.filter(({ gone }) => gone).length, 1);
  assert.is((await node.runtime.observe()).sandboxes.length, 0);
});

test("a changed image makes that container anew and no other; the sandbox stays", async ({ node }) => {
  const pod = (image: string) => podObject("web", { containers: [{ name: "main", image }, { name: "side", image: "web:1" }] });
  await settle(node, 1, pod("web:1"));
  const before = await node.runtime.observe();
  await settle(node, 2, pod("web:2"));
  const after = await node.runtime.observe(),
    id = (all: typeof before, name: string) => all.containers.find(({ container }) => container === name)!.id;
  assert.is(id(after, "side"), id(before, "side"));
  assert.is.not(id(after, "main"), id(before, "main"));
  assert.is(after.sandboxes[0]!.id, before.sandboxes[0]!.id);
  assert.is(main(node, "web")!.restartCount, 1);
  assert.is(main(node, "web")!.lastState!.terminated!.exitCode, 0);
});

test("a pod that need not run on ends: Succeeded, or Failed, and is not started again by another agent", async ({ node }) => {
  const pods = [
    podObject("good", { restartPolicy: "Never", ...sh("echo done") }),
    podObject("bad", { restartPolicy: "Never", ...sh("exit 4") }),
  ];
  node.pods.setDesired(setOf(1, ...pods));
  await shortly("both ended", () => status(node, "good")?.phase === "Succeeded" && status(node, "bad")?.phase === "Failed");
  await shortly("their sandboxes are given up", async () => (await node.runtime.observe()).sandboxes.length === 0);
  assert.is(main(node, "bad")!.state!.terminated!.exitCode, 4);
  assert.is(main(node, "good")!.state!.terminated!.reason, "Completed");
  assert.match(await readFile(node.pods.logPath("uid-good", "main")!, "utf8"), /done/);
  const { writes } = node.runtime;
  await node.stop();
  await node.start();
  await settle(node, 1, ...pods);
  assert.is(node.runtime.writes, writes);
  assert.is(status(node, "good")!.phase, "Succeeded");
});

test("init containers run in order before the others; a sidecar stays", async ({ node }) => {
  const init = [{ name: "first", image: "web:1", command: ["true"] }, { name: "proxy", image: "web:1", restartPolicy: "Always" as const }];
  await settle(node, 1, podObject("web", { initContainers: init }));
  await shortly("ready", () => status(node, "web")?.phase === "Running");
  await node.pods.settled();
  const [first, proxy] = status(node, "web")!.initContainerStatuses!;
  assert.is(first!.state!.terminated!.reason, "Completed");
  assert.ok(proxy!.state!.running);
  assert.ok(reasons(node, "web").has("PodInitializing"));
});

test("files of a ConfigMap change under a running container", async ({ node }) => {
  const pod = podObject("web", {
    containers: [{ name: "main", image: "web:1", volumeMounts: [{ name: "config", mountPath: "/etc/web" }] }],
    volumes: [{ name: "config", configMap: { name: "settings" } }],
  });
  await settle(node, 1, pod, configMapObject("settings", { mode: "dark" }));
  const path = `${node.directory}/run/pods/uid-web/files/config/mode`, { writes } = node.runtime;
  assert.is(await readFile(path, "utf8"), "dark");
  await settle(node, 2, pod, configMapObject("settings", { mode: "light" }));
  assert.is(await readFile(path, "utf8"), "light");
  assert.is(node.runtime.writes, writes, "no container was touched");
});

test("activeDeadlineSeconds ends a pod", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web", { activeDeadlineSeconds: 60 })));
  await shortly("failed", () => status(node, "web")?.phase === "Failed");
  assert.is(status(node, "web")!.reason, "DeadlineExceeded");
  await shortly("stopped", async () => (await node.runtime.observe()).sandboxes.length === 0);
});

test("local routes hear of readiness and of pods that are gone", async ({ node }) => {
  const heard: [string, boolean][][] = [];
  node.pods.subscribe(() => heard.push([...node.pods.local.values()].map(({ name, ready }) => [name, ready])));
  await settle(node, 1, podObject("web"));
  assert.equal(heard.at(-1), [["web", true]]);
  await settle(node, 2);
  await shortly("gone", () => heard.at(-1)!.length === 0);
});
