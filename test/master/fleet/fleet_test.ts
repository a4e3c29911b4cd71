import * as assert from "uvu/assert";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { type FleetKit, fleetKit, newPod, pods } from "../../kit/fleet.ts";
import { until } from "../../kit/broker.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("fleet", { setup: () => fleetKit(), teardown: (kit: FleetKit) => kit.close(), timeoutMs: 15_000 });

async function joined(kit: FleetKit, name = "pi") {
  const device = await kit.device(name);
  await device.join(kit.fleet, await kit.fleet.tokens.create());
  return device;
}

test("from the token to the status of a pod", async (kit) => {
  const device = await joined(kit), head = await device.live();
  await kit.registry.create(pods, newPod("web", "pi"));
  await until(() => device.head().hash !== head.hash);
  const next = device.head(), [operation] = next.delta?.ops ?? device.messages("put");
  device.say("get", { rid: "r1", have: undefined, want: next.gen });
  await until(() => device.messages("put").length === 1);
  const [put] = device.messages("put");
  assert.is(put.hash, next.hash);
  device.say("ack", { epoch: next.epoch, gen: next.gen, hash: next.hash, phase: "stored" });
  await kit.settled();
  const pod = kit.cache.get(pods, "default", "web")!;
  device.say("report", {
    sess: 1,
    seq: 7,
    kind: "delta",
    objs: [{
      uid: pod.uid,
      at: Date.now(),
      state: { phase: "Running", podIP: "10.201.0.2", conditions: [{ type: "Ready", status: "True" }] },
    }],
  });
  await until(() => device.messages("cumulative").some((message) => message.repSeq === 7));
  const { object } = await kit.registry.get(pods, { namespace: "default", name: "web" });
  assert.is(object.status?.phase, "Running");
  assert.ok(object.metadata?.annotations?.["skerry.dev/observed-at"]);
  assert.is((await kit.registry.get(nodes, { name: "pi" })).name, "pi");
  assert.is(operation, undefined);
});
