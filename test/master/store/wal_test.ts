import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { nobody } from "../../../master/store/raft/membership.ts";
import type { EntryType, LogEntry } from "../../../master/store/raft/message.ts";
import { StorageError } from "../../../master/store/storage_error.ts";
import { Wal, type WalBatch } from "../../../master/store/wal.ts";
import { decodeSegmentHeader, recordType, segmentHeaderBytes } from "../../../master/store/wal_format.ts";
import { type Replayed, scanSegment } from "../../../master/store/wal_recovery.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { CrashFiles } from "../../kit/crash_files.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("wal", { timeoutMs: 60_000 });
const identity = { clusterId: "c".repeat(32), clusterEpoch: "e".repeat(16), memberId: 4242 };
const needs = (files: CrashFiles) => ({ files, random: seeded(5), log: silentLog });
const options = { directory: "/wal", segmentBytes: 8192 };

const entry = (index: number, term = 1, text = `entry ${index}`, type: EntryType = "command"): LogEntry => ({
  index,
  term,
  type,
  time: 1000 + index,
  proposer: 7,
  sequence: index,
  payload: Buffer.from(text),
});

async function written(files: CrashFiles, batches: WalBatch[], segmentBytes = options.segmentBytes): Promise<void> {
  const wal = await Wal.create(needs(files), { ...options, segmentBytes }, identity, undefined);
  for (const batch of batches) await wal.append(batch);
  await wal.close();
}

async function reopened(files: CrashFiles, keepAfter = 0, segmentBytes = options.segmentBytes): Promise<Replayed> {
  const opened = await Wal.open(needs(files), { ...options, segmentBytes }, keepAfter);
  await opened!.wal.close();
  return opened!.replayed;
}

const texts = (replayed: Replayed) => replayed.entries.map(({ index, term, payload }) => `${index}@${term} ${Buffer.from(payload)}`);
const segments = (files: CrashFiles) => files.paths().filter((path) => path.endsWith(".seg"));

test("Wal.open() gives back what was appended, across segments", async () => {
  const files = new CrashFiles(), all = Array.from({ length: 200 }, (_, at) => entry(at + 1, 1 + (at >> 6), "x".repeat(at)));
  await written(files, all.map((one) => ({ entries: [one], hardState: { term: one.term, vote: 4242, commit: one.index - 1 } })));
  assert.ok(segments(files).length > 4);
  const replayed = await reopened(files);
  assert.equal(replayed.entries.map((one) => ({ ...one, payload: Buffer.from(one.payload) })), all);
  assert.equal(replayed.hardState, { term: 4, vote: 4242, commit: 199 });
  assert.equal(replayed.conf, nobody);
});

test("Wal.open() cuts where the log was cut, also across segments that are gone", async () => {
  const files = new CrashFiles();
  const wal = await Wal.create(needs(files), options, identity, undefined);
  for (let index = 1; index <= 40; index++) await wal.append({ entries: [entry(index, 1, "x".repeat(500))] });
  await wal.append({
    truncate: { index: 30, term: 1 },
    entries: [entry(31, 2), entry(32, 2)],
    hardState: { term: 2, vote: 0, commit: 30 },
  });
  for (let index = 33; index <= 60; index++) await wal.append({ entries: [entry(index, 2, "y".repeat(500))] });
  await wal.append({ marker: { index: 50, term: 2, sha256: new Uint8Array(32) } });
  const before = segments(files).length;
  await wal.dropBefore(51);
  await wal.close();
  assert.ok(segments(files).length < before);
  const replayed = await reopened(files, 50);
  assert.equal(replayed.base, { index: 50, term: 2 });
  assert.equal(replayed.entries.map(({ index }) => index), [51, 52, 53, 54, 55, 56, 57, 58, 59, 60]);
  assert.equal(replayed.marker, { index: 50, term: 2 });
  assert.equal(replayed.hardState, { term: 2, vote: 0, commit: 30 }, "carried from segment to segment");
});

test("Wal.open() begins anew behind a snapshot that the log did not contain", async () => {
  const files = new CrashFiles();
  const marker = { index: 100, term: 5, sha256: new Uint8Array(32) };
  await written(files, [{ entries: [entry(1), entry(2)] }, { marker, restart: true }, { entries: [entry(101, 5)] }]);
  assert.equal(texts(await reopened(files)), ["101@5 entry 101"]);
});

test("Wal.open() begins anew behind such a snapshot also when a later one has covered what it replaced", async () => {
  const marked = (index: number) => ({ index, term: 2, sha256: new Uint8Array(32) });
  const from = (first: number, last: number, term: number, text = "x".repeat(500)) =>
    Array.from({ length: last - first + 1 }, (_, at) => ({ entries: [entry(first + at, term, text)] }));
  const later = { marker: marked(40) };
  // Snapshots behind the end of the log, before it, and where it ends, there also at the end of a segment.
  for (const [lastOld, at] of [[12, 13], [27, 13], [11, 11], [12, 12], [13, 13]] as const) {
    const files = new CrashFiles(), what = `${at} put in the place of ${lastOld}`;
    await written(files, [...from(1, lastOld, 1), { marker: marked(at), restart: true }, ...from(at + 1, 45, 2), later]);
    for (const covered of [at, 20, 40]) {
      const { base, entries } = await reopened(files, covered);
      assert.equal(base, { index: covered, term: 2 }, `${what}, ${covered} covered`);
      assert.equal(entries.map(({ index }) => index), Array.from({ length: 45 - covered }, (_, behind) => covered + 1 + behind));
    }
    const { wal } = (await Wal.open(needs(files), options, 40))!;
    await wal.dropBefore(30);
    await wal.close();
    assert.equal((await reopened(files, 40)).base, { index: 40, term: 2 }, `${what}, and both gone`);
  }
});

test("Wal.open() copies the last segment before it is used, and removes the old one", async () => {
  const files = new CrashFiles();
  await written(files, [{ entries: [entry(1)] }]);
  assert.equal(segments(files), ["/wal/0000000000000001.seg"]);
  await reopened(files);
  assert.equal(segments(files), ["/wal/0000000000000001-1.seg"]);
  assert.equal(texts(await reopened(files)), ["1@1 entry 1"]);
  assert.equal(segments(files), ["/wal/0000000000000001-2.seg"]);
});

test("Wal.open() goes by the header, whatever the name of a segment", async () => {
  const files = new CrashFiles();
  await written(files, Array.from({ length: 30 }, (_, at) => ({ entries: [entry(at + 1, 1, "x".repeat(500))] })));
  const paths = segments(files);
  for (const [at, path] of paths.entries()) await files.rename(path, `/wal/${9 - at}.seg`);
  assert.is((await reopened(files)).entries.length, 30);
});

test("Wal.open() names a segment of a later format version, and changes nothing", async () => {
  const files = new CrashFiles();
  await written(files, [{ entries: [entry(1)] }]);
  files.damage("/wal/0000000000000001.seg", (bytes) => {
    const view = new DataView(bytes.buffer);
    view.setUint32(8, 2, true);
    view.setUint32(segmentHeaderBytes - 4, crc32(bytes.subarray(0, segmentHeaderBytes - 4)), true);
  });
  const calls = files.calls, error = await rejects(reopened(files)) as StorageError;
  assert.is(error.reason, "Format");
  assert.match(error.message, "/wal/0000000000000001.seg: it has format version 2");
  assert.is(files.calls, calls);
});

test("Wal.open() names a segment of another cluster, and changes nothing", async () => {
  const files = new CrashFiles(), other = new CrashFiles();
  await written(files, [{ entries: [entry(1)] }]);
  const wal = await Wal.create(needs(other), options, { ...identity, clusterId: "d".repeat(32) }, undefined);
  await wal.close();
  const foreign = await files.create("/wal/0000000000000002.seg");
  await foreign.write(other.content("/wal/0000000000000001.seg"), 0);
  const calls = files.calls, error = await rejects(reopened(files)) as StorageError;
  assert.is(error.reason, "Foreign");
  assert.match(error.message, "0000000000000002.seg");
  assert.is(files.calls, calls);
});

test("Wal.open() refuses when a segment in the middle does not end where the next begins", async () => {
  const files = new CrashFiles();
  await written(files, Array.from({ length: 30 }, (_, at) => ({ entries: [entry(at + 1, 1, "x".repeat(500))] })));
  files.damage(segments(files)[0]!, (bytes) => bytes.fill(0, 6000));
  const error = await rejects(reopened(files)) as StorageError;
  assert.is(error.reason, "Corrupt");
});

test("Wal.append() rejects for good after the first error", async () => {
  const files = new CrashFiles([], { at: 30, kind: "EIO" });
  const wal = await Wal.create(needs(files), options, identity, undefined);
  let index = 0, failure: Error | undefined;
  while (!failure) await wal.append({ entries: [entry(++index)] }).catch((error) => failure = error);
  assert.ok(await rejects(wal.append({ entries: [entry(index)] })) === failure, "the same error, without another call");
});

/** A segment whose last frame is of several sectors, and the frames' positions. */
async function small(): Promise<{ files: CrashFiles; path: string; frames: number[] }> {
  const files = new CrashFiles(), frames: number[] = [];
  const wal = await Wal.create(needs(files), { ...options, segmentBytes: 6144 }, identity, undefined);
  frames.push(wal.bytes);
  await wal.append({ entries: [entry(1), entry(2)], hardState: { term: 1, vote: 4242, commit: 0 } });
  frames.push(wal.bytes);
  await wal.append({ entries: [entry(3)] });
  frames.push(wal.bytes);
  await wal.append({ entries: [entry(4, 1, "z".repeat(700))] });
  await wal.close();
  return { files, path: segments(files)[0]!, frames };
}

test("scanSegment() finds whole records and nothing else wherever the segment is cut", async () => {
  const { files, path } = await small(), bytes = files.content(path), header = decodeSegmentHeader(path, bytes);
  const whole = scanSegment(bytes, header);
  assert.is(whole.ending, "clean");
  const is = (scan: ReturnType<typeof scanSegment>) =>
    scan.records.every((record, at) => Buffer.compare(record.bytes, whole.records[at]!.bytes) === 0);
  const counts = new Set<number>();
  for (let cut = segmentHeaderBytes; cut <= whole.end; cut++) {
    const shorter = scanSegment(bytes.subarray(0, cut), header), zeroed = bytes.slice();
    zeroed.fill(0, cut);
    const scan = scanSegment(zeroed, header);
    assert.ok(is(shorter) && is(scan), `cut at ${cut}`);
    // A sector boundary is where a torn write ends; there the log must open.
    if (cut % 512 === 0) assert.type(scan.ending, "string", `cut at ${cut}`);
    counts.add(scan.records.length);
  }
  assert.equal([...counts], [0, 2, 5, 6, 7]);
});

test("scanSegment() takes for torn whatever subset of the last frame's sectors arrived", async () => {
  const { files, path, frames } = await small(), bytes = files.content(path), header = decodeSegmentHeader(path, bytes);
  const last = frames[2]!, end = scanSegment(bytes, header).end;
  const first = Math.floor(last / 512), sectors = Math.ceil(end / 512) - first;
  for (let arrived = 0; arrived < 2 ** sectors - 1; arrived++) {
    const torn = bytes.slice();
    for (let sector = 0; sector < sectors; sector++) {
      if ((arrived >> sector & 1) === 0) torn.fill(0, Math.max(last, (first + sector) * 512), (first + sector + 1) * 512);
    }
    const scan = scanSegment(torn, header);
    assert.is(scan.records.length, 6, `sectors ${arrived.toString(2)}`);
    assert.is(scan.ending, arrived === 0 ? "clean" : "torn", `sectors ${arrived.toString(2)}`);
  }
});

test("scanSegment() takes every single flipped bit for corruption, or it is in what was never written", async () => {
  const { files, path } = await small(), bytes = files.content(path).slice(), header = decodeSegmentHeader(path, bytes);
  const whole = scanSegment(bytes, header), reference = Buffer.concat(whole.records.map((record) => record.bytes));
  let detected = 0, harmless = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      bytes[at]! ^= bit;
      if (isDetected(path, bytes, header)) detected++;
      else {
        const scan = scanSegment(bytes, header);
        assert.ok(at >= whole.end && Buffer.concat(scan.records.map((record) => record.bytes)).equals(reference), `byte ${at}, bit ${bit}`);
        harmless++;
      }
      bytes[at]! ^= bit;
    }
  }
  assert.is(detected + harmless, bytes.length * 8);
  assert.ok(detected >= whole.end * 8, `${detected} detected`);
});

function isDetected(path: string, bytes: Uint8Array, header: ReturnType<typeof decodeSegmentHeader>): boolean {
  try {
    decodeSegmentHeader(path, bytes);
  } catch {
    return true;
  }
  return typeof scanSegment(bytes, header).ending === "object";
}

test("Wal.seal() makes the loss of a whole last frame visible", async () => {
  const files = new CrashFiles();
  const wal = await Wal.create(needs(files), options, identity, undefined);
  const before = wal.bytes;
  await wal.append({ entries: [entry(1)] });
  const after = wal.bytes;
  await wal.seal();
  await wal.seal();
  await wal.close();
  const path = segments(files)[0]!, header = decodeSegmentHeader(path, files.content(path));
  assert.is(scanSegment(files.content(path), header).records.filter(({ type }) => type === recordType.seal).length, 1);
  files.damage(path, (bytes) => bytes.fill(0, before, after));
  assert.is((await rejects(reopened(files)) as StorageError).reason, "Corrupt");
});

test("Wal.open() keeps a torn tail in quarantine", async () => {
  const { files, path, frames } = await small();
  files.damage(path, (bytes) => bytes.fill(0, 5120));
  assert.is((await reopened(files, 0, 6144)).entries.length, 3);
  const kept = files.paths().filter((name) => name.endsWith(".quarantine"));
  assert.equal(kept, [`/wal/0000000000000001@${frames[2]}.quarantine`]);
  assert.ok(files.content(kept[0]!).length > 0);
});

test("Wal.open() refuses a segment that was cut off, wherever, and changes nothing", async () => {
  const { files, path } = await small(), whole = files.content(path);
  for (let length = 6143; length >= 0; length -= 61) {
    const cut = new CrashFiles();
    await (await cut.create(path)).write(whole.subarray(0, length), 0);
    const error = await rejects(reopened(cut, 0, 6144)) as StorageError;
    assert.is(error.reason, "Corrupt", `${length}`);
    assert.match(error.message, path);
    assert.equal([cut.paths(), cut.content(path)], [[path], whole.slice(0, length)]);
  }
});
