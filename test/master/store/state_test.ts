import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { type Command, encodeCommand } from "../../../master/store/command.ts";
import { type Granted, type Outcome, State } from "../../../master/store/state.ts";
import type { Operation, Transaction, TransactionResult } from "../../../master/store/store.ts";
import type { Refusal } from "../../../master/store/transaction.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { NaiveStore } from "../../kit/naive_store.ts";
import { randomTransaction } from "../../kit/random_transaction.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("State");

/** Applies commands one after the other, a second of log time apart. */
class Driver {
  state = new State();
  index = 0;
  time = Date.parse("2026-01-01T00:00:00Z");
  /** As a replica does. */
  keeps = true;
  apply(command: Command): Outcome {
    this.time += 1_000;
    const encoded = encodeCommand(command), payload = this.keeps ? this.state.keep(encoded) : encoded;
    assert.is(Buffer.compare(payload, encoded), 0, "the same bytes");
    return this.state.apply({ index: ++this.index, term: 1, time: this.time, proposer: 0, sequence: 0, payload });
  }
  txn(transaction: Transaction, quotaBytes = 2 ** 29): Outcome {
    return this.apply({ do: "transact", transaction, quotaBytes });
  }
  put(key: string, value: string | Uint8Array, lease = 0): TransactionResult {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    return this.txn({ compares: [], then: [{ do: "put", key, value: bytes, lease }] }) as TransactionResult;
  }
  grant(ttlMs: number): number {
    return (this.apply({ do: "grant", ttlMs }) as Granted).lease;
  }
  keys(): string[] {
    return this.state.mvcc.page("", undefined, this.state.mvcc.revision, Infinity).items.map((item) => item.key);
  }
}

const digest = (state: State): string => {
  const hash = createHash("sha256");
  for (const piece of state.snapshot().bytes) hash.update(piece);
  return hash.digest("hex");
};
async function copyOf(state: State): Promise<State> {
  const copy = new State();
  const pieces = [...state.snapshot().bytes];
  await copy.restore((async function* () {
    yield* pieces;
  })());
  return copy;
}

for (const seed of [1, 2]) {
  test(`State agrees with the naive store through 10,000 random transactions, compactions and restores (seed ${seed})`, async () => {
    const random = seeded(seed);
    const driver = new Driver(), naive = new NaiveStore();
    let compactions = 0, restores = 0;
    for (let step = 0; step < 10_000; step++) {
      const transaction = randomTransaction(random, naive.now());
      const { time: _, ...result } = driver.txn(transaction) as TransactionResult;
      assert.equal(result, naive.txn(transaction));
      if (random() < 0.01) {
        naive.compactRevision = Math.max(naive.compactRevision, naive.revision - Math.floor(random() * 300));
        driver.apply({ do: "compact", revision: naive.compactRevision });
        compactions++;
      }
      if (random() < 0.1) driver.state.mvcc.tidyUp(1 + Math.floor(random() * 100));
      if (random() < 0.003) {
        const copy = await copyOf(driver.state);
        assert.is(digest(copy), digest(driver.state), "a restored state gives the same snapshot");
        if (random() < 0.5) driver.state = copy;
        restores++;
      }
      if (step % 50 !== 0) continue;
      const { mvcc } = driver.state;
      assert.equal([mvcc.revision, mvcc.compactRevision], [naive.revision, naive.compactRevision]);
      const kept = mvcc.revision - mvcc.compactRevision;
      const revision = random() < 0.3 ? mvcc.compactRevision : mvcc.compactRevision + Math.floor(random() * (kept + 1));
      const prefix = random() < 0.3 ? "" : `/${Math.floor(random() * 5)}/`;
      const expected = naive.at(revision).filter((item) => item.key.startsWith(prefix));
      const cut = Math.floor(random() * (expected.length + 1));
      assert.equal(mvcc.page(prefix, undefined, revision, Infinity).items, expected);
      const after = expected[cut - 1]?.key;
      assert.equal(mvcc.page(prefix, after, revision, 3), { items: expected.slice(cut, cut + 3), more: expected.length > cut + 3 });
      assert.is(mvcc.count(prefix, after, revision), expected.length - cut);
      const live = naive.now(), other = `/${Math.floor(random() * 4)}/${Math.floor(random() * 12)}`;
      const behind = live.filter((item) => item.key.startsWith(prefix) && item.key > other);
      assert.is(mvcc.count(prefix, other, mvcc.revision), behind.length, "the count of the newest revision comes from tallies");
      assert.equal([mvcc.keys, mvcc.liveBytes], [live.length, live.reduce((sum, item) => sum + item.key.length + item.value.length, 0)]);
    }
    assert.ok(compactions > 50 && restores > 10);
  });
}

test("the same entries give the same state, whenever memory is tidied, and wherever commands are kept", async () => {
  const random = seeded(3);
  const one = new Driver(), other = new Driver();
  other.keeps = false;
  for (let step = 0; step < 2_000; step++) {
    const transaction = randomTransaction(random, []);
    assert.equal(one.txn(transaction), other.txn(transaction));
    const revision = Math.max(0, one.state.mvcc.revision - 100);
    if (step % 100 === 0) assert.equal(one.apply({ do: "compact", revision }), other.apply({ do: "compact", revision }));
    while (one.state.mvcc.tidyUp(50));
  }
  assert.is(digest(one.state), digest(other.state));
});

test("a refused transaction changes nothing, whichever operation is wrong", () => {
  const driver = new Driver();
  driver.put("a", "1");
  const before = digest(driver.state);
  const wrong: Operation[][] = [
    [{ do: "delete", key: "a" }, { do: "put", key: "b", value: new Uint8Array(1), lease: 77 }],
    [{ do: "delete", key: "a" }, { do: "put", key: "a", value: new Uint8Array(1) }],
    [{ do: "delete", key: "a" }, { do: "put", key: "b", value: new Uint8Array(1536 * 1024 + 1) }],
    [{ do: "put", key: "b", value: new Uint8Array(200) }, { do: "put", key: "c", value: new Uint8Array(200) }],
  ];
  driver.time -= 1_000; // the digest contains log time
  const reasons = wrong.map((then) => {
    const refusal = driver.txn({ compares: [], then }, 300) as Refusal;
    driver.time -= 1_000;
    return refusal.reason;
  });
  assert.equal(reasons, ["Invalid", "Invalid", "TooLarge", "NoSpace"]);
  assert.is(digest(driver.state), before);
});

test("a full store refuses growth, and lets deletes, replacement by less and compaction through", () => {
  const driver = new Driver(), quota = 1_000;
  const write = (...then: Operation[]): Outcome => driver.txn({ compares: [], then }, quota);
  const put = (key: string, size: number): Operation => ({ do: "put", key, value: new Uint8Array(size) });
  assert.ok((write(put("a", 600), put("b", 390)) as TransactionResult).succeeded);
  assert.is((write(put("c", 100)) as Refusal).reason, "NoSpace");
  assert.is((write(put("a", 610)) as Refusal).reason, "NoSpace");
  assert.ok((write(put("a", 500)) as TransactionResult).succeeded);
  assert.ok((write({ do: "delete", key: "b" }, put("c", 300)) as TransactionResult).succeeded);
  assert.is(driver.apply({ do: "compact", revision: driver.state.mvcc.revision }), undefined);
  assert.is(driver.state.mvcc.liveBytes, 802);
  assert.ok((driver.txn({ compares: [], then: [put("a", 400)] }, 100) as TransactionResult).succeeded, "also where the quota was lowered");
});

test("a lease ends by log time, late but never early, and takes its keys in one revision", () => {
  const driver = new Driver(); // each entry is a second after the one before
  const lease = driver.grant(5_000);
  driver.put("b", "1", lease);
  driver.put("c", "1", lease);
  const { revision } = driver.put("a", "1", lease);
  assert.is(driver.apply({ do: "keepAlive", lease }), undefined);
  for (let second = 1; second < 5; second++) {
    driver.apply({ do: "expire", lease, renewals: 1 });
    assert.equal(driver.keys(), ["a", "b", "c"], `it lives ${second} s after its renewal`);
  }
  driver.apply({ do: "expire", lease, renewals: 0 });
  assert.ok(driver.state.leases.has(lease), "it was renewed since the leader looked, whatever its wall clock says");
  driver.apply({ do: "expire", lease, renewals: 1 });
  assert.equal([driver.keys(), driver.state.mvcc.revision, driver.state.leases.has(lease)], [[], revision + 1, false]);
  const { mvcc } = driver.state, first = mvcc.findEvent(revision + 1);
  assert.equal([0, 1, 2].map((i) => mvcc.eventKey(first + i)), ["a", "b", "c"], "in order of keys, however they came to the lease");
  driver.apply({ do: "expire", lease });
  assert.is(driver.state.mvcc.revision, revision + 1, "renewals and empty ends have no revision");
});

test("a lease survives a snapshot with its keys, and a key that was put without it no longer hangs on it", async () => {
  const driver = new Driver();
  const lease = driver.grant(5_000);
  for (const key of ["a", "b", "c"]) driver.put(key, "1", lease);
  driver.put("b", "2");
  driver.state = await copyOf(driver.state);
  driver.apply({ do: "revoke", lease });
  assert.equal(driver.keys(), ["b"]);
  assert.is(driver.grant(1), lease + 1, "ids are not used again");
});

test("log time never runs backwards, and is all that a transaction knows of time", () => {
  const driver = new Driver();
  const { time } = driver.put("a", "1");
  driver.time = 0; // a leader whose clock died
  assert.is(driver.put("a", "2").time, time);
});

test("count() follows births, deaths and forgotten keys of many chunks", () => {
  const { mvcc } = new State();
  for (let i = 0; i < 3_000; i++) mvcc.put(String(i).padStart(4, "0"), new Uint8Array(1), 0);
  mvcc.commit();
  for (let i = 0; i < 3_000; i += 3) mvcc.delete(String(i).padStart(4, "0"));
  mvcc.commit();
  const counts = (): number[] => [mvcc.count("", undefined, mvcc.revision), mvcc.count("1", "1001", mvcc.revision), mvcc.keys];
  assert.equal(counts(), [2_000, 665, 2_000]);
  const before = mvcc.revision - 1;
  assert.equal([mvcc.count("", undefined, before), mvcc.count("1", "1001", before)], [3_000, 998]);
  for (let i = 0; i < 2_500; i++) mvcc.put(`other ${i}`, new Uint8Array(1), 0);
  mvcc.commit();
  assert.equal(
    [mvcc.count("", undefined, before), mvcc.count("1", "1001", before)],
    [3_000, 998],
    "the same, seen from so far that each key is asked",
  );
  for (let i = 0; i < 2_500; i++) mvcc.delete(`other ${i}`);
  mvcc.commit();
  mvcc.compact(mvcc.revision);
  while (mvcc.tidyUp(1_000));
  assert.equal(counts(), [2_000, 665, 2_000]);
});

test("compaction gives memory back, moved values stay what they were", () => {
  const driver = new Driver(), random = seeded(4);
  const expected = new Map<string, number>();
  for (let step = 0; step < 30_000; step++) {
    const key = `/${Math.floor(random() * 2_000)}`;
    expected.set(key, step);
    const value = new Uint8Array(1_000).fill(step);
    driver.state.mvcc.put(key, value, 0);
    driver.state.mvcc.commit();
    if (step % 1_000 === 0) driver.state.mvcc.compact(driver.state.mvcc.revision - 100);
    if (step % 10 === 0) driver.state.mvcc.tidyUp(100);
  }
  const { mvcc } = driver.state;
  mvcc.compact(mvcc.revision);
  while (mvcc.tidyUp(1_000));
  assert.equal([mvcc.historyBytes, mvcc.keys], [0, 2_000]);
  assert.ok(mvcc.allocatedBytes < 2 * mvcc.liveBytes + 5 * 1024 * 1024, `${mvcc.allocatedBytes} bytes for ${mvcc.liveBytes}`);
  for (const [key, step] of expected) assert.ok(mvcc.get(key)!.value.every((byte) => byte === step % 256));
});

test("keep() shares the memory of a command with its values, and gives it back", () => {
  const driver = new Driver(), { mvcc } = driver.state, { state } = driver;
  const encoded = encodeCommand({
    do: "transact",
    transaction: { compares: [], then: [{ do: "put", key: "/a", value: new Uint8Array(1_000).fill(7) }] },
    quotaBytes: 2 ** 29,
  });
  const kept = state.keep(encoded);
  state.apply({ index: 1, term: 1, time: 1, proposer: 0, sequence: 0, payload: kept });
  const { value } = mvcc.get("/a")!;
  assert.is(value.buffer, kept.buffer);
  assert.equal(value, new Uint8Array(1_000).fill(7));
  for (let step = 0; step < 30_000; step++) driver.put(`/${step % 2_000}`, new Uint8Array(1_000).fill(step));
  // Commands that change nothing, too: what was kept of them nobody needs.
  const absent = { key: "/none", target: "version", is: 1 } as const;
  for (let step = 0; step < 5_000; step++) {
    driver.txn({ compares: [absent], then: [{ do: "put", key: "/none", value: new Uint8Array(1_000) }] });
  }
  mvcc.compact(mvcc.revision);
  while (mvcc.tidyUp(1_000));
  assert.ok(mvcc.allocatedBytes < 2 * mvcc.liveBytes + 5 * 1024 * 1024, `${mvcc.allocatedBytes} bytes for ${mvcc.liveBytes}`);
  for (let at = 0; at < 2_000; at++) assert.ok(mvcc.get(`/${at}`)!.value.every((byte) => byte === (28_000 + at) % 256));
});

test("a snapshot shows its moment, whatever is written, compacted and tidied while it is read", async () => {
  const driver = new Driver();
  for (let i = 0; i < 600; i++) driver.put(`/${i % 300}`, new Uint8Array(3_000).fill(i));
  driver.apply({ do: "compact", revision: 400 });
  const expected = digest(driver.state);
  const hash = createHash("sha256"), { bytes, revision } = driver.state.snapshot();
  let pieces = 0;
  for (const piece of bytes) {
    hash.update(piece);
    pieces++;
    for (let i = 0; i < 100; i++) driver.put(`/${pieces}/${i}`, "new");
    driver.txn({ compares: [], then: [{ do: "delete", key: `/${pieces}` }] });
    driver.apply({ do: "compact", revision: driver.state.mvcc.revision });
    driver.state.mvcc.tidyUp(10_000);
  }
  assert.ok(pieces > 5);
  assert.is(revision, 601);
  assert.is(hash.digest("hex"), expected);
  assert.ok(driver.state.mvcc.tidyUp(1), "its hold on memory has ended with it");
});

test("restore() leaves the state as it was when the bytes are cut short or damaged", async () => {
  const driver = new Driver();
  for (let i = 0; i < 10; i++) driver.put(`/${i}`, "value");
  const target = new State();
  const whole = [...driver.state.snapshot().bytes][0]!;
  const before = digest(target);
  for (
    const bytes of [
      whole.subarray(0, whole.length - 1),
      whole.subarray(0, 60),
      whole.subarray(30),
      Uint8Array.of(...whole, 0),
      new Uint8Array(9),
    ]
  ) {
    const error = await target.restore((async function* () {
      yield bytes;
    })()).then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, Error);
    assert.is(digest(target), before);
  }
  await target.restore((async function* () {
    for (const byte of whole) yield Uint8Array.of(byte);
  })());
  assert.is(digest(target), digest(driver.state));
});
