import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { events } from "../../../shared/api/kinds/event.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { serviceAccounts } from "../../../shared/api/kinds/service_account.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { waves } from "../../../master/controllers/namespace.ts";
import { type Cluster, openCluster, podsIn, readyPods, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<Cluster>("namespaces", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 20_000 });

const namespace = "shop", key = (name: string) => ({ namespace, name });
const web = (replicas: number) =>
  ({
    metadata: { name: "web", namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image: "v1" }] } },
    },
  }) as never;
const left = ({ cache }: Cluster) => kinds.filter(({ namespaced }) => namespaced).flatMap((kind) => [...cache.list(kind, namespace)]);
const isGone = ({ cache }: Cluster) => !cache.get(namespaces, "", namespace);

test("every namespace has its ServiceAccount and the CA, also again", async ({ registry, cache }) => {
  await registry.create(namespaces, { metadata: { name: namespace } });
  const both = () => cache.get(serviceAccounts, namespace, "default") && cache.get(configMaps, namespace, "kube-root-ca.crt");
  await until(cache, "both", () => both() !== undefined);
  assert.match(cache.get(configMaps, namespace, "kube-root-ca.crt")!.object.data!["ca.crt"]!, /BEGIN CERTIFICATE/);
  await registry.delete(serviceAccounts, key("default"));
  await registry.modify(configMaps, key("kube-root-ca.crt"), (map) => void (map.data = { "ca.crt": "another" }));
  await until(
    cache,
    "both again",
    () => both() !== undefined && cache.get(configMaps, namespace, "kube-root-ca.crt")!.object.data!["ca.crt"] !== "another",
  );
});

test("a namespace empties itself and goes", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(namespaces, { metadata: { name: namespace } });
  await registry.create(deployments, web(5));
  await registry.create(services, { metadata: key("web"), spec: { selector: { app: "web" }, ports: [{ port: 80 }] } } as never);
  await Promise.all(Array.from({ length: 200 }, (_, i) => registry.create(configMaps, { metadata: key(`c${i}`) })));
  await until(cache, "five pods", () => readyPods(cache, namespace).length === 5);
  await registry.delete(namespaces, { name: namespace });
  await until(cache, "gone", () => isGone(cluster), 10_000);
  assert.equal(left(cluster), []);
});

test("a namespace waits for the pods of a node that is cut off, and their things wait, too", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(namespaces, { metadata: { name: namespace } });
  await registry.create(configMaps, { metadata: key("settings") });
  await registry.create(deployments, web(3));
  await until(cache, "three pods", () => readyPods(cache, namespace).length === 3);
  cluster.nodes.hear("b", false);
  await registry.delete(namespaces, { name: namespace });
  const aspect = (type: string) => cache.get(namespaces, "", namespace)?.object.status?.conditions?.find((found) => found.type === type);
  await until(cache, "said why", () => podsIn(cache, namespace).length === 1 && aspect("NamespaceContentRemaining")?.status === "True");
  assert.match(aspect("NamespaceContentRemaining")!.message!, /configmaps\. has 2 resource instances.*pods\. has \d resource instances/);
  assert.ok(cache.get(configMaps, namespace, "settings"), "the pod may need it until it ends");
  assert.is([...cache.list(deployments, namespace)].length, 0, "nobody makes new ones");
  cluster.nodes.hear("b", true);
  await until(cache, "gone", () => isGone(cluster));
});

test("a namespace says who holds its contents, and goes when they let go", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(namespaces, { metadata: { name: namespace } });
  await registry.create(configMaps, { metadata: { ...key("held"), finalizers: ["skerry.dev/test"] } });
  await registry.delete(namespaces, { name: namespace });
  const said = () =>
    cache.get(namespaces, "", namespace)?.object.status?.conditions?.find(({ type }) => type === "NamespaceFinalizersRemaining");
  await until(cache, "said", () => said()?.status === "True");
  assert.is(said()!.message, "Some content in the namespace has finalizers remaining: skerry.dev/test in 1 resource instances");
  await registry.modify(configMaps, key("held"), (map) => void (map.metadata!.finalizers = []));
  await until(cache, "gone", () => isGone(cluster));
});

test("a namespace in the middle of its end goes under the next leader", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(namespaces, { metadata: { name: namespace } });
  await registry.create(deployments, web(5));
  await until(cache, "five pods", () => readyPods(cache, namespace).length === 5);
  await registry.delete(namespaces, { name: namespace });
  await cluster.restart();
  await until(cache, "gone", () => isGone(cluster), 10_000);
  assert.equal(left(cluster).filter(({ kind }) => (kind as unknown) !== events), []);
});

test("waves() ends pods and those who make them before anything else", () => {
  const names = waves(kinds).map((wave) => wave.map(({ plural }) => plural));
  const ofApps = ["daemonsets", "deployments", "replicasets", "statefulsets", "controllerrevisions"];
  assert.equal(names[0], ["pods", "replicationcontrollers", ...ofApps, "cronjobs", "jobs"]);
  assert.ok(["secrets", "configmaps", "services", "leases", "events"].every((plural) => names[1]!.includes(plural)));
  assert.not(names.flat().includes("nodes"));
});
