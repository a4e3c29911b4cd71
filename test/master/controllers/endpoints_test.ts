import * as assert from "uvu/assert";
import { endpoints } from "../../../shared/api/kinds/endpoints.ts";
import { endpointSlices } from "../../../shared/api/kinds/endpoint_slice.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import { planKubernetesService } from "../../../master/controllers/kubernetes_service.ts";
import { type Cluster, openCluster, podsIn, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<Cluster>("endpoints", { setup: () => openCluster(), teardown: (cluster) => cluster.close(), timeoutMs: 20_000 });

const namespace = "default";
const service = (spec: object = {}) =>
  ({
    metadata: { name: "web", namespace },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }], ...spec },
  }) as never;
const pod = (name: string, containerPort: number, image = "v1") =>
  ({
    metadata: { name, namespace, labels: { app: "web" } },
    spec: { containers: [{ name: "a", image, ports: [{ name: "http", containerPort }] }] },
  }) as never;
const slices = ({ cache }: Cluster, name = "web") =>
  [...cache.list(endpointSlices, namespace)].filter(({ labels }) => labels["kubernetes.io/service-name"] === name).map(({ object }) =>
    object
  );
/** `p1:8080+` is ready, `-` is not; of all slices. */
const shown = (cluster: Cluster) =>
  slices(cluster).flatMap(({ endpoints = [], ports = [] }) =>
    endpoints.map(({ targetRef, conditions }) =>
      `${targetRef!.name}:${ports[0]?.port}${conditions!.ready ? "+" : "-"}${conditions!.terminating ? "t" : ""}`
    )
  ).sort().join(" ");
const older = ({ cache }: Cluster) =>
  (cache.get(endpoints, namespace, "web")?.object.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => [
    ...addresses.map(({ targetRef }) => `${targetRef!.name}:${ports[0]?.port}+`),
    ...notReadyAddresses.map(({ targetRef }) => `${targetRef!.name}:${ports[0]?.port}-`),
  ]).sort().join(" ");

test("endpoints follow readiness, named ports, and the pods' end", async (cluster) => {
  const { registry, cache } = cluster;
  cluster.nodes.broken.add("bad");
  await registry.create(services, service());
  await registry.create(pods, pod("p1", 8080));
  await registry.create(pods, pod("p2", 9090));
  await registry.create(pods, pod("p3", 8080, "bad"));
  await until(cache, "all three", () => shown(cluster) === "p1:8080+ p2:9090+ p3:8080-" && older(cluster) === "p1:8080+ p2:9090+ p3:8080-");
  const [first] = slices(cluster);
  assert.equal([first!.addressType, first!.endpoints![0]!.nodeName !== undefined], ["IPv4", true]);
  await registry.modify(pods, { namespace, name: "p1" }, (object) => {
    object.status!.conditions!.find(({ type }) => type === "Ready")!.status = "False";
  }, { subresource: "status" });
  await until(cache, "p1 is not ready", () => shown(cluster).startsWith("p1:8080-"));
  const { nodeName } = cache.get(pods, namespace, "p2")!.object.spec!;
  cluster.nodes.hear(nodeName!, false);
  await registry.delete(pods, { namespace, name: "p2" });
  await until(cache, "p2 is about to end", () => shown(cluster).includes("p2:9090-t"));
  cluster.nodes.hear(nodeName!, true);
  await until(cache, "p2 is gone", () => !shown(cluster).includes("p2"));
  await until(cache, "in both", () => older(cluster) === "p1:8080- p3:8080-");
});

test("a service's slices go with it; without a selector there are none but one's own", async (cluster) => {
  const { registry, cache } = cluster;
  await registry.create(services, service());
  await registry.create(pods, pod("p1", 8080));
  await until(cache, "one", () => shown(cluster) === "p1:8080+");
  await registry.delete(services, { namespace, name: "web" });
  await until(cache, "none", () => slices(cluster).length === 0 && !cache.get(endpoints, namespace, "web"));
  assert.is(podsIn(cache).length, 1);
});

test("the API is a Service", async (cluster) => {
  const { cache } = cluster;
  await until(
    cache,
    "there",
    () => slices(cluster, "kubernetes").length === 1 && cache.get(services, namespace, "kubernetes") !== undefined,
  );
  assert.equal(slices(cluster, "kubernetes")[0]!.endpoints!.map(({ addresses }) => addresses), [["192.0.2.1"]]);
  assert.equal(cache.get(endpoints, namespace, "kubernetes")!.object.subsets, [
    { addresses: [{ ip: "192.0.2.1" }], ports: [{ name: "https", port: 6443, protocol: "TCP" }] },
  ]);
  const { clusterIP } = cache.get(services, namespace, "kubernetes")!.object.spec!;
  assert.match(clusterIP!, /^10\.202\./);
  await cluster.registry.delete(services, { namespace, name: "kubernetes" });
  await until(cache, "again", () => cache.get(services, namespace, "kubernetes")?.object.spec?.clusterIP !== undefined);
});

test("planKubernetesService() shows no address that only this machine has", () => {
  const { slice, endpoints } = planKubernetesService([
    { address: "localhost", port: 6443 },
    { address: "127.0.0.1", port: 6443 },
    { address: "fd00::1", port: 6443 },
  ]);
  assert.equal([slice.endpoints, endpoints.subsets], [[], undefined]);
});
