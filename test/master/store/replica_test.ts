import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import type { Replica } from "../../../master/store/replica.ts";
import { type ReplicaConfig, startReplica } from "../../../master/store/replica_start.ts";
import type { StorageError } from "../../../master/store/storage_error.ts";
import type { StoreError } from "../../../master/store/store.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { CrashFiles } from "../../kit/crash_files.ts";
import { ListMachine } from "../../kit/list_machine.ts";
import { rejects, suite } from "../../kit/suite.ts";

interface Member {
  files: CrashFiles;
  clock: HandCrankedClock;
  machine: ListMachine;
  replica: Replica;
}
const test = suite("replica");

async function member(files = new CrashFiles(), config: Partial<ReplicaConfig> = {}, clock = new HandCrankedClock()): Promise<Member> {
  const machine = new ListMachine();
  const replica = await startReplica({ clock, random: seeded(3), files, log: silentLog, machine }, {
    dataDir: "/data",
    segmentBytes: 32_768,
    ...config,
  });
  return { files, clock, machine, replica };
}
const propose = ({ replica }: Member, text: string) => replica.propose(Buffer.from(text));
/** Lets everything that waits only for promises happen. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("startReplica() leads at once as the only voter", async () => {
  const one = await member(), status = one.replica.status();
  assert.equal([status.role, status.leaderId, status.term, status.appliedIndex], ["leader", status.memberId, 1, 2]); // the cluster's first entry, and the leader's
  assert.match(status.clusterId, /^[0-9a-f]{32}$/);
  assert.match(status.clusterEpoch, /^[0-9a-f]{16}$/);
  await one.replica.stop();
});

test("startReplica() keeps identity, and begins a new term", async () => {
  const one = await member(), before = one.replica.status();
  await propose(one, "a");
  await one.replica.stop();
  const two = await member(one.files.restart()), after = two.replica.status();
  assert.equal([after.clusterId, after.clusterEpoch, after.memberId], [before.clusterId, before.clusterEpoch, before.memberId]);
  assert.is(after.term, 2);
  assert.equal(two.machine.items, ["a"]);
  await two.replica.stop();
});

test("startReplica() refuses a directory that is in use", async () => {
  const one = await member();
  assert.match((await rejects(member(one.files))).message, "Cannot use /data/lock: process 1 holds it");
  await one.replica.stop();
  await (await member(one.files)).replica.stop();
});

test("propose() costs one write and one sync", async () => {
  const one = await member();
  await settled(); // the spare segment
  const calls = one.files.calls, syncs = one.files.syncs;
  await propose(one, "a");
  assert.equal([one.files.calls - calls, one.files.syncs - syncs], [2, 1]);
  await one.replica.stop();
});

test("propose() puts all that wait into the next write", async () => {
  const one = await member();
  await settled();
  const syncs = one.files.syncs;
  const first = propose(one, "first");
  await Promise.resolve();
  await Promise.resolve();
  const results = await Promise.all([first, ...Array.from({ length: 100 }, (_, at) => propose(one, `item ${at}`))]);
  assert.equal(results, Array.from({ length: 101 }, (_, at) => at + 1));
  assert.ok(one.files.syncs - syncs <= 2, `${one.files.syncs - syncs} syncs`);
  await one.replica.stop();
});

test("propose() refuses what is too large", async () => {
  const one = await member();
  const error = await rejects(one.replica.propose(new Uint8Array(5 * 1024 * 1024))) as StoreError;
  assert.is(error.reason, "TooLarge");
  await one.replica.stop();
});

test("propose() stamps times that never run backwards, whatever the clock does", async () => {
  const one = await member(), wall = one.clock.now();
  await propose(one, "a");
  one.clock.setWall(0);
  await propose(one, "b");
  await one.replica.stop();
  const two = await member(one.files.restart(), {}, new HandCrankedClock(5));
  await propose(two, "c");
  two.clock.setWall(wall + 10);
  await propose(two, "d");
  assert.equal(two.machine.times, [wall, wall, wall, wall + 10]);
  await two.replica.stop();
});

test("the log holds an applied entry where the state machine keeps it", async () => {
  const one = await member(), kept: Uint8Array[] = [];
  one.machine.keep = (payload) => kept[kept.push(Uint8Array.from(payload)) - 1]!;
  await propose(one, "a");
  const { payload } = one.replica.raft.entryAt(one.replica.status().appliedIndex)!;
  assert.equal([kept.length, payload === kept[0], one.machine.items], [1, true, ["a"]]);
  await one.replica.stop();
});

test("readIndex() resolves with what is applied", async () => {
  const one = await member();
  await propose(one, "a");
  assert.is(await one.replica.readIndex(), one.replica.status().appliedIndex);
  const [, index] = await Promise.all([propose(one, "b"), one.replica.readIndex()]);
  assert.ok(index <= one.replica.status().appliedIndex);
  await one.replica.stop();
  assert.is((await rejects(one.replica.readIndex()) as StoreError).reason, "Closed");
});

test("the first error of the disk is fatal: nothing is answered any more", async () => {
  const probe = await member();
  await settled();
  const at = probe.files.calls + 2; // the sync of the first proposal
  await probe.replica.stop();
  for (const kind of ["EIO", "power"] as const) {
    const one = await member(new CrashFiles([], { at, kind }));
    await settled();
    const leading = one.replica.lead(
      "work",
      ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      stopped(),
    );
    const results = await Promise.allSettled([propose(one, "a"), propose(one, "b")]);
    assert.equal(results.map((result) => result.status === "rejected" && result.reason.reason), ["Unknown", "Unknown"]);
    assert.instance(await one.replica.fatal, Error);
    assert.is((await rejects(propose(one, "c")) as StoreError).reason, "Closed");
    assert.is((await rejects(one.replica.readIndex()) as StoreError).reason, "Closed");
    assert.equal(one.machine.items, [], "not applied either");
    await one.replica.stop();
    await leading;
  }
});
/** A signal that aborts soon: for work that ends by itself before. */
const stopped = () => AbortSignal.timeout(20);

test("lead() runs once a term and ends with the replica", async () => {
  const one = await member(), ended = new AbortController(), seen: string[] = [];
  const leading = one.replica.lead("work", async ({ signal }) => {
    seen.push("started");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    seen.push("stopped");
  }, ended.signal);
  await settled();
  assert.equal(seen, ["started"]);
  await one.replica.stop();
  await settled();
  assert.equal(seen, ["started", "stopped"]);
  ended.abort();
  await leading;
});

test("lead() rejects with the error of the work", async () => {
  const one = await member();
  assert.is(
    (await rejects(one.replica.lead("work", () => Promise.reject(new Error("broken")), new AbortController().signal))).message,
    "broken",
  );
  await one.replica.stop();
});

test("stop() answers what it had accepted, then takes nothing more", async () => {
  const one = await member(), results = [propose(one, "a"), propose(one, "b")], stopping = one.replica.stop();
  assert.is((await rejects(propose(one, "c")) as StoreError).reason, "Closed");
  await stopping;
  assert.equal(await Promise.all(results), [1, 2]);
  const two = await member(one.files.restart());
  assert.equal(two.machine.items, ["a", "b"]);
  await two.replica.stop();
});

test("the log is sealed a second after the last write, once", async () => {
  const one = await member();
  await propose(one, "a");
  await settled();
  const syncs = one.files.syncs;
  for (let tick = 0; tick < 30; tick++) {
    one.clock.advance(100);
    await settled();
  }
  assert.is(one.files.syncs, syncs + 1);
  await one.replica.stop();
});

test("startReplica() finds the state in a snapshot, and what came after it in the log", async () => {
  const one = await member(new CrashFiles(), { snapshotEntries: 100, catchUpEntries: 10 });
  for (let at = 0; at < 250; at++) await propose(one, `item ${at}`);
  await settled();
  const { snapshotIndex, firstIndex, appliedIndex } = one.replica.status();
  assert.ok(snapshotIndex >= 200 && firstIndex === snapshotIndex - 9, `snapshot at ${snapshotIndex}, log from ${firstIndex}`);
  await one.replica.stop();
  const two = await member(one.files.powerCut(), { catchUpEntries: 10 });
  assert.equal([two.machine.restored, two.machine.items], [1, one.machine.items]);
  assert.equal(two.machine.times, one.machine.times);
  assert.is(two.replica.status().appliedIndex, appliedIndex + 1);
  await two.replica.stop();
});

test("startReplica() falls back to the snapshot before when the newest is damaged, and refuses when both are", async () => {
  const config = { snapshotEntries: 100, catchUpEntries: 10 };
  const one = await member(new CrashFiles(), config);
  for (let at = 0; at < 350; at++) await propose(one, `item ${at}`);
  await settled();
  await one.replica.stop();
  const snapshots = one.files.paths().filter((path) => path.endsWith(".snap"));
  assert.is(snapshots.length, 2);
  one.files.damage(snapshots[1]!, (bytes) => bytes[bytes.length - 100]! ^= 4);
  const two = await member(one.files.restart(), config);
  assert.equal(two.machine.items, one.machine.items);
  await two.replica.stop();
  for (const path of two.files.paths()) if (path.endsWith(".snap")) two.files.damage(path, (bytes) => bytes[1000]! ^= 1);
  const error = await rejects(member(two.files.restart(), config)) as StorageError;
  assert.is(error.reason, "Missing");
});
