// Packets that nobody should send: they cut their sender, at once and alone.
import { Buffer } from "node:buffer";
import { connect, type TLSSocket } from "node:tls";
import * as assert from "uvu/assert";
import { PacketBound } from "../../../master/broker/guard.ts";
import type { KeyPair } from "../../../master/pki/authority.ts";
import { mqttPayloadBytes } from "../../../shared/limits.ts";
import { upTopic } from "../../../shared/wire/topics.ts";
import { type BrokerKit, brokerKit } from "../../kit/broker.ts";
import { until } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("guard", { setup: () => brokerKit(), teardown: (kit) => kit.stop(), timeoutMs: 20_000 });
const bad = "aaaaaaaaaaaaaaaaaaaaaaaaaa", good = "eeeeeeeeeeeeeeeeeeeeeeeeee";

async function enrolled(kit: BrokerKit, nodeId: string): Promise<KeyPair> {
  const pair = await kit.authority.issueClient({ commonName: `system:node:${nodeId}`, organizations: ["system:nodes"], uris: [] });
  kit.enroll(pair, { nodeId, nodeName: nodeId, standing: "full" });
  return pair;
}
async function raw(kit: BrokerKit, pair: KeyPair): Promise<{ socket: TLSSocket; closed: Promise<void> }> {
  const socket = connect({
    host: "127.0.0.1",
    port: kit.broker.ports[0]!,
    ca: kit.authority.certificate,
    cert: pair.certificate,
    key: pair.key,
  });
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("secureConnect", () => resolve()));
  return { socket, closed };
}
function lengthOf(bytes: number): number[] {
  const out: number[] = [];
  do {
    out.push((bytes & 127) | (bytes > 127 ? 128 : 0));
    bytes >>>= 7;
  } while (bytes > 0);
  return out;
}
const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length >> 8, value.length & 255]), Buffer.from(value)]);
const packet = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([type, ...lengthOf(body.length)]), body]);
const hello = packet(0x10, Buffer.concat([text("MQTT"), Buffer.from([4, 2, 0, 60]), text(bad)]));
const publish = (topic: string, payload: Buffer): Buffer => packet(0x30, Buffer.concat([text(topic), payload]));
const own = upTopic(bad, "report");

/** What is sent after a good CONNECT, or instead of it. */
const attacks: Record<string, { first?: boolean; bytes: Buffer }> = {
  "a CONNECT that announces 200 MB": { first: true, bytes: Buffer.from([0x10, ...lengthOf(200 * 2 ** 20)]) },
  "a length of five bytes": { first: true, bytes: Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x7f]) },
  "text of another protocol": { first: true, bytes: Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n") },
  "a PUBLISH that announces 10 MB": { bytes: Buffer.from([0x30, ...lengthOf(10 * 2 ** 20)]) },
  "a payload above the bound": { bytes: publish(own, Buffer.alloc(mqttPayloadBytes + 1)) },
  "a topic of 64 levels": { bytes: publish(Array(64).fill("s").join("/"), Buffer.from("x")) },
  "a topic with a wildcard": { bytes: publish(`s/v1/${bad}/u/#`, Buffer.from("x")) },
  "a packet of a type that is none": { bytes: Buffer.from([0xf0, 0x02, 1, 2]) },
  "a second CONNECT": { bytes: hello },
  "a QoS 2 publication": { bytes: packet(0x34, Buffer.concat([text(own), Buffer.from([0, 1]), Buffer.from("x")])) },
};

for (const [what, { first = false, bytes }] of Object.entries(attacks)) {
  test(`${what} cuts its sender and no other`, async (kit) => {
    const pair = await enrolled(kit, bad), client = kit.connect(await enrolled(kit, good), { clientId: good });
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    const { socket, closed } = await raw(kit, pair);
    if (!first) {
      socket.write(hello);
      await until(() => kit.clients.some(({ identity }) => identity.nodeId === bad));
    }
    socket.write(bytes);
    await closed;
    assert.ok(client.connected);
    await client.publishAsync(upTopic(good, "birth"), "still here", { qos: 1 });
    assert.equal(kit.heard.map(({ nodeId }) => nodeId), [good]);
  });
}

test("the largest allowed payload arrives, however the bytes are cut", async (kit) => {
  const { socket } = await raw(kit, await enrolled(kit, bad));
  socket.write(hello);
  const payload = Buffer.alloc(mqttPayloadBytes, 7), all = publish(own, payload);
  for (let at = 0; at < all.length; at += 1021) socket.write(all.subarray(at, at + 1021));
  await until(() => kit.heard.length === 1);
  assert.is(Buffer.compare(Buffer.from(kit.heard[0]!.payload), payload), 0);
  socket.destroy();
});

test("PacketBound sees the same wherever a stream is cut", () => {
  const stream = Buffer.concat([packet(0x30, Buffer.alloc(200)), packet(0xc0, Buffer.alloc(0)), packet(0x30, Buffer.alloc(300))]);
  for (let at = 0; at <= stream.length; at++) {
    const bound = new PacketBound(300), tight = new PacketBound(299);
    assert.is(bound.feed(stream.subarray(0, at)) ?? bound.feed(stream.subarray(at)), undefined);
    assert.match(tight.feed(stream.subarray(0, at)) ?? tight.feed(stream.subarray(at)) ?? "", /300 bytes; the limit is 299/);
  }
});
