import * as assert from "uvu/assert";
import { readBackup } from "../../../../master/store/disaster/backup.ts";
import { planNewCluster, writeNewCluster } from "../../../../master/store/disaster/new_cluster.ts";
import type { StorageError } from "../../../../master/store/storage_error.ts";
import type { StoreError } from "../../../../master/store/store.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { CrashFiles } from "../../../kit/crash_files.ts";
import { rejects, suite } from "../../../kit/suite.ts";
import { bytesOf, clock, content, copyTo, header, needs, open, put, remove } from "./kit.ts";

const test = suite("new cluster", { timeoutMs: 20_000 });
const bump = 1_000_000_000;

test("planNewCluster() keeps the cluster's id, and nothing else that could be taken for the old life", () => {
  const { identity, header: made } = planNewCluster({ ...header, address: "three:6444" }, bump, seeded(5));
  assert.is(identity.clusterId, header.clusterId);
  assert.match(identity.clusterEpoch, /^[0-9a-f]{16}$/);
  assert.is.not(identity.clusterEpoch, header.clusterEpoch);
  assert.is(made.clusterEpoch, identity.clusterEpoch);
  assert.equal([made.index, made.term, made.time], [40, 1_007, header.time]);
  assert.equal([made.revision, made.compactRevision], [30 + bump, 30 + bump]);
  assert.equal(made.conf, {
    voters: [identity.memberId],
    outgoing: [],
    learners: [],
    removed: [1, 3, 4],
    addresses: { [identity.memberId]: "three:6444" },
  });
  assert.equal(planNewCluster({ ...header, address: "" }, bump, seeded(5)).header.conf.addresses, {});
});

test("planNewCluster() never draws the id of a member that was", () => {
  const drawn = planNewCluster({ ...header, address: "" }, bump, seeded(5)).identity.memberId;
  const again = planNewCluster({ ...header, address: "", conf: { ...header.conf, removed: [drawn] } }, bump, seeded(5));
  assert.is.not(again.identity.memberId, drawn);
});

test("planNewCluster() goes forward, and stays below 2^53", () => {
  for (const by of [0, -1, Number.MAX_SAFE_INTEGER, 0.5, NaN]) {
    assert.throws(() => planNewCluster({ ...header, address: "" }, by, seeded(5)), /Cannot go on at revision 30/, String(by));
  }
});

test("a store made of a backup shows what was saved, at revisions that nobody has seen, and takes writes", async () => {
  const old = new CrashFiles(), before = await open(old);
  for (let at = 0; at < 30; at++) await put(before, `/key-${at % 10}`, `value ${at}`);
  await remove(before, "/key-3");
  const { lease } = await before.store.grant(60);
  await before.store.txn({ compares: [], then: [{ do: "put", key: "/leased", value: Uint8Array.of(1), lease }] });
  const saved = await content(before), { items } = await before.store.list(""), was = before.store.status();
  const bytes = await bytesOf(await before.backup());
  await put(before, "/lost", "written after the backup");
  await before.store.close();

  const files = new CrashFiles();
  await copyTo(files, "/backup", bytes);
  const { header: found, state } = await readBackup({ files, clock }, "/backup");
  await writeNewCluster(needs(files, 7), "/raft", planNewCluster({ ...found, address: "" }, bump, seeded(7)), state);
  // What was written is durable: a power cut that loses all that was not synced loses nothing of it.
  const disk = files.powerCut();
  let opened = await open(disk, {}, 8);
  for (let life = 1; life <= 2; life++) {
    assert.equal(await content(opened), saved, `life ${life}`);
    const status = opened.store.status();
    assert.equal([status.clusterId, status.keys], [was.clusterId, was.keys]);
    assert.is.not(status.clusterEpoch, was.clusterEpoch);
    assert.is.not(status.memberId, was.memberId);
    assert.ok(status.term > was.term + 1_000, `term ${status.term} after ${was.term}`);
    assert.is(status.revision, found.revision + bump);
    assert.equal(
      (await opened.store.list("")).items.map(({ key, modRevision, version }) => [key, modRevision, version]),
      items.map(({ key, modRevision, version }) => [key, modRevision, version]),
      "objects keep their own revisions",
    );
    assert.equal(opened.members.list().map(({ role }) => role), ["leader"]);
    if (life === 2) break;
    await opened.store.close();
    opened = await open(disk, {}, 9);
  }
  // Anything that a client of the old life may ask to go on from is gone, also what that life had and this one has not.
  for (const from of [1, found.revision, found.revision + 1, found.revision + 1_000, found.revision + bump]) {
    const watch = opened.store.watch("", from, { signal: AbortSignal.timeout(5_000) })[Symbol.asyncIterator]();
    assert.is((await rejects(watch.next()) as StoreError).reason, "Compacted", `from ${from}`);
  }
  assert.is(await put(opened, "/new", "life"), found.revision + bump + 1);
  assert.is((await opened.store.get("/leased")).item?.lease, lease);
  await opened.store.revoke(lease);
  assert.is((await opened.store.get("/leased")).item, undefined);
  await opened.store.close();
});

test("a store of the new life does not take a snapshot of the old one for its own", async () => {
  const old = new CrashFiles(), before = await open(old);
  await put(before, "/a", "one");
  const bytes = await bytesOf(await before.backup());
  await before.store.close();
  const files = new CrashFiles();
  await copyTo(files, "/backup", bytes);
  const { header: found, state } = await readBackup({ files, clock }, "/backup");
  await writeNewCluster(needs(files, 7), "/raft", planNewCluster({ ...found, address: "" }, bump, seeded(7)), state);
  await copyTo(files, "/raft/snapshots/9999999999999999-0000000000000001.snap", bytes);
  const error = await rejects(open(files, {}, 8)) as StorageError;
  assert.is(error.reason, "Foreign");
  assert.match(
    error.message,
    /the log is of epoch [0-9a-f]{16}, the snapshot of [0-9a-f]{16}\. `snapshot restore` makes a store of a backup/,
  );
});
