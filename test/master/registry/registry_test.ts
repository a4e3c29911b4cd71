import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { events } from "../../../shared/api/kinds/event.ts";
import { eventViews } from "../../../shared/api/kinds/event_view.ts";
import { leases } from "../../../shared/api/kinds/lease.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { type Pod, pods } from "../../../shared/api/kinds/pod.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { keyOf } from "../../../master/registry/codec.ts";
import { createRegistry } from "../../../master/registry/registry.ts";
import type { Store, Transaction } from "../../../master/store/store.ts";
import { closeRegistry, openRegistry, type RegistryContext, reopenRegistry } from "../../kit/registry.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite<RegistryContext>("registry", { setup: openRegistry, teardown: closeRegistry, timeoutMs: 20_000 });

const map = (name: string, data: Record<string, string> = {}, more: object = {}) => ({
  metadata: { name, namespace: "default", ...more },
  data,
});
const pod = (name: string, spec: object = {}): Pod =>
  ({ metadata: { name, namespace: "default" }, spec: { containers: [{ name: "main", image: "nginx:1.27" }], ...spec } }) as Pod;
const key = (name: string) => ({ namespace: "default", name });

async function refused(work: Promise<unknown>): Promise<ApiError> {
  const error = await rejects(work);
  if (!(error instanceof ApiError)) throw error;
  return error;
}

test("create() gives an object its identity, defaults and first state; get() finds it", async ({ registry }) => {
  const created = await registry.create(pods, pod("web"));
  const { metadata, spec, status } = created.object;
  assert.match(metadata!.uid!, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(metadata!.creationTimestamp!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.is(metadata!.resourceVersion, String(registry.revision()));
  assert.equal([spec!.restartPolicy, spec!.serviceAccountName, spec!.priority, status!.phase], ["Always", "default", 0, "Pending"]);
  const found = await registry.get(pods, key("web"));
  assert.equal(found.object, created.object);
  assert.equal(found.bytes(), created.bytes());
});

test("create() refuses what exists, what has a resourceVersion, and what has no name", async ({ registry }) => {
  await registry.create(configMaps, map("a"));
  const twice = await refused(registry.create(configMaps, map("a")));
  assert.equal([twice.reason, twice.message], ["AlreadyExists", 'configmaps "a" already exists']);
  const old = await refused(registry.create(configMaps, map("b", {}, { resourceVersion: "1" })));
  assert.is(old.message, "resourceVersion should not be set on objects to be created");
  const nameless = await refused(registry.create(configMaps, { metadata: { namespace: "default" } }));
  assert.is(nameless.message, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required');
  const wrong = await refused(registry.create(pods, pod("Web_1", { restartPolicy: "Sometimes" })));
  assert.equal(wrong.details!.causes!.map((cause) => cause.field).sort(), ["metadata.name", "spec.restartPolicy"]);
});

test("create() makes names from generateName", async ({ registry }) => {
  const names = await Promise.all(
    Array.from(
      { length: 20 },
      async () => (await registry.create(configMaps, { metadata: { generateName: "job-", namespace: "default" } })).name,
    ),
  );
  for (const name of names) assert.match(name, /^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.is(new Set(names).size, 20);
});

test("create() needs a namespace that is there and stays", async ({ registry }) => {
  const nowhere = await refused(registry.create(configMaps, { metadata: { name: "a", namespace: "nowhere" } }));
  assert.equal([nowhere.code, nowhere.message], [404, 'namespaces "nowhere" not found']);
  await registry.create(namespaces, { metadata: { name: "brief" } });
  const { gone, stored } = await registry.delete(namespaces, { name: "brief" });
  assert.equal([gone, stored.object.status!.phase, stored.deleting], [false, "Terminating", true]);
  const late = await refused(registry.create(configMaps, { metadata: { name: "a", namespace: "brief" } }));
  assert.is(late.message, 'configmaps "a" is forbidden: unable to create new content in namespace brief because it is being terminated');
  assert.is(late.details!.causes![0]!.reason, "NamespaceTerminating");
  await registry.modify(namespaces, { name: "brief" }, (namespace) => ({ ...namespace, spec: {} }), { subresource: "finalize" });
  assert.is((await refused(registry.get(namespaces, { name: "brief" }))).reason, "NotFound");
});

test("create() that has seen its namespace active does not write once it is terminating", async (context) => {
  const { store, registry } = context;
  let reach = () => {}, open = () => {};
  const reached = new Promise<void>((resolve) => reach = resolve), gate = new Promise<void>((resolve) => open = resolve);
  const slow: Store = Object.assign(Object.create(store) as Store, {
    get: store.get.bind(store),
    list: store.list.bind(store),
    status: store.status.bind(store),
    async txn(transaction: Transaction) {
      reach();
      await gate;
      return await store.txn(transaction);
    },
  });
  await registry.create(namespaces, { metadata: { name: "brief" } });
  const other = createRegistry({ store: slow, clock: systemClock, random: seeded(3), log: silentLog, kinds });
  const creating = refused(other.create(configMaps, { metadata: { name: "late", namespace: "brief" } }));
  await reached;
  await registry.delete(namespaces, { name: "brief" });
  assert.is((await registry.list(configMaps, { namespace: "brief" })).items.length, 0);
  open();
  assert.is((await creating).details!.causes![0]!.reason, "NamespaceTerminating");
  assert.is((await registry.list(configMaps, { namespace: "brief" })).items.length, 0, "what was found empty stays empty");
});

test("create() with dryRun says what would be, and stores nothing", async ({ registry }) => {
  const before = registry.revision();
  const stored = await registry.create(configMaps, map("a", { x: "1" }), { dryRun: true });
  assert.equal([stored.object.data, stored.object.metadata!.resourceVersion], [{ x: "1" }, undefined]);
  assert.is((await refused(registry.get(configMaps, key("a")))).reason, "NotFound");
  await registry.create(configMaps, map("a"));
  assert.is((await refused(registry.create(configMaps, map("a"), { dryRun: true }))).reason, "AlreadyExists");
  const changed = await registry.update(configMaps, map("a", { x: "2" }), { dryRun: true });
  assert.equal([changed.object.data, registry.revision()], [{ x: "2" }, before + 1]);
  assert.is((await registry.delete(configMaps, key("a"), {}, { dryRun: true })).gone, true);
  assert.is((await registry.get(configMaps, key("a"))).object.data, undefined);
});

test("update() compares resourceVersion and uid", async ({ registry }) => {
  const first = await registry.create(configMaps, map("a", { n: "0" }));
  await registry.update(configMaps, { ...first.object, data: { n: "1" } });
  const stale = await refused(registry.update(configMaps, { ...first.object, data: { n: "2" } }));
  assert.equal([stale.reason, stale.details!.name], ["Conflict", "a"]);
  assert.match(stale.message, /^Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply/);
  const other = await refused(registry.update(configMaps, map("a", {}, { uid: "another" })));
  assert.match(other.message, /Precondition failed: UID in precondition: another, UID in object meta: /);
  assert.equal((await registry.update(configMaps, map("a", { n: "3" }))).object.data, { n: "3" }, "without a version the last writer wins");
  assert.is((await refused(registry.update(configMaps, map("missing")))).reason, "NotFound");
  const held = { metadata: { name: "l", namespace: "default" }, spec: { holderIdentity: "a" } };
  await registry.create(leases, held);
  const blind = await refused(registry.update(leases, held));
  assert.match(blind.message, /metadata.resourceVersion: Invalid value: 0x0: must be specified for an update/);
});

test("update() writes nothing when nothing changes", async ({ registry, store }) => {
  const first = await registry.create(deployments, {
    metadata: { name: "web", namespace: "default", labels: { a: "1", b: "2" } },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  });
  const reordered = { ...first.object, metadata: { ...first.object.metadata, labels: { b: "2", a: "1" } } };
  const second = await registry.update(deployments, reordered);
  assert.equal([second.revision, store.status().revision], [first.revision, first.revision]);
  const third = await registry.update(deployments, { ...first.object, spec: { ...first.object.spec!, replicas: 3 } });
  assert.equal([first.object.metadata!.generation, third.object.metadata!.generation], [1, 2]);
  const fourth = await registry.modify(deployments, third, (d) => ({ ...d, spec: { ...d.spec!, replicas: 9 }, status: { replicas: 1 } }), {
    subresource: "status",
  });
  assert.equal([fourth.object.spec!.replicas, fourth.object.status!.replicas, fourth.object.metadata!.generation], [3, 1, 2]);
});

test("update() keeps what the server owns and refuses to change it", async ({ registry }) => {
  const first = await registry.create(configMaps, map("a"));
  const second = await registry.update(configMaps, map("a", { x: "1" }));
  assert.equal([second.uid, second.object.metadata!.creationTimestamp], [first.uid, first.object.metadata!.creationTimestamp]);
  const error = await refused(registry.update(configMaps, map("a", {}, { creationTimestamp: "1999-01-01T00:00:00Z" })));
  assert.is(error.details!.causes![0]!.field, "metadata.creationTimestamp");
});

test("modify() loses no update of fifty writers on one object", async ({ registry }) => {
  await registry.create(configMaps, map("count", { n: "0" }));
  await Promise.all(Array.from({ length: 50 }, () =>
    registry.modify(configMaps, key("count"), (object) => {
      object.data = { n: String(Number(object.data!.n) + 1) };
      return object;
    })));
  assert.equal((await registry.get(configMaps, key("count"))).object.data, { n: "50" });
});

test("modify() reads again when somebody else has written in between", async ({ registry, store }) => {
  await registry.create(configMaps, map("a", { n: "0" }));
  const at = keyOf(configMaps, "default", "a"), { item } = await store.get(at);
  let calls = 0;
  const write = async () => {
    // Another master writes the same key, behind the back of this registry.
    await store.txn({ compares: [], then: [{ do: "put", key: at, value: item!.value }] });
  };
  const outside = write();
  const stored = await registry.modify(configMaps, key("a"), (object) => {
    if (++calls === 1) void store.txn({ compares: [], then: [{ do: "put", key: at, value: item!.value }] });
    object.data = { n: "1" };
    return object;
  });
  await outside;
  assert.equal([stored.object.data, calls > 1], [{ n: "1" }, true]);
  const stale = await refused(registry.modify(configMaps, key("a"), (object) => {
    object.metadata!.resourceVersion = "1";
    return object;
  }));
  assert.is(stale.reason, "Conflict", "a patch that names a version means that one");
  const same = await registry.modify(configMaps, key("a"), () => undefined);
  assert.is(same.revision, stored.revision);
});

test("modify() writes what has become of the copy, also when nothing is returned", async ({ registry }) => {
  await registry.create(configMaps, map("a", { n: "0" }));
  const stored = await registry.modify(configMaps, key("a"), (object) => void (object.data = { n: "1" }));
  assert.equal(stored.object.data, { n: "1" });
});

test("delete() of a running pod waits for its node, and then removes it", async ({ registry }) => {
  await registry.create(pods, pod("web", { nodeName: "pi-7" }));
  const first = await registry.delete(pods, key("web"));
  assert.equal([first.gone, first.stored.object.metadata!.deletionGracePeriodSeconds, first.stored.deleting], [false, 30, true]);
  const again = await registry.delete(pods, key("web"));
  assert.equal([again.gone, again.stored.revision], [false, first.stored.revision]);
  const wrong = await refused(registry.delete(pods, key("web"), { gracePeriodSeconds: 0, preconditions: { uid: "another" } }));
  assert.match(wrong.message, /the UID in the precondition \(another\) does not match the UID in record/);
  const last = await registry.delete(pods, key("web"), { gracePeriodSeconds: 0, preconditions: { uid: first.stored.uid } });
  assert.equal([last.gone, last.stored.revision], [true, registry.revision()]);
  assert.is((await refused(registry.get(pods, key("web")))).message, 'pods "web" not found');
});

test("delete() leaves an object with finalizers until the last has gone", async ({ registry }) => {
  await registry.create(configMaps, map("a", {}, { finalizers: ["skerry.dev/x", "skerry.dev/y"] }));
  const { gone } = await registry.delete(configMaps, key("a"), { propagationPolicy: "Foreground" });
  assert.is(gone, false);
  const finalizers = (names: string[]) =>
    registry.modify(configMaps, key("a"), (object) => ({ ...object, metadata: { ...object.metadata, finalizers: names } }));
  const more = await refused(finalizers(["skerry.dev/x", "skerry.dev/z"]));
  assert.match(
    more.message,
    /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"skerry.dev\/z"\}/,
  );
  assert.equal((await finalizers(["skerry.dev/x", "foregroundDeletion"])).object.metadata!.finalizers, [
    "skerry.dev/x",
    "foregroundDeletion",
  ]);
  await finalizers([]);
  assert.is((await refused(registry.get(configMaps, key("a")))).reason, "NotFound");
});

test("delete() refuses the namespaces that a cluster needs", async ({ registry }) => {
  const error = await refused(registry.delete(namespaces, { name: "default" }));
  assert.equal([error.code, error.message], [403, 'namespaces "default" is forbidden: this namespace may not be deleted']);
});

test("create() never sets a time behind the log's", async (context) => {
  const before = await context.registry.create(configMaps, map("a"));
  context.skewMs = -10 * 365 * 24 * 3600_000;
  await reopenRegistry(context);
  const after = await context.registry.create(configMaps, map("b"));
  assert.ok(Date.parse(after.object.metadata!.creationTimestamp!) >= Date.parse(before.object.metadata!.creationTimestamp!));
});

test("create() gives Events a lease, one for many", async ({ registry, store }) => {
  const event = (name: string) => ({
    metadata: { name, namespace: "default" },
    involvedObject: { kind: "Pod", name: "web", namespace: "default" },
  });
  await Promise.all(["e1", "e2", "e3"].map((name) => registry.create(events, event(name))));
  const { items } = await store.list("/r/core/events/");
  assert.is(items.length, 3);
  assert.is(new Set(items.map((item) => item.lease)).size, 1);
  assert.ok(items[0]!.lease > 0);
});

test("get(), list() and modify() show an object of the older form in the newer", async ({ registry }) => {
  await registry.create(events, {
    metadata: { name: "e", namespace: "default" },
    involvedObject: { kind: "Pod", name: "web", namespace: "default" },
    message: "Pulled",
  });
  const seen = await registry.get(eventViews, key("e"));
  assert.equal([seen.object.apiVersion, seen.object.regarding!.name, seen.object.note], ["events.k8s.io/v1", "web", "Pulled"]);
  assert.equal(JSON.parse(new TextDecoder().decode(seen.bytes())), seen.object);
  const fields = [{ field: "regarding.name", equal: true, value: "web" }];
  assert.is((await registry.list(eventViews, { fields })).items.length, 1);
  await registry.modify(eventViews, key("e"), (event) => ({ ...event, note: "Started" }));
  assert.is((await registry.get(events, key("e"))).object.message, "Started");
});
