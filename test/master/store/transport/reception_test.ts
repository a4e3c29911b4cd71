import { Buffer } from "node:buffer";
import { connect } from "node:net";
import type { TLSSocket } from "node:tls";
import * as assert from "uvu/assert";
import { snapshotsSent } from "../../../../shared/limits.ts";
import { frame, kind } from "../../../../master/store/transport/frames.ts";
import { encodeHello } from "../../../../master/store/transport/handshake.ts";
import { encodeMessage } from "../../../../master/store/transport/message_codec.ts";
import { eventually } from "../../../kit/eventually.ts";
import { suite } from "../../../kit/suite.ts";
import { clusterA, clusterB, confOf, epoch2, hello, local, type Master, Masters, rawTls, soon, together } from "./kit.ts";

const test = suite<{ masters: Masters }>("the port of the masters", {
  setup: async () => ({ masters: await Masters.create() }),
  teardown: ({ masters }) => masters.close(),
  timeoutMs: 20_000,
});

test("garbage from a member closes its connection with one clear line, and nothing else", async ({ masters }) => {
  const [one, two] = await together(masters, 2) as [Master, Master];
  const cases: [Uint8Array, RegExp][] = [
    [Buffer.from("GET / HTTP/1.1\r\n\r\n"), /its length would be 542393671 bytes/],
    [frame(kind.message, new Uint8Array(40)), /it has version 0/],
    [frame(kind.welcome), /welcome with 0 bytes does not belong here/],
    [frame(99 as 1), /kind 99/],
  ];
  for (const [garbage, words] of cases) {
    const from = 10 + cases.findIndex(([each]) => each === garbage),
      socket = await rawTls(one.port, masters.ca.certificate, await masters.certificate(from));
    socket.write(encodeHello({ ...hello, from }));
    await once(socket, "data"); // welcome
    const closed = once(socket, "close");
    socket.resume().write(garbage);
    await closed;
    const lines = one.troubles.filter((line) => line.includes(`member=${from}`));
    assert.is(lines.length, 1, lines.join("\n"));
    assert.match(
      lines[0]!,
      /^A member does not speak our language; its connection is cut member=\d+ address=127\.0\.0\.1:\d+ purpose=log error=Cannot /,
    );
    assert.match(lines[0]!, words);
  }
  // Somebody else's words.
  const liar = await rawTls(one.port, masters.ca.certificate, await masters.certificate(20));
  liar.write(encodeHello({ ...hello, from: 20 }));
  await once(liar, "data");
  const closed = once(liar, "close");
  liar.resume().write(frame(kind.message, Buffer.concat(encodeMessage({ type: "TimeoutNow", from: 2, to: 1, term: 9 }))));
  await closed;
  assert.ok(
    one.troubles.some((line) => /member=20 .*from member 2 to member 1: this is a connection from 20 to 1/.test(line)),
    one.troubles.join("\n"),
  );
  assert.equal(one.received, []);
  assert.ok(one.peer(2)!.connected && two.peer(1)!.connected, "the others stay");
  assert.is(one.peer(2)!.connections, 2);
});

test("a member that calls again has given up the connection before; and only so many snapshots are sent at a time", async ({ masters }) => {
  const one = await masters.start(1), pair = await masters.certificate(2);
  const call = async (purpose: "log" | "control" | "snapshot") => {
    const socket = await rawTls(one.port, masters.ca.certificate, pair), answer = collect(socket);
    socket.write(encodeHello({ ...hello, purpose }));
    await once(socket, "data");
    return { socket, answer };
  };
  const [log, control] = [await call("log"), await call("control")];
  const closed = once(log.socket, "close");
  await call("log");
  await closed;
  assert.is(control.socket.destroyed, false);
  for (let at = 0; at < snapshotsSent; at++) await call("snapshot");
  assert.match(await (await call("snapshot")).answer, /Cannot send a snapshot to member 2 .*4 are being sent\. It will ask again/);
});

test("garbage instead of a hello, or nothing at all, is refused", async ({ masters }) => {
  const one = await masters.start(1), certificate = await masters.certificate(2);
  for (
    const garbage of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), frame(kind.hello, new Uint8Array(60)), frame(kind.ping, new Uint8Array(4))]
  ) {
    const socket = await rawTls(one.port, masters.ca.certificate, certificate), answer = collect(socket);
    socket.write(garbage);
    // Who does not even make frames is not answered.
    assert.match(
      await answer,
      garbage[4] === kind.hello ? /Cannot take a connection of 127\.0\.0\.1:\d+: Cannot .*Only masters call this port/ : /^/,
    );
  }
  assert.is(one.transport.status().refused, 3);
  assert.match(one.troubles.join("\n"), /^A connection was refused address=127\.0\.0\.1:\d+ error=Cannot take a connection of/);
  assert.is(one.troubles.length, 1, "the same trouble is told once");
});

test("the master of another cluster is refused, and both sides say why", async ({ masters }) => {
  const one = await masters.start(1), foreign = await masters.start(2, { clusterId: clusterB });
  // Called by the foreigner: its own check of who answers comes first.
  foreign.transport.setPeers(confOf({ 1: local(one.port), 2: local(foreign.port) }));
  await eventually("it is told", () => foreign.troubles.length > 0, soon);
  assert.match(foreign.troubles[0]!, /A member is called and refuses member=1 .*member 1 of another cluster \(a{32}\) answers there/);
  // And one that does not check.
  const socket = await rawTls(one.port, masters.ca.certificate, await masters.certificate(2, clusterB)), answer = collect(socket);
  socket.write(encodeHello({ ...hello, clusterId: clusterB, address: "b:1" }));
  assert.match(await answer, /Cannot take a connection of member 2 at b:1: it is of cluster b{32}, and member 1 is of cluster a{32}/);
  assert.ok(one.troubles.some((line) => /A connection was refused member=2 .*it is of cluster b{32}/.test(line)), one.troubles.join("\n"));
  assert.equal(one.transport.status().peers, []);
  assert.equal([one.received, foreign.received], [[], []]);
});

test("a master of another life of the same cluster is refused, and both sides say who and why", async ({ masters }) => {
  const one = await masters.start(1), before = await masters.start(2, { clusterEpoch: epoch2 });
  before.transport.setPeers(confOf({ 1: local(one.port), 2: local(before.port) }));
  await eventually("it is told", () => before.troubles.length > 0, soon);
  assert.match(before.troubles[0]!, /A member is called and refuses member=1 .*member 1 of epoch 1{16} of this cluster answers there/);
  const socket = await rawTls(one.port, masters.ca.certificate, await masters.certificate(2, clusterA, epoch2)), answer = collect(socket);
  socket.write(encodeHello({ ...hello, clusterEpoch: epoch2, address: "b:1" }));
  assert.match(
    await answer,
    /Cannot take a connection of member 2 at b:1: it is of epoch 2{16} of this cluster, and member 1 is of epoch 1{16}/,
  );
  assert.ok(one.troubles.some((line) => /A connection was refused member=2 .*it is of epoch 2{16}/.test(line)), one.troubles.join("\n"));
  assert.equal([one.received, before.received, one.transport.status().peers], [[], [], []]);
});

test("who was removed is cut off at once, and told so when it calls again", async ({ masters }) => {
  const [one, two] = await together(masters, 2) as [Master, Master];
  one.transport.setPeers(confOf({ 1: local(one.port) }, [2]));
  assert.equal(one.transport.status().peers, []);
  await eventually(
    "it is told",
    () => two.troubles.some((line) => /A member is called and refuses.*member 2 .*it was removed from this cluster/.test(line)),
    soon,
  );
  one.say(2, { type: "TimeoutNow" });
  two.say(1, { type: "TimeoutNow" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal([one.received, two.received], [[], []]);
});

test("a device's certificate, another authority's, and the wrong member behind an address stay out", async ({ masters }) => {
  const one = await masters.start(1), others = await Masters.create();
  const device = await masters.authority.issueClient({
    commonName: "system:node:pi",
    organizations: ["system:nodes"],
    uris: [`skerry://${clusterA}/node/n1`],
  });
  const socket = await rawTls(one.port, masters.ca.certificate, device), answer = collect(socket);
  socket.write(encodeHello(hello));
  assert.match(await answer, /not that of a master/);
  for (const pair of [await others.certificate(2), undefined]) {
    const stranger = await rawTls(one.port, masters.ca.certificate, pair), answer = collect(stranger);
    stranger.write(encodeHello(hello));
    assert.match(await answer, /Cannot take a connection of 127\.0\.0\.1:\d+: it has no certificate of this cluster's authority/);
  }
  assert.is(one.transport.status().refused, 3);
  const plain = connect(one.port, "127.0.0.1"), ended = new Promise((resolve) => plain.once("close", resolve));
  plain.on("error", () => {}).resume().write("GET / HTTP/1.1\r\n\r\n");
  await ended;
  await eventually("it is told", () => one.troubles.some((line) => /ended before TLS was ready/.test(line)), soon);
  const two = await masters.start(2);
  two.transport.setPeers(confOf({ 7: local(one.port) }));
  await eventually(
    "the wrong one is noticed",
    () => two.troubles.some((line) => /Cannot call member 7 at 127\.0\.0\.1:\d+: member 1 answers there/.test(line)),
    soon,
  );
  assert.is(two.peer(7)!.refused > 0, true);
  assert.equal(one.received, []);
});

const once = (socket: TLSSocket, event: "data" | "close"): Promise<void> =>
  new Promise((resolve) => socket.destroyed ? resolve() : socket.once(event, () => resolve()));
function collect(socket: TLSSocket): Promise<string> {
  let text = "";
  socket.on("data", (data: Uint8Array) => text += Buffer.from(data).toString());
  return new Promise((resolve) => socket.once("close", () => resolve(text)));
}
