import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { encodeCommand } from "../../../../master/store/command.ts";
import { others, readSurvivor } from "../../../../master/store/disaster/survivor.ts";
import { encodeConf, type MemberChange } from "../../../../master/store/raft/membership.ts";
import type { LogEntry } from "../../../../master/store/raft/message.ts";
import { genesis } from "../../../../master/store/recovery.ts";
import type { StorageError } from "../../../../master/store/storage_error.ts";
import { Wal } from "../../../../master/store/wal.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { CrashFiles } from "../../../kit/crash_files.ts";
import { randomTransaction } from "../../../kit/random_transaction.ts";
import { rejects, suite } from "../../../kit/suite.ts";
import { content, needs, open } from "./kit.ts";

const test = suite("survivor", { timeoutMs: 20_000 });
const read = (files: CrashFiles) => readSurvivor(needs(files), "/raft");
const identity = { clusterId: "c".repeat(32), clusterEpoch: "e".repeat(16), memberId: 2 };
const conf = { voters: [1, 2, 3], outgoing: [], learners: [], removed: [], addresses: { 1: "one:1", 2: "two:2", 3: "three:3" } };
const wal = (files: CrashFiles) => Wal.create(needs(files), { directory: "/raft/wal", segmentBytes: 16_384 }, identity, genesis(conf));

const entry = (index: number, term: number, payload: Uint8Array, type: LogEntry["type"] = "command"): LogEntry => ({
  index,
  term,
  type,
  time: 1_000 + index,
  proposer: 1,
  sequence: index,
  payload,
});
const putting = (key: string): Uint8Array =>
  encodeCommand({ do: "transact", transaction: { compares: [], then: [{ do: "put", key, value: Buffer.from("x") }] }, quotaBytes: 1e9 });
const changing = (...changes: MemberChange[]): Uint8Array => encodeConf({ changes });

test("readSurvivor() has all of the log, also what this member does not know to be committed", async () => {
  const files = new CrashFiles(), log = await wal(files);
  await log.append({ entries: [entry(2, 4, putting("/a")), entry(3, 4, putting("/b"))], hardState: { term: 4, vote: 0, commit: 2 } });
  await log.append({ entries: [entry(4, 5, putting("/c"))], hardState: { term: 9, vote: 3, commit: 2 } });
  await log.close();
  const { state, ...survivor } = await read(files);
  assert.is(state.mvcc.keys, 3);
  assert.equal(survivor, {
    ...identity,
    index: 4,
    term: 9,
    time: 1_004,
    revision: 4,
    clusterVersion: 1,
    conf,
    address: "two:2",
  });
  assert.equal(others({ state, ...survivor }), [{ id: 1, address: "one:1" }, { id: 3, address: "three:3" }]);
});

test("readSurvivor() knows the members as the log has left them", async () => {
  const files = new CrashFiles(), log = await wal(files);
  await log.append({
    entries: [
      entry(2, 1, changing({ do: "addLearner", member: 4, address: "four:4" }), "configuration"),
      entry(3, 1, changing({ do: "remove", member: 1 }), "configuration"),
      entry(4, 1, changing(), "configuration"),
      entry(5, 1, new Uint8Array(0), "noop"),
    ],
    hardState: { term: 1, vote: 0, commit: 1 },
  });
  await log.close();
  const survivor = await read(files);
  assert.equal([survivor.conf.voters, survivor.conf.learners, survivor.conf.removed], [[2, 3], [4], [1]]);
  assert.equal(others(survivor).map(({ id }) => id), [3, 4]);
});

for (const [from, config] of [["its log", {}], ["a snapshot and the log behind it", { snapshotEntries: 40, catchUpEntries: 5 }]] as const) {
  test(`readSurvivor() finds what a start would find from ${from}, and changes nothing`, async () => {
    const files = new CrashFiles(), random = seeded(3), opened = await open(files, config);
    for (let at = 0; at < 100; at++) await opened.store.txn(randomTransaction(random, []));
    const left = files.restart(), before = left.paths().map((path) => [path, Buffer.from(left.content(path)).toString("base64")]);
    assert.is(before.some(([path]) => path!.endsWith(".snap")), "snapshotEntries" in config);
    const { state, ...survivor } = await read(left);
    assert.equal(left.paths().map((path) => [path, Buffer.from(left.content(path)).toString("base64")]), before);

    const again = await open(left, config, 2),
      { revision, compactRevision, keys, liveBytes, clusterEpoch, memberId } = again.store.status();
    const found = {
      revision: state.mvcc.revision,
      compactRevision: state.mvcc.compactRevision,
      keys: state.mvcc.keys,
      liveBytes: state.mvcc.liveBytes,
    };
    assert.equal(found, { revision, compactRevision, keys, liveBytes });
    assert.equal([survivor.clusterEpoch, survivor.memberId], [clusterEpoch, memberId]);
    const items = state.mvcc.page("", undefined, revision, Infinity).items;
    assert.equal(Object.fromEntries(items.map(({ key, value }) => [key, Buffer.from(value).toString()])), await content(again));
    await again.store.close();
  });
}

test("readSurvivor() refuses what a master could not start from, and says what is wrong", async () => {
  assert.match((await rejects(read(new CrashFiles()))).message, "there is no log in it");
  const joined = new CrashFiles();
  await (await Wal.create(needs(joined), { directory: "/raft/wal", segmentBytes: 16_384 }, identity, undefined)).close();
  assert.match((await rejects(read(joined))).message, "has never got anything");

  const files = new CrashFiles(), log = await wal(files);
  for (let index = 2; index < 6; index++) {
    await log.append({ entries: [entry(index, 1, putting(`/${index}`))], hardState: { term: 1, vote: 0, commit: index } });
  }
  await log.close();
  const path = files.paths().find((name) => name.endsWith(".seg"))!;
  files.damage(path, (bytes) => bytes[4096 + 40]! ^= 1);
  assert.is((await rejects(read(files)) as StorageError).reason, "Corrupt");
});
