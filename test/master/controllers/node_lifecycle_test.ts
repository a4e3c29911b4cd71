import * as assert from "uvu/assert";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { endpointSlices } from "../../../shared/api/kinds/endpoint_slice.ts";
import { leases } from "../../../shared/api/kinds/lease.ts";
import { type Node, nodes, type Taint } from "../../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../../shared/api/kinds/pod.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import { unreachableAfterMs, unseenGraceMs } from "../../../shared/limits.ts";
import { evictionDue, judge, type NodePresence, taintsFor } from "../../../master/controllers/node_lifecycle.ts";
import { planSubnets } from "../../../master/controllers/node_ipam.ts";
import { type Cluster, openCluster, podsIn, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const pure = suite("judge(), taintsFor(), evictionDue()");

const nodeOf = (status?: string, reason = "AgentReady", more: object[] = []): Node =>
  ({ status: { conditions: [...status ? [{ type: "Ready", status, reason, message: "m" }] : [], ...more] } }) as never;
const live: NodePresence = { live: true, sinceMs: 0, lastPacketMs: 0 };
const at = (monotonicMs: number) => ({ monotonicMs, startedMs: 0 });
const short = ({ verdict, againMs }: ReturnType<typeof judge>) =>
  [verdict && `${verdict.ready} ${verdict.reason}`, againMs].filter((part) => part !== undefined).join(" ");

for (
  const [what, node, presence, nowMs, wanted] of [
    ["nothing of a node that was never heard", nodeOf(), undefined, 1e9, ""],
    ["nothing yet, when the master has just started", nodeOf("True"), undefined, 1000, String(unseenGraceMs - 1000)],
    ["that it is lost, when it has had its time to come back", nodeOf("True"), undefined, unseenGraceMs, "Unknown Unreachable"],
    [
      "what it has said already, of a sleeper that a new master has not heard",
      nodeOf("Unknown", "Sleeping"),
      undefined,
      unseenGraceMs,
      "Unknown Sleeping",
    ],
    ["that a node which is heard is ready", nodeOf("Unknown", "Unreachable"), live, 0, "True AgentReady"],
    [
      "what its container engine lacks",
      nodeOf("True", "", [{ type: "RuntimeReady", status: "False", reason: "PodmanDown" }]),
      live,
      0,
      "False PodmanDown",
    ],
    [
      "nothing yet of a link that has just broken",
      nodeOf("True"),
      { ...live, live: false, sinceMs: 100 },
      1100,
      String(unreachableAfterMs - 1000),
    ],
    ["that it is unreachable, after a while", nodeOf("True"), { ...live, live: false }, unreachableAfterMs, "Unknown Unreachable"],
    [
      "nothing yet of a node whose master has fallen silent",
      nodeOf("True"),
      { ...live, live: false, adrift: true, sinceMs: 100 },
      1100,
      String(unseenGraceMs - 1000),
    ],
    [
      "that it is lost, when no other master has heard it either",
      nodeOf("True"),
      { ...live, live: false, adrift: true },
      unseenGraceMs,
      "Unknown Unreachable",
    ],
    ["that it sleeps, if it has said so", nodeOf("True"), { ...live, live: false, sleepingUntilMs: 0 }, 0, "Unknown Sleeping"],
  ] as const
) {
  pure(`judge() says ${what}`, () => assert.is(short(judge(node, presence, at(nowMs))), wanted));
}

const verdict = (ready: "True" | "False" | "Unknown") => ({ ready, reason: "", message: "" });
const time = "2026-01-01T00:00:00Z";
const text = (taints: readonly Taint[]) =>
  taints.map(({ key, effect, timeAdded }) => `${key}:${effect}${timeAdded ? `@${timeAdded}` : ""}`);

pure("taintsFor() says the same as the condition, keeps the time, and leaves others alone", () => {
  const others: Taint[] = [{ key: "gpu", effect: "NoSchedule" }, { key: "sick", effect: "NoExecute" }];
  const unknown = taintsFor(verdict("Unknown"), others, time);
  assert.equal(text(unknown), [
    "gpu:NoSchedule",
    `sick:NoExecute@${time}`,
    "node.kubernetes.io/unreachable:NoSchedule",
    `node.kubernetes.io/unreachable:NoExecute@${time}`,
  ]);
  assert.equal(taintsFor(verdict("Unknown"), unknown, "later"), unknown);
  assert.equal(text(taintsFor(verdict("False"), unknown, "later")).slice(2), [
    "node.kubernetes.io/not-ready:NoSchedule",
    "node.kubernetes.io/not-ready:NoExecute@later",
  ]);
  assert.equal(text(taintsFor(verdict("True"), unknown, "later")), ["gpu:NoSchedule", `sick:NoExecute@${time}`]);
});

pure("evictionDue() lets pods stay with a node that is cut off, unless they say for how long", () => {
  const cutOff = taintsFor(verdict("Unknown"), [], time), sick: Taint[] = [{ key: "sick", effect: "NoExecute", timeAdded: time }];
  const due = (tolerations: object[], taints: readonly Taint[]) =>
    evictionDue({ spec: { tolerations } } as Pod, taints, Date.parse(time) + 60_000);
  const unreachable = { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" };
  assert.is(due([], cutOff), undefined);
  assert.is(due([unreachable], cutOff), undefined);
  assert.is(due([{ ...unreachable, tolerationSeconds: 300 }], cutOff), 240_000);
  assert.is(due([{ ...unreachable, tolerationSeconds: 30 }], cutOff), -30_000);
  assert.is(due([{ operator: "Exists", tolerationSeconds: 0 }], cutOff), -60_000);
  assert.is(due([{ key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 0 }], cutOff), undefined);
  assert.is(due([], sick), 0);
  assert.is(due([{ key: "sick", operator: "Exists" }], sick), undefined);
  assert.is(due([{ key: "sick", operator: "Exists", tolerationSeconds: 90 }], [...cutOff, ...sick]), 30_000);
});

pure("planSubnets() takes what is free, in order, and ends when nothing is", () => {
  assert.equal([...planSubnets("10.201.0.0/16", new Set(["10.201.0.0/24", "10.201.2.0/24"]), ["a", "b"])], [
    ["a", "10.201.1.0/24"],
    ["b", "10.201.3.0/24"],
  ]);
  assert.equal([...planSubnets("10.0.0.0/23", new Set(), ["a", "b", "c"]).keys()], ["a", "b"]);
});

const test = suite<Cluster>("node lifecycle", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 20_000 });

const web = (spec: object = {}) =>
  ({
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image: "v1" }], ...spec } },
    },
  }) as never;
const ready = ({ cache }: Cluster, name: string) =>
  cache.get(nodes, "", name)?.object.status?.conditions?.find(({ type }) => type === "Ready");
const on = ({ cache }: Cluster, name: string) => podsIn(cache).filter(({ object }) => object.spec!.nodeName === name);
const podReady = (pod: { object: Pod }) => pod.object.status?.conditions?.find(({ type }) => type === "Ready");

test("a node that is cut off keeps its pods; when it is back, nothing has been started anew", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(deployments, web());
  await registry.create(
    services,
    { metadata: { name: "web", namespace: "default" }, spec: { selector: { app: "web" }, ports: [{ port: 80 }] } } as never,
  );
  await until(cache, "three pods", () => readyPods(cache).length === 3);
  const before = podsIn(cache).map(({ uid }) => uid).sort();
  cluster.nodes.hear("b", false);
  await until(
    cache,
    "unknown",
    () => ready(cluster, "b")?.status === "Unknown" && on(cluster, "b").every((pod) => podReady(pod)?.status === "Unknown"),
  );
  assert.equal(cache.get(nodes, "", "b")!.object.spec!.taints!.map(({ effect }) => effect), ["NoSchedule", "NoExecute"]);
  const [pod] = on(cluster, "b");
  assert.equal([pod!.deleting, pod!.object.status!.phase, podReady(pod!)!.reason], [false, "Running", "NodeUnreachable"]);
  const available = () => cache.get(deployments, "default", "web")!.object.status!.availableReplicas;
  await until(cache, "two of three", () => available() === 2);
  const slice = [...cache.list(endpointSlices, "default")].find(({ labels }) => labels["kubernetes.io/service-name"] === "web")!;
  assert.is(slice.object.endpoints!.find(({ nodeName }) => nodeName === "b")!.conditions!.ready, true, "its own site may still use it");

  cluster.nodes.hear("b", true);
  await until(cache, "three of three", () => available() === 3 && cache.get(nodes, "", "b")!.object.spec?.taints === undefined);
  assert.equal(podsIn(cache).map(({ uid }) => uid).sort(), before);
  assert.is(cluster.nodes.started.length, 3);
});

test("only who says for how long he bears it leaves a node that is cut off", async (cluster) => {
  const { registry, cache } = cluster, unreachable = { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" };
  await registry.create(deployments, web({ tolerations: [{ ...unreachable, tolerationSeconds: 1 }] }));
  await until(cache, "three pods", () => readyPods(cache).length === 3);
  await registry.create(pods, {
    metadata: { name: "faithful", namespace: "default" },
    spec: { nodeName: "b", containers: [{ name: "a", image: "v1" }] },
  } as never);
  await until(cache, "four pods", () => readyPods(cache).length === 4);
  cluster.nodes.hear("b", false);
  await until(
    cache,
    "elsewhere",
    () => readyPods(cache).filter(({ labels }) => labels["app"] === "web").length === 3 && on(cluster, "b").some((p) => p.deleting),
  );
  assert.equal(on(cluster, "b").map(({ name, deleting }) => [name === "faithful", deleting]).sort(), [[false, true], [true, false]]);
});

test("a taint that drives away drives away who does not bear it", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(deployments, web());
  await until(cache, "three pods", () => readyPods(cache).length === 3);
  await registry.modify(
    nodes,
    { name: "b" },
    (node) => void (node.spec = { ...node.spec, taints: [{ key: "sick", effect: "NoExecute" }] }),
  );
  await until(cache, "empty", () => on(cluster, "b").length === 0 && readyPods(cache).length === 3);
});

test("fifty nodes that come at once get fifty subnets, and leases", async (cluster) => {
  const { cache } = cluster;
  await cluster.nodes.add(Array.from({ length: 50 }, (_, i) => `n${i}`));
  const subnets = () => [...cache.list(nodes)].flatMap(({ object }) => object.spec?.podCIDR ?? []);
  await until(cache, "all have one", () => subnets().length === 53);
  assert.is(new Set(subnets()).size, 53);
  await until(cache, "all have a lease", () => [...cache.list(leases, "kube-node-lease")].length === 53);
});
