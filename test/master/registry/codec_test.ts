import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { decode, encode, keyOf, parseKey, prefixOf, storedJson } from "../../../master/registry/codec.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("registry codec");

const pod = {
  spec: { nodeName: "pi-7", containers: [] },
  kind: "Wrong",
  metadata: {
    name: "web",
    namespace: "default",
    uid: "u-1",
    resourceVersion: "99",
    labels: { app: "wéb" },
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "u-0" }],
    deletionTimestamp: "2026-01-01T00:00:00Z",
  },
  status: { phase: "Running" },
} as never;

test("encode() writes the bytes that lie on disks: never change these", () => {
  const header =
    '{"u":"u-1","v":"v1","l":{"app":"wéb"},"f":{"spec.nodeName":"pi-7","spec.hostNetwork":"false","status.phase":"Running"},"o":["u-0"],"d":1,"s":44}';
  const json = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","uid":"u-1","labels":{"app":"wéb"},' +
    '"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"u-0"}],"deletionTimestamp":"2026-01-01T00:00:00Z"},' +
    '"spec":{"nodeName":"pi-7","containers":[]},"status":{"phase":"Running"}}';
  const length = Buffer.byteLength(header);
  const golden = Buffer.concat([Buffer.from([1, 0, length >> 8, length & 0xff]), Buffer.from(header), Buffer.from(json)]);
  assert.is(Buffer.from(encode(pods, pod)!).toString(), golden.toString());
  assert.is(Buffer.from(storedJson(golden)).toString(), json);
});

test("keyOf() and parseKey() agree, with and without a namespace", () => {
  assert.is(keyOf(pods, "default", "web"), "/r/core/pods/default/web");
  assert.is(prefixOf(pods), "/r/core/pods/");
  const deployments = { group: "apps", plural: "deployments" };
  assert.is(prefixOf(deployments, ""), "/r/apps/deployments/-/");
  assert.equal(parseKey("/r/core/pods/default/web"), { resource: "core/pods", namespace: "default", name: "web" });
  assert.equal(parseKey("/r/rbac.authorization.k8s.io/clusterroles/-/system:node"), {
    resource: "rbac.authorization.k8s.io/clusterroles",
    namespace: "",
    name: "system:node",
  });
});

test("decode() splices the revision in as resourceVersion, in bytes() and in object", () => {
  const value = encode(pods, pod)!;
  const stored = decode(pods, { key: "/r/core/pods/default/web", value, modRevision: 1234 });
  assert.equal([stored.namespace, stored.name, stored.uid, stored.revision, stored.deleting], ["default", "web", "u-1", 1234, true]);
  assert.equal([stored.labels, stored.ownerUids, stored.fields["spec.nodeName"]], [{ app: "wéb" }, ["u-0"], "pi-7"]);
  const text = Buffer.from(stored.bytes()).toString();
  assert.ok(text.startsWith('{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"1234","name":"web"'), text);
  assert.equal(JSON.parse(text), stored.object);
  assert.is(stored.bytes(), stored.bytes(), "made once");
});

test("decode() at revision 0 shows an object that is not stored: without resourceVersion", () => {
  const stored = decode(pods, { key: "/r/core/pods/default/web", value: encode(pods, pod)!, modRevision: 0 });
  assert.is(stored.object.metadata?.resourceVersion, undefined);
  assert.equal(JSON.parse(Buffer.from(stored.bytes()).toString()), stored.object);
});

test("decode() works on a view into a larger buffer", () => {
  const value = encode(pods, pod)!, slab = new Uint8Array(value.length + 20);
  slab.set(value, 10);
  const stored = decode(pods, { key: "/r/core/pods/default/web", value: slab.subarray(10, 10 + value.length), modRevision: 7 });
  assert.is(stored.object.metadata?.resourceVersion, "7");
  assert.equal(stored.labels, { app: "wéb" });
});

test("encode() keeps keys named __proto__ and constructor", () => {
  const data = JSON.parse('{"__proto__":"a","constructor":"b"}');
  const value = encode(configMaps, { metadata: { name: "odd", namespace: "default", uid: "u" }, data });
  const { object } = decode(configMaps, { key: "/r/core/configmaps/default/odd", value: value!, modRevision: 1 });
  assert.equal(Object.entries(object.data!), [["__proto__", "a"], ["constructor", "b"]]);
});

test("encode() refuses labels that do not fit a header", () => {
  const labels = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`label-${i}`, "x".repeat(40)]));
  assert.is(encode(configMaps, { metadata: { name: "fat", namespace: "default", uid: "u", labels } }), undefined);
});

test("decode() refuses a format or flag that it does not know", () => {
  for (const at of [0, 1]) {
    const value = Uint8Array.from(encode(pods, pod)!);
    value[at] = 2;
    assert.throws(() => decode(pods, { key: "/r/core/pods/default/web", value, modRevision: 1 }), /this program/);
  }
});
