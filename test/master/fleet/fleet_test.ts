// Who is in, and who is there: with real TLS and real devices' messages, said by hand.
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { enrollments } from "../../../shared/api/kinds/enrollment.ts";
import { nodeLinks } from "../../../shared/api/kinds/node_link.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { mqttUpgrade } from "../../../master/broker/websocket.ts";
import { createFleet } from "../../../master/fleet/fleet.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { downTopic } from "../../../shared/wire/topics.ts";
import { type FleetKit, fleetKit } from "../../kit/fleet.ts";
import { until } from "../../kit/eventually.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { joined, pod, running, statusOf } from "./kit.ts";

const test = suite("fleet", { setup: () => fleetKit(), teardown: (kit: FleetKit) => kit.close(), timeoutMs: 20_000 });

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
    accounts: { issue: () => "", keyId: "" },
    ...{ registry, cache, authority, peers, clock: systemClock, random: seeded(3), randomBytes, log: silentLog },
    store: { status: () => store.status(), txn: broken, watch: store.watch.bind(store), list: broken },
  }, { podNetwork: "10.201.0.0/16", serviceNetwork: "10.202.0.0/16", clusterDomain: "cluster.local", urls: () => [], member: "other" });
  assert.is((await rejects(fleet.run(new AbortController().signal))).message, "the store is gone");
});
