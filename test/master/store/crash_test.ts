// Every call to the disk, in turn, is the one at which the power goes or the disk fails. After each: start again, and nothing acknowledged may be missing.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { startReplica } from "../../../master/store/replica_start.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { CrashFiles, type Fault } from "../../kit/crash_files.ts";
import { ListMachine } from "../../kit/list_machine.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("crash", { timeoutMs: 60_000 });
// Small, so that few writes lead through rotation, snapshots, and removal of old segments.
const config = { dataDir: "/data", segmentBytes: 5632, snapshotEntries: 9, catchUpEntries: 2 };

const open = (files: CrashFiles, machine: ListMachine, seed: number) =>
  startReplica({ clock: new HandCrankedClock(), random: seeded(seed), files, log: silentLog, machine }, config);

/** Two lives of a member: 24 writes, some alone and some together, a restart, 12 more. Whatever was acknowledged is in `acknowledged`. */
async function scenario(files: CrashFiles, acknowledged: Set<string>): Promise<void> {
  let count = 0;
  for (const rounds of [8, 4]) {
    const replica = await open(files, new ListMachine(), 7);
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: round % 3 === 2 ? 7 : 1 }, async () => {
        const item = `item ${++count} ${"x".repeat(count * 37 % 200)}`;
        await replica.propose(Buffer.from(item));
        acknowledged.add(item);
      }));
    }
    await replica.stop();
  }
}

async function check(files: CrashFiles, acknowledged: ReadonlySet<string>, what: string): Promise<void> {
  const machine = new ListMachine();
  const replica = await open(files, machine, 8).catch((error) => {
    throw new Error(`${what}: ${error.message}`, { cause: error });
  });
  const missing = [...acknowledged].filter((item) => !machine.items.includes(item));
  assert.equal(missing, [], what);
  const numbers = machine.items.map((item) => Number(item.split(" ")[1]));
  assert.equal(numbers, numbers.map((_, at) => at + 1), `${what}: each once, in order`);
  assert.is(await replica.propose(Buffer.from(`item ${numbers.length + 1}`)), numbers.length + 1, what);
  await replica.stop();
}

/** @returns how many calls the scenario makes */
async function everyCall(
  kind: Fault["kind"],
  after: (files: CrashFiles, at: number, acknowledged: Set<string>) => Promise<void>,
): Promise<number> {
  for (let at = 1;; at++) {
    const files = new CrashFiles([], { at, kind }), acknowledged = new Set<string>();
    let failed = false;
    await scenario(files, acknowledged).catch(() => failed = true);
    await after(files, at, acknowledged);
    if (!files.struck) {
      assert.not(failed, "the scenario passes when nothing fails");
      return at - 1;
    }
  }
}

test("startReplica() finds everything acknowledged after a power cut at any call that loses all that was not synced", async () => {
  const calls = await everyCall("power", (files, at, acknowledged) => check(files.powerCut(), acknowledged, `power cut at call ${at}`));
  assert.ok(calls > 100, `only ${calls} calls`);
});

for (const seed of [1, 2, 3]) {
  test(`startReplica() finds everything acknowledged after a power cut at any call that keeps any part of it (seed ${seed})`, async () => {
    await everyCall(
      "power",
      (files, at, acknowledged) => check(files.powerCut(seeded(seed * 100_000 + at)), acknowledged, `torn at call ${at}`),
    );
  });
}

test("startReplica() does not believe the page cache after a failed fsync", async () => {
  await everyCall("EIO", async (files, at, acknowledged) => {
    // The process ends and another starts, sees the page cache, acknowledges more; then the power goes.
    const again = files.restart(), machine = new ListMachine();
    const replica = await open(again, machine, 9);
    for (const item of machine.items) acknowledged.add(item); // read, so promised
    const more = `item ${machine.items.length + 1}`;
    await replica.propose(Buffer.from(more));
    acknowledged.add(more);
    await check(again.powerCut(), acknowledged, `EIO at call ${at}`);
  });
});

test("startReplica() finds everything acknowledged after the disk was full at any call", async () => {
  await everyCall("ENOSPC", (files, at, acknowledged) => check(files.restart(), acknowledged, `disk full at call ${at}`));
});
