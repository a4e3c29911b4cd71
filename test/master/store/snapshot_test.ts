import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { soleVoter } from "../../../master/store/raft/membership.ts";
import { Snapshots } from "../../../master/store/snapshot.ts";
import type { SnapshotHeader } from "../../../master/store/snapshot_format.ts";
import { compactionIndex, snapshotDue } from "../../../master/store/snapshotter.ts";
import type { StorageError } from "../../../master/store/storage_error.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { CrashFiles } from "../../kit/crash_files.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("snapshot");
const header = (index: number): SnapshotHeader => ({
  clusterId: "c".repeat(32),
  clusterEpoch: "e".repeat(16),
  index,
  term: 3,
  time: 1234,
  revision: 77,
  compactRevision: 5,
  conf: soleVoter(9),
  clusterVersion: 1,
});
const never = new AbortController().signal;
const directory = (files = new CrashFiles(), clock = new HandCrankedClock()) => ({
  files,
  clock,
  snapshots: new Snapshots({ files, clock }, "/snapshots"),
});

async function content(snapshots: Snapshots, path: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await snapshots.read(path, async (_, pieces) => {
    for await (const piece of pieces) parts.push(piece.slice());
  });
  return Buffer.concat(parts);
}

test("Snapshots.read() gives back what was written, however it was cut", async () => {
  const { snapshots } = directory(), bytes = Buffer.alloc(700_000, "skerry ");
  for (const [at, cuts] of [[700_000], [1, 262_143, 0, 262_144, 175_712], [0]].entries()) {
    let from = 0;
    const pieces = cuts.map((length) => bytes.subarray(from, from += length));
    const { path, sha256 } = await snapshots.write(header(at + 1), pieces, never);
    const read = await snapshots.read(path, async (found, all) => {
      assert.equal(found, header(at + 1));
      for await (const _ of all);
    });
    assert.ok(Buffer.compare(read.sha256, sha256) === 0);
    assert.ok((await content(snapshots, path)).equals(bytes.subarray(0, from)), `cut into ${cuts}`);
  }
});

test("Snapshots.read() refuses every flipped bit and every cut", async () => {
  const { files, snapshots } = directory(), { path } = await snapshots.write(header(1), [Buffer.from("some state")], never);
  const whole = files.content(path).slice();
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      files.damage(path, (bytes) => bytes[at]! ^= bit);
      assert.is((await rejects(content(snapshots, path)) as StorageError).reason, "Corrupt", `byte ${at}, bit ${bit}`);
      files.damage(path, (bytes) => bytes.set(whole));
    }
    await files.remove("/snapshots/cut.snap");
    await (await files.create("/snapshots/cut.snap")).write(whole.subarray(0, at), 0);
    assert.is((await rejects(content(snapshots, "/snapshots/cut.snap")) as StorageError).reason, "Corrupt", `cut at ${at}`);
  }
});

test("Snapshots.write() lets go of the event loop every few milliseconds", async () => {
  const { clock, files, snapshots } = directory();
  const calls: number[] = [];
  function* slow(): Iterable<Uint8Array> {
    for (let at = 0; at < 10; at++) {
      calls.push(files.calls);
      clock.advance(3);
      yield Buffer.from("x");
    }
  }
  await snapshots.write(header(1), slow(), never);
  assert.is(new Set(calls).size, 5, "written in between, though no chunk was full");
});

test("Snapshots.write() that is told to stop leaves nothing, and lets go of its source", async () => {
  const { files, snapshots } = directory(), stop = new AbortController();
  let released = false;
  function* source(): Iterable<Uint8Array> {
    try {
      yield Buffer.alloc(300_000);
      stop.abort(new Error("stop"));
      yield Buffer.alloc(300_000);
      yield Buffer.alloc(300_000);
    } finally {
      released = true;
    }
  }
  assert.is((await rejects(snapshots.write(header(1), source(), stop.signal))).message, "stop");
  assert.equal([files.paths(), released], [[], true]);
});

test("Snapshots.prune() keeps the two newest", async () => {
  const { files, snapshots } = directory();
  await snapshots.write(header(5), [], never);
  assert.is(await snapshots.prune(), 0);
  for (const index of [100, 20, 9]) await snapshots.write(header(index), [], never);
  await files.create("/snapshots/0000000000000200-0000000000000003.snap.tmp");
  assert.is(await snapshots.prune(), 20);
  assert.equal(files.paths(), ["/snapshots/0000000000000020-0000000000000003.snap", "/snapshots/0000000000000100-0000000000000003.snap"]);
});

test("snapshotDue() after many entries, much log, or a long time with enough entries", () => {
  const none = { entries: 0, bytes: 0, elapsedMs: 0 };
  assert.not(snapshotDue({ ...none, entries: 49_999 }, 50_000));
  assert.ok(snapshotDue({ ...none, entries: 50_000 }, 50_000));
  assert.ok(snapshotDue({ ...none, bytes: 64 * 1024 * 1024 }, 50_000));
  assert.not(snapshotDue({ ...none, entries: 999, elapsedMs: 3_600_000 }, 50_000));
  assert.ok(snapshotDue({ ...none, entries: 1_000, elapsedMs: 600_000 }, 50_000));
  const size = 640 * 1024 * 1024;
  assert.not(
    snapshotDue({ entries: 499_999, bytes: size - 1, elapsedMs: 5_999_999 }, 50_000, size),
    "as much log as the last one has bytes",
  );
  assert.ok(snapshotDue({ ...none, bytes: size }, 50_000, size));
  assert.ok(snapshotDue({ ...none, entries: 50_000 }, 50_000, 1_000), "a small one changes nothing");
});

test("compactionIndex() keeps some entries, and not too many bytes", () => {
  const log = (size: number) => ({
    firstIndex: 1,
    entryAt: (index: number) => ({
      index,
      term: 1,
      type: "command" as const,
      time: 0,
      proposer: 0,
      sequence: 0,
      payload: new Uint8Array(size),
    }),
  });
  assert.is(compactionIndex(log(10), 9_000, 5_000), 4_000);
  assert.is(compactionIndex(log(10), 3_000, 5_000), 0);
  assert.is(compactionIndex(log(4 * 1024 * 1024), 9_000, 5_000), 8_997);
});
