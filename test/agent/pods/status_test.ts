import * as assert from "uvu/assert";
import { desiredPod } from "../../../agent/pods/desired.ts";
import { learn, newMemory, type PodMemory } from "../../../agent/pods/memory.ts";
import { type Observed, podStatus, type StatusView } from "../../../agent/pods/status.ts";
import type { ActualContainer, ActualSandbox } from "../../../agent/runtime/runtime.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { podObject } from "../../kit/pods.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("podStatus");
const now = Date.parse("2026-01-01T12:00:00.400Z");
const sandbox: ActualSandbox = {
  podUid: "uid-web",
  podNamespace: "default",
  podName: "web",
  specHash: "",
  id: "s",
  state: "ready",
  address: "10.201.1.7",
  createdAt: 0,
};
const container = (more: Partial<ActualContainer> = {}): ActualContainer => ({
  podUid: "uid-web",
  podNamespace: "default",
  podName: "web",
  specHash: "h1:x",
  id: `${more.container ?? "main"}-${more.attempt ?? 0}`,
  container: "main",
  attempt: 0,
  state: "running",
  imageRef: "web:1",
  imageId: "sha256:1",
  pid: 1,
  startedAt: now - 60_000,
  finishedAt: undefined,
  exitCode: undefined,
  oomKilled: false,
  error: undefined,
  ...more,
});
const exited = (exitCode: number, more: Partial<ActualContainer> = {}) =>
  container({ state: "exited", exitCode, finishedAt: now - 1000, ...more });
interface Situation {
  spec?: Partial<PodSpec>;
  sandboxes?: ActualSandbox[];
  containers?: ActualContainer[];
  memory?: Partial<PodMemory>;
  view?: Partial<StatusView>;
  deleted?: boolean;
  message?: string;
}
function see({ spec, sandboxes = [sandbox], containers = [], memory = {}, view = {}, deleted, message }: Situation): Observed {
  const metadata = deleted ? { deletionTimestamp: "2026-01-01T12:00:00Z", deletionGracePeriodSeconds: 5 } : {};
  const pod = desiredPod(podObject("web", spec, { generation: 3, ...metadata }));
  const learnt = learn({ ...newMemory(pod, now - 90_000), ...memory }, containers, () => message);
  return podStatus(pod, { sandboxes, containers }, learnt, {
    troubles: new Map(),
    pulled: new Map(),
    probes: new Map(),
    images: { has: () => true, failure: () => undefined },
    hostIP: "192.0.2.1",
    engine: "podman",
    ...view,
  }, now);
}
const condition = ({ status }: Observed, type: string) => status.conditions!.find((one) => one.type === type)!;
const main = ({ status }: Observed) => status.containerStatuses![0]!;

test("a pod that has just come waits with ContainerCreating and has no address", () => {
  const seen = see({ sandboxes: [] });
  assert.is(seen.status.phase, "Pending");
  assert.equal(main(seen).state, { waiting: { reason: "ContainerCreating" } });
  assert.is(seen.status.podIP, undefined);
  assert.is(condition(seen, "PodReadyToStartContainers").status, "False");
  assert.is(condition(seen, "Ready").reason, "ContainersNotReady");
  assert.is(condition(seen, "Ready").message, "containers with unready status: [main]");
  assert.is(seen.status.startTime, "2026-01-01T11:58:30Z");
});

test("a running pod is ready: address, started, times in whole seconds, the generation seen", () => {
  const seen = see({ containers: [container({ attempt: 2 })] });
  assert.is(seen.status.phase, "Running");
  assert.equal(seen.status.podIPs, [{ ip: "10.201.1.7" }]);
  assert.equal([seen.status.hostIP, seen.status.observedGeneration, seen.ready], ["192.0.2.1", 3, true]);
  assert.equal(main(seen), {
    name: "main",
    state: { running: { startedAt: "2026-01-01T11:59:00Z" } },
    lastState: {},
    ready: true,
    restartCount: 2,
    image: "web:1",
    imageID: "sha256:1",
    containerID: "podman://main-2",
    started: true,
  });
});

test("conditions keep the time since which they hold", () => {
  const first = see({ containers: [container()] });
  const later = see({
    containers: [container()],
    memory: { conditions: { ...first.conditions, Ready: { status: "True", since: now - 50_000 } } },
  });
  assert.is(condition(later, "Ready").lastTransitionTime, "2026-01-01T11:59:10Z");
  assert.is(condition(first, "Ready").lastTransitionTime, "2026-01-01T12:00:00Z");
});

test("between restarts: CrashLoopBackOff with the end as lastState; the end itself until it is restarted at once", () => {
  const crashes = (count: number) => ({ containers: { main: { attempt: 0, crashes: { count, specHash: "h1:x" } } } });
  const hash = desiredPod(podObject("web")).hashes.get("main")!;
  const ended = exited(3, { specHash: hash });
  const first = see({ containers: [ended], memory: crashes(0) });
  assert.is(main(first).state!.terminated!.exitCode, 3);
  const memory = { containers: { main: { attempt: 0, crashes: { count: 4, specHash: hash } } } };
  const waiting = see({ containers: [ended], memory });
  assert.is(main(waiting).state!.waiting!.reason, "CrashLoopBackOff");
  assert.is(main(waiting).state!.waiting!.message, "back-off restarting failed container=main pod=web_default(uid-web)");
  assert.is(main(waiting).lastState!.terminated!.exitCode, 3);
  assert.is(waiting.status.phase, "Running");
});

test("an end says why: Completed, Error, OOMKilled, and its last words", () => {
  const reason = (one: ActualContainer) =>
    main(see({ spec: { restartPolicy: "Never" }, containers: [one], message: "last words" })).state!.terminated!;
  assert.equal([reason(exited(0)).reason, reason(exited(1)).reason, reason(exited(137, { oomKilled: true })).reason], [
    "Completed",
    "Error",
    "OOMKilled",
  ]);
  assert.is(reason(exited(1)).message, "last words");
  assert.is(reason(exited(1)).containerID, "podman://main-0");
});

test("phases: Succeeded when all ended well, Failed when one did not, Running while one may start again", () => {
  const phase = (restartPolicy: "Never" | "OnFailure" | "Always", ...codes: number[]) =>
    see({
      spec: { restartPolicy, containers: codes.map((_, i) => ({ name: `c${i}`, image: "web:1" })) },
      containers: codes.map((code, i) => exited(code, { container: `c${i}` })),
    }).status.phase;
  assert.equal(
    [phase("Never", 0, 0), phase("Never", 0, 1), phase("OnFailure", 0, 1), phase("OnFailure", 0, 0), phase("Always", 0)],
    ["Succeeded", "Failed", "Running", "Succeeded", "Running"],
  );
  const over = see({ spec: { restartPolicy: "Never" }, containers: [exited(0)] });
  assert.equal([condition(over, "Ready").reason, condition(over, "Initialized").status], ["PodCompleted", "True"]);
});

test("images that cannot be had", () => {
  const failure = (failures: number) => ({ message: "no such manifest", failures, at: now, notBefore: now + 1000 });
  const reason = (view: Partial<StatusView>, spec = {}) => main(see({ view, spec })).state!.waiting;
  assert.equal(reason({ images: { has: () => false, failure: () => failure(1) } }), {
    reason: "ErrImagePull",
    message: "no such manifest",
  });
  assert.is(reason({ images: { has: () => false, failure: () => failure(2) } })!.reason, "ImagePullBackOff");
  const never = { containers: [{ name: "main", image: "web:1", imagePullPolicy: "Never" as const }] };
  assert.is(reason({ images: { has: () => false, failure: () => undefined } }, never)!.reason, "ErrImageNeverPull");
});

test("what went wrong on the node is shown where it matters", () => {
  const trouble = { reason: "CreateContainerConfigError", message: 'secret "x" not found', failures: 1, at: now, delayMs: 1000 };
  assert.equal(main(see({ view: { troubles: new Map([["create main", trouble]]) } })).state!.waiting, {
    reason: "CreateContainerConfigError",
    message: 'secret "x" not found',
  });
  const outside = { ...trouble, reason: "ContainerCreating", message: "no address is free" };
  assert.equal(main(see({ sandboxes: [], view: { troubles: new Map([["createSandbox ", outside]]) } })).state!.waiting, {
    reason: "ContainerCreating",
    message: "no address is free",
  });
});

test("init containers: others wait with PodInitializing; Initialized says who is missing", () => {
  const spec: Partial<PodSpec> = {
    initContainers: [{ name: "first", image: "web:1" }, { name: "proxy", image: "web:1", restartPolicy: "Always" }],
  };
  const waiting = see({ spec, containers: [container({ container: "first" })] });
  assert.is(main(waiting).state!.waiting!.reason, "PodInitializing");
  assert.equal([condition(waiting, "Initialized").status, condition(waiting, "Initialized").message], [
    "False",
    "containers with incomplete status: [first]",
  ]);
  const ready = see({ spec, containers: [exited(0, { container: "first" }), container({ container: "proxy" }), container()] });
  assert.equal(ready.status.initContainerStatuses!.map(({ ready, state }) => [ready, Object.keys(state!)[0]]), [[true, "terminated"], [
    true,
    "running",
  ]]);
  assert.ok(ready.ready);
});

test("readiness is what the probe says; before it has spoken, what was remembered; without one, that it runs", () => {
  const spec = { containers: [{ name: "main", image: "web:1", readinessProbe: { exec: { command: ["x"] } } }] };
  const is = (more: Situation) => main(see({ spec, containers: [container()], ...more })).ready;
  assert.is(is({}), false);
  assert.is(is({ view: { probes: new Map([["main-0", { readiness: true }]]) } }), true);
  assert.is(is({ memory: { containers: { main: { attempt: 0, ready: true } } } }), true);
  assert.is(
    is({ memory: { containers: { main: { attempt: 0, ready: true } } }, view: { probes: new Map([["main-0", { readiness: false }]]) } }),
    false,
  );
  const startup = { containers: [{ name: "main", image: "web:1", startupProbe: { exec: { command: ["x"] } } }] };
  const starting = see({ spec: startup, containers: [container()] });
  assert.equal([main(starting).started, main(starting).ready], [false, false]);
});

test("a readiness gate is not the node's to open", () => {
  const seen = see({ spec: { readinessGates: [{ conditionType: "example.com/x" }] }, containers: [container()] });
  assert.equal([condition(seen, "ContainersReady").status, condition(seen, "Ready").reason, seen.ready], [
    "True",
    "ReadinessGatesNotReady",
    false,
  ]);
});

test("a pod in the node's network has the node's address", () => {
  assert.is(see({ spec: { hostNetwork: true }, containers: [container()] }).status.podIP, "192.0.2.1");
});

test("a pod that is being deleted shows how its containers ended", () => {
  const seen = see({ deleted: true, containers: [exited(137)] });
  assert.is(main(seen).state!.terminated!.exitCode, 137);
  assert.is(seen.status.phase, "Running");
});
