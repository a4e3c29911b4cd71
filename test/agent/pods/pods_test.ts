import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { systemClock } from "../../../shared/util/clock.ts";
import type { Fault } from "../../../agent/runtime/emulated_engine.ts";
import { configMapObject, eventually, hastened, openNode, podObject, setOf, type TestNode } from "../../kit/pods.ts";
import { suite } from "../../kit/suite.ts";

let bootId = "boot-1";
const test = suite<{ node: TestNode; faults: Fault[] }>("createPods", {
  setup: async () => {
    const faults: Fault[] = [];
    bootId = "boot-1";
    // A minute passes in a twentieth of a second, so that back-offs can be watched.
    return { faults, node: await openNode({ writeLogs: true, faults, images: ["web:1"], clock: hastened(1200), bootId: () => bootId }) };
  },
  teardown: ({ node }) => node.close(),
});
const status = (node: TestNode, name: string) => node.pods.local.get(`uid-${name}`)?.status;
const main = (node: TestNode, name: string) => status(node, name)?.containerStatuses?.[0];
const phases = (node: TestNode, name: string) =>
  node.reports.filter(({ uid }) => uid === `uid-${name}`).map(({ state }) => state?.phase as string).filter((phase, i, all) =>
    phase !== all[i - 1]
  );
const reasons = (node: TestNode, name: string) =>
  new Set(
    node.reports.filter(({ uid }) => uid === `uid-${name}`).map(({ state }) => state?.containerStatuses?.[0]?.state?.waiting?.reason),
  );
const isGone = (node: TestNode, name: string) => node.reports.some(({ uid, gone }) => uid === `uid-${name}` && gone);
const sh = (script: string) => ({ containers: [{ name: "main", image: "web:1", command: ["sh", "-c", script] }] });
async function settle(
  node: TestNode,
  gen: number,
  ...objects: Parameters<typeof setOf> extends [number, ...infer R] ? R : never
): Promise<void> {
  node.pods.setDesired(setOf(gen, ...objects));
  await node.pods.settled();
}

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

test("nothing happens before the first set: no set is not an empty one", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  await node.stop();
  await node.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is((await node.runtime.observe()).containers.length, 1);
  await settle(node, 2);
  assert.is((await node.runtime.observe()).containers.length, 0);
});

test("nothing is written to the engine for a set that is as it was, nor by an agent that starts beside it", async ({ node }) => {
  await settle(node, 1, podObject("web"), podObject("db"));
  const { writes } = node.runtime, before = JSON.stringify(status(node, "web"));
  await settle(node, 2, podObject("web"), podObject("db"));
  await node.stop();
  await node.start();
  await settle(node, 2, podObject("web"), podObject("db"));
  assert.is(node.runtime.writes, writes);
  assert.is(JSON.stringify(status(node, "web")), before, "what is said is the same to the letter");
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
  await eventually("running", () => main(node, "web")?.state?.running !== undefined);
  assert.is(node.runtime.writes, 4, "a sandbox made and started, a container made and started: each once");
});

test("a pod that left the set is stopped and leaves nothing", async ({ node }) => {
  await settle(node, 1, podObject("web"), podObject("db"));
  await settle(node, 2, podObject("db"));
  await eventually("gone", () => isGone(node, "web"));
  assert.equal((await node.runtime.observe()).sandboxes.map(({ podName }) => podName), ["db"]);
  assert.equal(await readdir(`${node.directory}/data/pods`), ["uid-db"]);
  assert.equal(await readdir(`${node.directory}/data/logs`), ["default_db_uid-db"]);
});

test("a deleted pod is stopped and reported gone, once", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  const deleted = podObject("web", {}, { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 5 });
  await settle(node, 2, deleted);
  await eventually("gone", () => isGone(node, "web"));
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

test("a container that crashes comes back after growing waits, and says so", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web", sh("echo hello; exit 3"))));
  await eventually("three restarts", () => (main(node, "web")?.restartCount ?? 0) >= 3);
  const { lastState, state } = main(node, "web")!;
  assert.is((lastState?.terminated ?? state?.terminated)?.exitCode, 3);
  assert.ok(reasons(node, "web").has("CrashLoopBackOff"), [...reasons(node, "web")].join());
  assert.is(status(node, "web")!.phase, "Running");
  assert.ok(node.events.some(({ reason }) => reason === "BackOff"));
  const previous = node.pods.logPath("uid-web", "main", { previous: true })!;
  assert.match(await readFile(previous, "utf8"), /stdout F hello/);
});

test("a pod that need not run on ends: Succeeded, or Failed, and is not started again by another agent", async ({ node }) => {
  const pods = [
    podObject("good", { restartPolicy: "Never", ...sh("echo done") }),
    podObject("bad", { restartPolicy: "Never", ...sh("exit 4") }),
  ];
  node.pods.setDesired(setOf(1, ...pods));
  await eventually("both ended", () => status(node, "good")?.phase === "Succeeded" && status(node, "bad")?.phase === "Failed");
  await eventually("their sandboxes are given up", async () => (await node.runtime.observe()).sandboxes.length === 0);
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
  await eventually("ready", () => status(node, "web")?.phase === "Running");
  await node.pods.settled();
  const [first, proxy] = status(node, "web")!.initContainerStatuses!;
  assert.is(first!.state!.terminated!.reason, "Completed");
  assert.ok(proxy!.state!.running);
  assert.ok(reasons(node, "web").has("PodInitializing"));
});

test("an image that cannot be had is said so, waited for, and used when it comes", async ({ node, faults }) => {
  faults.push({ at: "pull", image: "web:9", message: "manifest unknown", times: 2 });
  node.pods.setDesired(setOf(1, podObject("web", { containers: [{ name: "main", image: "web:9" }] }), podObject("db")));
  await eventually("running", () => status(node, "web")?.phase === "Running");
  assert.ok(reasons(node, "web").has("ErrImagePull") && reasons(node, "web").has("ImagePullBackOff"), [...reasons(node, "web")].join());
  const said = node.reports.find(({ state }) => state?.containerStatuses?.[0]?.state?.waiting?.reason === "ErrImagePull")!;
  assert.match(said.state!.containerStatuses![0]!.state!.waiting!.message!, /manifest unknown/);
  assert.is(status(node, "db")!.phase, "Running");
  assert.ok(node.events.some(({ reason, message }) => reason === "Failed" && message.startsWith('Failed to pull image "web:9"')));
});

test("a slow pull holds up one pod only", async ({ node }) => {
  let release = (): void => {};
  const pull = node.runtime.pull.bind(node.runtime);
  node.runtime.pull = async (reference, options) => {
    await new Promise<void>((resolve) => release = resolve);
    return await pull(reference, options);
  };
  node.pods.setDesired(setOf(1, podObject("web", { containers: [{ name: "main", image: "slow:1" }] }), podObject("db")));
  await eventually("the other runs", () => status(node, "db")?.phase === "Running");
  assert.is(status(node, "web")!.phase, "Pending");
  assert.is(main(node, "web")!.state!.waiting!.reason, "ContainerCreating");
  release();
  await eventually("it runs, too", () => status(node, "web")?.phase === "Running");
});

test("pullPolicy Always uses what is there when no registry answers", async ({ node, faults }) => {
  faults.push({ at: "pull", image: "web:1", message: "no route to host" });
  await settle(node, 1, podObject("web", { containers: [{ name: "main", image: "web:1", imagePullPolicy: "Always" }] }));
  assert.is(status(node, "web")!.phase, "Running");
});

test("a missing ConfigMap is CreateContainerConfigError until it comes", async ({ node }) => {
  const pod = podObject("web", {
    containers: [{ name: "main", image: "web:1", env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "a" } } }] }],
  });
  await settle(node, 1, pod);
  assert.equal(main(node, "web")!.state!.waiting, { reason: "CreateContainerConfigError", message: 'configmap "settings" not found' });
  await settle(node, 2, pod, configMapObject("settings", { a: "1" }));
  await eventually("running", () => status(node, "web")?.phase === "Running");
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

test("after a power cut everything comes back from disk alone, with its restarts counted and its old address", async ({ node, faults }) => {
  faults.push({ at: "pull", image: "web:1", message: "no network" });
  await settle(node, 1, podObject("web"), podObject("db"));
  await node.stop();
  node.engine.powerCut();
  bootId = "boot-2";
  const before = node.pods.local.get("uid-web")!.address;
  await node.start();
  await settle(node, 1, podObject("web"), podObject("db"));
  await eventually("both run", () => [status(node, "web"), status(node, "db")].every((one) => one?.phase === "Running" && one.podIP));
  assert.is(main(node, "web")!.restartCount, 1);
  assert.ok(main(node, "web")!.lastState!.terminated, "the cut shows as an end");
  assert.is(status(node, "web")!.podIP, before);
  const { sandboxes } = await node.runtime.observe();
  assert.equal(sandboxes.map(({ state }) => state), ["ready", "ready"]);
});

test("what an agent that died has left of pods that nobody knows is swept away", async ({ node }) => {
  await node.stop();
  await mkdir(`${node.directory}/data/pods/uid-old/empty/v`, { recursive: true });
  await node.start();
  await settle(node, 1, podObject("web"));
  assert.equal(await readdir(`${node.directory}/data/pods`), ["uid-web"]);
});

test("a clock that is set keeps the age of everything, and no deadline falls due for it", async () => {
  let offsetMs = Date.parse("1970-01-02T00:00:00Z") - Date.now();
  const clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
  const other = await openNode({ images: ["web:1"], clock });
  try {
    await settle(other, 1, podObject("web", { activeDeadlineSeconds: 3600 }));
    offsetMs = 0;
    await settle(other, 2, podObject("web", { activeDeadlineSeconds: 3600 }), configMapObject("other", {}));
    const { phase, startTime } = status(other, "web")!;
    assert.is(phase, "Running");
    assert.ok(Math.abs(Date.parse(startTime!) - Date.now()) < 60_000, startTime!);
  } finally {
    await other.close();
  }
});

test("a boot that finds stale leases drops them before the first start", async ({ node }) => {
  const leaseFile = `${node.directory}/ipam.db`;
  let boot = "boot-1";
  const other = await openNode({ images: ["web:1"], config: { leaseFile }, bootId: () => boot });
  const restart = async (): Promise<boolean> => {
    await writeFile(leaseFile, "stale");
    await other.stop();
    await other.start();
    await settle(other, 1, podObject("web"));
    return existsSync(leaseFile);
  };
  try {
    await settle(other, 1, podObject("web"));
    assert.ok(await restart(), "not in the boot in which the agent has been before");
    boot = "boot-2";
    assert.ok(await restart(), "not while something runs");
    await other.stop(); // else it would bring up again what the cut takes down
    other.engine.powerCut();
    boot = "boot-3";
    assert.not(await restart());
  } finally {
    await other.close();
  }
});

test("an address that somebody else has is left alone, and the pod gets the next", async ({ node }) => {
  const start = node.engine.startSandbox.bind(node.engine);
  let refused: string | undefined;
  const { RuntimeError } = await import("../../../agent/runtime/runtime.ts");
  node.engine.startSandbox = (id) => {
    if (refused === undefined) {
      refused = node.engine.sandboxes.get(id)!.wantedAddress;
      throw new RuntimeError("AddressTaken", "taken");
    }
    return start(id);
  };
  await settle(node, 1, podObject("web"));
  await eventually("running", () => status(node, "web")?.phase === "Running");
  assert.is.not(status(node, "web")!.podIP, refused);
});

test("a lost sandbox is made anew, with all its containers", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  const { id } = (await node.runtime.observe()).sandboxes[0]!;
  node.engine.loseSandbox(id);
  await eventually("another one is ready", async () => {
    const { sandboxes } = await node.runtime.observe();
    return sandboxes.length === 1 && sandboxes[0]!.id !== id && sandboxes[0]!.state === "ready";
  });
  await eventually("it runs again", () => main(node, "web")?.state?.running !== undefined && main(node, "web")!.restartCount === 1);
});

test("a container that cannot be started says why, and is tried again", async ({ node, faults }) => {
  faults.push({ at: "start", image: "docker.io/library/web:1", message: "exec: no such file", times: 2 });
  node.pods.setDesired(setOf(1, podObject("web")));
  await eventually("running", () => main(node, "web")?.state?.running !== undefined);
  assert.is(main(node, "web")!.lastState!.terminated!.reason, "StartError");
  assert.is(main(node, "web")!.lastState!.terminated!.exitCode, 128);
});

test("activeDeadlineSeconds ends a pod", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web", { activeDeadlineSeconds: 60 })));
  await eventually("failed", () => status(node, "web")?.phase === "Failed");
  assert.is(status(node, "web")!.reason, "DeadlineExceeded");
  await eventually("stopped", async () => (await node.runtime.observe()).sandboxes.length === 0);
});

test("an engine that does not answer is waited for; nothing is done twice", async ({ node }) => {
  node.engine.unavailable = true;
  node.pods.setDesired(setOf(1, podObject("web")));
  await new Promise((resolve) => setTimeout(resolve, 30));
  node.engine.unavailable = false;
  await eventually("running", () => status(node, "web")?.phase === "Running");
  assert.is((await node.runtime.observe()).containers.length, 1);
});

test("an exec probe that fails ends the container; one that holds makes it ready", async ({ node, faults }) => {
  faults.push({ at: "start", command: "/unhealthy", message: "not there", times: 3 });
  node.pods.setDesired(setOf(
    1,
    podObject("web", {
      containers: [{
        name: "main",
        image: "web:1",
        livenessProbe: { exec: { command: ["/unhealthy"] }, periodSeconds: 10, failureThreshold: 3 },
        readinessProbe: { exec: { command: ["true"] }, periodSeconds: 10, initialDelaySeconds: 5 },
      }],
    }),
  ));
  await eventually("it was restarted and is ready", () => main(node, "web")?.restartCount === 1 && main(node, "web")!.ready);
  assert.ok(
    node.reports.some(({ state }) => state?.containerStatuses?.[0]?.state?.running && !state.containerStatuses[0].ready),
    "it was not ready at once",
  );
  assert.ok(node.events.some(({ reason, message }) => reason === "Unhealthy" && message.startsWith("Liveness probe failed")));
  assert.ok(node.events.some(({ reason }) => reason === "Killing"));
});

test("local routes hear of readiness and of pods that are gone", async ({ node }) => {
  const heard: [string, boolean][][] = [];
  node.pods.subscribe(() => heard.push([...node.pods.local.values()].map(({ name, ready }) => [name, ready])));
  await settle(node, 1, podObject("web"));
  assert.equal(heard.at(-1), [["web", true]]);
  await settle(node, 2);
  await eventually("gone", () => heard.at(-1)!.length === 0);
});
