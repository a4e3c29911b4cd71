// Members of etcd that are killed under writers and watchers: nothing acknowledged is lost, nothing that was refused has happened, and no watch has a gap.
import process from "node:process";
import * as assert from "uvu/assert";
import type { EtcdStore } from "../../../../master/store/etcd/etcd_store.ts";
import { type StoreError, type StoreEvent, type WatchBatch } from "../../../../master/store/store.ts";
import { noEtcd, startEtcd } from "../../../kit/etcd_process.ts";
import { freshPrefix, openOn } from "../../../kit/etcd_store.ts";
import { eventually, pause } from "../../../kit/eventually.ts";
import { rejects, suite } from "../../../kit/suite.ts";

const test = suite("etcd whose members die", { timeoutMs: 170_000, skip: noEtcd });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Writes keys that nobody else writes, and one that all do; remembers what it was told. */
class Writer {
  /** Key → revision. */
  readonly acknowledged = new Map<string, number>();
  readonly refused = new Set<string>();
  unknown = 0;
  /** Longest time between two acknowledgements, ms. */
  longestMs = 0;
  #last = performance.now();
  #stopped = false;
  readonly #store: EtcdStore;
  readonly #name: string;

  constructor(store: EtcdStore, name: string) {
    this.#store = store;
    this.#name = name;
  }
  stop(): void {
    this.#stopped = true;
  }
  async run(): Promise<void> {
    for (let at = 0; !this.#stopped; at++) {
      const key = `/w/${this.#name}-${String(at).padStart(6, "0")}`;
      try {
        const { revision } = await this.#store.txn({
          compares: [{ key, target: "modRevision", is: 0 }],
          then: [{ do: "put", key, value: bytes(key) }, { do: "put", key: "/w/all", value: bytes(key) }],
        });
        this.acknowledged.set(key, revision);
        this.longestMs = Math.max(this.longestMs, performance.now() - this.#last);
        this.#last = performance.now();
      } catch (error) {
        const { reason } = error as StoreError;
        if (reason === "Unknown") this.unknown++;
        else {
          assert.is(reason, "NoQuorum", String(error));
          this.refused.add(key);
        }
        await pause(20);
      }
      await pause(1);
    }
  }
}

/** All batches until the one that has `last`. */
async function watchAll(store: EtcdStore, from: number, signal: AbortSignal): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  for await (const batch of store.watch("/w/", from, { signal })) {
    batches.push(batch);
    if (batch.events.some(({ key }) => key === "/w/last")) break;
  }
  return batches;
}
const shown = ({ type, key, current }: StoreEvent): string => `${type} ${key} ${current.modRevision} ${current.version}`;

test("one of three at a time: no acknowledged write is lost, and watches have no gap", async () => {
  const etcd = await startEtcd(3), prefix = freshPrefix(), stores: EtcdStore[] = [], stop = new AbortController();
  try {
    for (const at of [0, 1]) {
      stores.push(await openOn({ ...etcd, urls: [...etcd.urls.slice(at), ...etcd.urls.slice(0, at)] }, { prefix, memberId: at + 1 }));
    }
    const { revision: from } = await stores[0]!.txn({ compares: [], then: [{ do: "put", key: "/w/all", value: bytes("") }] });
    const watches = stores.map((store) => watchAll(store, from, stop.signal));
    const writers = stores.flatMap((store, of) => [0, 1, 2].map((at) => new Writer(store, `${of}-${at}`)));
    const writing = writers.map((writer) => writer.run());
    for (const member of [0, 1, 2, 0]) {
      await pause(1_000);
      await etcd.kill(member);
      await pause(2_500);
      await etcd.start(member);
    }
    for (const writer of writers) writer.stop();
    await Promise.all(writing);
    const { revision: last } = await stores[0]!.txn({ compares: [], then: [{ do: "put", key: "/w/last", value: bytes("") }] });

    const { items } = await stores[1]!.list("/w/"), there = new Map(items.map((item) => [item.key, item]));
    for (const { acknowledged, refused } of writers) {
      for (const [key, revision] of acknowledged) assert.is(there.get(key)?.modRevision, revision, `${key} was acknowledged`);
      for (const key of refused) assert.not(there.has(key), `${key} was refused`);
    }
    // The two watches, which broke at other times, and one from the start now: the same events, and every revision of the shared key.
    const [first, second] = await Promise.all(watches), anew = await watchAll(stores[1]!, from, stop.signal);
    const all = anew!.flatMap(({ events }) => events.map(shown));
    for (const batches of [first!, second!]) {
      assert.equal(batches.flatMap(({ events }) => events.map(shown)), all);
      assert.ok(batches.every((batch, at) => at === 0 || batch.revision > batches[at - 1]!.revision), "revisions grow");
    }
    const ofAll = anew.flatMap(({ events }) => events).filter(({ key }) => key === "/w/all");
    assert.equal(ofAll.map(({ current }) => current.version), Array.from({ length: there.get("/w/all")!.version }, (_, at) => at + 1));
    assert.is(anew.at(-1)!.revision, last);
    const count = writers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
    assert.ok(count > 300, `${count} acknowledged`);
    const unknown = writers.reduce((sum, writer) => sum + writer.unknown, 0),
      longest = Math.max(...writers.map(({ longestMs }) => longestMs));
    process.stdout.write(
      `measured: 4 kills of etcd members, ${count} writes acknowledged, ${unknown} unknown, longest pause ${Math.round(longest)} ms\n`,
    );
  } finally {
    stop.abort();
    await Promise.all(stores.map((store) => store.close()));
    await etcd.close();
  }
});

test("all of it: the leader stops leading, writes fail, nothing is lost, and it leads again when etcd is back", async () => {
  const etcd = await startEtcd(1), store = await openOn(etcd), stop = new AbortController(), terms: string[] = [];
  const leading = store.lead("work", async ({ signal }) => {
    terms.push("begins");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    terms.push("ends");
  }, stop.signal);
  try {
    const writer = new Writer(store, "one"), writing = writer.run();
    await eventually("writes", () => writer.acknowledged.size > 20);
    await etcd.kill(0);
    const killed = performance.now();
    await eventually("the term is over before another could begin", () => terms.length === 2, { withinMs: 9_900, everyMs: 50 });
    assert.ok(performance.now() - killed < 10_000);
    writer.stop();
    await writing;
    assert.is((await rejects(store.get("/w/all")) as StoreError).reason, "NoQuorum");
    await etcd.start(0);
    await eventually("it leads again", () => terms.length === 3);
    const { items } = await store.list("/w/one"), there = new Map(items.map((item) => [item.key, item.modRevision]));
    for (const [key, revision] of writer.acknowledged) assert.is(there.get(key), revision, `${key} was acknowledged`);
    for (const key of writer.refused) assert.not(there.has(key), `${key} was refused`);
  } finally {
    stop.abort();
    await Promise.all([store.close(), leading]);
    await etcd.close();
  }
});
