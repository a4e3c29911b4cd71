// Exec over WebSockets and SPDY: what a client sends once the connection is its own.
import { Buffer } from "node:buffer";
import { constants, createDeflate } from "node:zlib";
import { control, controlFrame, dataFrame, u32s } from "../../../master/http/spdy/frames.ts";
import { dictionary } from "../../../master/http/spdy/headers.ts";
import { spdyClient } from "../../../master/http/spdy_remote.ts";
import { webSocketClient } from "../../../master/http/websocket_channels.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import type { Random } from "../../../shared/util/clock.ts";
import { oneIn, pick, upTo } from "../../kit/chance.ts";
import { mutateBytes } from "../mutate.ts";
import { target } from "../target.ts";
import { Wire } from "../wire.ts";

interface Said {
  readonly over: "SPDY" | "WebSocket";
  readonly tty: boolean;
  readonly chunks: readonly Uint8Array[];
}

/** Header blocks of one connection, as kubectl packs them: one stream of zlib, so each only makes sense after those before it. */
const blocks = await (async () => {
  const deflate = createDeflate({ dictionary });
  let out: Uint8Array[] = [];
  deflate.on("data", (bytes: Uint8Array) => out.push(bytes));
  const packed: Uint8Array[] = [];
  for (const type of ["error", "stdin", "stdout", "stderr", "resize"]) {
    const word = (text: string) => Buffer.concat([u32s(text.length), Buffer.from(text)]);
    await new Promise<void>((resolve) =>
      void deflate.write(
        Buffer.concat([u32s(1), word("streamtype"), word(type)]),
        () => deflate.flush(constants.Z_SYNC_FLUSH, () => setTimeout(resolve, 5)), // "data" may come after the flush
      )
    );
    packed.push(Buffer.concat(out));
    out = [];
  }
  return packed;
})();

function spdy(random: Random): Uint8Array[] {
  const frames = blocks.map((block, i) => controlFrame(control.synStream, Buffer.concat([u32s(2 * i + 1, 0), new Uint8Array(2), block])));
  for (let more = upTo(random, 8); more > 0; more--) {
    const stream = pick(random, [1, 3, 5, 9, 11]),
      bytes = Buffer.from(pick(random, ["ls\n", "", '{"Width":80,"Height":24}\n', "x".repeat(5_000)]));
    frames.push(
      pick(random, [
        () => dataFrame(stream, bytes, oneIn(random, 4)),
        () => controlFrame(control.ping, u32s(upTo(random, 9))),
        () => controlFrame(control.reset, u32s(stream, 5)),
        () => controlFrame(control.headers, Buffer.concat([u32s(stream), pick(random, blocks)])),
        () => controlFrame(pick(random, Object.values(control)), bytes),
      ])(),
    );
  }
  return frames;
}
function webSocket(random: Random): Uint8Array[] {
  return Array.from({ length: 1 + upTo(random, 8) }, () => {
    const opcode = pick(random, [2, 2, 2, 1, 0, 8, 9, 10, 3]), last = oneIn(random, 5) ? 0 : 0x80;
    const data = Buffer.concat([
      Uint8Array.of(pick(random, [0, 0, 4, 255, 1, 9])),
      Buffer.from(pick(random, ["ls\n", "", "\u0000", "x".repeat(70_000)])),
    ]);
    const length = data.length < 126
      ? [data.length]
      : data.length < 65_536
      ? [126, data.length >> 8, data.length & 255]
      : [127, 0, 0, 0, 0, ...u32s(data.length)];
    return Buffer.concat([Uint8Array.of(last | opcode, 0x80 | length[0]!, ...length.slice(1), 0, 0, 0, 0), data]); // masked with nothing
  });
}

export const streamsTarget = target<Said>({
  name: "streams",
  casesPerLife: 1_000,
  make(random) {
    const over = pick(random, ["SPDY", "WebSocket"] as const), chunks = over === "SPDY" ? spdy(random) : webSocket(random);
    for (let changes = upTo(random, 4); changes > 0; changes--) {
      const at = upTo(random, chunks.length);
      chunks[at] = mutateBytes(random, chunks[at]!);
    }
    return { over, tty: oneIn(random, 2), chunks: oneIn(random, 3) ? [Buffer.concat(chunks)] : chunks };
  },
  show: ({ over, tty, chunks }) =>
    `${over}${tty ? " with a terminal" : ""}: ${chunks.map((chunk) => Buffer.from(chunk).toString("base64")).join(" ")}`,
  open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
});

/** A process that takes whatever comes, and says a word when somebody listens. */
async function run({ over, tty, chunks }: Said): Promise<string | undefined> {
  const socket = new Wire(), received: number[] = [];
  let ended = () => {};
  const gone = new Promise<void>((resolve) => ended = resolve);
  const receive = (channel: number, bytes: Uint8Array): Promise<void> => Promise.resolve(void received.push(channel, bytes.length));
  const begun = (client: { send(channel: number, bytes: Uint8Array): Promise<void> }) =>
    void client.send(1, Buffer.from("word\n")).catch(() => {});
  const needs = { clock: systemClock, log: silentLog }, head = new Uint8Array();
  if (over === "SPDY") {
    const wanted = { stdin: true, stdout: true, stderr: !tty, tty };
    spdyClient(needs, { socket, head, protocol: "v4.channel.k8s.io", wanted }, receive, begun, ended);
  } else {
    const headers = {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
    };
    const request = { method: "GET", url: "/", headers } as never;
    webSocketClient(needs, { request, socket, head, protocol: "v5.channel.k8s.io" }, receive, begun, ended);
  }
  await socket.say(chunks);
  await gone;
  return received.some((number, i) => i % 2 === 0 && number !== 0 && number !== 4) ? `received on channels ${received}` : undefined;
}
