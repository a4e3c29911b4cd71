// What goes wrong with pods, what is said of it, and how they come back.
import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { shortly } from "../../kit/eventually.ts";
import { configMapObject, podObject, setOf } from "../../kit/pods.ts";
import { main, podsSuite, reasons, settle, sh, status } from "./kit.ts";

const test = podsSuite("createPods: failures");

test("a container that crashes comes back after growing waits, and says so", async ({ node }) => {
  node.pods.setDesired(setOf(1, podObject("web", sh("echo hello; exit 3"))));
  await shortly("three restarts", () => (main(node, "web")?.restartCount ?? 0) >= 3);
  const { lastState, state } = main(node, "web")!;
  assert.is((lastState?.terminated ?? state?.terminated)?.exitCode, 3);
  assert.ok(reasons(node, "web").has("CrashLoopBackOff"), [...reasons(node, "web")].join());
  assert.is(status(node, "web")!.phase, "Running");
  assert.ok(node.events.some(({ reason }) => reason === "BackOff"));
  const previous = node.pods.logPath("uid-web", "main", { previous: true })!;
  assert.match(await readFile(previous, "utf8"), /stdout F hello/);
});

test("an image that cannot be had is said so, waited for, and used when it comes", async ({ node, faults }) => {
  faults.push({ at: "pull", image: "web:9", message: "manifest unknown", times: 2 });
  node.pods.setDesired(setOf(1, podObject("web", { containers: [{ name: "main", image: "web:9" }] }), podObject("db")));
  await shortly("running", () => status(node, "web")?.phase === "Running");
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
  await shortly("the other runs", () => status(node, "db")?.phase === "Running");
  assert.is(status(node, "web")!.phase, "Pending");
  assert.is(main(node, "web")!.state!.waiting!.reason, "ContainerCreating");
  release();
  await shortly("it runs, too", () => status(node, "web")?.phase === "Running");
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
  await shortly("running", () => status(node, "web")?.phase === "Running");
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
  await shortly("running", () => status(node, "web")?.phase === "Running");
  assert.is.not(status(node, "web")!.podIP, refused);
});

test("a lost sandbox is made anew, with all its containers", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  const { id } = (await node.runtime.observe()).sandboxes[0]!;
  node.engine.loseSandbox(id);
  await shortly("another one is ready", async () => {
    const { sandboxes } = await node.runtime.observe();
    return sandboxes.length === 1 && sandboxes[0]!.id !== id && sandboxes[0]!.state === "ready";
  });
  await shortly("it runs again", () => main(node, "web")?.state?.running !== undefined && main(node, "web")!.restartCount === 1);
});

test("a container that cannot be started says why, and is tried again", async ({ node, faults }) => {
  faults.push({ at: "start", image: "docker.io/library/web:1", message: "exec: no such file", times: 2 });
  node.pods.setDesired(setOf(1, podObject("web")));
  await shortly("running", () => main(node, "web")?.state?.running !== undefined);
  assert.is(main(node, "web")!.lastState!.terminated!.reason, "StartError");
  assert.is(main(node, "web")!.lastState!.terminated!.exitCode, 128);
});

test("an engine that does not answer is waited for; nothing is done twice", async ({ node }) => {
  node.engine.unavailable = true;
  node.pods.setDesired(setOf(1, podObject("web")));
  await new Promise((resolve) => setTimeout(resolve, 30));
  node.engine.unavailable = false;
  await shortly("running", () => status(node, "web")?.phase === "Running");
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
  await shortly("it was restarted and is ready", () => main(node, "web")?.restartCount === 1 && main(node, "web")!.ready);
  assert.ok(
    node.reports.some(({ state }) => state?.containerStatuses?.[0]?.state?.running && !state.containerStatuses[0].ready),
    "it was not ready at once",
  );
  assert.ok(node.events.some(({ reason, message }) => reason === "Unhealthy" && message.startsWith("Liveness probe failed")));
  assert.ok(node.events.some(({ reason }) => reason === "Killing"));
});
