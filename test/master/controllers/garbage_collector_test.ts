import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { events } from "../../../shared/api/kinds/event.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { replicaSets } from "../../../shared/api/kinds/replicaset.ts";
import type { OwnerReference } from "../../../shared/api/meta.ts";
import { fateOf, type Standing, standing } from "../../../master/controllers/garbage_collector.ts";
import type { Stored } from "../../../master/registry/face.ts";
import { type Cluster, openCluster, podsIn, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const pure = suite("fateOf() and standing()");

pure("standing() matches by uid, kind, group, name and namespace", () => {
  const owner = { uid: "u", name: "a", namespace: "one", deleting: false, kind: { ...configMaps }, object: {} } as never as Stored;
  const reference: OwnerReference = { uid: "u", apiVersion: "v1", kind: "ConfigMap", name: "a" };
  const of = (rest: Partial<OwnerReference> = {}, namespace = "one", found: Stored | undefined = owner, kind = configMaps as never) =>
    standing({ ...reference, ...rest }, { namespace, kind }, found, (_group, kind) => kind !== "Boat");
  assert.is(of(), "alive");
  assert.is(of({ name: "b" }), "absent");
  assert.is(of({ kind: "Secret" }), "absent");
  assert.is(of({ apiVersion: "apps/v1" }), "absent");
  assert.is(of({}, "two"), "misplaced");
  const gone = (rest: Partial<OwnerReference>) =>
    standing({ ...reference, ...rest }, { namespace: "one", kind: configMaps as never }, undefined, (_group, kind) => kind !== "Boat");
  assert.is(gone({}), "absent");
  assert.is(gone({ kind: "Boat" }), "alive", "of a kind that nobody knows nothing can be said");
  const leaving = { ...owner, deleting: true, object: { metadata: { finalizers: ["foregroundDeletion"] } } } as never as Stored;
  assert.is(of({}, "one", leaving), "waiting");
});

pure("fateOf() deletes what nobody owns any more, and nothing else", () => {
  const of = (standings: Standing[], own: Partial<Parameters<typeof fateOf>[1]> = {}) =>
    fateOf(standings.map((standing, i) => ({ uid: String(i), standing })), {
      namespaced: true,
      finalizers: [],
      hasDependents: false,
      ...own,
    });
  assert.equal(of(["alive", "alive"]), { do: "keep" });
  assert.equal(of(["absent"]), { do: "delete", propagationPolicy: "Background" });
  assert.equal(of(["alive", "absent", "waiting"]), { do: "forget", uids: ["1", "2"] });
  assert.equal(of(["misplaced"]), { do: "delete", propagationPolicy: "Background" });
  assert.equal(of(["misplaced"], { namespaced: false }), { do: "keep" });
  assert.equal(of(["waiting"], { hasDependents: true }), { do: "delete", propagationPolicy: "Foreground" });
  assert.equal(of(["absent"], { finalizers: ["orphan"] }), { do: "delete", propagationPolicy: "Orphan" });
});

const test = suite<Cluster>("garbage collector", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 20_000 });

const web = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image: "v1" }] } },
  },
} as never;
const key = { namespace: "default", name: "web" };
const start = async ({ registry, cache }: Cluster) => {
  const stored = await registry.create(deployments, web);
  await until(cache, "three pods", () => readyPods(cache).length === 3);
  return stored;
};
const sets = ({ cache }: Cluster) => [...cache.list(replicaSets, "default")];
const map = (name: string, owners: readonly Pick<Stored, "uid" | "name">[] = [], rest: object = {}, namespace = "default") =>
  ({
    metadata: {
      name,
      namespace,
      ownerReferences: owners.map(({ uid, name }) => ({ apiVersion: "v1", kind: "ConfigMap", uid, name, blockOwnerDeletion: true })),
      ...rest,
    },
  }) as never;
const has = ({ cache }: Cluster, name: string, namespace = "default") => cache.get(configMaps, namespace, name) !== undefined;

test("a Deployment deleted in the background goes at once, and all it made follows", async (cluster) => {
  await start(cluster);
  const { gone } = await cluster.registry.delete(deployments, key, { propagationPolicy: "Background" });
  assert.ok(gone);
  await until(cluster.cache, "all gone", () => sets(cluster).length + podsIn(cluster.cache).length === 0);
});

test("a Deployment deleted in the foreground goes last", async (cluster) => {
  await start(cluster);
  cluster.nodes.hear("a", false); // its pod cannot end now
  await cluster.registry.delete(deployments, key, { propagationPolicy: "Foreground" });
  await until(cluster.cache, "one pod left", () => podsIn(cluster.cache).length === 1);
  assert.is(sets(cluster).length, 1, "it waits");
  assert.ok(cluster.cache.get(deployments, "default", "web"));
  cluster.nodes.hear("a", true);
  await until(cluster.cache, "all gone", () => !cluster.cache.get(deployments, "default", "web"));
  assert.is(sets(cluster).length + podsIn(cluster.cache).length, 0);
});

test("an orphaned ReplicaSet stays, and keeps its pods", async (cluster) => {
  await start(cluster);
  await cluster.registry.delete(deployments, key, { propagationPolicy: "Orphan" });
  await until(cluster.cache, "gone", () => !cluster.cache.get(deployments, "default", "web"));
  assert.equal(sets(cluster).map(({ ownerUids }) => ownerUids), [[]]);
  assert.is(readyPods(cluster.cache).length, 3);
  await cluster.registry.delete(replicaSets, sets(cluster)[0]!, { propagationPolicy: "Orphan" });
  await until(cluster.cache, "gone", () => sets(cluster).length === 0);
  assert.equal(podsIn(cluster.cache).map(({ ownerUids, deleting }) => [ownerUids.length, deleting]), Array(3).fill([0, false]));
});

test("who has two owners loses the one that is gone, and goes with the last", async (cluster) => {
  const { registry, cache } = cluster;
  const a = await registry.create(configMaps, map("a")), b = await registry.create(configMaps, map("b"));
  const child = await registry.create(configMaps, map("child", [a, b]));
  await registry.delete(configMaps, a);
  await until(cache, "one owner", () => cache.byUid(child.uid)!.ownerUids.length === 1);
  await registry.delete(configMaps, b);
  await until(cache, "gone", () => !has(cluster, "child"));
});

test("an owner of the same name made later does not count", async (cluster) => {
  const { registry, cache } = cluster, a = await registry.create(configMaps, map("a"));
  await registry.delete(configMaps, a);
  await registry.create(configMaps, map("a"));
  await registry.create(configMaps, map("child", [a]));
  await until(cache, "gone", () => !has(cluster, "child"));
  assert.ok(has(cluster, "a"));
});

test("an owner in another namespace is none, and a warning says so", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(namespaces, { metadata: { name: "far" } });
  const a = await registry.create(configMaps, map("a", [], {}, "far"));
  await registry.create(configMaps, map("child", [a]));
  await until(cache, "gone", () => !has(cluster, "child"));
  await until(cache, "told", () => [...cache.list(events)].some(({ object }) => object.reason === "OwnerRefInvalidNamespace"));
});

test("owners in a circle do not wait for each other for ever", async (cluster) => {
  const { registry, cache } = cluster;
  const a = await registry.create(configMaps, map("a")), b = await registry.create(configMaps, map("b", [a]));
  const c = await registry.create(configMaps, map("c", [b]));
  await registry.modify(configMaps, a, (object) => {
    object.metadata!.ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", uid: c.uid, name: "c", blockOwnerDeletion: true }];
  });
  await registry.delete(configMaps, a, { propagationPolicy: "Foreground" });
  await until(cache, "all gone", () => !["a", "b", "c"].some((name) => has(cluster, name)));
});

test("what owns itself can go", async (cluster) => {
  const { registry, cache } = cluster, a = await registry.create(configMaps, map("a"));
  await registry.modify(configMaps, a, (object) => {
    object.metadata!.ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", uid: a.uid, name: "a", blockOwnerDeletion: true }];
  });
  await registry.delete(configMaps, a, { propagationPolicy: "Foreground" });
  await until(cache, "gone", () => !has(cluster, "a"));
});

test("a new leader finds what happened while nobody led", async (cluster) => {
  const { registry, cache } = cluster, node = await registry.create(nodes, { metadata: { name: "short-lived" } });
  await registry.create(namespaces, { metadata: { name: "far" } });
  const held = await registry.create(configMaps, map("held", [], { finalizers: ["skerry.dev/test"] }));
  const far = await registry.create(configMaps, map("far", [], {}, "far"));
  await registry.create(configMaps, map("child", [held]));
  await registry.create(
    configMaps,
    map("of-node", [], { ownerReferences: [{ apiVersion: "v1", kind: "Node", uid: node.uid, name: node.name }] }),
  );
  const waiting = await registry.create(configMaps, map("waiting", [held]));
  await cluster.restart(async () => {
    await registry.create(configMaps, map("misplaced", [far]));
    await registry.delete(configMaps, held);
    await registry.modify(configMaps, held, (object) => void (object.metadata!.finalizers = []));
    await registry.delete(nodes, node);
    await registry.delete(configMaps, waiting, { propagationPolicy: "Foreground" });
  });
  await until(cache, "gone", () => !["child", "of-node", "misplaced", "waiting"].some((name) => has(cluster, name)));
  assert.ok(has(cluster, "far", "far"));
});
