import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { SetLog } from "../../../agent/link/set_log.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { objectHash, setHash } from "../../../shared/wire/desired.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const test = suite("SetLog", {
  setup: () => ({ directory: testDirectory("set") }),
});
const owner = { clusterId: "c", nodeId: "n" };
const object = (uid: string, body = `{"uid":"${uid}"}`) => ({ uid, hash: objectHash(body), body });
const change = (gen: number, sets: string[], deletes: string[] = []) => ({
  epoch: "e",
  gen,
  hash: `h${gen}`,
  sets: sets.map((uid) => object(uid)),
  deletes,
});

test("open() gives the set that was last applied", async ({ directory }) => {
  const log = await SetLog.open(directory, owner, silentLog);
  await Promise.all([log.apply(change(1, ["a", "b"])), log.apply(change(2, ["c"], ["a"]))]);
  await log.close();
  const again = await SetLog.open(directory, owner, silentLog);
  assert.is(again.current.gen, 2);
  assert.equal([...again.current.objects.keys()], ["b", "c"]);
  assert.is(again.current.objects.get("b")!.body, '{"uid":"b"}');
  await again.close();
});

test("a power cut at any byte leaves the set before or after a change, never a mix", async ({ directory }) => {
  const log = await SetLog.open(directory, owner, silentLog);
  await log.apply(change(1, ["a"]));
  const path = `${directory}/set-1.log`, before = (await readFile(path)).length;
  await log.apply(change(2, ["b"], ["a"]));
  await log.close();
  const whole = await readFile(path);
  for (let cut = before; cut <= whole.length; cut++) {
    await rm(directory, { recursive: true });
    await SetLog.open(directory, owner, silentLog); // makes the directory
    await writeFile(path, whole.subarray(0, cut));
    const again = await SetLog.open(directory, owner, silentLog);
    assert.is(again.current.gen, cut === whole.length ? 2 : 1, `cut at ${cut}`);
    assert.equal([...again.current.objects.keys()], cut === whole.length ? ["b"] : ["a"]);
    await again.apply(change(3, ["d"]));
    await again.close();
    const after = await SetLog.open(directory, owner, silentLog);
    assert.is(after.current.gen, 3, `a change after the cut at ${cut} is kept`);
    await after.close();
  }
});

test("a damaged byte in a record hides it and what follows", async ({ directory }) => {
  const log = await SetLog.open(directory, owner, silentLog);
  await log.apply(change(1, ["a"]));
  const path = `${directory}/set-1.log`, before = (await readFile(path)).length;
  await log.apply(change(2, ["b"]));
  await log.close();
  const whole = await readFile(path);
  for (let at = before; at < whole.length; at += 7) {
    const damaged = Uint8Array.from(whole);
    damaged[at]! ^= 0x40;
    await writeFile(path, damaged);
    const again = await SetLog.open(directory, owner, silentLog);
    assert.is(again.current.gen, 1, `damage at ${at}`);
    await again.close();
    await rm(`${directory}/set-2.log`, { force: true });
  }
});

test("the log is written anew when it has outgrown the set, and the file before is kept", async ({ directory }) => {
  const log = await SetLog.open(directory, owner, silentLog), body = "x".repeat(100_000);
  for (let gen = 1; gen <= 20; gen++) await log.apply({ epoch: "e", gen, hash: "h", sets: [object("a", `${gen}${body}`)], deletes: [] });
  const hash = setHash(log.current.objects.values());
  await log.close();
  const files = await readdir(directory);
  assert.is(files.length, 2, files.join());
  const again = await SetLog.open(directory, owner, silentLog);
  assert.is(again.current.gen, 20);
  assert.is(setHash(again.current.objects.values()), hash);
  await again.close();
});

test("open() refuses another node's set and a later format, and touches nothing", async ({ directory }) => {
  const log = await SetLog.open(directory, owner, silentLog);
  await log.apply(change(1, ["a"]));
  await log.close();
  const path = `${directory}/set-1.log`, bytes = await readFile(path);
  assert.match((await rejects(SetLog.open(directory, { clusterId: "c", nodeId: "other" }, silentLog))).message, "belongs to node n");
  const { crc32 } = await import("node:zlib");
  const later = Uint8Array.from(bytes), view = new DataView(later.buffer), end = 8 + view.getUint16(6, true);
  view.setUint16(4, 9, true);
  view.setUint32(end, crc32(later.subarray(0, end)), true);
  await writeFile(path, later);
  assert.match((await rejects(SetLog.open(directory, owner, silentLog))).message, "its format is 9");
  assert.equal(new Uint8Array(await readFile(path)), later);
});
