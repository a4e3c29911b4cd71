// What every store must do, whoever keeps the bytes: the same tests run against each.
import * as assert from "uvu/assert";
import type { Operation, Store, StoreError, Transaction, WatchBatch } from "../../master/store/store.ts";
import { rejects, suite } from "../kit/suite.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** Other tests may use the same store: keys begin with this. */
  readonly root: string;
  close(): Promise<void>;
}

const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const put = (key: string, value: string): Operation => ({ do: "put", key, value: bytes(value) });
const write = (...then: Operation[]): Transaction => ({ compares: [], then });
const reason = async (work: Promise<unknown>): Promise<string> => (await rejects(work) as StoreError).reason;

/** Reads batches until `enough`. */
async function take(watch: AsyncIterable<WatchBatch>, enough: (batches: WatchBatch[]) => boolean): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  for await (const batch of watch) {
    batches.push(batch);
    if (enough(batches)) break;
  }
  return batches;
}
const shown = (batches: readonly WatchBatch[]): string[][] =>
  batches.map(({ events }) =>
    events.map((event) => `${event.type} ${event.key.slice(event.key.lastIndexOf("/") + 1)} ${text(event.current.value)}`)
  );

/** @param skip why this store cannot be had here */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>, { skip }: { skip?: string | undefined } = {}): void {
  const test = suite<StoreUnderTest>(name, { setup: open, teardown: (context) => context.close(), timeoutMs: 20_000, skip });

  test("txn() gives each writing transaction the next revision, and get() shows what it wrote", async ({ store, root }) => {
    const first = await store.txn(write(put(`${root}a`, "1")));
    const second = await store.txn(write(put(`${root}a`, "2"), put(`${root}b`, "3")));
    assert.is(second.revision, first.revision + 1);
    assert.equal(second.results.map((item) => text(item?.value)), ["1", undefined]);
    const { item, revision } = await store.get(`${root}a`);
    assert.is(revision, second.revision);
    assert.equal({ ...item, value: text(item?.value) }, {
      key: `${root}a`,
      value: "2",
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2,
      lease: 0,
    });
    assert.is((await store.get(`${root}nothing`)).item, undefined);
  });

  test("txn() compares and takes one branch whole", async ({ store, root }) => {
    const created = await store.txn(write(put(`${root}a`, "1")));
    const create: Transaction = {
      compares: [{ key: `${root}a`, target: "modRevision", is: 0 }],
      then: [put(`${root}a`, "2")],
      else: [{ do: "get", key: `${root}a` }],
    };
    const refused = await store.txn(create);
    assert.not(refused.succeeded);
    assert.is(refused.revision, created.revision, "a transaction that only reads has no revision");
    assert.is(refused.results[0]?.modRevision, created.revision);
    const replaced = await store.txn({
      ...create,
      compares: [{ key: `${root}a`, target: "modRevision", is: created.revision }, { key: `${root}a`, target: "value", is: bytes("1") }],
    });
    assert.ok(replaced.succeeded);
    assert.is(text((await store.get(`${root}a`)).item?.value), "2");
  });

  test("txn() that deletes nothing has no revision", async ({ store, root }) => {
    const { revision } = await store.txn(write(put(`${root}a`, "1")));
    assert.is((await store.txn(write({ do: "delete", key: `${root}b` }))).revision, revision);
    const deleted = await store.txn(write({ do: "delete", key: `${root}a` }));
    assert.is(deleted.revision, revision + 1);
    assert.is(text(deleted.results[0]?.value), "1");
  });

  test("txn() refuses what is too large or malformed, and changes nothing", async ({ store, root }) => {
    const { revision } = await store.txn(write(put(`${root}a`, "1")));
    const large = new Uint8Array(1536 * 1024 + 1);
    assert.is(await reason(store.txn(write(put(`${root}b`, "2"), { do: "put", key: `${root}c`, value: large }))), "TooLarge");
    assert.is(await reason(store.txn(write({ do: "put", key: "k".repeat(1025), value: bytes("") }))), "TooLarge");
    assert.is(await reason(store.txn(write(...Array.from({ length: 129 }, (_, i) => put(`${root}${i}`, ""))))), "TooLarge");
    assert.is(await reason(store.txn(write(put(`${root}b`, "1"), put(`${root}b`, "2")))), "Invalid");
    assert.is(await reason(store.txn(write(put("", "1")))), "Invalid");
    assert.is(await reason(store.txn(write(put("half a pair \ud800", "1")))), "Invalid");
    assert.is((await store.list(root)).revision, revision);
  });

  test("list() pages through one revision, with the exact number behind each page", async ({ store, root }) => {
    for (let i = 0; i < 25; i++) await store.txn(write(put(`${root}p/${String(i).padStart(2, "0")}`, `${i}`)));
    await store.txn(write(put(`${root}q`, "outside")));
    const first = await store.list(`${root}p/`, { limit: 10 });
    assert.is(first.remaining, 15);
    await store.txn(write({ do: "delete", key: `${root}p/15` }, put(`${root}p/05a`, "later"), put(`${root}p/16`, "later")));
    const second = await store.list(`${root}p/`, { limit: 10, after: first.items.at(-1)!.key, revision: first.revision });
    const third = await store.list(`${root}p/`, { limit: 10, after: second.items.at(-1)!.key, revision: first.revision });
    assert.equal([second.remaining, third.remaining, second.revision, third.revision], [5, 0, first.revision, first.revision]);
    assert.equal(
      [...first.items, ...second.items, ...third.items].map((item) => text(item.value)),
      Array.from({ length: 25 }, (_, i) => `${i}`),
    );
    const now = await store.list(`${root}p/`);
    assert.equal([now.items.length, now.remaining], [25, 0]);
    assert.is(text((await store.list(`${root}p/`, { limit: 1, after: `${root}p/15` })).items[0]?.value), "later");
  });

  test("list() refuses compacted and future revisions, and answers at the compact revision itself", async ({ store, root }) => {
    await store.txn(write(put(`${root}a`, "1")));
    const { revision } = await store.txn(write(put(`${root}a`, "2")));
    await store.txn(write(put(`${root}a`, "3")));
    await store.compact(revision);
    assert.is(text((await store.list(root, { revision })).items[0]?.value), "2");
    assert.is(await reason(store.list(root, { revision: revision - 1 })), "Compacted");
    assert.is(await reason(store.list(root, { revision: revision + 1_000_000 })), "Future");
    assert.is(await reason(store.compact(revision + 1_000_000)), "Future");
  });

  test("watch() delivers whole revisions in order, those of the past first", async ({ store, root }) => {
    const { revision } = await store.txn(write(put(`${root}w/a`, "1"), put(`${root}w/b`, "2"), put(`${root}x`, "outside")));
    await store.txn(write(put(`${root}x`, "outside")));
    await store.txn(write({ do: "delete", key: `${root}w/a` }, put(`${root}w/c`, "3")));
    const stop = new AbortController();
    const reading = take(store.watch(`${root}w/`, revision, { signal: stop.signal }), (batches) => batches.length === 3);
    await store.txn(write(put(`${root}w/b`, "4")));
    const batches = await reading;
    assert.equal(shown(batches), [["put a 1", "put b 2"], ["delete a 1", "put c 3"], ["put b 4"]]);
    assert.equal(batches.map((batch) => batch.revision - revision), [0, 2, 3]);
    const last = batches[2]!.events[0]!;
    assert.equal([text(last.previous?.value), last.current.modRevision, last.current.version], ["2", batches[2]!.revision, 2]);
    assert.is(batches[1]!.events[0]!.current.modRevision, batches[1]!.revision, "a delete carries its own revision");
    stop.abort();
  });

  test("watch() from the future stays silent until it is reached", async ({ store, root }) => {
    const { revision } = await store.txn(write(put(`${root}a`, "1")));
    const stop = new AbortController();
    const reading = take(store.watch(root, revision + 3, { signal: stop.signal }), (batches) => batches.length === 1);
    for (let i = 2; i <= 4; i++) await store.txn(write(put(`${root}a`, `${i}`)));
    assert.equal(shown(await reading), [["put a 4"]]);
    stop.abort();
  });

  test("watch() ends with Compacted when its start is compacted, and quietly when its signal aborts", async ({ store, root }) => {
    const { revision } = await store.txn(write(put(`${root}a`, "1")));
    await store.compact(revision);
    const stop = new AbortController();
    assert.is(await reason(take(store.watch(root, revision, { signal: stop.signal }), () => true)), "Compacted");
    const reading = take(store.watch(root, revision + 1, { signal: stop.signal }), () => false);
    await store.txn(write(put(`${root}a`, "2")));
    stop.abort();
    await reading;
  });

  test("watch() marks progress behind the events it has delivered", async ({ store, root }) => {
    const { revision } = await store.txn(write(put(`${root}w/a`, "1")));
    const { revision: newest } = await store.txn(write(put(`${root}x`, "outside")));
    const stop = new AbortController();
    const batches = await take(
      store.watch(`${root}w/`, revision, { signal: stop.signal, progress: true }),
      (all) => all.at(-1)!.events.length === 0,
    );
    assert.equal(shown(batches), [["put a 1"], []]);
    assert.ok(batches[1]!.revision >= newest);
    stop.abort();
  });

  test("revoke() deletes the keys of a lease in one revision", async ({ store, root }) => {
    const { lease } = await store.grant(60), { lease: other } = await store.grant(60);
    await store.txn(
      write({ do: "put", key: `${root}a`, value: bytes("1"), lease }, { do: "put", key: `${root}b`, value: bytes("2"), lease }),
    );
    const { revision } = await store.txn(
      write({ do: "put", key: `${root}b`, value: bytes("3"), lease: other }, { do: "put", key: `${root}c`, value: bytes("4"), lease }),
    );
    await store.keepAlive(lease);
    await store.revoke(lease);
    const left = await store.list(root);
    assert.equal([left.items.map((item) => `${item.key.slice(root.length)} ${item.lease === other}`), left.revision], [
      ["b true"],
      revision + 1,
    ]);
    assert.is(await reason(store.keepAlive(lease)), "Invalid");
    assert.is(await reason(store.revoke(lease)), "Invalid");
    assert.is(await reason(store.txn(write({ do: "put", key: `${root}a`, value: bytes("1"), lease }))), "Invalid");
    await store.revoke(other);
  });

  test("concurrent compare-and-put loses no update", async ({ store, root }) => {
    const key = `${root}counter`;
    await store.txn(write(put(key, "0")));
    const add = async () => {
      for (;;) {
        const { item } = await store.get(key);
        const next = `${Number(text(item!.value)) + 1}`;
        const { succeeded } = await store.txn({
          compares: [{ key, target: "modRevision", is: item!.modRevision }],
          then: [put(key, next)],
        });
        if (succeeded) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 10; i++) await add();
    }));
    const { item } = await store.get(key);
    assert.equal([text(item?.value), item?.version], ["80", 81]);
  });

  test("a closed store refuses", async ({ store, root }) => {
    await store.close();
    assert.is(await reason(store.get(`${root}a`)), "Closed");
    assert.is(await reason(store.txn(write(put(`${root}a`, "1")))), "Closed");
  });
}
