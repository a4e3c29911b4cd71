// The fleet with real TLS and real devices' messages, said by hand.
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { enrollments } from "../../../shared/api/kinds/enrollment.ts";
import { events } from "../../../shared/api/kinds/event.ts";
import { nodeLinks } from "../../../shared/api/kinds/node_link.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { secrets } from "../../../shared/api/kinds/secret.ts";
import { mqttUpgrade } from "../../../master/broker/websocket.ts";
import { createFleet } from "../../../master/fleet/fleet.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { decode } from "../../../shared/wire/codec.ts";
import { setHash, type SetObject } from "../../../shared/wire/desired.ts";
import type { Put, SetOperation } from "../../../shared/wire/messages.ts";
import { openSecret } from "../../../shared/wire/sealed_secret.ts";
import { downTopic } from "../../../shared/wire/topics.ts";
import { type Device, type FleetKit, fleetKit, newPod, pods } from "../../kit/fleet.ts";
import { until } from "../../kit/broker.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("fleet", { setup: () => fleetKit(), teardown: (kit: FleetKit) => kit.close(), timeoutMs: 20_000 });

async function joined(kit: FleetKit, name = "pi", more: object = {}): Promise<Device> {
  const device = await kit.device(name);
  await device.join(kit.fleet, await kit.fleet.tokens.create(), more);
  return device;
}
async function pod(kit: FleetKit, name: string, nodeName: string, spec: object = {}): Promise<string> {
  const { uid } = await kit.registry.create(pods, newPod(name, nodeName, spec));
  await kit.settled();
  return uid;
}
const operationsOf = (puts: readonly Put[]): SetOperation[] =>
  JSON.parse(new TextDecoder().decode(decode(Buffer.concat(puts.map(({ body }) => Buffer.from(body, "base64"))))));
async function fetched(device: Device, rid: string, more: object = {}): Promise<{ puts: Put[]; operations: SetOperation[] }> {
  const mine = () => (device.messages("put") as Put[]).filter((put) => put.rid === rid);
  await device.say("get", { rid, want: device.head().gen, window: 4, codec: "deflate-raw", ...more });
  await until(() => mine().length > 0 && mine().length === mine()[0]!.n);
  return { puts: mine(), operations: operationsOf(mine()) };
}
/** Takes the newest set and says so. */
async function stored(device: Device, rid = "first"): Promise<Map<string, SetObject>> {
  const { operations, puts: [put] } = await fetched(device, rid, { full: true });
  await device.say("ack", { epoch: put!.epoch, gen: put!.gen, hash: put!.hash, phase: "stored" });
  return new Map(operations.map((operation) => [operation.uid, operation as SetObject]));
}
const statusOf = async (kit: FleetKit, name: string) => (await kit.registry.get(pods, { namespace: "default", name })).object.status;
const running = (uid: string, more: object = {}) => ({
  uid,
  at: Date.now(),
  state: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  ...more,
});

test("a pod bound to a node travels inside the head, once the node has said what it holds", async (kit) => {
  const device = await joined(kit);
  const first = await device.live(), set = await stored(device);
  assert.is(setHash(set.values()), first.hash);
  const uid = await pod(kit, "web", "pi");
  await until(() => device.head().hash !== first.hash);
  const { delta, hash, gen } = device.head();
  assert.is(delta?.base, first.gen);
  assert.ok(gen > first.gen);
  const [operation] = delta!.ops;
  assert.is(operation!.uid, uid);
  assert.is(setHash([...set.values(), operation as SetObject]), hash);
});

test("what does not concern a node sends it nothing", async (kit) => {
  const device = await joined(kit), head = await device.live();
  await pod(kit, "elsewhere", "van");
  await kit.registry.create(configMaps, { metadata: { name: "unused", namespace: "default" }, data: { a: "1" } });
  await kit.registry.create(secrets, { metadata: { name: "unused", namespace: "default" }, data: {} });
  await pod(kit, "mine", "pi", { volumes: [{ name: "v", configMap: { name: "late" } }] });
  await until(() => device.head().hash !== head.hash);
  const heads = device.messages("desired").length;
  await kit.registry.modify(
    pods,
    { namespace: "default", name: "mine" },
    (object) => void (object.status = { ...object.status, message: "x" }),
    {
      subresource: "status",
    },
  );
  await kit.registry.create(configMaps, { metadata: { name: "late", namespace: "default" }, data: { a: "1" } });
  await until(() => device.messages("desired").length > heads);
  assert.is(device.messages("desired").length, heads + 1);
});

test("a reconnect with the same set and state is one small exchange, and nothing is asked for", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi"), head = await device.live();
  const stateHash = "a".repeat(32), have = { epoch: head.epoch, gen: head.gen, hash: head.hash };
  assert.is(device.messages("cumulative")[0].rebirth, true);
  await device.say("report", { sess: 1, seq: 1, kind: "full", objs: [running(uid)], stateHash });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 1));
  await device.client!.endAsync(true);
  device.heard.length = 0;
  await device.live({ have, stateHash });
  assert.is(device.messages("cumulative")[0].rebirth, undefined);
  assert.is(device.messages("desired").length, 1);
  const bytes = device.heard.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.ok(bytes < 600, `${bytes} bytes down`);
});

test("a node's word is asked for again when somebody has written over it meanwhile", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi"), stateHash = "a".repeat(32);
  await device.live();
  await device.say("report", { sess: 1, seq: 1, kind: "full", objs: [running(uid)], stateHash });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 1));
  await device.client!.endAsync(true);
  await kit.registry.modify(pods, { namespace: "default", name: "web" }, (object) => {
    object.status!.conditions = [{ type: "Ready", status: "Unknown", reason: "NodeUnreachable" }];
  }, { subresource: "status" });
  await kit.settled();
  device.heard.length = 0;
  await device.live({ stateHash });
  assert.is(device.messages("cumulative")[0].rebirth, true);
});

test("a large set comes in windows, and goes on after a broken connection where it broke", async (kit) => {
  const device = await joined(kit), noise = Array.from({ length: 20 }, () => crypto.randomUUID()).join("");
  const data = Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [`k${i}`, noise.split("").sort(() => Math.random() - 0.5).join("")]),
  );
  await kit.registry.create(configMaps, { metadata: { name: "big", namespace: "default" }, data });
  await pod(kit, "web", "pi", { volumes: [{ name: "v", configMap: { name: "big" } }] });
  const head = await device.live();
  await device.say("get", { rid: "r", want: head.gen, window: 2, codec: "deflate-raw" });
  await until(() => device.messages("put").length === 2);
  const before = device.messages("put") as Put[], n = before[0]!.n;
  assert.ok(n > 3, `${n} parts`);
  await device.client!.endAsync(true);
  device.heard.length = 0;
  await kit.registry.modify(configMaps, { namespace: "default", name: "big" }, (object) => void (object.data = { changed: "meanwhile" }));
  await device.live();
  for (let from = 2; from < n; from += 2) {
    await device.say("get", { rid: "r", want: head.gen, from, window: 2 });
    await until(() => device.messages("put").length === Math.min(n, from + 2) - 2);
  }
  const operations = operationsOf([...before, ...device.messages("put")]);
  assert.is(setHash(operations as SetObject[]), head.hash);
});

test("parts of a rendering that is no longer kept: gone, and the newest head", async (kit) => {
  const device = await joined(kit);
  await device.live();
  const heads = device.messages("desired").length;
  await device.say("get", { rid: "unknown", want: 1, from: 3 });
  await until(() => device.messages("desired").length > heads);
  assert.equal(device.messages("put"), [{ rid: "unknown", gone: true }]);
});

test("a get from a known base is answered by a delta; from an unknown one, or if asked, by the whole", async (kit) => {
  const device = await joined(kit), spec = { volumes: [{ name: "v", configMap: { name: "c" } }] };
  await kit.registry.create(configMaps, { metadata: { name: "c", namespace: "default" }, data: { a: "x".repeat(9000) } });
  for (let i = 0; i < 4; i++) await pod(kit, `p${i}`, "pi", spec);
  const first = await device.live(), have = { epoch: first.epoch, gen: first.gen, hash: first.hash };
  await kit.registry.delete(pods, { namespace: "default", name: "p0" }, { gracePeriodSeconds: 0 });
  await until(() => device.head().hash !== first.hash);
  const delta = await fetched(device, "a", { have });
  assert.equal([delta.puts[0]!.kind, delta.puts[0]!.base, delta.operations.map(({ op }) => op)], ["delta", first.gen, ["del"]]);
  assert.is((await fetched(device, "b", { have: { ...have, epoch: "another" } })).puts[0]!.kind, "full");
  assert.is((await fetched(device, "c", { have: { ...have, hash: "0".repeat(32) } })).puts[0]!.kind, "full");
  assert.is((await fetched(device, "d", { have, full: true })).puts[0]!.kind, "full");
});

test("a Secret reaches its node sealed, and nobody else's key opens it", async (kit) => {
  const device = await joined(kit), data = { password: Buffer.from("harbour").toString("base64") };
  await kit.registry.create(secrets, { metadata: { name: "key", namespace: "default" }, data });
  await pod(kit, "web", "pi", { imagePullSecrets: [{ name: "key" }] });
  await device.live();
  const set = await stored(device), sealed = [...set.values()].map(({ body }) => JSON.parse(body)).find(({ kind }) => kind === "Secret");
  const all = device.heard.map(({ payload }) => Buffer.from(payload).toString()).join();
  assert.not.ok(all.includes(data.password) || JSON.stringify([...set.values()]).includes(data.password));
  const { clusterId, nodeId } = device.joined, stranger = await kit.device("stranger");
  assert.equal(openSecret(sealed, device.sealKey.privateKey, { clusterId, nodeId }), data);
  assert.throws(() => openSecret(sealed, stranger.sealKey.privateKey, { clusterId, nodeId }), /Cannot unseal/);
  assert.throws(() => openSecret(sealed, device.sealKey.privateKey, { clusterId, nodeId: "other" }), /Cannot unseal/);
});

test("reports are written, acknowledged after the commit, and of other nodes' pods not believed", async (kit) => {
  const device = await joined(kit), mine = await pod(kit, "mine", "pi"), theirs = await pod(kit, "theirs", "van");
  await device.live({ clock: { t: Date.now() + 3_600_000 } });
  await device.say("report", {
    sess: 1,
    seq: 4,
    kind: "delta",
    objs: [running(mine, { at: Date.now() + 3_600_000, obsGen: 1 }), running(theirs), running("nobody")],
  });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 4));
  const { object } = await kit.registry.get(pods, { namespace: "default", name: "mine" });
  assert.is(object.status?.phase, "Running");
  assert.is(object.status?.qosClass, "BestEffort");
  assert.is(object.status?.observedGeneration, 1);
  const { "skerry.dev/observed-at": observed = "", "skerry.dev/clock-error": error = "" } = object.metadata!.annotations!;
  assert.ok(Math.abs(Date.parse(observed) - Date.now()) < 10_000, observed);
  assert.ok(Math.abs(parseFloat(error) - 3600) < 10, error);
  assert.is((await statusOf(kit, "theirs"))?.phase, "Pending");
});

test("what changes nothing is not written, and what has ended does not begin again", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi");
  await device.live();
  const report = async (seq: number, object: object) => {
    await device.say("report", { sess: 1, seq, kind: "delta", objs: [object] });
    await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === seq));
    return (await kit.registry.get(pods, { namespace: "default", name: "web" })).revision;
  };
  const once = await report(1, running(uid));
  assert.is(await report(2, running(uid, { at: Date.now() + 5000 })), once);
  const over = await report(3, { uid, at: Date.now(), state: { phase: "Succeeded" } });
  assert.ok(over > once);
  assert.is(await report(4, running(uid)), over);
});

test("a report that can never be written is acknowledged, and holds up no other", async (kit) => {
  const device = await joined(kit), bad = await pod(kit, "bad", "pi"), good = await pod(kit, "good", "pi");
  await device.live();
  await device.say("report", { sess: 1, seq: 1, kind: "delta", objs: [{ uid: bad, at: 1, state: { phase: "Dancing" } }, running(good)] });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 1));
  assert.equal([(await statusOf(kit, "bad"))?.phase, (await statusOf(kit, "good"))?.phase], ["Pending", "Running"]);
});

test("nothing is acknowledged while the store does not take it, and all of it afterwards", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi"), other = await pod(kit, "other", "pi"), { modify } = kit.registry;
  await device.live();
  let refused = 0;
  kit.registry.modify = (kind, key, ...rest) =>
    key.name === "web" && ++refused <= 2 ? Promise.reject(new Error("no quorum")) : modify(kind, key, ...rest);
  await device.say("report", { sess: 1, seq: 1, kind: "delta", objs: [running(uid)] });
  await until(() => refused > 0);
  await device.say("report", { sess: 1, seq: 2, kind: "delta", objs: [running(other)] });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 2));
  assert.is((await statusOf(kit, "web"))?.phase, "Running");
  assert.not.ok(device.messages("cumulative").some(({ repSeq }) => repSeq === 1));
});

test("a pod that is being deleted goes when its node says it is gone; one that is not stays", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi"), kept = await pod(kit, "kept", "pi");
  await device.live();
  await kit.registry.delete(pods, { namespace: "default", name: "web" });
  await until(() => JSON.stringify(device.messages("desired").length) !== "1");
  await device.say("report", { sess: 1, seq: 1, kind: "delta", objs: [{ uid, at: 1, gone: true }, { uid: kept, at: 1, gone: true }] });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 1));
  assert.equal((await kit.registry.list(pods)).items.map(({ name }) => name), ["kept"]);
});

test("of another node's pods a node can neither say that they are gone nor what happened to them", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "theirs", "van");
  await device.live();
  await kit.registry.delete(pods, { namespace: "default", name: "theirs" });
  await kit.settled();
  await device.say("report", { sess: 1, seq: 1, kind: "delta", objs: [{ uid, at: 1, gone: true }] });
  await device.say("events", { sess: 1, seq: 1, events: [{ uid, type: "Warning", reason: "Lie", message: "x", at: Date.now() }] });
  await until(() => device.messages("cumulative").some(({ evSeq }) => evSeq === 1));
  assert.equal((await kit.registry.list(pods)).items.map(({ name }) => name), ["theirs"]);
  assert.equal((await kit.registry.list(events)).items.length, 0);
});

test("a node's own status and labels arrive; its Ready condition is not its to say", async (kit) => {
  const device = await joined(kit);
  await device.live();
  const status = {
    capacity: { cpu: "4" },
    conditions: [{ type: "Ready", status: "True" }, { type: "DiskPressure", status: "False", reason: "Fine" }],
  };
  const labels = { "kubernetes.io/arch": "arm64", "node-role.kubernetes.io/control-plane": "" };
  await device.say("report", { sess: 1, seq: 1, kind: "full", objs: [{ uid: "node", at: Date.now(), state: { status, labels } }] });
  await until(() => device.messages("cumulative").some(({ repSeq }) => repSeq === 1));
  const node = await kit.registry.get(nodes, { name: "pi" });
  assert.equal(node.object.status?.capacity, { cpu: "4" });
  assert.equal(node.object.status?.conditions?.map(({ type }) => type), ["DiskPressure"]);
  assert.equal([node.labels["kubernetes.io/arch"], node.labels["node-role.kubernetes.io/control-plane"]], ["arm64", undefined]);
});

test("events arrive once, however often they come", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi");
  await device.live();
  const batch = { sess: 1, seq: 1, events: [{ uid, type: "Normal", reason: "Pulled", message: "Image is there", at: Date.now() }] };
  await device.say("events", batch);
  await device.say("events", batch);
  await until(() => device.messages("cumulative").some(({ evSeq }) => evSeq === 1));
  await device.say("events", batch);
  await until(() => device.messages("cumulative").filter(({ evSeq }) => evSeq === 1).length > 1);
  const { items: [event, ...more] } = await kit.registry.list(events);
  assert.is(more.length, 0);
  assert.equal([event!.object.reason, event!.object.involvedObject.name, event!.object.source?.host], ["Pulled", "web", "pi"]);
});

test("a series of equal events is one Event that counts", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi"), first = Date.now();
  await device.live();
  const told = async (seq: number, count: number): Promise<void> => {
    const event = { uid, type: "Warning", reason: "Unhealthy", message: "Readiness probe failed", at: first + count * 2000, count, first };
    await device.say("events", { sess: 1, seq, events: [event] });
    await until(() => device.messages("cumulative").some(({ evSeq }) => evSeq === seq));
  };
  await told(1, 1);
  await told(2, 5);
  await told(3, 3); // late
  const { items } = await kit.registry.list(events);
  assert.equal(items.map(({ object }) => object.count), [5]);
});

test("a birth that is not higher is told the number it must pass, and says nothing until then", async (kit) => {
  const device = await joined(kit), uid = await pod(kit, "web", "pi");
  device.sess = 9;
  await device.live();
  await device.client!.endAsync(true);
  device.heard.length = 0;
  device.sess = 3;
  await device.connect();
  device.birth();
  await until(() => device.messages("cumulative").length === 1);
  assert.is(device.messages("cumulative")[0].sess, 10);
  await device.say("report", { sess: 4, seq: 1, kind: "full", objs: [running(uid)] });
  device.sess = 10;
  device.birth();
  await until(() => device.messages("cumulative").length === 2);
  assert.is((await statusOf(kit, "web"))?.phase, "Pending");
});

test("presence and NodeLink follow the connection", async (kit) => {
  const device = await joined(kit), told: string[] = [];
  kit.fleet.presence.subscribe((name) => told.push(name));
  assert.is(kit.fleet.presence.state("pi"), undefined);
  await device.live({ link: { kind: "cellular", metered: true } });
  assert.is(kit.fleet.presence.state("pi")?.live, true);
  const { object } = await kit.fleet.nodeLinks.get(nodeLinks, { name: "pi" });
  assert.equal([object.connected, object.link, object.metered, object.session?.number], [true, "cellular", true, 1]);
  assert.equal([object.session?.transport, object.session?.remoteAddress], ["mqtts", "127.0.0.1"]);
  assert.ok(object.bytesIn > 100 && object.bytesOut > 100);
  device.client!.stream.destroy();
  await until(() => kit.fleet.presence.state("pi")?.live === false);
  assert.equal(told, ["pi", "pi"]);
  assert.is((await kit.fleet.nodeLinks.list(nodeLinks)).items[0]!.object.connected, false);
});

test("a Node that somebody deletes is made anew, with its labels, when its device is back", async (kit) => {
  const device = await kit.device("pi");
  await device.join(kit.fleet, await kit.fleet.tokens.create({ labels: { colour: "blue" } }));
  await kit.registry.delete(nodes, { name: "pi" });
  await kit.settled();
  await device.connect();
  device.birth();
  await until(() => device.messages("desired").length > 0);
  assert.is((await kit.registry.get(nodes, { name: "pi" })).labels.colour, "blue");
});

test("a node that is shut out is cut off, and does not come in again", async (kit) => {
  const device = await joined(kit);
  await device.live();
  const closed = new Promise<void>((resolve) => device.client!.once("close", () => resolve()));
  await kit.registry.modify(enrollments, { name: device.joined.nodeId }, (object) => void (object.spec.revoked = true));
  await closed;
  const refused = await device.connect().then(() => "let in", (error: Error) => error.message);
  assert.is.not(refused, "let in");
  assert.is((await device.request(kit.fleet, await kit.fleet.tokens.create())).status, 403);
});

test("a certificate that has run out is good for one thing: to be renewed; then the node is in again", async (kit) => {
  const device = await joined(kit), dates = { notBefore: new Date(0), notAfter: new Date(86_400_000) };
  device.joined = {
    ...device.joined,
    certificate: await kit.authority.sign(device.csr, { commonName: "system:node:pi", organizations: ["system:nodes"], uris: [] }, dates),
  };
  assert.is(await device.connect().then(() => "subscribed", () => "refused"), "refused");
  const { nodeId } = device.joined, client = device.client!;
  await client.subscribeAsync([downTopic(nodeId, "renew"), downTopic(nodeId, "time")], { qos: 1 });
  await until(() => device.messages("time").length === 1);
  const old = device.csr;
  await device.makeKey(); // it may change its key at the same time
  await device.say("renew", { csr: device.csr });
  await until(() => device.messages("renew").length === 1);
  device.joined = { ...device.joined, certificate: device.messages("renew")[0].certificate };
  await client.endAsync(true);
  await kit.settled();
  assert.ok(await device.live());
  assert.is((await kit.registry.get(enrollments, { name: nodeId })).object.spec.publicKeys.length, 2);
  assert.is.not(old, device.csr);
});

test("what cannot be read cuts nobody", async (kit) => {
  const device = await joined(kit);
  await device.live();
  for (const name of ["report", "ack", "get", "events", "birth", "will"] as const) await device.say(name, { nonsense: true });
  device.client!.publish(`s/v1/${device.joined.nodeId}/u/rep`, Buffer.from([0xff, 0xfe]), { qos: 1 });
  await pod(kit, "web", "pi");
  await until(() => device.messages("desired").length > 1);
  assert.ok(device.client!.connected);
});

test("MQTT inside a WebSocket on an HTTPS server's port is the same broker", async (kit) => {
  const device = await joined(kit), pair = await kit.authority.issueServer(["127.0.0.1"]);
  const server = createServer({
    cert: pair.certificate,
    key: pair.key,
    ca: kit.authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const upgrade = mqttUpgrade(kit.broker);
  server.on("upgrade", (request, socket, head) => {
    if (!upgrade(request, socket, head)) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  try {
    const { joined: { certificate, nodeId }, key } = device;
    const client = mqtt.connect(`wss://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, {
      wsOptions: { ca: kit.authority.certificate, cert: certificate, key },
      clientId: nodeId,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    const message = new Promise<string>((resolve) => client.once("message", (topic) => resolve(topic)));
    await client.subscribeAsync(`s/v1/${nodeId}/d/#`, { qos: 1 });
    assert.is(await message, downTopic(nodeId, "desired"));
    await client.endAsync(true);
  } finally {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

test("what cannot go on ends the fleet, and says so to whoever runs it", async (kit) => {
  const { registry, cache, authority, store } = kit, broken = () => Promise.reject(new Error("the store is gone"));
  const peers = { self: 1, leaderId: 1, isMember: () => true, isHeard: () => true, subscribe: () => () => {} };
  const fleet = createFleet({
    ...{ registry, cache, authority, peers, clock: systemClock, random: seeded(3), randomBytes, log: silentLog },
    store: { status: () => store.status(), txn: broken, watch: store.watch.bind(store), list: broken },
  }, { podNetwork: "10.201.0.0/16", serviceNetwork: "10.202.0.0/16", clusterDomain: "cluster.local", urls: () => [], member: "other" });
  assert.is((await rejects(fleet.run(new AbortController().signal))).message, "the store is gone");
});
