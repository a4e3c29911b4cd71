import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { endpointSlices } from "../../../shared/api/kinds/endpoint_slice.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { secrets } from "../../../shared/api/kinds/secret.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import type { Cache } from "../../../master/registry/cache.ts";
import type { Stored } from "../../../master/registry/face.ts";
import { Renderer } from "../../../master/fleet/desired_state.ts";
import { setHash } from "../../../shared/wire/desired.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("desired state");
let revision = 100;

/** As much of a stored object and of a cache as rendering reads. */
function stored(kind: Kind<never>, metadata: Record<string, unknown>, rest: object = {}): Stored {
  const object = { metadata: { uid: `${kind.plural}-${metadata.name}`, ...metadata }, ...rest };
  const { name, namespace = "", labels = {}, uid } = object.metadata as never as {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    uid: string;
  };
  return {
    kind,
    name,
    namespace,
    uid,
    revision: ++revision,
    labels,
    fields: {},
    ownerUids: [],
    deleting: false,
    object,
    bytes: () => new Uint8Array(),
  } as never;
}
function cacheOf(objects: Stored[]): Cache {
  const list = (kind: unknown, namespace?: string) =>
    objects.filter((object) => object.kind === kind && (namespace === undefined || object.namespace === namespace));
  return {
    list,
    get: (kind: unknown, namespace: string, name: string) => list(kind, namespace).find((object) => object.name === name),
    byField: (kind: unknown, _field: string, value: string) =>
      list(kind).filter(({ object }) => (object as { spec?: { nodeName?: string } }).spec?.nodeName === value),
  } as never;
}
const facts = { podNetwork: "10.201.0.0/16", serviceNetwork: "10.202.0.0/16", clusterDomain: "cluster.local" };
const namespace = "default";
const node = (name: string, site?: string) =>
  stored(nodes as never, { name, labels: site ? { "skerry.dev/site": site } : {} }, { spec: { podCIDR: "10.201.1.0/24" } });
const pod = (name: string, nodeName: string, spec: object = {}, rest: object = {}) =>
  stored(pods as never, { name, namespace }, { spec: { nodeName, containers: [{ name: "a" }], ...spec }, ...rest });
const slice = (name: string, ...nodeNames: string[]) =>
  stored(endpointSlices as never, { name: `${name}-1`, namespace: "other", labels: { "kubernetes.io/service-name": name } }, {
    addressType: "IPv4",
    ports: [],
    endpoints: nodeNames.map((nodeName, i) => ({ addresses: [`10.0.0.${i}`], nodeName })),
  });
const service = (name: string) => stored(services as never, { name, namespace: "other" }, { spec: { clusterIP: "10.202.0.7" } });
const set = (objects: Stored[], of: Stored) => new Renderer(cacheOf([...objects, of]), facts).desiredState(of as never, 0).objects;

test("a node gets its pods, what these name, and nothing of others", () => {
  const objects = [
    pod("mine", "pi", {
      volumes: [{ name: "v", configMap: { name: "named" } }],
      containers: [{ name: "a", envFrom: [{ secretRef: { name: "key" } }] }],
    }),
    pod("other", "van"),
    stored(configMaps as never, { name: "named", namespace }, { data: { a: "1" } }),
    stored(configMaps as never, { name: "unnamed", namespace }, { data: { a: "1" } }),
    stored(secrets as never, { name: "key", namespace }, { data: { a: "MQ==" } }),
    stored(secrets as never, { name: "somebody-elses", namespace }, { data: { a: "MQ==" } }),
  ];
  assert.equal([...set(objects, node("pi")).keys()].sort(), ["configmaps-named", "nodes-pi", "pods-mine", "secrets-key"]);
});

test("a node gets the services of its site and of its pods' namespaces, with the endpoints it can reach", () => {
  const objects = [
    node("near", "a"),
    node("far", "b"),
    service("here"),
    slice("here", "near", "far"),
    service("there"),
    slice("there", "far"),
    pod("p", "pi"),
  ];
  const got = set(objects, node("pi", "a"));
  assert.equal([...got.keys()].sort(), ["endpointslices-here-1", "nodes-pi", "pods-p", "services-here"]);
  const { endpoints } = JSON.parse(got.get("endpointslices-here-1")!.body);
  assert.equal(endpoints.map((endpoint: { nodeName: string }) => endpoint.nodeName), ["near"]);
});

test("what does not concern a node changes no hash", () => {
  const hash = (rest: object, annotations: object = {}) => {
    const p = stored(pods as never, { name: "p", namespace, annotations }, {
      spec: { nodeName: "pi", containers: [{ name: "a" }] },
      ...rest,
    });
    return setHash(set([p], node("pi")).values());
  };
  const before = hash({});
  assert.is(hash({ status: { phase: "Running" } }), before);
  assert.is(hash({}, { "skerry.dev/observed-at": "2026-01-01T00:00:00Z" }), before);
  assert.is.not(hash({}, { mine: "1" }), before);
});

test("the order of keys, which a write may change, changes no hash", () => {
  const hash = (...containers: object[]) => setHash(set([pod("p", "pi", { containers })], node("pi")).values());
  assert.is(hash({ name: "a", env: [{ name: "x", value: "1" }] }), hash({ env: [{ value: "1", name: "x" }], name: "a" }));
  assert.is.not(hash({ name: "a" }, { name: "b" }), hash({ name: "b" }, { name: "a" }));
});

test("a Secret's hash follows its resourceVersion, not what sealing makes of it", () => {
  const p = pod("p", "pi", { imagePullSecrets: [{ name: "key" }] }), n = node("pi");
  const of = () => set([p, stored(secrets as never, { name: "key", namespace }, { data: {} })], n).get("secrets-key")!.hash;
  assert.is.not(of(), of());
});

test("a body is made once for all nodes", () => {
  const p = pod("p", "pi"), n = node("pi"), renderer = new Renderer(cacheOf([p, n]), facts);
  assert.is(renderer.desiredState(n as never, 0).objects.get("pods-p"), renderer.desiredState(n as never, 0).objects.get("pods-p"));
});
