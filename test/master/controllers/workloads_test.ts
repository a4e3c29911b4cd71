import * as assert from "uvu/assert";
import { type Deployment, deployments } from "../../../shared/api/kinds/deployment.ts";
import { events } from "../../../shared/api/kinds/event.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { replicaSets } from "../../../shared/api/kinds/replicaset.ts";
import { type Cluster, openCluster, podsIn, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<Cluster>("workloads", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 20_000 });

const web = (spec: Record<string, unknown> = {}): Deployment =>
  ({
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image: "v1" }] } },
      ...spec,
    },
  }) as unknown as Deployment;
const key = { namespace: "default", name: "web" };
const change = ({ registry }: Cluster, what: (spec: NonNullable<Deployment["spec"]>) => void) =>
  registry.modify(deployments, key, (object) => void what(object.spec!));
const setImage = (cluster: Cluster, image: string) => change(cluster, ({ template }) => template!.spec!.containers[0]!.image = image);
const found = ({ cache }: Cluster) => cache.get(deployments, "default", "web")?.object;
const sets = ({ cache }: Cluster) => [...cache.list(replicaSets, "default")];
const revisionOf = (object: { metadata?: { annotations?: Record<string, string> } } | undefined) =>
  object?.metadata?.annotations?.["deployment.kubernetes.io/revision"];
const imagesOf = (cluster: Cluster) => readyPods(cluster.cache).map(({ object }) => object.spec!.containers[0]!.image);

/** What `kubectl rollout status` waits for. */
function isDone(cluster: Cluster): boolean {
  const { status = {}, spec, metadata } = found(cluster) ?? {};
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  return observedGeneration >= (metadata?.generation ?? 1) &&
    [replicas, updatedReplicas, availableReplicas].every((count) => count === spec?.replicas);
}
const rolledOut = (cluster: Cluster) => until(cluster.cache, "rolled out", () => isDone(cluster), 15_000);

test("a Deployment gets its pods, spread over the nodes", async (cluster) => {
  await cluster.registry.create(deployments, web());
  await rolledOut(cluster);
  assert.equal(podsIn(cluster.cache).map(({ object }) => object.spec!.nodeName).sort(), ["a", "b", "c"]);
  assert.is(readyPods(cluster.cache).length, 3);
  assert.is(revisionOf(found(cluster)), "1");
  const { metadata } = podsIn(cluster.cache)[0]!.object, owner = metadata!.ownerReferences![0]!;
  assert.equal([owner.kind, owner.controller, owner.blockOwnerDeletion], ["ReplicaSet", true, true]);
  assert.ok(metadata!.name!.startsWith(`web-${metadata!.labels!["pod-template-hash"]}-`));
  await until(
    cluster.cache,
    "told to people",
    () =>
      ["ScalingReplicaSet", "SuccessfulCreate", "Scheduled"].every((reason) =>
        [...cluster.cache.list(events)].some(({ object }) => object.reason === reason)
      ),
  );
});

test("a rollout keeps its bounds at every step, and nothing else is started", async (cluster) => {
  await cluster.registry.create(
    deployments,
    web({ replicas: 6, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } } }),
  );
  await rolledOut(cluster);
  let least = Infinity, most = 0;
  const unsubscribe = cluster.cache.subscribe(() => {
    least = Math.min(least, readyPods(cluster.cache).length);
    most = Math.max(most, podsIn(cluster.cache).filter(({ deleting }) => !deleting).length);
  });
  await setImage(cluster, "v2");
  await rolledOut(cluster);
  unsubscribe();
  assert.ok(least >= 5, `${least} were available`);
  assert.ok(most <= 8, `${most} were there at once`);
  assert.equal(imagesOf(cluster), Array(6).fill("v2"));
  assert.is(cluster.nodes.started.length, 12);
});

test("an image that never gets ready stops the rollout before anybody notices", async (cluster) => {
  cluster.nodes.broken.add("bad");
  await cluster.registry.create(deployments, web({ progressDeadlineSeconds: 1, minReadySeconds: 0 }));
  await rolledOut(cluster);
  await setImage(cluster, "bad");
  await until(
    cluster.cache,
    "given up",
    () => found(cluster)?.status?.conditions?.some(({ reason }) => reason === "ProgressDeadlineExceeded") === true,
    10_000,
  );
  assert.equal(imagesOf(cluster), ["v1", "v1", "v1"]);
  assert.is(found(cluster)!.status!.conditions!.find(({ type }) => type === "Available")!.status, "True");
});

test("undo takes up the old ReplicaSet under a new revision", async (cluster) => {
  await cluster.registry.create(deployments, web());
  await rolledOut(cluster);
  const first = sets(cluster)[0]!.name;
  await setImage(cluster, "v2");
  await rolledOut(cluster);
  await until(cluster.cache, "revision 2", () => revisionOf(found(cluster)) === "2");
  await setImage(cluster, "v1");
  await rolledOut(cluster);
  await until(cluster.cache, "revision 3", () => revisionOf(found(cluster)) === "3");
  assert.is(sets(cluster).length, 2);
  const set = sets(cluster).find(({ name }) => name === first)!;
  assert.equal([set.object.spec!.replicas, revisionOf(set.object)], [3, "3"]);
});

test("scaling makes and ends pods, and touches no other", async (cluster) => {
  await cluster.registry.create(deployments, web());
  await rolledOut(cluster);
  const before = podsIn(cluster.cache).map(({ uid }) => uid);
  await change(cluster, (spec) => void (spec.replicas = 7));
  await rolledOut(cluster);
  assert.ok(before.every((uid) => cluster.cache.byUid(uid)));
  await change(cluster, (spec) => void (spec.replicas = 1));
  await rolledOut(cluster);
  await until(cluster.cache, "one pod", () => podsIn(cluster.cache).length === 1);
  await change(cluster, (spec) => void (spec.replicas = 0));
  await until(cluster.cache, "no pod", () => podsIn(cluster.cache).length === 0 && isDone(cluster));
});

test("a paused Deployment changes its size and not its template; resumed, it does", async (cluster) => {
  await cluster.registry.create(deployments, web());
  await rolledOut(cluster);
  await change(cluster, (spec) => {
    spec.paused = true;
    spec.replicas = 4;
    spec.template!.spec!.containers[0]!.image = "v2";
  });
  await until(cluster.cache, "four pods", () => readyPods(cluster.cache).length === 4);
  assert.equal(imagesOf(cluster), ["v1", "v1", "v1", "v1"]);
  await change(cluster, (spec) => void (spec.paused = false));
  await rolledOut(cluster);
  assert.equal(imagesOf(cluster), ["v2", "v2", "v2", "v2"]);
});

test("Recreate starts the new when the last of the old has ended, not when it is about to", async (cluster) => {
  await cluster.registry.create(deployments, web({ strategy: { type: "Recreate" } }));
  await rolledOut(cluster);
  cluster.nodes.hear("a", false); // its pod cannot end now
  await setImage(cluster, "v2");
  await until(cluster.cache, "the old of the others gone", () => podsIn(cluster.cache).length === 1);
  await until(cluster.cache, "counted", () => (found(cluster)!.status!.replicas ?? 0) === 0);
  assert.is(sets(cluster).length, 1, "nothing of the new");
  cluster.nodes.hear("a", true);
  await rolledOut(cluster);
  assert.equal(imagesOf(cluster), ["v2", "v2", "v2"]);
});

test("a pod that somebody deletes, or takes out by its label, is replaced", async (cluster) => {
  const { cache, registry } = cluster;
  await registry.create(deployments, web());
  await rolledOut(cluster);
  const [first, second] = podsIn(cache);
  await registry.delete(pods, first!);
  await registry.modify(pods, second!, (pod) => void (pod.metadata!.labels = { app: "quarantine" }));
  await until(cache, "three and one", () => readyPods(cache).length === 4 && !cache.byUid(first!.uid));
  assert.equal(cache.byUid(second!.uid)!.ownerUids, [], "it is nobody's");
});

test("a pod without an owner that looks like one of ours becomes ours", async (cluster) => {
  const { cache, registry } = cluster;
  await registry.create(deployments, web());
  await rolledOut(cluster);
  const { object } = sets(cluster)[0]!;
  const orphan = await registry.create(pods, {
    metadata: { name: "found", namespace: "default", labels: object.spec!.template!.metadata!.labels! },
    spec: object.spec!.template!.spec!,
  });
  await until(cache, "three again", () => podsIn(cache).length === 3 && podsIn(cache).every(({ ownerUids }) => ownerUids.length === 1));
  assert.is(cache.byUid(orphan.uid), undefined, "the one too many is the one that did not serve yet");
});

test("a Deployment made anew adopts what the last one was parted from", async (cluster) => {
  const { cache, registry } = cluster;
  await registry.create(deployments, web());
  await rolledOut(cluster);
  const before = podsIn(cache).map(({ uid }) => uid).sort();
  await registry.delete(deployments, key, { propagationPolicy: "Orphan" });
  await until(cache, "gone", () => !found(cluster));
  await registry.create(deployments, web());
  await rolledOut(cluster);
  assert.equal(podsIn(cache).map(({ uid }) => uid).sort(), before);
  assert.is(sets(cluster).length, 1);
});

test("a new leader in the middle of a rollout doubles nothing", async (cluster) => {
  await cluster.registry.create(deployments, web({ replicas: 8 }));
  await rolledOut(cluster);
  let most = 0;
  const unsubscribe = cluster.cache.subscribe(() =>
    most = Math.max(most, podsIn(cluster.cache).filter(({ deleting }) => !deleting).length)
  );
  await setImage(cluster, "v2");
  for (let i = 0; i < 4; i++) await cluster.restart();
  await rolledOut(cluster);
  unsubscribe();
  assert.equal(imagesOf(cluster), Array(8).fill("v2"));
  assert.ok(most <= 10, `${most} were there at once`);
  assert.is(cluster.nodes.started.length, 16);
});
