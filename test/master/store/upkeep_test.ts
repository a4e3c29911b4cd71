import * as assert from "uvu/assert";
import { EmbeddedStore } from "../../../master/store/face.ts";
import { State } from "../../../master/store/state.ts";
import type { StoreError } from "../../../master/store/store.ts";
import { planCompaction } from "../../../master/store/upkeep.ts";
import { compactionPeriodMs, keptRevisions, storeHistoryBytes, storeWatchers } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { InstantReplica } from "../../kit/instant_replica.ts";
import { rejects, suite } from "../../kit/suite.ts";

interface Context {
  clock: HandCrankedClock;
  state: State;
  store: EmbeddedStore;
  /** Lets time pass a second at a time, and everything that waits for it happen. */
  pass(seconds: number): Promise<void>;
}
const test = suite<Context>("upkeep", {
  setup() {
    const clock = new HandCrankedClock(), state = new State();
    const store = new EmbeddedStore({ clock, log: silentLog, state, replica: new InstantReplica(state, clock) }, { quotaBytes: 2 ** 29 });
    const pass = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        clock.advance(1_000);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    return { clock, state, store, pass };
  },
  teardown: ({ store }) => store.close(),
});
const write = (store: EmbeddedStore, key: string, lease = 0) =>
  store.txn({ compares: [], then: [{ do: "put", key, value: new Uint8Array(10), lease }] });

test("leadStore() ends leases that nobody renews", async ({ store, pass }) => {
  const { lease } = await store.grant(5), { lease: kept } = await store.grant(5);
  await write(store, "a", lease);
  await write(store, "b", kept);
  for (let i = 0; i < 4; i++) {
    await store.keepAlive(kept);
    await pass(2);
  }
  assert.equal((await store.list("")).items.map((item) => item.key), ["b"]);
  assert.is((await rejects(store.keepAlive(lease)) as StoreError).reason, "Invalid");
});

test("leadStore() does not end a lease because the wall clock jumped", async ({ store, clock, pass }) => {
  const { lease } = await store.grant(60);
  await write(store, "a", lease);
  clock.setWall(clock.now() + 24 * 3600 * 1000);
  await pass(50);
  assert.is((await store.list("")).items.length, 1);
  await pass(20);
  assert.is((await store.list("")).items.length, 0);
});

test("leadStore() compacts every five minutes, and frees the memory", async ({ store, state, pass }) => {
  const periodSeconds = compactionPeriodMs / 1000;
  for (let i = 0; i < keptRevisions + 500; i++) await write(store, `${i % 10}`);
  const { revision } = store.status();
  await pass(periodSeconds + 5);
  assert.is(store.status().compactRevision, 0, "what is younger than five minutes stays");
  await pass(periodSeconds + 5);
  assert.is(store.status().compactRevision, revision - keptRevisions);
  assert.is(state.mvcc.tidy, true);
  assert.is(state.mvcc.events, keptRevisions);
});

test("planCompaction() keeps a period and 10,000 revisions, unless history takes too much memory", () => {
  const calm = { revision: 50_000, compactRevision: 1_000, historyBytes: 0, tidy: true, agedRevision: 30_000 };
  assert.is(planCompaction(calm), 30_000);
  assert.is(planCompaction({ ...calm, agedRevision: 45_000 }), 40_000);
  assert.is(planCompaction({ ...calm, agedRevision: 0 }), undefined);
  assert.is(planCompaction({ ...calm, compactRevision: 30_000 }), undefined);
  const pressed = { ...calm, agedRevision: 0, historyBytes: storeHistoryBytes + 1 };
  assert.is(planCompaction(pressed), 25_500);
  assert.is(planCompaction({ ...pressed, tidy: false }), undefined, "the last compaction has not had its effect yet");
});

test("a store tells its watchers of progress every few seconds", async ({ store, pass }) => {
  const stop = new AbortController();
  const watch = store.watch("/a/", 2, { signal: stop.signal, progress: true })[Symbol.asyncIterator]();
  await write(store, "/b/");
  const waiting = watch.next();
  await pass(10);
  assert.equal((await waiting).value, { revision: 2, events: [] });
  stop.abort();
});

test("watch() is refused when nobody ends his watches", ({ store }) => {
  const stop = new AbortController();
  const watch = () => store.watch("/a/", 1_000, { signal: stop.signal });
  for (let i = 0; i < storeWatchers; i++) watch()[Symbol.asyncIterator]();
  assert.throws(watch, (error: unknown) => (error as StoreError).reason === "Overloaded");
  stop.abort();
  watch();
});

test("list() of everything takes its time in slices, and shows one revision, even if that is compacted meanwhile", async ({ store, state, pass }) => {
  for (let i = 0; i < 5_000; i++) await write(store, `/${i}`);
  await store.compact(store.status().revision);
  await pass(5);
  assert.is(state.mvcc.events, 0);
  const listing = store.list("/");
  await Promise.resolve();
  await store.txn({ compares: [], then: [{ do: "delete", key: "/9" }, { do: "delete", key: "/1" }] });
  await store.compact(store.status().revision);
  let done = false;
  void listing.then(() => done = true);
  await pass(1);
  assert.not(done, "other work gets a turn");
  await pass(3);
  const { items, revision } = await listing;
  assert.equal([items.length, new Set(items.map((item) => item.key)).size, revision], [5_000, 5_000, 5_001]);
});
