import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { checkBackup, readBackup } from "../../../../master/store/disaster/backup.ts";
import type { StorageError } from "../../../../master/store/storage_error.ts";
import type { StoreError } from "../../../../master/store/store.ts";
import { CrashFiles } from "../../../kit/crash_files.ts";
import { rejects, suite } from "../../../kit/suite.ts";
import { bytesOf, clock, copyTo, open, put, remove } from "./kit.ts";

const test = suite("backup", { timeoutMs: 60_000 });

async function small(): Promise<{ files: CrashFiles; bytes: Uint8Array }> {
  const files = new CrashFiles(), opened = await open(files);
  await put(opened, "/a", "one");
  await put(opened, "/b", "two");
  await remove(opened, "/a");
  const bytes = await bytesOf(await opened.backup());
  await opened.store.close();
  return { files, bytes };
}

test("readBackup() says what a snapshot is of, and gives its state", async () => {
  const { files, bytes } = await small();
  await copyTo(files, "/backup", bytes);
  const { header, state, size } = await readBackup({ files, clock }, "/backup");
  assert.equal([header.revision, state.mvcc.revision, state.mvcc.keys, size], [4, 4, 1, bytes.length]);
  assert.is(Buffer.from(state.mvcc.get("/b")!.value).toString(), "two");
});

test("readBackup() and checkBackup() see every flipped bit and every cut, and say where it is", async () => {
  const { files, bytes } = await small();
  assert.ok(bytes.length < 2_000, `${bytes.length} bytes`);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= bit;
      await copyTo(files, "/backup", flipped);
      for (const read of [readBackup, checkBackup]) {
        const error = await rejects(read({ files, clock }, "/backup")) as StorageError;
        assert.is(error.reason, "Corrupt", `byte ${at}, bit ${bit}: ${error.message}`);
        assert.ok(error.what.length > 0 && !error.what.includes("/backup"));
      }
    }
    await copyTo(files, "/backup", bytes.subarray(0, at));
    assert.is((await rejects(readBackup({ files, clock }, "/backup")) as StorageError).reason, "Corrupt", `cut at ${at}`);
  }
  await copyTo(files, "/backup", Buffer.concat([bytes, Buffer.from("x")]));
  assert.match((await rejects(readBackup({ files, clock }, "/backup"))).message, "something stands behind its end");
});

test("backup() has everything that was acknowledged before, and is what it was however late it is read", async () => {
  const files = new CrashFiles(), opened = await open(files, { snapshotEntries: 20, catchUpEntries: 2 });
  for (let at = 0; at < 15; at++) await put(opened, `/before-${at}`, "x");
  const source = await opened.backup(), chunks = source.bytes()[Symbol.asyncIterator]();
  const first = await chunks.next();
  for (let at = 0; at < 100; at++) await put(opened, "/after", String(at)); // its file is long pruned
  const rest: Uint8Array[] = [first.value!.slice()];
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) rest.push(next.value.slice());
  const bytes = Buffer.concat(rest);
  assert.is(bytes.length, source.size);
  await copyTo(files, "/backup", bytes);
  const { header, state } = await readBackup({ files, clock }, "/backup");
  assert.equal([state.mvcc.keys, header.revision, state.mvcc.get("/after")], [15, 16, undefined]);
  await opened.store.close();
});

test("backup() of a store that stands still is the snapshot that it has", async () => {
  const files = new CrashFiles(), opened = await open(files);
  await put(opened, "/a", "one");
  await opened.backup();
  const calls = files.calls;
  const { size } = await opened.backup();
  assert.equal([files.calls, size > 0], [calls, true]);
  await opened.store.close();
});

test("backup() without room says so, and the store goes on; a disk that fails ends it", async () => {
  const files = new CrashFiles(), opened = await open(files);
  await put(opened, "/a", "one");
  files.failNext("ENOSPC");
  assert.is((await rejects(opened.backup()) as StoreError).reason, "NoSpace");
  await put(opened, "/b", "two");
  await opened.backup().then(() => {}, () => assert.unreachable("there is room again, and nobody has to wait"));
  await put(opened, "/c", "three");
  files.failNext("EIO");
  assert.is((await rejects(opened.backup()) as StoreError).reason, "Closed");
  await opened.store.fatal;
  assert.is((await rejects(put(opened, "/d", "four")) as StoreError).reason, "Closed");
  await opened.store.close().catch(() => {});
});
