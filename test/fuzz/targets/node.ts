// An enrolled device that has gone bad: what it sends over MQTT, and what it wants when it joins. Broker, fleet and registry are the real ones.
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { joinPaths } from "../../../shared/wire/join.ts";
import { type Up, up, upTopic } from "../../../shared/wire/topics.ts";
import { channel, encodeFrame } from "../../../shared/wire/frames.ts";
import { type Log, silentLog } from "../../../shared/util/log.ts";
import type { Random } from "../../../shared/util/clock.ts";
import { oneIn, pick, upTo } from "../../kit/chance.ts";
import { fleetKit, newPod, pods } from "../../kit/fleet.ts";
import { mutateBytes, mutateJson } from "../mutate.ts";
import { target, type World } from "../target.ts";
import { Wire } from "../wire.ts";

interface Packet {
  readonly type: number;
  /** As the packet's body; in texts, `@id` is the node's, `@pod` the uid of its pod, `"@sess"` the next number of a session. */
  readonly body: Uint8Array;
}
type Said = { readonly packets: readonly Packet[] } | { readonly join: Uint8Array };

const counted = (bytes: Uint8Array | string): Uint8Array => {
  const body = Buffer.from(bytes as string), length = Buffer.alloc(2);
  length.writeUInt16BE(Math.min(body.length, 65_535));
  return Buffer.concat([length, body]);
};
const hash = "0".repeat(32), at = 1_767_225_600_000, have = { epoch: "e", gen: 1, hash };
const status = {
  phase: "Running",
  podIP: "10.201.0.9",
  conditions: [{ type: "Ready", status: "True" }],
  containerStatuses: [{ name: "a", ready: true }],
};
/** What a good device says. */
const messages: Readonly<Record<Exclude<Up, "session">, object>> = {
  birth: {
    sess: "@sess",
    boot: "b",
    ver: "v",
    arch: "arm64",
    wire: [1],
    caps: ["deflate-raw"],
    link: { kind: "wifi", metered: false },
    have,
    clock: { t: at },
  },
  will: { sess: "@sess", reason: "sleep", wakeAt: at },
  heartbeat: {},
  get: { rid: "r", want: 1, have, from: 0, window: 2, codec: "deflate-raw", full: false },
  ack: { ...have, phase: "applied", reason: "x" },
  report: {
    sess: "@sess",
    seq: 1,
    kind: "full",
    last: true,
    stateHash: hash,
    objs: [{ uid: "@pod", obsGen: 1, at, state: status }, {
      uid: "node",
      at,
      state: { status: { capacity: { cpu: "4" } }, labels: { a: "b" } },
    }],
  },
  events: {
    sess: "@sess",
    seq: 1,
    dropped: 0,
    events: [{ uid: "@pod", type: "Warning", reason: "BackOff", message: "m", at, count: 2, first: at }],
  },
  operation: { op: "none" },
  renew: { csr: "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n" },
};
const join = { csr: messages.renew, sealKey: `${"A".repeat(43)}=`, wish: { name: "pi", labels: { a: "b" } }, agentVersion: "v" };

const connect = (): Packet => ({ type: 0x10, body: Buffer.concat([counted("MQTT"), Uint8Array.of(4, 2, 0, 60), counted("@id")]) });
const subscribe = (): Packet => ({ type: 0x82, body: Buffer.concat([Uint8Array.of(0, 1), counted("s/v1/@id/d/#"), Uint8Array.of(1)]) });
function publish(random: Random, name: Up, changed: boolean): Packet {
  const qos = up[name].qos, id = up[name].id ? "abc" : undefined, topic = upTopic("@id", name, id);
  const frame = {
    n: upTo(random, 3),
    channel: pick(random, Object.values(channel)),
    flags: upTo(random, 2),
    bytes: new Uint8Array(upTo(random, 9)),
  };
  const message = name === "session"
    ? encodeFrame(frame)
    : JSON.stringify(changed ? mutateJson(random, messages[name]) : messages[name]) ?? "";
  return {
    type: 0x30 | qos << 1,
    body: Buffer.concat([counted(topic), ...qos > 0 ? [Uint8Array.of(0, 1 + upTo(random, 200))] : [], Buffer.from(message as string)]),
  };
}

export const nodeTarget = target<Said>({
  name: "node",
  casesPerLife: 500,
  make(random) {
    if (oneIn(random, 12)) return { join: mutateBytes(random, Buffer.from(JSON.stringify(mutateJson(random, join)) ?? "")) };
    const names = Object.keys(up) as Up[];
    const packets = [connect(), subscribe(), publish(random, "birth", oneIn(random, 4))];
    for (let more = upTo(random, 8); more > 0; more--) packets.push(publish(random, pick(random, names), !oneIn(random, 4)));
    if (oneIn(random, 3)) {
      packets.push({
        type: pick(random, [0xc0, 0xe0, 0x40, 0x50, 0x62, 0xa2, 0xf0, 0x00]),
        body: counted(pick(random, ["", "s/v1/@id/d/#"])),
      });
    }
    for (let changes = upTo(random, 3); changes > 0; changes--) {
      const index = upTo(random, packets.length), { type, body } = packets[index]!;
      packets[index] = oneIn(random, 4) ? { type: type ^ 1 << upTo(random, 8), body } : { type, body: mutateBytes(random, body) };
    }
    return { packets };
  },
  show: (said) =>
    "join" in said
      ? `join ${Buffer.from(said.join).toString()}`
      : said.packets.map(({ type, body }) => `${type.toString(16)} ${JSON.stringify(Buffer.from(body).toString("latin1"))}`).join("\n  "),
  open,
});

async function open(): Promise<World<Said>> {
  const said: unknown[] = [], log: Log = { ...silentLog, error: (sentence, keys) => void said.push(sentence, keys?.error) };
  const kit = await fleetKit(log), device = await kit.device("pi");
  const token = await kit.fleet.tokens.create();
  const { nodeId, certificate } = await device.join(kit.fleet, token), raw = new X509Certificate(certificate).raw;
  const { uid } = await kit.registry.create(pods, newPod("web", "pi"));
  await kit.settled();
  let sess = 0;
  const text = (bytes: Uint8Array): Uint8Array =>
    Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll("@pod", uid).replace('"@sess"', () => String(sess)), "latin1");
  /** The id has the length of the name that stands for it only in the bytes that count it. */
  const packet = ({ type, body }: Packet): Uint8Array => {
    let bytes = Buffer.from(text(body));
    for (let from = bytes.indexOf("@id"); from >= 0; from = bytes.indexOf("@id")) {
      const start = type === 0x10 ? from - 2 : type === 0x82 ? 2 : 0;
      if (start >= 0 && start + 2 <= from) bytes.writeUInt16BE((bytes.readUInt16BE(start) + nodeId.length - 3) & 0xffff, start);
      bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from(nodeId), bytes.subarray(from + 3)]);
    }
    const length = [];
    for (let left = bytes.length;; left >>= 7) {
      length.push(left > 127 ? left & 127 | 128 : left);
      if (left <= 127) break;
    }
    return Buffer.concat([Uint8Array.of(type & 255, ...length), bytes]);
  };
  return {
    async run(made) {
      said.length = 0;
      if ("join" in made) {
        const headers = { authorization: `Bearer ${token.slice(4).split(".").slice(0, 2).join(".")}`, "content-type": "application/json" };
        const { status } = await kit.fleet.join.request(joinPaths.nodes, {
          method: "POST",
          headers,
          body: made.join as Uint8Array<ArrayBuffer>,
        });
        if (status >= 500) return `answered with ${status}: ${said}`;
      } else {
        sess++;
        const wire = new Wire();
        kit.broker.handleWebSocket(wire, { socket: { getPeerCertificate: () => ({ raw }), remoteAddress: "127.0.0.1" } } as never);
        await wire.say(made.packets.map(packet));
      }
      return said.length === 0 ? undefined : said.map((word) => word instanceof Error ? word.stack : String(word)).join("\n");
    },
    close: () => kit.close(),
  };
}
