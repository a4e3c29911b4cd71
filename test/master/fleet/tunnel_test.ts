// Both ends of the tunnel against each other, with a connection of memory between them.
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type Duplex, duplexPair } from "node:stream";
import * as assert from "uvu/assert";
import { type Reading, reading, Tunnel as NodeTunnel, TunnelError, type Verb } from "../../../agent/link/tunnel.ts";
import { RuntimeError } from "../../../agent/runtime/runtime.ts";
import { forwardVerb } from "../../../agent/verbs/forward.ts";
import { type Session, Sessions } from "../../../master/fleet/sessions.ts";
import { Tunnel } from "../../../master/fleet/tunnel.ts";
import { nodeForwards, nodeSessions, sessionCreditBytes, sessionIdleMs, sessionOpenMs } from "../../../shared/limits.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { channel, decodeFrame, flag } from "../../../shared/wire/frames.ts";
import { parseTopic } from "../../../shared/wire/topics.ts";
import { until } from "../../kit/eventually.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { birth, connectionOf } from "../../kit/connection.ts";

const test = suite("tunnel");
const nodeId = "aaaaaaaaaaaaaaaaaaaaaaaaaa", never = new AbortController().signal;
const pod = { metadata: { uid: "u", name: "web" }, spec: { nodeName: "pi" } };

function kit(logs: Reading, { exec, portforward, deaf = false }: { exec?: Verb; portforward?: Verb; deaf?: boolean } = {}) {
  const clock = new HandCrankedClock(), sessions = new Sessions(clock), master = new Tunnel({ sessions, clock, randomBytes });
  let session: Session | undefined = undefined, up = 0, dropped = -1;
  const node = new NodeTunnel({
    clock,
    log: silentLog,
    send: (id, frame) => queueMicrotask(() => up++ !== dropped && session && master.frame(session, id, frame)),
  }, { logs: reading(logs), ...(exec && { exec }), ...(portforward && { portforward }) });
  const connection = connectionOf(nodeId, {
    publish(topic, payload) {
      const { id } = parseTopic(topic)!, copy = Uint8Array.from(payload);
      if (!deaf) queueMicrotask(() => node.frame(id!, copy));
      return Promise.resolve();
    },
  });
  session = sessions.connected(connection);
  sessions.born(session, birth(1));
  return { clock, master, sessions, session, connection, drop: (n: number) => void (dropped = n), sent: () => up };
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const all = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
async function* endless(signal: AbortSignal, from = { bytes: 0 }): AsyncIterable<Uint8Array> {
  while (!signal.aborted) {
    yield new Uint8Array(1000);
    from.bytes += 1000;
  }
}

test("a log arrives whole, whatever its size, and the options reach the node", async () => {
  const line = "0123456789".repeat(50) + "\n", asked: unknown[] = [];
  const { master } = kit(async function* (open) {
    asked.push([open.podUid, open.container, open.options]);
    for (let i = 0; i < 1000; i++) yield text(line);
  });
  assert.is(await all(await master.logs(pod, "a", { follow: true, tailLines: 5 }, never)), line.repeat(1000));
  assert.equal(asked, [["u", "a", { follow: true, tailLines: 5 }]]);
});

test("an empty log is empty", async () => {
  const { master } = kit(async function* () {});
  assert.is(await all(await master.logs(pod, "a", {}, never)), "");
});

test("what the node says is wrong is the API's answer", async () => {
  const { master } = kit(() => Promise.reject(new TunnelError("NotFound", "the container has never run")));
  const error = await rejects(master.logs(pod, "a", {}, never)) as ApiError;
  assert.equal([error.reason, error.message], ["NotFound", "the container has never run"]);
});

test("a reader that does not read stops the node within its credit", async () => {
  const made = { bytes: 0 }, { master } = kit((_, signal) => endless(signal, made));
  const reader = (await master.logs(pod, "a", { follow: true }, never)).getReader();
  await until(() => made.bytes >= sessionCreditBytes - 1000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(made.bytes <= sessionCreditBytes + 1000, `${made.bytes}`);
  let read = 0;
  while (read < 3 * sessionCreditBytes) read += (await reader.read()).value!.length;
  await reader.cancel();
});

test("who stops listening stops the node", async () => {
  let over = false;
  const verb: Reading = async function* (_, signal) {
    signal.addEventListener("abort", () => over = true);
    yield* endless(signal);
  };
  for (const how of ["cancel", "abort"] as const) {
    over = false;
    const { master } = kit(verb), stop = new AbortController(), stream = await master.logs(pod, "a", { follow: true }, stop.signal);
    if (how === "abort") stop.abort();
    else await stream.cancel();
    await until(() => over);
  }
});

test("a quiet log is kept open by both ends for hours", async () => {
  let speak!: () => void, over = false;
  const spoken = new Promise<void>((resolve) => speak = resolve);
  const { master, clock } = kit(async function* (_, signal) {
    signal.addEventListener("abort", () => over = true);
    await spoken;
    yield text("at last");
  });
  const stream = await master.logs(pod, "a", { follow: true }, never);
  for (let i = 0; i < 200; i++) {
    clock.advance(sessionIdleMs / 2);
    await Promise.resolve();
    await Promise.resolve();
  }
  assert.not.ok(over);
  speak();
  assert.is(await all(stream), "at last");
});

test("a node that is not there, or does not begin, is said so", async () => {
  const { master, sessions, connection, clock } = kit(async function* () {}, { deaf: true });
  const late = master.logs(pod, "a", {}, never), refused = rejects(late);
  clock.advance(sessionOpenMs);
  assert.is((await refused as ApiError).reason, "Timeout");
  sessions.disconnected(connection);
  clock.advance(200_000);
  const gone = await rejects(master.logs(pod, "a", {}, never)) as ApiError;
  assert.is(gone.reason, "ServiceUnavailable");
  assert.is(gone.message, "cannot read the logs of pod web: node pi is not connected, last heard from 3m30s ago");
  const unknown = await rejects(master.logs({ ...pod, spec: { nodeName: "van" } }, "a", {}, never));
  assert.match(unknown.message, /node van is not connected, not heard from since this master runs/);
});

test("a connection that goes takes its readers along", async () => {
  const { master, session } = kit((_, signal) => endless(signal)), stream = await master.logs(pod, "a", { follow: true }, never);
  master.over(session);
  assert.match((await rejects(all(stream))).message, /node pi/);
});

test("no more sessions than a node can bear, and a place is free again when one ends", async () => {
  const { master } = kit((_, signal) => endless(signal)), open: ReadableStream<Uint8Array>[] = [];
  for (let i = 0; i < nodeSessions; i++) open.push(await master.logs(pod, "a", { follow: true }, never));
  assert.is((await rejects(master.logs(pod, "a", {}, never)) as ApiError).reason, "TooManyRequests");
  await Promise.all(open.map((stream) => stream.cancel()));
  await new Promise((resolve) => setTimeout(resolve, 5)); // the node hears of it
  await (await master.logs(pod, "a", {}, never)).cancel();
});

test("output that was lost on the way leaves a mark", async () => {
  const { master, drop } = kit(async function* () {
    for (const word of ["one", "two", "three"]) yield text(word);
  });
  drop(2); // open, one, two
  assert.is(await all(await master.logs(pod, "a", {}, never)), "one\n[some output was lost here]\nthree");
  assert.is(decodeFrame(new Uint8Array(3)), undefined);
});

const none: Reading = async function* () {};
test("what is sent to a process arrives in order and whole, up to its end", async () => {
  const sent = randomBytes(5 * sessionCreditBytes + 17);
  const { master } = kit(none, {
    async exec(_, { begin, input, send }) {
      begin({ input: true });
      for await (const { channel: on, flags, bytes } of input()) {
        if (on === channel.stdin) await send(channel.stdout, bytes);
        if (flags & flag.end) return await send(channel.exit, Uint8Array.of(3, 0, 0, 0));
      }
    },
  });
  const process = await master.process("exec", pod, "a", {}, never), back: Uint8Array[] = [], ends: Uint8Array[] = [];
  const sending = process.send(channel.stdin, sent, { end: true });
  for await (const { channel: on, bytes } of process.received) (on === channel.exit ? ends : back).push(bytes);
  await sending;
  assert.ok(Buffer.concat(back).equals(sent));
  assert.equal(ends.map((bytes) => [...bytes]), [[3, 0, 0, 0]]);
});

test("a process that takes no input stops whoever sends, within its credit, and its end lets them go", async () => {
  let end = () => {};
  const ended = new Promise<void>((resolve) => end = resolve);
  const { master } = kit(none, {
    async exec(_, { begin }) {
      begin({ input: true });
      await ended;
    },
  });
  const process = await master.process("exec", pod, "a", {}, never);
  let sent = 0;
  const sending = (async () => {
    for (;;) {
      await process.send(channel.stdin, new Uint8Array(1024));
      sent += 1024;
    }
  })();
  await until(() => sent === sessionCreditBytes);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(sent, sessionCreditBytes);
  end();
  for await (const _ of process.received);
  await rejects(sending);
});

test("of what a process says nothing may be lost: the session ends instead", async () => {
  const { master, drop } = kit(none, {
    async exec(_, { begin, send, signal }) {
      begin();
      for (let i = 0; i < 5; i++) await send(channel.stdout, new Uint8Array(10));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  drop(2);
  const process = await master.process("exec", pod, "a", {}, never);
  assert.match((await rejects(new Response(process.received.pipeThrough(bytesOnly())).bytes())).message, /was lost/);
});
const bytesOnly = () =>
  new TransformStream<{ bytes: Uint8Array }, Uint8Array<ArrayBuffer>>({
    transform: ({ bytes }, out) => out.enqueue(Uint8Array.from(bytes)),
  });

test("a long command opens a session in several frames; one that is too long is refused", async () => {
  let asked: unknown;
  const { master } = kit(none, {
    async exec({ options }, { begin }) {
      asked = options;
      begin();
    },
  });
  const command = ["sh", "-c", "x".repeat(60_000)];
  await master.process("exec", pod, "a", { command }, never);
  assert.equal(asked, { command });
  const error = await rejects(master.process("exec", pod, "a", { command: [...command, ...command] }, never)) as ApiError;
  assert.equal([error.reason, error.message], ["BadRequest", "the command is too long: it may have some 65536 bytes"]);
});

/** A pod whose port 7 echoes: what is left of the connections to it. */
function echoing() {
  const open = new Set<Duplex>();
  const engine = {
    connect(_: string, port: number): Promise<Duplex> {
      if (port !== 7) return Promise.reject(new RuntimeError("Refused", "connection refused"));
      const [ours, theirs] = duplexPair({ allowHalfOpen: true });
      theirs.pipe(theirs);
      open.add(ours);
      ours.once("close", () => open.delete(ours));
      return Promise.resolve(ours);
    },
  };
  return { ...kit(none, { portforward: forwardVerb(engine, { containerId: () => "c" }) }), open };
}

test("a forwarded connection carries both directions, and each ends by itself", async () => {
  const { master, open } = echoing(), connection = await master.connect(pod, 7, never), sent = randomBytes(3 * sessionCreditBytes + 5);
  const back: Uint8Array[] = [], ends: number[] = [];
  const sending = connection.send(channel.stdin, sent, { end: true });
  for await (const { channel: on, bytes, end } of connection.received) {
    back.push(bytes);
    if (end) ends.push(on);
  }
  await sending;
  assert.ok(Buffer.concat(back).equals(sent));
  assert.equal(ends, [channel.stdout]);
  await until(() => open.size === 0);
});

test("a port that nobody listens on is refused in the node's words, and who leaves a connection closes it", async () => {
  const { master, open } = echoing(), refused = await rejects(master.connect(pod, 8, never)) as ApiError;
  assert.is(refused.message, "connection refused");
  const connection = await master.connect(pod, 7, never);
  assert.is(open.size, 1);
  await connection.received.cancel();
  await until(() => open.size === 0);
});

test("forwarded connections and other sessions do not take each other's places", async () => {
  const { master } = echoing();
  for (let i = 0; i < nodeForwards; i++) await master.connect(pod, 7, never);
  assert.is((await rejects(master.connect(pod, 7, never)) as ApiError).reason, "TooManyRequests");
  assert.is(await all(await master.logs(pod, "a", {}, never)), "");
});
