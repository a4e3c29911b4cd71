import { readdir } from "node:fs/promises";
import * as assert from "uvu/assert";
import { type EmbeddedConfig, openStore } from "../../../master/store/embedded.ts";
import type { OpenedStore } from "../../../master/store/face.ts";
import { nodeFiles } from "../../../master/store/files.ts";
import type { KeyValue, StoreError, WatchBatch } from "../../../master/store/store.ts";
import { seeded, systemClock, systemRandom } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { randomTransaction } from "../../kit/random_transaction.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

interface Context {
  dataDir: string;
  opened: OpenedStore[];
  open(config?: Partial<EmbeddedConfig>): Promise<OpenedStore>;
}
const test = suite<Context>("openStore", {
  async setup() {
    const dataDir = testDirectory("store"), opened: OpenedStore[] = [];
    const open = async (config: Partial<EmbeddedConfig> = {}): Promise<OpenedStore> => {
      const store = await openStore({ clock: systemClock, random: systemRandom, files: nodeFiles, log: silentLog }, { dataDir, ...config });
      opened.push(store);
      return store;
    };
    return { dataDir, opened, open };
  },
  async teardown({ opened }) {
    for (const store of opened) await store.close();
  },
  timeoutMs: 20_000,
});

async function history(store: OpenedStore, from: number): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [], stop = new AbortController();
  for await (const batch of store.watch("", from, { signal: stop.signal, progress: true })) {
    batches.push(batch);
    if (batch.revision >= store.status().revision) break;
  }
  return batches;
}

for (
  const [from, config] of [["its log", {}], ["a snapshot and the log behind it", { snapshotEntries: 100, catchUpEntries: 10 }]] as const
) {
  test(`a store that is opened again from ${from} has every key, revision, event and lease`, async ({ open, dataDir }) => {
    const random = seeded(11);
    let store = await open(config);
    for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 20 }, () => store.txn(randomTransaction(random, []))));
    const { lease } = await store.grant(600);
    await store.txn({ compares: [], then: [{ do: "put", key: "/leased", value: Uint8Array.of(1), lease }] });
    await store.compact(store.status().revision - 100);
    const before = store.status(), items = (await store.list("")).items, events = await history(store, before.compactRevision + 1);
    await store.close();
    const snapshots = (await readdir(dataDir, { recursive: true })).filter((name) => name.endsWith(".snap"));
    assert.is(snapshots.length > 0, "snapshotEntries" in config);

    store = await open(config);
    const after = store.status();
    for (const part of ["clusterId", "clusterEpoch", "memberId", "revision", "compactRevision", "time", "liveBytes", "keys"] as const) {
      assert.is(after[part], before[part], part);
    }
    assert.ok(after.term > before.term);
    assert.equal((await store.list("")).items, items);
    assert.equal(await history(store, before.compactRevision + 1), events);
    assert.is(
      (await store.txn({ compares: [], then: [{ do: "put", key: "/next", value: Uint8Array.of(1) }] })).revision,
      before.revision + 1,
    );
    await store.revoke(lease);
    assert.is((await store.get("/leased")).item, undefined);
  });
}

test("writes of many callers at once all have their own revision", async ({ open }) => {
  const store = await open();
  const results = await Promise.all(
    Array.from({ length: 500 }, (_, i) => store.txn({ compares: [], then: [{ do: "put", key: `/${i}`, value: Uint8Array.of(i & 255) }] })),
  );
  assert.is(new Set(results.map((result) => result.revision)).size, 500);
  assert.is((await store.list("")).items.length, 500);
});

test("the value that is stored is the one that was given, whatever becomes of the caller's buffer", async ({ open }) => {
  const store = await open();
  const value = Uint8Array.of(1, 2, 3);
  const writing = store.txn({ compares: [], then: [{ do: "put", key: "/a", value }] });
  value.fill(9);
  await writing;
  assert.equal((await store.get("/a")).item?.value, Uint8Array.of(1, 2, 3));
});

test("a store above its quota takes deletes and compaction only", async ({ open }) => {
  const store = await open({ quotaBytes: 1_000 });
  const put = (key: string, size: number) => store.txn({ compares: [], then: [{ do: "put", key, value: new Uint8Array(size) }] });
  await put("/a", 900);
  assert.is((await rejects(put("/b", 200)) as StoreError).reason, "NoSpace");
  await store.compact(store.status().revision);
  await store.txn({ compares: [], then: [{ do: "delete", key: "/a" }] });
  await put("/b", 200);
});

test("close() lets writes under way finish, ends watches and leading, and refuses what comes later", async ({ open }) => {
  const store = await open();
  const stop = new AbortController(), led: string[] = [];
  const leading = store.lead("test", async ({ signal }) => {
    led.push("began");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    led.push("stopped");
  }, stop.signal);
  const watching = (async () => {
    let count = 0;
    for await (const _ of store.watch("", store.status().revision + 100_000, { signal: stop.signal })) count++;
    return count;
  })();
  const writes = Array.from(
    { length: 50 },
    (_, i) => store.txn({ compares: [], then: [{ do: "put", key: `/${i}`, value: Uint8Array.of(1) }] }),
  );
  await store.close();
  assert.equal(led, ["began", "stopped"]);
  assert.is((await Promise.all(writes)).length, 50);
  await leading;
  assert.is(await watching, 0);
  for (const work of [() => store.get("/1"), () => store.list(""), () => store.compact(1), () => store.grant(1)]) {
    assert.is((await rejects(work) as StoreError).reason, "Closed");
  }
  const again = await open();
  const items: readonly KeyValue[] = (await again.list("")).items;
  assert.is(items.length, 50);
});
