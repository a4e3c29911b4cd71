// What nodes say, and what becomes of it: with real TLS and real devices' messages, said by hand.
import * as assert from "uvu/assert";
import { events } from "../../../shared/api/kinds/event.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { type FleetKit, fleetKit, pods } from "../../kit/fleet.ts";
import { until } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";
import { joined, pod, running, statusOf } from "./kit.ts";

const test = suite("fleet: reports and events", { setup: () => fleetKit(), teardown: (kit: FleetKit) => kit.close(), timeoutMs: 20_000 });

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
  await until(() => device.messages("desired").length > 1);
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
