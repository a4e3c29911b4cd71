import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { snapshotChunkBytes, snapshotWindow } from "../../../../shared/limits.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { chain } from "../../../../shared/util/log.ts";
import { eventually } from "../../../kit/eventually.ts";
import { type Relay, relay } from "../../../kit/relay.ts";
import { rejects, suite } from "../../../kit/suite.ts";
import { confOf, local, type Master, Masters, metaAt } from "./kit.ts";

const soon = { withinMs: 10_000, everyMs: 5 };
interface Context {
  masters: Masters;
  leader: Master;
  learner: Master;
  /** In front of the leader. */
  link: Relay;
}
const test = suite<Context>("transport.fetch()", {
  async setup() {
    const masters = await Masters.create(), leader = await masters.start(1), learner = await masters.start(2);
    const link = await relay({ host: "127.0.0.1", port: 0 }, { host: "127.0.0.1", port: leader.port });
    learner.transport.setPeers(confOf({ 1: local(link.port), 2: local(learner.port) }));
    await eventually("it is connected", () => learner.peer(1)!.connected, soon);
    return { masters, leader, learner, link };
  },
  async teardown({ masters, link }) {
    await masters.close();
    await link.close();
  },
  timeoutMs: 20_000,
});
const blob = (bytes: number, seed: number): Uint8Array => {
  const random = seeded(seed), words = new Uint32Array(Math.ceil(bytes / 4)).map(() => random() * 2 ** 32);
  return new Uint8Array(words.buffer, 0, bytes);
};
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
async function fetched({ transport }: Master, index: number, each: (bytes: number) => unknown = () => {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of transport.fetch(metaAt(index), 1)) {
    assert.ok(part.length > 0 && part.length <= snapshotChunkBytes);
    parts.push(Uint8Array.from(part));
    await each(bytes += part.length);
  }
  return Buffer.concat(parts);
}

test("gives the bytes that the other member has", async ({ leader, learner }) => {
  for (const [index, bytes] of [[1, 0], [2, 1], [3, 100_000], [4, 3_000_000]] as const) {
    leader.snapshots.set(index, blob(bytes, index));
    assert.is(digest(await fetched(learner, index)), digest(blob(bytes, index)), `${bytes} bytes`);
  }
  assert.is(leader.transport.status().peers.length, 0, "the leader need not even know who asks");
});

test("goes on where a cut has stopped it", async ({ leader, learner, link }) => {
  const whole = blob(6_000_000, 7);
  leader.snapshots.set(1, whole);
  link.reset();
  const cutAt = [1_500_000, 4_000_000];
  const found = await fetched(learner, 1, (bytes) => {
    if (cutAt.length === 0 || bytes < cutAt[0]!) return;
    cutAt.shift();
    link.cut();
  });
  assert.equal(cutAt, [], "it was cut twice");
  assert.is(digest(found), digest(whole));
  const { down } = link.bytes(), again = 2 * (snapshotWindow + 1) * snapshotChunkBytes;
  assert.ok(down < whole.length * 1.02 + again, `${down} bytes came for ${whole.length}`);
});

test("takes no more than a few chunks ahead of who uses them", async ({ leader, learner, link }) => {
  leader.snapshots.set(1, blob(6_000_000, 9));
  link.reset();
  const iterator = learner.transport.fetch(metaAt(1), 1)[Symbol.asyncIterator]();
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { down } = link.bytes();
  assert.ok(down < (snapshotWindow + 1) * snapshotChunkBytes, `${down} bytes are there`);
  assert.is(leader.snapshots.open, 1);
  await iterator.return?.();
  await eventually("the other side lets go of it", () => leader.snapshots.open === 0, soon);
});

test("says what is wrong: no such snapshot, no such member, and a member that stops", async ({ leader, learner, link }) => {
  assert.match(
    chain(await rejects(fetched(learner, 5))),
    "Cannot fetch the snapshot at entry 5 beyond its byte 0: there is no snapshot at that entry",
  );
  assert.match(leader.troubles.join("\n"), /A snapshot cannot be sent member=2 .*there is no snapshot at that entry/);
  assert.is(link.bytes().connections, 3, "it is not asked again");
  leader.snapshots.set(2, blob(2_000_000, 9));
  const shrunk = fetched(learner, 2, (bytes) => {
    if (bytes < 1_000_000 || leader.snapshots.get(2)!.length < 1_000_000) return;
    leader.snapshots.set(2, blob(900_000, 9));
    link.cut();
  });
  assert.match(chain(await rejects(shrunk)), /it ends after 900000 bytes there, and 1\d{6} have come/);
  leader.snapshots.set(1, blob(6_000_000, 9));
  const stopped = rejects(fetched(learner, 1, () => void learner.transport.close()));
  assert.match((await stopped).message, "this master is stopping");
});

test("several may fetch at a time, and who comes too many is served in the end", async ({ masters, leader }) => {
  leader.snapshots.set(1, blob(1_000_000, 3));
  const learners = await Promise.all([3, 4, 5, 6, 7, 8].map((id) => masters.start(id)));
  for (const { transport } of learners) transport.setPeers(confOf({ 1: local(leader.port) }));
  const slowly = () => new Promise((resolve) => setTimeout(resolve, 20));
  const all = await Promise.all(learners.map((learner) => fetched(learner, 1, slowly)));
  for (const found of all) assert.is(digest(found), digest(blob(1_000_000, 3)));
});
