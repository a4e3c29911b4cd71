import * as assert from "uvu/assert";
import { encodeCommand } from "../../../master/store/command.ts";
import { PrefixIndex } from "../../../master/store/prefix_index.ts";
import { State } from "../../../master/store/state.ts";
import type { KeyValue, Operation, StoreError, Transaction, WatchBatch } from "../../../master/store/store.ts";
import { WatchHub, type WatchOptions } from "../../../master/store/watch.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { watchBufferBytes, watchBufferEvents } from "../../../shared/limits.ts";
import { randomTransaction } from "../../kit/random_transaction.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("WatchHub");

class House {
  readonly state = new State();
  readonly hub = new WatchHub(this.state, () => Promise.resolve());
  readonly stop = new AbortController();
  #index = 0;
  constructor() {
    this.state.listen(this.hub);
  }
  txn(transaction: Transaction): void {
    const payload = encodeCommand({ do: "transact", quotaBytes: 2 ** 30, transaction });
    this.state.apply({ index: ++this.#index, term: 1, time: this.#index, proposer: 0, sequence: 0, payload });
  }
  write(...then: Operation[]): void {
    this.txn({ compares: [], then });
  }
  put(key: string, size = 1): void {
    this.write({ do: "put", key, value: new Uint8Array(size) });
  }
  compact(revision: number): void {
    this.state.apply({
      index: ++this.#index,
      term: 1,
      time: this.#index,
      proposer: 0,
      sequence: 0,
      payload: encodeCommand({ do: "compact", revision }),
    });
  }
  watch(prefix: string, from: number, options: Partial<WatchOptions> = {}): AsyncIterator<WatchBatch> {
    return this.hub.watch(prefix, from, { signal: this.stop.signal, ...options })[Symbol.asyncIterator]();
  }
  get revision(): number {
    return this.state.mvcc.revision;
  }
  at(prefix: string, revision: number): KeyValue[] {
    return this.state.mvcc.page(prefix, undefined, revision, Infinity).items;
  }
}
const next = async (watch: AsyncIterator<WatchBatch>): Promise<WatchBatch> => {
  const result = await watch.next();
  if (result.done) throw new Error("the watch has ended");
  return result.value;
};
/** Reads until `revision` has been seen. */
async function upTo(watch: AsyncIterator<WatchBatch>, revision: number): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  do batches.push(await next(watch)); while (batches.at(-1)!.revision < revision);
  return batches;
}
const silent = async (watch: AsyncIterator<WatchBatch>): Promise<boolean> =>
  await Promise.race([watch.next().then(() => false), new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 5))]);

test("a watch from any kept revision gives exactly the difference between two lists", async () => {
  const house = new House(), random = seeded(7);
  for (let step = 0; step < 1_500; step++) house.txn(randomTransaction(random, []));
  house.compact(house.revision - 400);
  const head = house.revision;
  for (let from = house.state.mvcc.compactRevision + 1; from <= head; from++) {
    for (const prefix of ["", "/1/"]) {
      const state = new Map(house.at(prefix, from - 1).map((item) => [item.key, item]));
      // The mark ends the reading also where the last events are not under the prefix.
      const batches = await upTo(house.watch(prefix, from, { progress: true }), head);
      let last = from - 1;
      for (const { revision, events } of batches) {
        assert.ok(revision > last || events.length === 0, "revisions increase strictly");
        last = revision;
        for (const event of events) {
          assert.is(event.current.modRevision, revision);
          assert.equal(event.previous, state.get(event.key), "each event builds on the one before");
          if (event.type === "put") state.set(event.key, event.current);
          else state.delete(event.key);
        }
      }
      assert.equal([...state.values()].sort((a, b) => a.key < b.key ? -1 : 1), house.at(prefix, head));
    }
  }
  house.stop.abort();
});

test("readers of any speed see the same events as one that is never late", async () => {
  const house = new House(), random = seeded(8);
  const start = house.revision + 1;
  const watches = [0.9, 0.1, 0.01, 0.001].map((speed) => ({ speed, watch: house.watch("/1/", start), seen: [] as WatchBatch[] }));
  const reference: number[] = [];
  for (let step = 0; step < 6_000; step++) {
    const before = house.revision;
    house.txn(randomTransaction(random, []));
    if (house.revision > before && house.at("/1/", house.revision).some((item) => item.modRevision > before)) {
      reference.push(house.revision);
    }
    for (const reader of watches) {
      if (random() < reader.speed && (reader.seen.at(-1)?.revision ?? 0) < (reference.at(-1) ?? 0)) {
        reader.seen.push(await next(reader.watch));
      }
    }
  }
  house.put("/1/last");
  for (const reader of watches) reader.seen.push(...await upTo(reader.watch, house.revision));
  const [fast, ...slower] = watches;
  for (const reader of slower) assert.equal(reader.seen, fast!.seen);
  const puts = fast!.seen.filter((batch) => batch.events.some((event) => event.type === "put")).map((batch) => batch.revision);
  assert.equal(puts, [...reference, house.revision]);
  house.stop.abort();
});

test("a slow watcher falls back to history, loses nothing, and ends with Compacted once that is gone", async () => {
  const house = new House();
  const slow = house.watch("/", house.revision + 1), doomed = house.watch("/", house.revision + 1);
  const count = watchBufferEvents * 3;
  for (let i = 0; i < count; i++) house.put(`/${i % 100}`);
  const batches = await upTo(slow, house.revision);
  assert.equal(batches.map((batch) => batch.revision), Array.from({ length: count }, (_, i) => i + 2));
  house.put("/live");
  assert.is((await next(slow)).events[0]!.key, "/live", "having caught up it is live again");

  house.compact(house.revision);
  for (let i = 0; i < watchBufferEvents; i++) assert.is((await next(doomed)).revision, i + 2, "what it had queued still comes");
  const error = await rejects(doomed.next()) as StoreError;
  assert.equal([error.reason, error.revision], ["Compacted", house.revision]);
  assert.ok((await doomed.next()).done);
  assert.is(house.hub.size, 1);
  house.stop.abort();
});

test("a watcher that does not read keeps few bytes, and still gets a transaction larger than its queue", async () => {
  const house = new House();
  const watch = house.watch("/", house.revision + 1);
  const size = watchBufferBytes / 4 - 1_000;
  house.write(...Array.from({ length: 8 }, (_, i): Operation => ({ do: "put", key: `/${i}`, value: new Uint8Array(size) })));
  for (let i = 0; i < 8; i++) house.put("/more", size);
  assert.is((await next(watch)).events.length, 8);
  for (let i = 0; i < 8; i++) assert.is((await next(watch)).events.length, 1);
  house.stop.abort();
});

test("progress marks come after the events they cover, and only to who asked", async () => {
  const house = new House();
  const [asked, other] = [house.watch("/a/", house.revision + 1, { progress: true }), house.watch("/a/", house.revision + 1)];
  const future = house.watch("/a/", house.revision + 100, { progress: true });
  house.put("/a/1");
  house.put("/b/1");
  house.hub.progress();
  house.put("/b/2");
  house.hub.progress();
  house.hub.progress();
  house.put("/a/2");
  const told = await upTo(asked, house.revision);
  assert.equal(told.map((batch) => [batch.revision, batch.events.length]), [[2, 1], [4, 0], [5, 1]]);
  assert.equal((await upTo(other, house.revision)).map((batch) => batch.revision), [2, 5]);
  assert.ok(await silent(future) && await silent(asked));
  house.stop.abort();
});

test("one event object and the store's own bytes serve all watchers, and a writer's cost does not grow with those of other prefixes", async () => {
  const house = new House();
  const same = Array.from({ length: 3 }, () => house.watch("/r/core/pods/", house.revision + 1));
  for (let i = 0; i < 5_000; i++) house.watch(`/r/core/other${i}/`, house.revision + 1);
  house.put("/r/core/pods/default/web", 100);
  const [one, two] = [await next(same[0]!), await next(same[1]!)];
  assert.is(one, two);
  assert.is(one.events[0]!.current.value.buffer, house.at("/r/core/pods/", house.revision)[0]!.value.buffer);
  assert.is(house.hub.size, 5_003);
  house.stop.abort();
  assert.is(house.hub.size, 0, "an aborted watch leaves nothing behind");
  assert.ok((await same[2]!.next()).done);
});

test("replaced() sends watchers to the history of the new state, and to Compacted if that begins later", async () => {
  const house = new House(), leader = new House();
  const kept = house.watch("/", house.revision + 1);
  for (let i = 0; i < 10; i++) for (const each of [house, leader]) each.put(`/${i}`);
  await upTo(kept, house.revision);
  for (let i = 0; i < 10; i++) leader.put(`/later${i}`);
  const install = (): Promise<void> => {
    const pieces = [...leader.state.snapshot().bytes];
    return house.state.restore((async function* () {
      yield* pieces;
    })());
  };
  await install();
  assert.equal((await upTo(kept, house.revision)).map((batch) => batch.revision), Array.from({ length: 10 }, (_, i) => 12 + i));
  leader.put("/gone");
  leader.put("/kept");
  leader.compact(leader.revision - 1);
  await install();
  assert.is((await rejects(kept.next()) as StoreError).reason, "Compacted");
  house.stop.abort();
});

test("PrefixIndex finds the members whose prefix begins a key, and forgets those that left", () => {
  const index = new PrefixIndex<string>();
  for (const prefix of ["", "/a", "/a/", "/a/b", "/b"]) index.add(prefix, `at ${prefix}`);
  index.add("/a/", "another");
  assert.equal([...index.of("/a/b")], ["at ", "at /a", "at /a/", "another", "at /a/b"]);
  assert.equal([...index.of("/")], ["at "]);
  index.remove("/a/", "at /a/");
  index.remove("/a", "at /a");
  index.remove("/a", "at /a");
  assert.equal([[...index.of("/a/x")], index.size], [["at ", "another"], 4]);
});
