import * as assert from "uvu/assert";
import { peerQueueBytes, peerResetTicks, raftTickMs } from "../../../../shared/limits.ts";
import type { MessageOf, Proposal } from "../../../../master/store/raft/message.ts";
import { eventually } from "../../../kit/eventually.ts";
import { type Relay, relay } from "../../../kit/relay.ts";
import { freePort } from "../../../kit/free_port.ts";
import { suite } from "../../../kit/suite.ts";
import { confOf, connected, fakePeer, has, local, type Master, Masters, rawTls, soon, together, wire } from "./kit.ts";

const test = suite<{ masters: Masters }>("transport", {
  setup: async () => ({ masters: await Masters.create() }),
  teardown: ({ masters }) => masters.close(),
  timeoutMs: 20_000,
});

const proposal = (sequence: number, payload = new Uint8Array(10)): Proposal => ({
  type: "command",
  time: 1,
  proposer: 5,
  sequence,
  payload,
});
const bigAppend = (commit: number, bytes: number) => ({
  type: "Append" as const,
  previousIndex: 0,
  previousTerm: 0,
  commit,
  entries: [{ ...proposal(1, new Uint8Array(bytes).fill(commit)), index: 1, term: 1 }],
});

test("brings what one of three says to the one it is for", async ({ masters }) => {
  const [one, two, three] = await together(masters, 3) as [Master, Master, Master];
  one.say(2, { type: "Heartbeat", commit: 7, round: 3 });
  two.say(3, { type: "Vote", lastIndex: 9, lastTerm: 1, transfer: true }, 4);
  three.say(1, { type: "TimeoutNow" });
  await eventually("they arrive", () => one.received.length + two.received.length + three.received.length === 3, soon);
  assert.equal(two.received, [{ type: "Heartbeat", commit: 7, round: 3, from: 1, to: 2, term: 1 }]);
  assert.equal(three.received, [{ type: "Vote", lastIndex: 9, lastTerm: 1, transfer: true, from: 2, to: 3, term: 4 }]);
  assert.equal(one.received, [{ type: "TimeoutNow", from: 3, to: 1, term: 1 }]);
  assert.equal([...one.troubles, ...two.troubles, ...three.troubles], []);
});

test("brings many messages, small and large, each once and each connection in order", async ({ masters }) => {
  const [one, two] = await together(masters, 2) as [Master, Master];
  const sizes = [0, 1, 16_383, 16_384, 49_152, 49_153, 70_400, 1_000_000, 4_000_000];
  for (let round = 0; round < 40; round++) {
    one.say(2, bigAppend(round, sizes[round % sizes.length]!));
    one.say(2, { type: "Heartbeat", commit: round, round });
    await new Promise((resolve) => setTimeout(resolve, round % 3));
  }
  await eventually("all arrive", () => two.received.length === 80, soon);
  for (const type of ["Append", "Heartbeat"] as const) {
    const commits = two.received.filter((message) => message.type === type).map((message) => (message as MessageOf<"Append">).commit);
    assert.equal(commits, Array.from({ length: 40 }, (_, at) => at));
  }
  for (const message of two.received) {
    if (message.type !== "Append") continue;
    const { payload } = message.entries[0]!, size = sizes[message.commit % sizes.length]!;
    assert.ok(payload.length === size && payload.every((byte) => byte === message.commit), `${payload.length} bytes of ${size}`);
  }
  const { dropped, messagesSent, resets } = one.peer(2)!, { messagesReceived, bytesReceived } = two.peer(1)!;
  assert.equal({ dropped, messagesSent, resets, messagesReceived }, { dropped: 0, messagesSent: 80, resets: 0, messagesReceived: 80 });
  assert.ok(bytesReceived > 20_000_000, `${bytesReceived} bytes`);
});

test("a link comes back after every cut, in both directions", async ({ masters }) => {
  const relays: Relay[] = [];
  const ports = await Promise.all([freePort(), freePort()]), targets: number[] = [];
  for (const at of [0, 1]) {
    relays.push(
      await relay({ host: "127.0.0.1", port: ports[at]! }, {
        host: "127.0.0.1",
        get port() {
          return targets[at]!;
        },
      }),
    );
  }
  try {
    const [one, two] = await together(masters, 2, (id, port) => {
      targets[id - 1] = port;
      return ports[id - 1]!;
    }) as [Master, Master];
    for (let round = 1; round <= 3; round++) {
      for (const { cut } of relays) cut();
      await eventually("somebody has noticed", () => !one.peer(2)!.connected || !two.peer(1)!.connected, soon);
      await connected([one, two]);
      one.say(2, { type: "HeartbeatResponse", round });
      two.say(1, { type: "HeartbeatResponse", round });
      await Promise.all(
        [one, two].map((master) => has(master, (message) => message.type === "HeartbeatResponse" && message.round === round)),
      );
    }
    assert.ok(one.peer(2)!.connections >= 8, `${one.peer(2)!.connections} connections`);
    assert.ok(one.troubles.some((line) => /The connection to a member is lost.*member=2/.test(line)), one.troubles.join("\n"));
  } finally {
    await Promise.all(relays.map((each) => each.close()));
  }
});

test("a member that is not there is called until it is, and costs nothing meanwhile", async ({ masters }) => {
  const port = await freePort(), one = await masters.start(1);
  one.transport.setPeers(confOf({ 1: local(one.port), 2: local(port) }));
  await eventually(
    "it is missed",
    () => one.troubles.some((line) => /A member cannot be reached.*member=2.*address=127\.0\.0\.1:\d+/.test(line)),
    soon,
  );
  for (let at = 0; at < 1000; at++) one.say(2, bigAppend(at, 1_000));
  assert.equal([one.peer(2)!.queuedMessages, one.peer(2)!.dropped], [0, 1000]);
  const two = await masters.start(2, { listen: [{ host: "127.0.0.1", port }] });
  two.transport.setPeers(confOf({ 1: local(one.port), 2: local(port) }));
  await connected([one, two]);
  one.say(2, { type: "TimeoutNow" });
  await has(two, ({ type }) => type === "TimeoutNow");
  assert.is(two.received.length, 1, "nothing that was said before");
});

test("the queue to a member that hangs stays bounded, what is urgent gets through to the others, and its connection is reset", async ({ masters }) => {
  const [one, two] = await together(masters, 2) as [Master, Master];
  const three = await masters.start(3), hung = await wire(three.port);
  try {
    one.transport.setPeers(confOf({ 1: local(one.port), 2: local(two.port), 3: local(hung.port) }));
    await eventually("it is connected", () => one.peer(3)!.connected, soon);
    hung.hang();
    const start = performance.now();
    for (let at = 0; at < 40; at++) one.say(3, bigAppend(at, 1_000_000));
    for (let at = 0; at < 10_000; at++) one.say(3, { type: "HeartbeatResponse", round: at });
    const { queuedBytes, queuedMessages, dropped } = one.peer(3)!;
    assert.ok(
      queuedBytes <= 2 * peerQueueBytes && queuedMessages <= 2 * 4096,
      `${queuedMessages} messages of ${queuedBytes} bytes are queued`,
    );
    assert.ok(dropped > 5_900, `${dropped} dropped`);
    one.say(2, { type: "TimeoutNow" });
    await has(two, ({ type }) => type === "TimeoutNow");
    assert.ok(one.peer(3)!.queuedBytes > 2_000_000, "the socket does not swallow what it cannot send");

    const isReset = () =>
      one.troubles.some((line) => /is lost.*member=3 purpose=log.*bytes were sent and nothing was heard since/.test(line));
    let sequence = 0;
    while (!isReset() && sequence < 1_000) { // more than the buffers of two sockets can hold
      one.say(3, bigAppend(++sequence, 1_000_000));
      one.say(3, { type: "Propose", proposal: proposal(sequence) });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(isReset() && performance.now() - start >= (peerResetTicks - 1) * raftTickMs, "it is reset, and not before its time");
    await has(one, (message) => message.type === "ProposeRejected" && message.sequence > sequence - 10);
    assert.is(one.peer(2)!.resets, 0);
    await eventually("it is called again", () => one.peer(3)!.connected, soon);
    one.say(3, { type: "Append", previousIndex: 5, previousTerm: 1, commit: 0, entries: [] });
    await has(three, (message) => message.type === "Append" && message.previousIndex === 5);
    assert.equal(three.received.map(({ type }) => type), ["Append"], "and nothing of what was queued before");
  } finally {
    hung.close();
  }
});

test("a proposal arrives once or is refused, never both, however often the connection breaks", async ({ masters }) => {
  let heard: Proposal[] = [], sockets = 0;
  const peer = await fakePeer(masters, 2, (socket) => void setTimeout(() => socket.destroy(), 5 + 15 * (sockets++ % 4)), (message) => {
    if (message.type === "Propose") heard = [...heard, message.proposal];
  });
  try {
    const one = await masters.start(1);
    one.transport.setPeers(confOf({ 1: local(one.port), 2: local(peer.port) }));
    const start = performance.now();
    let sequence = 0;
    while (performance.now() - start < 2_000) {
      for (let at = 0; at < 20; at++) one.say(2, { type: "Propose", proposal: proposal(++sequence, new Uint8Array(2_000)) }, 3);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    const refused = one.received.map((message) => (message as MessageOf<"ProposeRejected">).sequence),
      arrived = heard.map((each) => each.sequence);
    assert.equal(one.received.find(({ type }) => type !== "ProposeRejected"), undefined);
    assert.equal(one.received[0], { type: "ProposeRejected", from: 2, to: 1, term: 3, proposer: 5, sequence: refused[0]! });
    assert.is(new Set(arrived).size, arrived.length, "none arrives twice");
    assert.is(new Set(refused).size, refused.length, "none is refused twice");
    assert.equal(refused.filter((each) => arrived.includes(each)), [], "none is refused that arrived");
    assert.ok(
      arrived.length > 50 && refused.length > 50 && sockets > 4,
      `${arrived.length} arrived, ${refused.length} refused, ${sockets} connections`,
    );
  } finally {
    peer.close();
  }
});

test("a voter on its way out still belongs to the talk, also when its address is no longer written down", async ({ masters }) => {
  const [one, two] = await together(masters, 2) as [Master, Master];
  one.transport.setPeers({ voters: [1], outgoing: [1, 2], learners: [], removed: [2], addresses: { 1: local(one.port) } });
  one.say(2, { type: "TimeoutNow" });
  two.say(1, { type: "TimeoutNow" });
  await Promise.all([one, two].map((master) => has(master, ({ type }) => type === "TimeoutNow")));
  assert.is(one.peer(2)!.connections, 2, "over the same connections");
  assert.equal(one.peer(2)!.addresses, [local(two.port)], "and would be found again");
});

test("a newcomer that knows nobody calls back who calls it, where that one says it is, and forgets it when it has gone", async ({ masters }) => {
  const newcomer = await masters.start(2), port = await freePort();
  const leader = await masters.start(1, { listen: [{ host: "127.0.0.1", port }], address: local(port) });
  leader.transport.setPeers(confOf({ 2: local(newcomer.port) }));
  await eventually("it calls back", () => newcomer.peer(1)?.connected, soon);
  newcomer.say(1, { type: "HeartbeatResponse", round: 1 });
  await has(leader, ({ type }) => type === "HeartbeatResponse");
  await leader.transport.close();
  await eventually("the guest has left", () => newcomer.transport.status().peers.length === 0, soon);
});

test("who says no address is found where the configuration puts it, member or not", async ({ masters }) => {
  const newcomer = await masters.start(2), leader = await masters.start(1);
  newcomer.transport.setPeers({ ...confOf({}), addresses: { 1: local(leader.port) } });
  assert.equal(newcomer.transport.status().peers, []);
  leader.transport.setPeers(confOf({ 2: local(newcomer.port) }));
  await eventually("it calls back", () => newcomer.peer(1)?.connected, soon);
});

test("a member that has moved is found where it says it is, though the configuration says otherwise", async ({ masters }) => {
  const one = await masters.start(1), port = await freePort(), nowhere = await freePort();
  const two = await masters.start(2, { listen: [{ host: "127.0.0.1", port }], address: local(port) });
  one.transport.setPeers(confOf({ 1: local(one.port), 2: local(nowhere) }));
  two.transport.setPeers(confOf({ 1: local(one.port), 2: local(nowhere) }));
  await connected([one, two]);
  assert.equal(one.peer(2)!.addresses, [local(nowhere), local(port)]);
});

test("a member that comes back is called back at once, however long it was away", async ({ masters }) => {
  const port = await freePort(), one = await masters.start(1, {}, () => 0.999), conf = confOf({ 1: local(one.port), 2: local(port) });
  one.transport.setPeers(conf);
  await new Promise((resolve) => setTimeout(resolve, 2_500)); // 50, 150, 450, 1,350 ms, and now it waits for 4
  const two = await masters.start(2, { listen: [{ host: "127.0.0.1", port }] });
  two.transport.setPeers(conf);
  await eventually("it is called back", () => one.peer(2)!.connected, { withinMs: 1_000, everyMs: 5 });
});

test("close() lets what is queued leave, and then there is silence", async ({ masters }) => {
  const [one, two] = await together(masters, 2) as [Master, Master];
  one.say(2, bigAppend(1, 2_000_000));
  one.say(2, { type: "TimeoutNow" });
  await one.transport.close();
  await eventually("both arrive", () => two.received.length === 2, soon);
  two.say(1, { type: "TimeoutNow" });
  one.say(2, { type: "TimeoutNow" });
  await eventually("two has noticed", () => two.peer(1)!.connected === false, soon);
  const error = await rawTls(one.port, masters.ca.certificate, await masters.certificate(3)).then(() => undefined, (error: Error) => error);
  assert.ok(error, "nobody listens any more");
  assert.equal([one.received.length, two.received.length], [0, 2]);
  await one.transport.close();
});
