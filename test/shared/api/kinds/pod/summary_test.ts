// What kubectl shows.
import * as assert from "uvu/assert";
import { pods } from "../../../../../shared/api/kinds/pod.ts";
import { cells } from "../../../../kit/admit.ts";
import { suite } from "../../../../kit/suite.ts";
import { metadata, web } from "./kit.ts";

const test = suite("pods: columns");

const now = Date.parse("2024-05-01T12:00:00Z"), ago = (seconds: number) => new Date(now - seconds * 1000).toISOString();
const running = (name: string, more: object = {}) => ({ name, ready: true, restartCount: 0, state: { running: {} }, ...more });
const waiting = (name: string, reason: string) => ({ name, ready: false, restartCount: 0, state: { waiting: { reason } } });
const ended = (name: string, terminated: object, more: object = {}) => ({
  name,
  ready: false,
  restartCount: 0,
  state: { terminated },
  ...more,
});
const done = { exitCode: 0, reason: "Completed" };
const condition = (type: string, status = "True", reason = "") => ({ type, status, reason });
const two = [web, { name: "b", image: "b" }];
const inits = [{ name: "i", image: "i" }, { name: "j", image: "j" }];
const sidecar = [{ name: "s", image: "s", restartPolicy: "Always" }];

const shown: readonly [
  title: string,
  ready: string,
  status: string,
  restarts: string,
  pod: { spec?: object; status?: object; metadata?: object },
][] = [
  ["nothing known", "0/1", "", "0", {}],
  ["new", "0/1", "Pending", "0", { status: { phase: "Pending" } }],
  ["gated", "0/1", "SchedulingGated", "0", {
    status: { phase: "Pending", conditions: [condition("PodScheduled", "False", "SchedulingGated")] },
  }],
  ["being made", "0/1", "ContainerCreating", "0", {
    status: { phase: "Pending", containerStatuses: [waiting("web", "ContainerCreating")] },
  }],
  ["running", "1/1", "Running", "0", { status: { phase: "Running", containerStatuses: [running("web")] } }],
  ["running but not ready", "0/1", "Running", "0", { status: { phase: "Running", containerStatuses: [running("web", { ready: false })] } }],
  ["crashing", "1/2", "CrashLoopBackOff", "3 (90s ago)", {
    spec: { containers: two },
    status: {
      phase: "Running",
      containerStatuses: [
        { ...waiting("web", "CrashLoopBackOff"), restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: ago(90) } } },
        running("b"),
      ],
    },
  }],
  ["two that wait: the first counts", "0/2", "ErrImagePull", "0", {
    spec: { containers: two },
    status: { phase: "Pending", containerStatuses: [waiting("web", "ErrImagePull"), waiting("b", "ImagePullBackOff")] },
  }],
  ["restarted at an unknown time", "1/1", "Running", "2", {
    status: { phase: "Running", containerStatuses: [running("web", { restartCount: 2 })] },
  }],
  ["done", "0/1", "Completed", "0", { status: { phase: "Succeeded", containerStatuses: [ended("web", done)] } }],
  ["failed", "0/1", "Error", "0", { status: { phase: "Failed", containerStatuses: [ended("web", { exitCode: 1, reason: "Error" })] } }],
  ["ended by a signal", "0/1", "Signal:9", "0", {
    status: { phase: "Failed", containerStatuses: [ended("web", { exitCode: 137, signal: 9 })] },
  }],
  ["ended by itself", "0/1", "ExitCode:3", "0", { status: { phase: "Failed", containerStatuses: [ended("web", { exitCode: 3 })] } }],
  ["one done, the other ready", "1/2", "Running", "0", {
    spec: { containers: two },
    status: { phase: "Running", conditions: [condition("Ready")], containerStatuses: [ended("web", done), running("b")] },
  }],
  ["one done, the pod not ready", "1/2", "NotReady", "0", {
    spec: { containers: two },
    status: { phase: "Running", containerStatuses: [ended("web", done), running("b")] },
  }],
  ["evicted", "0/1", "Evicted", "0", { status: { phase: "Failed", reason: "Evicted" } }],
  ["on its way out", "1/1", "Terminating", "0", {
    metadata: { deletionTimestamp: ago(1) },
    status: { phase: "Running", containerStatuses: [running("web")] },
  }],
  ["on its way out and done", "0/1", "Completed", "0", {
    metadata: { deletionTimestamp: ago(1) },
    status: { phase: "Succeeded", containerStatuses: [ended("web", done)] },
  }],
  ["on its way out, its node lost", "0/1", "Unknown", "0", {
    metadata: { deletionTimestamp: ago(1) },
    status: { phase: "Running", reason: "NodeLost" },
  }],
  ["initializing", "0/1", "Init:1/2", "0", {
    spec: { initContainers: inits },
    status: {
      phase: "Pending",
      initContainerStatuses: [ended("i", done), running("j")],
      containerStatuses: [waiting("web", "PodInitializing")],
    },
  }],
  ["waiting to initialize", "0/1", "Init:0/2", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [waiting("i", "PodInitializing"), waiting("j", "PodInitializing")] },
  }],
  ["initializing in vain", "0/1", "Init:CrashLoopBackOff", "4 (5m ago)", {
    spec: { initContainers: inits },
    status: {
      phase: "Pending",
      initContainerStatuses: [
        { ...waiting("i", "CrashLoopBackOff"), restartCount: 4, lastState: { terminated: { exitCode: 1, finishedAt: ago(300) } } },
      ],
    },
  }],
  ["init failed with a word", "0/1", "Init:Error", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [ended("i", { exitCode: 1, reason: "Error" })] },
  }],
  ["init failed", "0/1", "Init:ExitCode:2", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [ended("i", { exitCode: 2 })] },
  }],
  ["init killed", "0/1", "Init:Signal:9", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [ended("i", { exitCode: 137, signal: 9 })] },
  }],
  ["initialized: its restarts no longer count", "1/1", "Running", "0", {
    spec: { initContainers: [inits[0]] },
    status: {
      phase: "Running",
      initContainerStatuses: [ended("i", done, { restartCount: 5 })],
      containerStatuses: [running("web")],
    },
  }],
  ["with a sidecar", "2/2", "Running", "1 (2m ago)", {
    spec: { initContainers: sidecar },
    status: {
      phase: "Running",
      initContainerStatuses: [
        running("s", { started: true, restartCount: 1, lastState: { terminated: { exitCode: 1, finishedAt: ago(120) } } }),
      ],
      containerStatuses: [running("web")],
    },
  }],
  ["with a sidecar that has not started", "0/2", "Init:0/1", "0", {
    spec: { initContainers: sidecar },
    status: { phase: "Pending", initContainerStatuses: [running("s", { started: false, ready: false })] },
  }],
  ["initialized long ago, its sidecar down", "1/2", "Init:CrashLoopBackOff", "0", {
    spec: { initContainers: sidecar },
    status: {
      phase: "Running",
      conditions: [condition("Initialized")],
      initContainerStatuses: [waiting("s", "CrashLoopBackOff")],
      containerStatuses: [running("web")],
    },
  }],
];
for (const [title, Ready, Status, Restarts, given] of shown) {
  test(`show ${Status || "nothing"}: ${title}`, () => {
    const row = cells(pods, {
      metadata: { ...metadata, ...given.metadata },
      spec: { containers: [web], ...given.spec },
      status: given.status,
    }, now);
    assert.equal({ Ready: row["Ready"], Status: row["Status"], Restarts: row["Restarts"] }, { Ready, Status, Restarts });
  });
}
test("show where they are when asked for more", () => {
  const input = {
    metadata: { ...metadata, creationTimestamp: ago(7200) },
    spec: { containers: [web], nodeName: "pi-7", readinessGates: [{ conditionType: "a" }, { conditionType: "b" }] },
    status: { podIPs: [{ ip: "10.1.0.2" }], conditions: [condition("a"), condition("b", "False")] },
  };
  assert.equal(cells(pods, input, now), {
    Name: "web",
    Ready: "0/1",
    Status: "",
    Restarts: "0",
    Age: "120m",
    IP: "10.1.0.2",
    Node: "pi-7",
    "Nominated Node": "<none>",
    "Readiness Gates": "1/2",
  });
});
