// Who may do what: every topic of the table, as publication, will, retained message and subscription, through real TLS.
import { Buffer } from "node:buffer";
import type { IClientOptions, MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import { Authority, type KeyPair } from "../../../master/pki/authority.ts";
import { mayPublish, maySubscribe, mayWill } from "../../../master/broker/authorize.ts";
import { type Down, down, downFilter, downTopic, type Up, up, upTopic } from "../../../shared/wire/topics.ts";
import { type BrokerKit, brokerKit } from "../../kit/broker.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("access to topics", { setup: () => brokerKit(), teardown: (kit) => kit.stop(), timeoutMs: 60_000 });
const me = "aaaaaaaaaaaaaaaaaaaaaaaaaa", other = "eeeeeeeeeeeeeeeeeeeeeeeeee";
const id = "0123456789abcdef", nodes = [me, other];
const ups = Object.keys(up) as Up[], downs = Object.keys(down) as Down[];
const topicsOf = (node: string): string[] => [
  ...ups.map((name) => upTopic(node, name, up[name].id ? id : undefined)),
  ...downs.map((name) => downTopic(node, name, down[name].id ? id : undefined)),
];
const strange = [
  "$SYS/x/new/clients",
  "x",
  "s/v2/" + me + "/u/birth",
  `s/v1/${me}/u/birth/x`,
  `s/v1/${me}/u/unknown`,
  `s/v1/${me}/u/c`,
  `s/v1/${me}/u`,
];
const topics = [...nodes.flatMap(topicsOf), ...strange];
const filters = [
  ...topics,
  ...nodes.map(downFilter),
  ...[
    "#",
    "+/#",
    "$SYS/#",
    "s/#",
    "s/v1/+/d/#",
    `s/v1/${me}/#`,
    `s/v1/${me}/u/#`,
    `s/v1/${me}/d/+`,
    `s/v1/${me}/+/desired`,
    `+/v1/${me}/d/#`,
  ],
  `$share/g/${downFilter(me)}`,
];

/** Said by hand, not derived from the code under test. */
const own = (name: Up): string => upTopic(me, name, up[name].id ? id : undefined);
const allowed = {
  full: { publish: ups.map(own), subscribe: [downFilter(me)], will: [own("will")] },
  renewal: { publish: [own("renew")], subscribe: [downTopic(me, "renew"), downTopic(me, "time")], will: [own("will")] }, // it does not know that its dates are wrong: the will comes, and is dropped when it fires
};
type Standing = keyof typeof allowed;

async function enrolled(kit: BrokerKit, nodeId: string, standing: Standing): Promise<KeyPair> {
  const pair = await kit.authority.issueClient({ commonName: `system:node:${nodeId}`, organizations: ["system:nodes"], uris: [] });
  kit.enroll(pair, { nodeId, nodeName: nodeId, standing });
  return pair;
}
/** "connected", or how it was refused. */
function outcome(client: MqttClient): Promise<string> {
  return new Promise((resolve) => {
    client.once("connect", () => resolve("connected"));
    client.once("error", (error) => resolve(`refused: ${error.message}`));
    client.once("close", () => resolve("closed"));
  });
}
async function connects(kit: BrokerKit, pair: KeyPair | undefined, options: IClientOptions): Promise<boolean> {
  const client = kit.connect(pair, options), result = await outcome(client);
  await client.endAsync(true);
  return result === "connected";
}
/** Does the broker acknowledge it, rather than cut the connection? */
async function publishes(kit: BrokerKit, pair: KeyPair, topic: string, retain: boolean): Promise<boolean> {
  const client = kit.connect(pair, { clientId: me });
  assert.is(await outcome(client), "connected");
  const result = await Promise.race([
    client.publishAsync(topic, "x", { qos: 1, retain }).then(() => true, () => false),
    new Promise<boolean>((resolve) => client.once("close", () => resolve(false))),
  ]);
  await client.endAsync(true);
  return result;
}
async function those(candidates: readonly string[], is: (candidate: string) => Promise<boolean>): Promise<string[]> {
  const found: string[] = [];
  for (const candidate of candidates) if (await is(candidate)) found.push(candidate);
  return found.sort();
}

for (const standing of ["full", "renewal"] as const) {
  test(`a node (${standing}) publishes to its own topics and nobody else's, and retains nothing`, async (kit) => {
    const pair = await enrolled(kit, me, standing);
    assert.equal(await those(topics, (topic) => publishes(kit, pair, topic, false)), allowed[standing].publish.toSorted());
    assert.equal(await those(topicsOf(me), (topic) => publishes(kit, pair, topic, true)), []);
    assert.equal([...new Set(kit.heard.map(({ nodeId }) => nodeId))], [me]);
  });

  test(`a node (${standing}) subscribes to what is its own, by no other wildcard, and hears nobody`, async (kit) => {
    const victim = kit.connect(await enrolled(kit, other, "full"), { clientId: other });
    await outcome(victim);
    const pair = await enrolled(kit, me, standing), client = kit.connect(pair, { clientId: me }), heard: string[] = [];
    client.on("message", (topic) => heard.push(topic));
    await outcome(client);
    assert.equal(
      await those(filters, (filter) => client.subscribeAsync(filter, { qos: 1 }).then(() => true, () => false)),
      allowed[standing].subscribe.toSorted(),
    );
    await victim.publishAsync(upTopic(other, "birth"), "secret", { qos: 1 });
    await kit.clients.find(({ identity }) => identity.nodeId === other)!.publish(downTopic(other, "put"), new Uint8Array([1]), 1);
    assert.ok(client.connected);
    assert.equal(heard, []);
  });

  test(`a node (${standing}) leaves no will but its own`, async (kit) => {
    const pair = await enrolled(kit, me, standing);
    const will = (topic: string, retain: boolean) => ({ clientId: me, will: { topic, payload: "{}" as never, qos: 1 as const, retain } });
    assert.equal(await those(topics, (topic) => connects(kit, pair, will(topic, false))), allowed[standing].will);
    assert.equal(await those(topicsOf(me), (topic) => connects(kit, pair, will(topic, true))), []);
    if (standing === "renewal") assert.equal(kit.heard, []);
  });
}

/** MQTT 3.1.1 by hand: strangers do not wait for the CONNACK that a client library waits for. */
const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length >> 8, value.length & 255]), Buffer.from(value)]);
function packet(head: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts), length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}
const connectPacket = (will?: string): Buffer =>
  packet(0x10, text("MQTT"), Buffer.from([4, will ? 0x0e : 0x02, 0, 60]), text(me), ...(will ? [text(will), text("{}")] : []));
const publishPacket = (topic: string, retain: boolean): Buffer =>
  packet(0x32 | (retain ? 1 : 0), text(topic), Buffer.from([0, 1]), Buffer.from("x"));
const subscribePacket = (filter: string): Buffer => packet(0x82, Buffer.from([0, 2]), text(filter), Buffer.from([1]));

const strangers: Readonly<Record<string, (kit: BrokerKit) => Promise<KeyPair | undefined>>> = {
  "no certificate": () => Promise.resolve(undefined),
  "a foreign CA": async () =>
    (await Authority.create("skerry-ca")).authority.issueClient({
      commonName: "system:node:pi",
      organizations: ["system:nodes"],
      uris: [],
    }),
  "a revoked key": async (kit) => {
    const pair = await enrolled(kit, me, "full");
    kit.revoke(pair);
    return pair;
  },
};
for (const [who, pairOf] of Object.entries(strangers)) {
  test(`${who}: no topic is published to, subscribed to or left a will on, retained or by wildcard, with or without waiting`, async (kit) => {
    const pair = await pairOf(kit),
      attempts = [
        ...topics.flatMap((
          topic,
        ) => [[connectPacket(), publishPacket(topic, false)], [connectPacket(), publishPacket(topic, true)], [connectPacket(topic)]]),
        ...filters.map((filter) => [connectPacket(), subscribePacket(filter)]),
      ];
    const answers = await Promise.all(attempts.map((attempt) => kit.raw(pair, Buffer.concat(attempt))));
    const connack = "20020005"; // not authorized [MQTT-3.2.2-4]; nothing may follow it
    assert.equal(
      [...new Set(answers.map((answer) => Buffer.from(answer).toString("hex")))].filter((answer) => answer !== "" && answer !== connack),
      [],
    );
    assert.equal([kit.heard, kit.clients], [[], []]);
  });
}

test("nobody comes in without an enrolled key of our own CA, under another's id, or with a session to keep", async (kit) => {
  const foreign = await (await Authority.create("skerry-ca")).authority.issueClient({
    commonName: "system:node:pi",
    organizations: [],
    uris: [],
  });
  const unknown = await kit.authority.issueClient({ commonName: "system:masters", organizations: ["system:masters"], uris: [] });
  for (const pair of [undefined, foreign, unknown]) assert.not.ok(await connects(kit, pair, { clientId: me }));
  const pair = await enrolled(kit, me, "full");
  assert.not.ok(await connects(kit, pair, { clientId: other }));
  assert.not.ok(await connects(kit, pair, { clientId: me, clean: false }));
  assert.not.ok(await connects(kit, pair, { clientId: me, keepalive: 0 }));
  assert.not.ok(await connects(kit, pair, { clientId: me, keepalive: 1201 }));
  assert.ok(await connects(kit, pair, { clientId: me }));
  assert.equal(kit.heard, []);
});

test("the table of access agrees with itself: what may be published may not be subscribed to, and QoS 2 and retained never", () => {
  for (const standing of ["full", "renewal"] as const) {
    const identity = { nodeId: me, nodeName: "pi", standing };
    for (const topic of topics) {
      const may = mayPublish(identity, { topic, retain: false, qos: 1 });
      assert.is(may, allowed[standing].publish.includes(topic), topic);
      assert.not.ok(mayPublish(identity, { topic, retain: true, qos: 1 }) || mayPublish(identity, { topic, retain: false, qos: 2 }));
      assert.not.ok(mayWill(identity, { topic, retain: false, qos: 2 }));
      assert.not.ok(may && maySubscribe(identity, topic));
    }
  }
});
