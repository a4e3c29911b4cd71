// How sets of objects come to nodes: with real TLS and real devices' messages, said by hand.
import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { secrets } from "../../../shared/api/kinds/secret.ts";
import { decode } from "../../../shared/wire/codec.ts";
import { setHash, type SetObject } from "../../../shared/wire/desired.ts";
import type { Put, SetOperation } from "../../../shared/wire/messages.ts";
import { openSecret } from "../../../shared/wire/sealed_secret.ts";
import { type Device, type FleetKit, fleetKit, pods } from "../../kit/fleet.ts";
import { until } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";
import { joined, pod, running } from "./kit.ts";

const test = suite("fleet: sets", { setup: () => fleetKit(), teardown: (kit: FleetKit) => kit.close(), timeoutMs: 20_000 });

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
