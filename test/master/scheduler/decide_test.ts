import * as assert from "uvu/assert";
import type { Node } from "../../../shared/api/kinds/node.ts";
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import { decide, explain } from "../../../master/scheduler/decide.ts";
import { type NodeView, type PodView, podView } from "../../../master/scheduler/filters.ts";
import { allocatable, hostPorts, requested } from "../../../master/scheduler/resources.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("decide()");

function pod(spec: Partial<Pod["spec"]> & object = {}, requests: Record<string, string> = {}): PodView {
  const full = { spec: { containers: [{ name: "a", resources: { requests } }], ...spec } } as Pod;
  return podView(full);
}
function node(name: string, { spec = {}, labels = {}, used = {}, ready = "True", capacity = {} }: {
  spec?: Node["spec"] & object;
  labels?: Record<string, string>;
  used?: Record<string, number>;
  ready?: string;
  capacity?: Record<string, string>;
} = {}): NodeView {
  const full = { metadata: { name, labels }, spec, status: { conditions: [{ type: "Ready", status: ready }] } } as unknown as Node;
  return { name, node: full, allocatable: allocatable({ cpu: "4", memory: "4Gi", pods: "110", ...capacity }), used, ports: [] };
}
const choose = (p: PodView, ...nodes: NodeView[]): string => {
  const decision = decide(p, nodes, seeded(1));
  return "node" in decision ? decision.node : explain(decision);
};

test("decide() takes the emptier node", () => {
  assert.is(choose(pod(), node("a", { used: { cpu: 3000, pods: 3 } }), node("b", { used: { cpu: 100, pods: 1 } })), "b");
});

test("decide() compares as many nodes with room as it is told, whatever stands between them", () => {
  const full = node("full", { used: { pods: 110 } }),
    nodes = [full, node("a", { used: { cpu: 3000 } }), full, node("b", { used: { cpu: 2000 } }), node("c")];
  const best = (enough: number) => decide(pod(), nodes, seeded(1), { enough });
  assert.equal([best(1), best(2), best(3)], [{ node: "a" }, { node: "b" }, { node: "c" }]);
});

test("decide() spreads pods that ask for nothing", () => {
  const count: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let i = 0; i < 30; i++) count[choose(pod(), ...Object.keys(count).map((name) => node(name, { used: { pods: count[name]! } })))]!++;
  assert.equal(count, { a: 10, b: 10, c: 10 });
});

test("decide() is as likely to take each of the equals", () => {
  const random = seeded(3), count: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let i = 0; i < 3000; i++) {
    const decision = decide(pod(), Object.keys(count).map((name) => node(name)), random);
    if ("node" in decision) count[decision.node]!++;
  }
  for (const n of Object.values(count)) assert.ok(Math.abs(n - 1000) < 120, JSON.stringify(count));
});

const refusals: [string, PodView, NodeView, string][] = [
  ["too little cpu", pod({}, { cpu: "5" }), node("a"), "Insufficient cpu"],
  ["what others use counts", pod({}, { memory: "1Gi" }), node("a", { used: { memory: 3.5 * 2 ** 30 } }), "Insufficient memory"],
  ["an unknown resource", pod({}, { "skerry.dev/camera": "1" }), node("a"), "Insufficient skerry.dev/camera"],
  ["full of pods", pod(), node("a", { used: { pods: 110 } }), "Too many pods"],
  ["a label it has not", pod({ nodeSelector: { disk: "ssd" } }), node("a"), "node(s) didn't match Pod's node affinity/selector"],
  [
    "a taint",
    pod(),
    node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } }),
    "node(s) had untolerated taint {k: v}",
  ],
  ["cordoned", pod(), node("a", { spec: { unschedulable: true } }), "node(s) were unschedulable"],
  ["not ready", pod(), node("a", { ready: "Unknown" }), "node(s) were not ready"],
  ["another node by name", pod({ nodeName: "b" }), node("a"), "node(s) didn't match the requested node name"],
];
for (const [title, p, n, reason] of refusals) {
  test(`decide() refuses: ${title}`, () => assert.is(choose(p, n), `0/1 nodes are available: 1 ${reason}.`));
}

test("decide() accepts what is tolerated, labelled and free", () => {
  const tolerations = [{ key: "k", operator: "Equal", value: "v", effect: "NoSchedule" }] as never;
  assert.is(choose(pod({ tolerations }), node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } })), "a");
  assert.is(
    choose(
      pod({ tolerations: [{ operator: "Exists" }] as never }),
      node("a", { spec: { taints: [{ key: "x", effect: "NoExecute" }], unschedulable: true } }),
    ),
    "a",
  );
  assert.is(choose(pod({ nodeSelector: { disk: "ssd" } }), node("a"), node("b", { labels: { disk: "ssd" } })), "b");
});

test("decide() keeps host ports apart", () => {
  const web = pod({ containers: [{ name: "a", ports: [{ containerPort: 80, hostPort: 80, protocol: "TCP" }] }] as never });
  const taken = { ...node("a"), ports: hostPorts(web.pod.spec!) };
  assert.is(choose(web, taken), "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
  assert.is(choose(web, taken, node("b")), "b");
});

test("decide() takes one of the alternatives of a node affinity, and of those the preferred", () => {
  const terms = (zone: string) => ({ matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] });
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [terms("x"), terms("y")] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, preference: terms("y") }],
    },
  } as never;
  assert.is(
    choose(
      pod({ affinity }),
      node("a", { labels: { zone: "z" } }),
      node("b", { labels: { zone: "x" } }),
      node("c", { labels: { zone: "y" } }),
    ),
    "c",
  );
});

test("requested() is the sum of the containers, or the most demanding start", () => {
  const container = (cpu: string, rest = {}) => ({ name: "c", resources: { requests: { cpu } }, ...rest });
  const spec = (containers: unknown[], initContainers: unknown[] = []) => ({ containers, initContainers }) as never;
  assert.is(requested(spec([container("1"), container("500m")])).cpu, 1500);
  assert.is(requested(spec([container("1")], [container("3")])).cpu, 3000);
  assert.is(requested(spec([container("1")], [container("500m", { restartPolicy: "Always" }), container("800m")])).cpu, 1500);
  assert.is(requested(spec([container("1")], [container("500m", { restartPolicy: "Always" }), container("2")])).cpu, 2500);
});
