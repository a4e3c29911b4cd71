import * as assert from "uvu/assert";
import { controllerRevisions } from "../../../shared/api/kinds/controller_revision.ts";
import { type DaemonSet, daemonSets } from "../../../shared/api/kinds/daemonset.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { daemonBounds, planDaemonSet } from "../../../master/controllers/daemonset_plan.ts";
import { hashLabel, type StoredDaemonSet } from "../../../master/controllers/daemonset_pods.ts";
import type { StoredPod } from "../../../master/controllers/pods_of.ts";
import { type Cluster, openCluster, podsIn, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const pure = suite("planDaemonSet()");
const now = Date.parse("2026-01-01T01:00:00Z");
const setOf = (updateStrategy: object): StoredDaemonSet =>
  ({ uid: "d", name: "log", namespace: "default", deleting: false, object: { spec: { updateStrategy } } }) as never;
const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0) =>
  setOf({ type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge } });
let count = 0;
/** `a:new` is a ready pod of the new template on node a; `a:old!` one that is not ready, `a:old-` one that is going, `a:old#` one that has failed. */
function podsOf(text: string): StoredPod[] {
  return text.split(" ").filter(Boolean).map((word) => {
    const [nodeName, kind = ""] = word.split(":"), hash = kind.replace(/\W/, "");
    const conditions = [{ type: "Ready", status: kind.endsWith("!") ? "False" : "True", lastTransitionTime: "2026-01-01T00:00:00Z" }];
    return {
      uid: String(++count),
      name: word,
      labels: { [hashLabel]: hash },
      deleting: kind.endsWith("-"),
      object: {
        metadata: { creationTimestamp: new Date(Date.parse("2026-01-01T00:00:00Z") + count).toISOString() },
        spec: { nodeName },
        status: { phase: kind.endsWith("#") ? "Failed" : "Running", conditions },
      },
    } as never;
  });
}
/** Nodes a, b, c …; `x` may keep its pod and get none, `z` may not keep it. */
const placesOf = (names: string) => [...names].map((name) => ({ name, run: name !== "x" && name !== "z", keep: name !== "z" }));
function step(set: StoredDaemonSet, names: string, pods: string): string {
  const plan = planDaemonSet(set, "new", placesOf(names), podsOf(pods), now);
  return [...plan.create.map((name) => `+${name}`), ...plan.delete.map(({ name }) => `-${name}`)].sort().join(" ");
}

for (
  const [what, set, names, before, wanted] of [
    ["makes one for each node that fits", rolling(1), "abx", "", "+a +b"],
    ["ends those where none may be, and leaves those where none should be", rolling(1), "axz", "a:new x:new z:new", "-z:new"],
    ["replaces one at a time", rolling(1), "abc", "a:old b:old c:old", "-a:old"],
    ["waits for the one that is being replaced", rolling(1), "abc", "a:new! b:old c:old", ""],
    ["makes the new one when the old has gone, and not before", rolling(1), "ab", "a:old- b:old", ""],
    ["counts the empty node", rolling(1), "ab", "b:old", "+a"],
    ["replaces at once what serves nobody", rolling(1), "abc", "a:old! b:old! c:old", "-a:old! -b:old!"],
    ["takes as many as it may", rolling(2), "abc", "a:old b:old c:old", "-a:old -b:old"],
    ["does not touch a node that cannot be heard, nor wait for it", rolling(1), "axb", "a:old x:old! b:new", "-a:old"],
    ["surges: the new one first", rolling(0, 1), "abc", "a:old b:old c:old", "+a"],
    ["surges: waits until the new one serves", rolling(0, 1), "ab", "a:old a:new! b:old", ""],
    ["surges: then the old one goes, and the next begins", rolling(0, 1), "ab", "a:old a:new b:old", "+b -a:old"],
    ["surges beyond the bound where the old one serves nobody", rolling(0, 1), "abc", "a:old! b:old! c:old", "+a +b +c"],
    ["keeps the older of two", rolling(1), "a", "a:new a:new!", "-a:new!"],
    ["OnDelete touches nothing old", setOf({ type: "OnDelete" }), "ab", "a:old", "+b"],
    ["makes failed ones anew", rolling(1), "a", "a:new#", "-a:new#"],
  ] as const
) {
  pure(`planDaemonSet() ${what}`, () => assert.is(step(set, names, before), wanted));
}

pure("planDaemonSet() makes what fails at once anew only after a while", () => {
  const young = podsOf("a:new#"), at = Date.parse(young[0]!.object.metadata!.creationTimestamp!);
  assert.equal(planDaemonSet(rolling(1), "new", placesOf("a"), young, at + 4_000), { create: [], delete: [], againMs: 6_000 });
});

pure("daemonBounds() rounds percentages up", () => {
  assert.equal(daemonBounds(rolling("10%"), 11), { unavailable: 2, surge: 0 });
  assert.equal(daemonBounds(rolling(0, "10%"), 11), { unavailable: 0, surge: 2 });
});

const test = suite<Cluster>("daemon sets", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 20_000 });

const key = { namespace: "default", name: "log" };
const log = (spec: object = {}, image = "v1"): DaemonSet =>
  ({
    metadata: key,
    spec: {
      selector: { matchLabels: { app: "log" } },
      template: { metadata: { labels: { app: "log" } }, spec: { containers: [{ name: "a", image }], ...spec } },
    },
  }) as never;
const status = ({ cache }: Cluster) => cache.get(daemonSets, "default", "log")?.object.status;
const isDone = (cluster: Cluster) => {
  const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0, observedGeneration = 0 } = status(cluster) ?? {};
  const generation = cluster.cache.get(daemonSets, "default", "log")?.object.metadata?.generation;
  return observedGeneration === generation && desiredNumberScheduled > 0 && updatedNumberScheduled >= desiredNumberScheduled &&
    numberAvailable >= desiredNumberScheduled;
};
const rolledOut = (cluster: Cluster) => until(cluster.cache, "rolled out", () => isDone(cluster), 10_000);
const where = ({ cache }: Cluster) => readyPods(cache).map(({ object }) => object.spec!.nodeName).sort().join("");
const setImage = ({ registry }: Cluster, image: string) =>
  registry.modify(daemonSets, key, (object) => void (object.spec!.template!.spec!.containers[0]!.image = image));
const revisions = ({ cache }: Cluster) =>
  [...cache.list(controllerRevisions, "default")].map(({ object }) => object.revision).sort().join();

test("a DaemonSet follows the nodes: those that come, those that go, and their labels", async (cluster) => {
  await cluster.registry.create(daemonSets, log({ nodeSelector: { disk: "yes" } }));
  await cluster.nodes.add(["d", "e"], { disk: "yes" });
  await until(cluster.cache, "d and e", () => where(cluster) === "de");
  await cluster.registry.modify(nodes, { name: "a" }, (node) => void (node.metadata!.labels!["disk"] = "yes"));
  await until(cluster.cache, "and a", () => where(cluster) === "ade");
  await cluster.registry.modify(nodes, { name: "d" }, (node) => void (delete node.metadata!.labels!["disk"]));
  await until(cluster.cache, "without d", () => where(cluster) === "ae");
  await until(cluster.cache, "counted", () => status(cluster)!.desiredNumberScheduled === 2 && status(cluster)!.numberReady === 2);
});

test("a daemon's pod bears what is wrong with its node, and no taint that somebody put there", async (cluster) => {
  await cluster.registry.modify(nodes, { name: "a" }, (node) => void (node.spec = { ...node.spec, unschedulable: true }));
  await cluster.registry.modify(
    nodes,
    { name: "b" },
    (node) => void (node.spec = { ...node.spec, taints: [{ key: "k", effect: "NoSchedule" }] }),
  );
  await cluster.registry.create(daemonSets, log());
  await rolledOut(cluster);
  assert.is(where(cluster), "ac");
  await cluster.registry.modify(
    nodes,
    { name: "c" },
    (node) => void (node.spec = { ...node.spec, taints: [{ key: "k", effect: "NoExecute" }] }),
  );
  await until(cluster.cache, "driven away", () => where(cluster) === "a");
});

test("a rolling update has one node without a pod at a time; undo takes up the old revision", async (cluster) => {
  await cluster.registry.create(daemonSets, log());
  await rolledOut(cluster);
  assert.is(revisions(cluster), "1");
  const { template } = cluster.cache.get(daemonSets, "default", "log")!.object.spec!;
  let least = Infinity;
  const unsubscribe = cluster.cache.subscribe(() => least = Math.min(least, readyPods(cluster.cache).length));
  await setImage(cluster, "v2");
  await rolledOut(cluster);
  unsubscribe();
  assert.is(least, 2);
  assert.is(revisions(cluster), "1,2");
  const first = [...cluster.cache.list(controllerRevisions, "default")].find(({ object }) => object.revision === 1)!;
  assert.equal(first.object.data, { spec: { template: { ...template, $patch: "replace" } } } as never);
  await setImage(cluster, "v1");
  await rolledOut(cluster);
  assert.is(revisions(cluster), "2,3");
  assert.equal(readyPods(cluster.cache).map(({ labels }) => labels[hashLabel]), Array(3).fill(first.labels[hashLabel]));
});

test("a node that is cut off keeps its old pod, holds nothing up, and gets the new one when it is back", async (cluster) => {
  await cluster.registry.create(daemonSets, log());
  await rolledOut(cluster);
  cluster.nodes.hear("b", false);
  await until(cluster.cache, "unreachable", () => cluster.cache.get(nodes, "", "b")!.object.spec?.taints !== undefined);
  const kept = podsIn(cluster.cache).find(({ object }) => object.spec!.nodeName === "b")!;
  await setImage(cluster, "v2");
  await rolledOut(cluster);
  assert.is(cluster.cache.byUid(kept.uid)!.deleting, false);
  cluster.nodes.hear("b", true);
  await until(cluster.cache, "up to date", () => isDone(cluster) && status(cluster)!.desiredNumberScheduled === 3, 10_000);
  assert.is(where(cluster), "abc");
});

test("a deleted pod comes back on its node; a deleted set takes its pods and history along", async (cluster) => {
  await cluster.registry.create(daemonSets, log());
  await rolledOut(cluster);
  const victim = podsIn(cluster.cache)[0]!;
  await cluster.registry.delete(pods, victim);
  await until(cluster.cache, "another", () => !cluster.cache.byUid(victim.uid) && where(cluster) === "abc");
  await cluster.registry.delete(daemonSets, key, { propagationPolicy: "Foreground" });
  await until(cluster.cache, "all gone", () => podsIn(cluster.cache).length === 0 && revisions(cluster) === "" && !status(cluster));
});
