import * as assert from "uvu/assert";
import { certificateRequest, type Identity, IdentityFiles } from "../../../agent/link/identity.ts";
import { createLink, endpoints, type Link, type LinkUsers } from "../../../agent/link/link.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { downFilter, downTopic } from "../../../shared/wire/topics.ts";
import { type BrokerKit, brokerKit } from "../../kit/broker.ts";
import { until } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const nodeId = "abcdefghijklmnopqrstuvwxyz";
interface Context {
  kit: BrokerKit;
  directory: string;
  files: IdentityFiles;
  heard: string[];
  start(days?: [number, number]): Promise<Link>;
  stop: AbortController;
  running: Promise<void>[];
}
const test = suite<Context>("link", {
  async setup() {
    const kit = await brokerKit(), directory = testDirectory("link"), files = new IdentityFiles(directory);
    const stop = new AbortController(), heard: string[] = [], running: Promise<void>[] = [];
    const users: LinkUsers = {
      birth: () => ({ boot: "b", ver: "0", wire: [1], arch: "x64", caps: [], link: { kind: "lan", metered: false } }),
      connected: (session) => void heard.push(`connected ${session}`),
      disconnected: () => void heard.push("disconnected"),
      message: (name, payload) => void heard.push(`${name} ${new TextDecoder().decode(payload)}`),
      cumulative: ({ sess }) => void heard.push(`cum ${sess}`),
    };
    return {
      kit,
      directory,
      files,
      heard,
      stop,
      running,
      async start(days = [-1, 365]) {
        const { key, seal } = await files.keys(),
          now = Date.now(),
          dates = { notBefore: new Date(now + days[0] * 86_400_000), notAfter: new Date(now + days[1] * 86_400_000) };
        const certificate = await kit.authority.sign(await certificateRequest(key, "x"), {
          commonName: "system:node:pi",
          organizations: ["system:nodes"],
          uris: [],
        }, dates);
        kit.enroll({ certificate, key }, { nodeId, nodeName: "pi", standing: days[1] > 0 ? "full" : "renewal" });
        const masters = [`mqtts://127.0.0.1:${kit.broker.ports[0]}`];
        const identity: Identity = {
          nodeId,
          nodeName: "pi",
          clusterId: "c",
          clusterEpoch: "e",
          masters,
          key,
          seal,
          certificate,
          ca: kit.authority.certificate,
        };
        const link = createLink({ identity, files, users, clock: systemClock, random: seeded(1), log: silentLog }, {
          keepaliveSeconds: 60,
        });
        running.push(link.run(stop.signal));
        return link;
      },
    };
  },
  async teardown({ kit, stop, running }) {
    stop.abort();
    await Promise.all(running);
    await kit.stop();
  },
  timeoutMs: 20_000,
});
const births = (kit: BrokerKit): number[] =>
  kit.heard.filter(({ place }) => place.name === "birth").map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)).sess);

test("a session begins with the subscription and the birth, and finds its head", async ({ kit, heard, start }) => {
  kit.retained.set(downFilter(nodeId), [{ topic: downTopic(nodeId, "desired"), payload: new TextEncoder().encode("head") }]);
  await start();
  await until(() => heard.length >= 2 && births(kit).length > 0);
  assert.equal(heard.toSorted(), ["connected 1", "desired head"]);
  assert.equal(births(kit), [1]);
  assert.is(kit.heard[0]!.place.name, "birth");
});

test("sessions grow, also over what the cluster knows better", async ({ kit, heard, start }) => {
  const link = await start();
  await until(() => kit.clients.length === 1 && births(kit).length === 1);
  void kit.clients[0]!.publish(downTopic(nodeId, "cumulative"), new TextEncoder().encode('{"sess": 70}'), 1);
  await until(() => births(kit).length === 2, 8000);
  assert.equal(births(kit), [1, 71]);
  link.cut();
  await until(() => births(kit).length === 3, 8000);
  assert.is(births(kit)[2], 72);
  assert.ok(heard.includes("disconnected"));
});

test("a refused birth comes back with a higher number, also when the cluster's highest is its own", async ({ kit, start }) => {
  await start();
  await until(() => kit.clients.length === 1 && births(kit).length === 1);
  void kit.clients[0]!.publish(downTopic(nodeId, "cumulative"), new TextEncoder().encode('{"sess": 1, "refused": true}'), 1);
  await until(() => births(kit).length === 2, 8000);
  assert.equal(births(kit), [1, 2]);
});

test("an agent that was killed begins above every number it may have used", async ({ kit, files, start }) => {
  await files.keepSession(64); // as the one before reserved them
  await start();
  await until(() => births(kit).length === 1);
  assert.equal(births(kit), [65]);
  assert.is(await files.session(), 128);
});

test("an expired certificate renews, and then everything is open", async ({ kit, heard, start, files }) => {
  await start([-400, -35]);
  await until(() => kit.heard.some(({ place }) => place.name === "renew"), 8000);
  assert.equal(heard, [], "nothing else was tried");
  const { csr } = JSON.parse(new TextDecoder().decode(kit.heard[0]!.payload)), { key } = await files.keys();
  const dates = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 86_400_000 * 365) };
  const certificate = await kit.authority.sign(csr, { commonName: "system:node:pi", organizations: ["system:nodes"], uris: [] }, dates);
  kit.enroll({ certificate, key }, { nodeId, nodeName: "pi", standing: "full" });
  void kit.clients[0]!.publish(downTopic(nodeId, "renew"), new TextEncoder().encode(JSON.stringify({ certificate })), 1);
  await until(() => heard.length > 0, 8000);
  assert.match(heard[0]!, "connected");
});

test("a clean stop says so before it goes", async ({ kit, start, stop, running }) => {
  await start();
  await until(() => births(kit).length === 1);
  stop.abort();
  await Promise.all(running);
  await until(() => kit.heard.some(({ place }) => place.name === "will"));
  assert.equal(
    kit.heard.filter(({ place }) => place.name === "will").map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)).reason),
    ["stop"],
  );
});

test("endpoints() tries MQTT's own port, then the API's, and what worked first", () => {
  assert.equal(endpoints(["https://a:6443", "https://b"], "d"), [
    "mqtts://a:8883",
    "wss://a:6443/mqtt",
    "mqtts://b:8883",
    "wss://b:443/mqtt",
  ]);
  assert.equal(endpoints(["https://a:6443"], "d", "wss://a:6443/mqtt"), ["wss://a:6443/mqtt", "mqtts://a:8883"]);
  assert.equal(endpoints(["https://a:7", "mqtts://a:9"], "d"), ["mqtts://a:9", "wss://a:7/mqtt"]);
  const masters = ["mqtts://a:1", "https://a:2", "mqtts://b:1", "https://b:2", "mqtts://c:1", "https://c:2"];
  assert.equal(endpoints(masters, "e"), [
    "mqtts://c:1",
    "mqtts://a:1",
    "mqtts://b:1",
    "wss://c:2/mqtt",
    "wss://a:2/mqtt",
    "wss://b:2/mqtt",
  ]);
  const firsts = new Set(Array.from({ length: 30 }, (_, at) => endpoints(masters, `node${at}`)[0]));
  assert.is(firsts.size, 3, "a fleet spreads");
});
