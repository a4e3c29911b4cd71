import { Buffer } from "node:buffer";
import type { MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import { downFilter, downTopic, upTopic } from "../../../shared/wire/topics.ts";
import { brokerKit } from "../../kit/broker.ts";
import { until } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("broker", { setup: () => brokerKit(), teardown: (kit) => kit.stop(), timeoutMs: 15_000 });
const nodeId = "abcdefghijklmnopqrstuvwxyz", text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const connected = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once("connect", () => resolve()));
type Kit = Awaited<ReturnType<typeof brokerKit>>;

async function enrolled(kit: Kit) {
  const pair = await kit.authority.issueClient({ commonName: "system:node:pi", organizations: ["system:nodes"], uris: [] });
  kit.enroll(pair, { nodeId, nodeName: "pi", standing: "full" });
  return pair;
}

test("a node finds its head when it subscribes, though nothing is retained", async (kit) => {
  kit.retained.set(downFilter(nodeId), [{ topic: downTopic(nodeId, "desired"), payload: new TextEncoder().encode("head") }]);
  const client = kit.connect(await enrolled(kit), { clientId: nodeId });
  const message = new Promise<[string, Uint8Array]>((resolve) => client.once("message", (topic, payload) => resolve([topic, payload])));
  await client.subscribeAsync(downFilter(nodeId), { qos: 1 });
  const [topic, payload] = await message;
  assert.is(`${topic} ${text(payload)}`, `${downTopic(nodeId, "desired")} head`);
});

test("1,000 messages of mixed QoS in bursts arrive 1,000", async (kit) => {
  const client = kit.connect(await enrolled(kit), { clientId: nodeId }), got: string[] = [];
  client.on("message", (_topic, payload) => got.push(text(payload)));
  await client.subscribeAsync(downFilter(nodeId), { qos: 1 });
  const sent = Array.from({ length: 1000 }, (_, i) => `${i}`);
  for (const [i, message] of sent.entries()) {
    void kit.clients[0]!.publish(downTopic(nodeId, i % 3 ? "put" : "cumulative"), new TextEncoder().encode(message), i % 2 ? 1 : 0);
  }
  await until(() => got.length >= 1000, 10_000);
  assert.equal(got.toSorted((a, b) => Number(a) - Number(b)), sent);
});

test("the last will comes when a connection is cut, and not after a goodbye", async (kit) => {
  const pair = await enrolled(kit), will = { topic: upTopic(nodeId, "will"), payload: Buffer.from("{}"), qos: 1 as const, retain: false };
  const cut = kit.connect(pair, { clientId: nodeId, will });
  await connected(cut);
  cut.stream.destroy();
  await until(() => kit.heard.some(({ place }) => place.name === "will"));
  kit.heard.length = 0;
  await until(() => kit.clients.length === 0);
  const polite = kit.connect(pair, { clientId: nodeId, will });
  await connected(polite);
  await polite.endAsync();
  await until(() => kit.clients.length === 0);
  assert.equal(kit.heard, []);
});

test("a node that talks too much is read more slowly, and loses nothing", async (kit) => {
  const client = kit.connect(await enrolled(kit), { clientId: nodeId });
  await connected(client);
  const say = (from: number, to: number): void => {
    for (let i = from; i < to; i++) client.publish(upTopic(nodeId, "report"), `${i}`, { qos: 1 });
  };
  say(0, 120); // the burst, and 20 more: a second's worth
  await until(() => kit.heard.length === 120);
  const before = performance.now();
  say(120, 130);
  await until(() => kit.heard.length === 130, 8000);
  assert.ok(performance.now() - before > 600, `${performance.now() - before} ms`);
  assert.is(text(kit.heard.at(-1)!.payload), "129");
});
