import * as assert from "uvu/assert";
import { type Deployment, deployments } from "../../../shared/api/kinds/deployment.ts";
import { replicaSets } from "../../../shared/api/kinds/replicaset.ts";
import { type Cluster, openCluster, podsIn, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<Cluster>("workloads", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 10_000 });

const web = (spec: Record<string, unknown> = {}, image = "v1"): Deployment =>
  ({
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image }] } },
      ...spec,
    },
  }) as unknown as Deployment;
const key = { namespace: "default", name: "web" };
const setImage = (cluster: Cluster, image: string) =>
  cluster.registry.modify(deployments, key, (object) => void (object.spec!.template!.spec!.containers[0]!.image = image));
const status = ({ cache }: Cluster) => cache.get(deployments, "default", "web")?.object.status ?? {};
const isDone = (cluster: Cluster): boolean => {
  const object = cluster.cache.get(deployments, "default", "web")?.object, { status = {}, spec, metadata } = object ?? {};
  return status.observedGeneration === metadata?.generation && status.updatedReplicas === spec?.replicas &&
    status.replicas === spec?.replicas &&
    status.availableReplicas === spec?.replicas &&
    status.conditions?.find(({ type }) => type === "Progressing")?.reason === "NewReplicaSetAvailable";
};
const sets = ({ cache }: Cluster) => [...cache.list(replicaSets, "default")];

test("a Deployment gets its pods, each on a node of its own", async (cluster) => {
  await cluster.registry.create(deployments, web());
  await until(cluster.cache, "rolled out", () => isDone(cluster));
  assert.equal(podsIn(cluster.cache).map(({ object }) => object.spec!.nodeName).sort(), ["a", "b", "c"]);
  assert.is(readyPods(cluster.cache).length, 3);
  assert.is(status(cluster).readyReplicas, 3);
});
