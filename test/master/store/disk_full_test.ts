// A disk that is full for a while: nothing acknowledged is lost, reads and what makes room go on, and so does everything once there is room.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import type { Message } from "../../../master/store/raft/message.ts";
import type { Replica } from "../../../master/store/replica.ts";
import { type ReplicaConfig, startReplica } from "../../../master/store/replica_start.ts";
import type { StoreError } from "../../../master/store/store.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { type Log, silentLog } from "../../../shared/util/log.ts";
import { CrashFiles } from "../../kit/crash_files.ts";
import { ListMachine } from "../../kit/list_machine.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("disk full", { timeoutMs: 20_000 });
const segmentBytes = 16_384;

/** Whose entries are writes, but for those that say that they make room. */
class Machine extends ListMachine {
  mayOverfill(payload: Uint8Array): boolean {
    return Buffer.from(payload).toString().startsWith("delete");
  }
}
interface Member {
  readonly files: CrashFiles;
  readonly clock: HandCrankedClock;
  readonly machine: Machine;
  readonly replica: Replica;
  /** What was logged as an error or as a change, sentence by sentence. */
  readonly said: string[];
}
const written = "x".repeat(1_000);
const propose = ({ replica }: Member, text: string) => replica.propose(Buffer.from(text));
/** Lets everything that waits only for promises happen. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

async function member(files = new CrashFiles(), config: Partial<ReplicaConfig> = {}, clock = new HandCrankedClock()): Promise<Member> {
  const machine = new Machine(), said: string[] = [], say = (sentence: string) => void said.push(sentence);
  const log: Log = { ...silentLog, info: say, warn: say, error: say };
  const replica = await startReplica({ clock, random: seeded(3), files, log, machine }, { dataDir: "/data", segmentBytes, ...config });
  await settled(); // the stock
  return { files, clock, machine, replica, said };
}
/** Lets virtual time pass, in ticks. */
async function pass(clock: HandCrankedClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100);
    await settled();
  }
}
/** Writes until that is refused. @returns how many were taken */
async function fill(one: Member): Promise<{ taken: number; error: StoreError }> {
  for (let taken = 0; taken < 100; taken++) {
    const error = await propose(one, written).then(() => undefined, (error) => error as StoreError);
    if (error) return { taken, error };
    await settled();
  }
  throw new Error("nothing was refused");
}

test("propose() refuses what would let the log grow, takes what makes room, and goes on by itself", async () => {
  const one = await member();
  one.files.room = 0;
  const { taken, error } = await fill(one);
  assert.is(error.reason, "NoSpace");
  assert.match(error.message, "the disk of the leading master is full. Free space on it");
  assert.ok(taken >= 10 && one.replica.status().walBytes < 2 * segmentBytes, "refused with a segment to spare");
  assert.is(one.replica.status().diskFull, true);
  await one.replica.readIndex();
  assert.is(await propose(one, "delete"), taken + 1);
  await pass(one.clock, 60_000);
  assert.is((await rejects(propose(one, written)) as StoreError).reason, "NoSpace");
  one.files.room = 4 * segmentBytes;
  await pass(one.clock, 15_200);
  assert.is(one.replica.status().diskFull, false);
  assert.is(await propose(one, written), taken + 2);
  const about = one.said.filter((sentence) => /disk/.test(sentence));
  assert.equal(
    about.map((sentence) => sentence.slice(0, 22)),
    ["The disk is full. Read", "The disk has room agai"],
    "one line each, whatever it tried",
  );
  await one.replica.stop();
});

test("propose() waits when the reserve is used up, too, and is answered once there is room", async () => {
  const one = await member();
  one.files.room = 0;
  let { taken } = await fill(one);
  let waits: Promise<unknown> | undefined;
  for (; !waits; taken++) {
    const next = propose(one, `delete ${written}`);
    next.catch(() => {}); // where it waits too long
    if (await Promise.race([next.then(() => true), settled()]) !== true) waits = next;
  }
  assert.ok(one.replica.status().walBytes > 2 * segmentBytes, `the whole reserve: ${one.replica.status().walBytes} ${taken} ${one.said}`);
  await pass(one.clock, 3_000);
  one.files.room = 4 * segmentBytes;
  await pass(one.clock, 6_000);
  assert.is(await waits, taken);
  await one.replica.stop();
  const again = await member(one.files.restart());
  assert.is(again.machine.items.length, taken);
  await again.replica.stop();
});

test("stop() does not wait for room, and what was acknowledged is there afterwards", async () => {
  const one = await member();
  one.files.room = 0;
  await fill(one);
  let acknowledged = 0;
  for (let waits = false; !waits;) {
    const next = propose(one, `delete ${written}`).then(() => ++acknowledged, () => 0);
    waits = await Promise.race([next, settled()]) === undefined;
  }
  acknowledged = one.machine.items.length;
  const stopped = one.replica.stop();
  await pass(one.clock, 11_000); // what has waited for ten seconds has an unknown outcome
  await stopped;
  assert.equal(one.said.filter((sentence) => /failed/.test(sentence)), []);
  const files = one.files.restart();
  files.room = Infinity;
  const again = await member(files);
  assert.is(again.machine.items.length, acknowledged);
  await again.replica.stop();
});

test("a snapshot that finds no room borrows the log's reserve, and what it frees lets writes go on", async () => {
  // Its state is small, and the log is what fills the disk; of that, what lies before the older of two snapshots can go.
  const one = await member(new CrashFiles(), { catchUpEntries: 1, snapshotEntries: 12 });
  const forget = (): void => void (one.machine.items = one.machine.times = []);
  for (let count = 0; count < 40; count++) {
    await propose(one, written);
    await settled();
    forget();
  }
  assert.is(one.said.filter((sentence) => sentence === "Snapshot taken").length, 3);
  one.files.room = 100;
  let taken = 0;
  for (let round = 0; round < 10; round++) {
    taken += (await fill(one)).taken;
    forget();
    await pass(one.clock, 65_000);
    assert.is(one.replica.status().diskFull, false, `round ${round}: ${one.files.paths()}, room for ${one.files.room}`);
  }
  assert.ok(taken > 60, `${taken} more than the disk has room for`);
  assert.equal(one.files.paths().filter((path) => path.endsWith(".tmp")), []);
  await one.replica.stop();
});

test("a full disk in the middle of a record ends the member, and the next one finds everything acknowledged", async () => {
  const one = await member();
  for (let count = 1; count <= 5; count++) assert.is(await propose(one, written), count);
  one.files.failNext("ENOSPC");
  assert.is((await rejects(propose(one, "lost")) as StoreError).reason, "Unknown");
  assert.is(((await one.replica.fatal) as NodeJS.ErrnoException).code, "ENOSPC");
  const two = await member(one.files.restart());
  assert.equal(two.machine.items.slice(0, 5), Array.from({ length: 5 }, () => written));
  assert.ok(await propose(two, "more"));
  await two.replica.stop();
});

test("startReplica() starts on a full disk as long as there is a reserve; then it says what is missing, and changes nothing", async () => {
  const one = await member();
  for (let count = 1; count <= 5; count++) await propose(one, written);
  await one.replica.stop();
  const files = one.files.restart();
  files.room = 0;
  const two = await member(files);
  assert.is(two.machine.items.length, 5);
  await two.replica.readIndex();
  await two.replica.stop();
  const bare = files.restart();
  for (const path of bare.paths()) if (/spare/.test(path)) await bare.remove(path);
  bare.room = 0;
  const before = bare.paths().map((path) => [path, Buffer.from(bare.content(path)).toString("base64")]);
  const error = await rejects(member(bare));
  assert.match(error.message, `Cannot write /data/wal/next.tmp: the disk is full. Free at least ${segmentBytes} bytes there`);
  assert.equal(bare.paths().map((path) => [path, Buffer.from(bare.content(path)).toString("base64")]), before);
  bare.room = segmentBytes;
  const three = await member(bare);
  assert.is(three.machine.items.length, 5);
  await three.replica.stop();
});

/** Three that talk over a network that loses nothing. */
async function three(): Promise<Map<number, Member>> {
  const members = new Map<number, Member>(), clock = new HandCrankedClock(), voters = [1, 2, 3];
  const conf = { voters, outgoing: [], learners: [], removed: [], addresses: {} };
  for (const id of voters) {
    const files = new CrashFiles(), machine = new Machine(), said: string[] = [], say = (sentence: string) => void said.push(sentence);
    const transport = {
      send: (message: Message) => queueMicrotask(() => members.get(message.to)?.replica.receive(message)),
      fetch: async function* () {},
    };
    const log: Log = { ...silentLog, info: say, warn: say, error: say };
    const replica = await startReplica({ clock, random: seeded(id), files, log, machine, connect: () => transport }, {
      dataDir: "/data",
      segmentBytes,
      join: { identity: { clusterId: "c".repeat(32), clusterEpoch: "e".repeat(16), memberId: id }, conf },
    });
    members.set(id, { files, clock, machine, replica, said });
  }
  await pass(clock, 5_000);
  return members;
}
async function stopAll(members: Map<number, Member>): Promise<void> {
  const all = [...members.values()], stopped = Promise.all(all.map(({ replica }) => replica.stop()));
  await pass(all[0]!.clock, 5_000); // for handing over
  await stopped;
}
const leader = (members: Map<number, Member>): Member => [...members.values()].find(({ replica }) => replica.raft.isEstablished)!;

test("a leader whose disk is full hands over to a voter that has room", async () => {
  const members = await three(), first = leader(members), { id, term } = first.replica.raft;
  const others = [...members.keys()].filter((one) => one !== id);
  first.files.room = 0;
  members.get(others[0]!)!.files.room = 0; // this one will not listen
  await fill(first);
  await pass(first.clock, 6_000);
  const next = leader(members);
  assert.equal([next.replica.raft.id, next.replica.raft.term], [others[1], term + 1]);
  assert.ok(await propose(next, written));
  assert.ok(await propose(first, written), "forwarded");
  await stopAll(members);
});

test("a leader without room says so to who forwards to it, and followers without room hold up nobody", async () => {
  const members = await three(), first = leader(members), others = [...members.values()].filter((one) => one !== first);
  for (const { files } of members.values()) files.room = 0;
  await fill(first);
  await pass(first.clock, 6_000);
  const [asked, ...more] = [0, 1].map(() => propose(others[0]!, written)); // these find out; they may be made yet, when there is room
  await settled();
  const error = await rejects(propose(others[0]!, written)) as StoreError;
  assert.is(error.reason, "NoSpace");
  for (const one of [first, others[0]!]) one.files.room = Infinity;
  for (const one of [asked!, ...more]) one.catch(() => {}); // after ten seconds nobody knows
  await pass(first.clock, 20_000);
  const now = leader(members);
  for (let count = 0; count < 60; count++) await propose(now, written); // more than the reserve of the third holds
  const third = others[1]!;
  assert.ok(third.replica.status().durableIndex < now.replica.status().commitIndex);
  third.files.room = Infinity;
  await pass(now.clock, 20_000);
  assert.is(third.replica.status().appliedIndex, now.replica.status().appliedIndex);
  await stopAll(members);
});
