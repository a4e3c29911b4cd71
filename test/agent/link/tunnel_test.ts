import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { reading, Tunnel, TunnelError } from "../../../agent/link/tunnel.ts";
import { nodeSessions, sessionIdleMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { channel, decodeFrame, encodeCredit, encodeFrame, flag, type Frame } from "../../../shared/wire/frames.ts";
import type { SessionOpen } from "../../../shared/wire/messages.ts";
import { suite } from "../../kit/suite.ts";

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const test = suite("Tunnel", {
  setup() {
    const clock = new HandCrankedClock(), frames: (Frame & { session: string })[] = [], signals: AbortSignal[] = [];
    const tunnel = new Tunnel({
      clock,
      log: silentLog,
      send: (session, payload) => void frames.push({ session, ...decodeFrame(payload)! }),
    }, {
      logs: reading(async function* (open: SessionOpen, signal: AbortSignal) {
        signals.push(signal);
        if (open.podUid === "none") throw new TunnelError("NotFound", "there is no such pod here");
        yield Buffer.from("0123456789");
        yield Buffer.from("abc");
        if (open.options.follow) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }),
    });
    const say = (session: string, on: number, bytes: Uint8Array = new Uint8Array(), flags = 0) =>
      tunnel.frame(session, encodeFrame({ n: 0, channel: on, flags, bytes }));
    const open = (session: string, rest: object = {}) =>
      say(session, channel.open, Buffer.from(JSON.stringify({ verb: "logs", podUid: "p", options: {}, credit: 1000, ...rest })));
    const text = () =>
      frames.filter((frame) => frame.channel === channel.stdout).map(({ bytes }) => Buffer.from(bytes).toString()).join("");
    return { clock, frames, signals, tunnel, say, open, text };
  },
});

test("output comes in frames between a beginning and an end", async ({ frames, open, text }) => {
  open("s");
  await soon();
  assert.equal(frames.map(({ channel, flags, n }) => [channel, flags, n]), [[16, 0, 0], [1, 0, 1], [1, 0, 2], [3, 1, 3]]);
  assert.is(text(), "0123456789abc");
});

test("nothing is sent beyond the credit", async ({ frames, open, say, text }) => {
  open("s", { credit: 4 });
  await soon();
  assert.is(text(), "0123");
  say("s", channel.credit, encodeCredit(5));
  await soon();
  assert.is(text(), "012345678");
  say("s", channel.credit, encodeCredit(100));
  await soon();
  assert.is(text(), "0123456789abc");
  assert.is(frames.at(-1)!.flags, flag.end);
});

test("what cannot be done is said in the words of a Status", async ({ frames, open, say }) => {
  const why = () => JSON.parse(Buffer.from(frames.at(-1)!.bytes).toString()).reason;
  open("s", { podUid: "none" });
  await soon();
  assert.is(why(), "NotFound");
  open("t", { verb: "exec" });
  assert.is(why(), "BadRequest");
  say("u", channel.open, Buffer.from("nonsense"));
  assert.is(why(), "BadRequest");
});

test("one node has only so many sessions, and a closed one makes room", async ({ frames, open, say, signals }) => {
  for (let i = 0; i < nodeSessions; i++) open(`s${i}`, { options: { follow: true } });
  await soon();
  open("more");
  assert.is(JSON.parse(Buffer.from(frames.at(-1)!.bytes).toString()).reason, "TooManyRequests");
  say("s0", channel.error, undefined, flag.end);
  await soon();
  assert.is(signals[0]!.aborted, true);
  open("more");
  await soon();
  assert.is(frames.at(-1)!.flags, flag.end);
});

test("a session ends when nothing is heard, or the connection is gone", async ({ clock, open, say, signals, tunnel }) => {
  for (const session of ["a", "b"]) open(session, { options: { follow: true } });
  await soon();
  clock.advance(sessionIdleMs - 1);
  say("b", channel.credit, encodeCredit(0));
  clock.advance(2);
  assert.equal(signals.map(({ aborted }) => aborted), [true, false]);
  tunnel.disconnected();
  assert.is(signals[1]!.aborted, true);
});
