// What the contract does not ask of a store, against a real etcd: that it is one store with the embedded one in every detail, several masters, and what goes wrong.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { EtcdClient } from "../../../../master/store/etcd/client.ts";
import { Keys } from "../../../../master/store/etcd/keys.ts";
import type { KeyValue, Operation, Store, StoreError, WatchBatch } from "../../../../master/store/store.ts";
import { etcdWindowEvents } from "../../../../shared/limits.ts";
import { seeded, systemClock } from "../../../../shared/util/clock.ts";
import { silentLog } from "../../../../shared/util/log.ts";
import { type EtcdProcess, noEtcd, startEtcd } from "../../../kit/etcd_process.ts";
import { freshPrefix, openOn } from "../../../kit/etcd_store.ts";
import { eventually } from "../../../kit/eventually.ts";
import { NaiveStore } from "../../../kit/naive_store.ts";
import { randomTransaction } from "../../../kit/random_transaction.ts";
import { rejects, suite } from "../../../kit/suite.ts";

let shared: Promise<EtcdProcess> | undefined; // goes with this process
const test = suite<{ etcd: EtcdProcess }>("a store in etcd", {
  setup: async () => ({ etcd: await (shared ??= startEtcd(1)) }),
  timeoutMs: 60_000,
  skip: noEtcd,
});
const put = (key: string, text: string): Operation => ({ do: "put", key, value: new TextEncoder().encode(text) });
const write = (store: Store, ...then: Operation[]) => store.txn({ compares: [], then });
const reason = async (work: Promise<unknown>): Promise<string> => (await rejects(work) as StoreError).reason;
/** With plain text for values, to be compared. */
const plain = (item: KeyValue | undefined, base = 0) =>
  item && {
    ...item,
    value: new TextDecoder().decode(item.value),
    modRevision: item.modRevision - base,
    createRevision: item.createRevision - base,
  };
async function take(watch: AsyncIterable<WatchBatch>, isEnough: (batches: WatchBatch[]) => boolean): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  for await (const batch of watch) {
    batches.push(batch);
    if (isEnough(batches)) break;
  }
  return batches;
}

test("it does what a store without a thought for speed does: results, the past, and every event", async ({ etcd }) => {
  const store = await openOn(etcd), naive = new NaiveStore(), random = seeded(7);
  try {
    // A transaction that writes nothing tells where we are: the naive one begins at 1.
    const base = (await store.get("/x")).revision - naive.revision;
    const shifted = (item: KeyValue): KeyValue => ({
      ...item,
      createRevision: item.createRevision + base,
      modRevision: item.modRevision + base,
    });
    for (let at = 0; at < 400; at++) {
      const transaction = randomTransaction(random, naive.now()), expected = naive.txn(transaction);
      const found = await store.txn({
        ...transaction,
        compares: transaction.compares.map((compare) =>
          compare.target === "value" || compare.target === "version" || compare.is === 0 ? compare : { ...compare, is: compare.is + base }
        ),
      });
      assert.is(found.succeeded, expected.succeeded);
      assert.is(found.revision, expected.revision + base);
      assert.equal(found.results.map((item) => plain(item, base)), expected.results.map((item) => plain(item)));
    }
    for (let revision = 1; revision <= naive.revision; revision += 17) {
      const items: KeyValue[] = [];
      for (let more = true; more;) {
        const after = items.at(-1)?.key,
          page = await store.list("/", { revision: revision + base, limit: 5, ...(after !== undefined && { after }) });
        items.push(...page.items);
        assert.is(page.remaining, naive.at(revision).length - items.length);
        more = page.remaining > 0;
      }
      assert.equal(items.map((item) => plain(item)), naive.at(revision).map((item) => plain(shifted(item))));
    }
    const stop = new AbortController(), last = naive.revision + base;
    const batches = await take(
      store.watch("/2/", base + 2, { signal: stop.signal, progress: true }),
      (all) => all.at(-1)!.revision >= last,
    );
    const wanted = naive.events.filter(({ key }) => key.startsWith("/2/"));
    assert.equal(
      batches.flatMap(({ revision, events }) =>
        events.map(({ type, current, previous }) => ({
          revision: revision - base,
          type,
          current: plain(current, base),
          previous: plain(previous, base),
        }))
      ),
      wanted.map(({ revision, type, current, previous }) => ({ revision, type, current: plain(current), previous: plain(previous) })),
    );
    stop.abort();
  } finally {
    await store.close();
  }
});

test("watch() has what this master no longer remembers from etcd, and goes on from memory without a gap", async ({ etcd }) => {
  const store = await openOn(etcd), stop = new AbortController();
  try {
    await write(store, put("/w/before", "1"));
    const { revision: first } = await write(store, put("/w/first", "1"));
    for (let at = 0; at * 128 < etcdWindowEvents + 500; at++) {
      await write(store, ...Array.from({ length: 128 }, (_, of) => put(`/w/${of}`, `${at}`)));
    }
    const reading = take(
      store.watch("/w/", first, { signal: stop.signal }),
      (all) => all.at(-1)!.events.some(({ key }) => key === "/w/last"),
    );
    await write(store, put("/w/last", "1"));
    const { items: [last] } = await store.list("/w/last"), batches = await reading;
    assert.equal(batches.map(({ revision }) => revision - first), Array.from({ length: last!.modRevision - first + 1 }, (_, at) => at));
    assert.is(batches.slice(1, -1).every(({ events }) => events.length === 128), true);
  } finally {
    stop.abort();
    await store.close();
  }
});

test("two masters read what the other has written; one leads, and when it goes the other does", async ({ etcd }) => {
  const prefix = freshPrefix(), one = await openOn(etcd, { prefix }), other = await openOn(etcd, { prefix, memberId: 2 });
  const stop = new AbortController(),
    terms: string[] = [],
    work = (name: string) => async ({ signal }: { signal: AbortSignal }) => {
      terms.push(`${name} begins`);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      terms.push(`${name} ends`);
    };
  const leading = [one.lead("work", work("one"), stop.signal), other.lead("work", work("other"), stop.signal)];
  try {
    const { revision } = await write(one, put("/a", "1"));
    assert.is((await other.get("/a", { serializable: true })).item?.modRevision, revision);
    assert.equal([one.status().clusterId, one.status().clusterEpoch], [other.status().clusterId, other.status().clusterEpoch]);
    await eventually("both know who leads", () => one.status().leaderId === 1 && other.status().leaderId === 1);
    await eventually("and of each other", () => one.masters.isHeard(2) && other.masters.members.length === 2);
    assert.equal([one.masters.members, other.masters.isHeard(3)], [[1, 2], true]);
    assert.not(one.masters.isHeard(3), "the leader knows who is silent");
    assert.equal(terms, ["one begins"]);
    await one.close();
    await eventually("the other leads", () => terms.length === 3);
    assert.equal(terms, ["one begins", "one ends", "other begins"]);
    assert.ok(other.status().term > revision);
    assert.not(other.masters.isHeard(1), "who has stopped is silent");
    assert.ok(other.masters.isMember(1), "and still one of the masters");
  } finally {
    stop.abort();
    await Promise.all([one.close(), other.close(), ...leading]);
  }
});

test("a write through one master follows on the read of another, whatever the watch has shown", async ({ etcd }) => {
  const prefix = freshPrefix(), one = await openOn(etcd, { prefix }), other = await openOn(etcd, { prefix, memberId: 2 });
  try {
    for (let at = 0; at < 50; at++) {
      const { revision } = await write(at % 2 ? one : other, put("/a", `${at}`));
      const { item } = await (at % 2 ? other : one).get("/a");
      assert.is(item?.modRevision, revision);
      assert.ok((at % 2 ? one : other).status().revision >= revision, "the writer's own revision");
    }
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});

test("progress passes what other clusters in this etcd have written", async ({ etcd }) => {
  const store = await openOn(etcd), foreign = await openOn(etcd), stop = new AbortController();
  try {
    await write(store, put("/a", "1"));
    const { revision } = await write(foreign, put("/b", "1"));
    const watched = take(store.watch("/", revision, { signal: stop.signal, progress: true }), (all) => all.at(-1)!.revision >= revision);
    assert.is((await store.list("/")).revision, revision, "reads show etcd's revision");
    const [mark] = await watched;
    assert.equal(mark!.events, []);
    assert.equal((await store.list("")).items.map(({ key }) => key), ["/a"]);
  } finally {
    stop.abort();
    await Promise.all([store.close(), foreign.close()]);
  }
});

test("a prefix belongs to one cluster", async ({ etcd }) => {
  const prefix = freshPrefix(), store = await openOn(etcd, { prefix }), { clusterId, clusterEpoch } = store.status();
  await store.close();
  const refusal = async (config: Parameters<typeof openOn>[1]) => (await rejects(openOn(etcd, config))).message;
  assert.match(await refusal({ prefix, authority: "another" }), `Cannot use --etcd-prefix ${prefix}: it holds the cluster of another CA`);
  assert.match(await refusal({ prefix: `${prefix}/inside` }), `keys of the cluster at ${prefix}, which it lies inside`);
  const again = await openOn(etcd, { prefix });
  assert.equal([again.status().clusterId, again.status().clusterEpoch], [clusterId, clusterEpoch]);
  await again.close();

  // As after a restored backup: the note says that it was written to another etcd.
  const client = new EtcdClient({ clock: systemClock, log: silentLog }, etcd.urls, etcd.tls),
    keys = new Keys(prefix),
    key = keys.ofNote("cluster");
  const { kvs: [kv] } = await client.call("range", { key }, "read");
  const note = JSON.parse(new TextDecoder().decode(kv!.value)), value = new TextEncoder().encode(JSON.stringify({ ...note, etcd: 1 }));
  await client.call("txn", { compare: [], success: [{ requestPut: { key, value } }], failure: [] }, "write");
  client.close();
  const restored = await openOn(etcd, { prefix });
  assert.is(restored.status().clusterId, clusterId);
  assert.is.not(restored.status().clusterEpoch, clusterEpoch);
  await restored.close();
});

test("of two masters with one id the first stops", async ({ etcd }) => {
  const prefix = freshPrefix(), first = await openOn(etcd, { prefix }), second = await openOn(etcd, { prefix });
  try {
    assert.match((await first.fatal).message, "another master runs with this one's id");
    await write(second, put("/a", "1"));
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
});

test("what somebody else compacts is Compacted here", async ({ etcd }) => {
  const prefix = freshPrefix(), store = await openOn(etcd, { prefix }), stop = new AbortController();
  const { revision } = await write(store, put("/a", "1"));
  await write(store, put("/a", "2"));
  const newest = (await write(store, put("/a", "3"))).revision;
  await store.close();
  const later = await openOn(etcd, { prefix }), client = new EtcdClient({ clock: systemClock, log: silentLog }, etcd.urls, etcd.tls);
  try {
    await client.call("compact", { revision: newest }, "compact");
    const error = await rejects(later.list("/", { revision })) as StoreError;
    assert.equal([error.reason, error.revision > revision], ["Compacted", true]);
    assert.is(await reason(take(later.watch("/", revision, { signal: stop.signal }), () => true)), "Compacted");
    assert.is(await reason(take(later.watch("/", newest, { signal: stop.signal }), () => true)), "Compacted");
    const following = take(later.watch("/", newest + 1, { signal: stop.signal }), () => true);
    await write(later, put("/a", "4"));
    assert.equal((await following).map(({ events }) => events.length), [1]);
  } finally {
    stop.abort();
    client.close();
    await later.close();
  }
});

test("txn() whose answer is lost is Unknown, and never made twice", async ({ etcd }) => {
  const { port } = new URL(etcd.urls[0]!), sockets = new Set<Socket>();
  let isDeaf = false;
  // Lets requests through; once deaf, it breaks the connection at the first byte of an answer.
  const between = createServer((client) => {
    const target = connect(Number(port), "127.0.0.1");
    for (const [from, into] of [[client, target], [target, client]] as const) {
      sockets.add(from);
      from.on("data", (data) => isDeaf && from === target ? client.destroy() : into.write(data));
      from.on("error", () => {});
      from.on("close", () => into.destroy());
    }
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  const front = `https://127.0.0.1:${(between.address() as AddressInfo).port}`;
  const store = await openOn({ ...etcd, urls: [front, ...etcd.urls] });
  try {
    await write(store, put("/a", "1"));
    isDeaf = true;
    const lost = rejects(write(store, put("/a", "2")));
    assert.is((await lost as StoreError).reason, "Unknown");
    const { item } = await store.get("/a");
    assert.equal([new TextDecoder().decode(item!.value), item!.version], ["2", 2], "it was made, once, and reads go on elsewhere");
  } finally {
    await store.close();
    for (const socket of sockets) socket.destroy();
    between.close();
  }
});

test("txn() is NoSpace when etcd has reached its quota, and deleting still works", async () => {
  const small = await startEtcd(1, ["--quota-backend-bytes", String(4 * 1024 * 1024)]), store = await openOn(small);
  try {
    let refusal: StoreError | undefined;
    for (let at = 0; at < 20 && !refusal; at++) {
      await write(store, put(`/${at}`, "x".repeat(1024 * 1024))).catch((error) => refusal = error);
    }
    assert.is(refusal?.reason, "NoSpace");
    assert.match(refusal!.message, "--quota-backend-bytes");
    assert.is((await write(store, { do: "delete", key: "/0" })).results.length, 1);
  } finally {
    await store.close();
    await small.close();
  }
});

test("txn() says what is wrong where etcd's bounds are narrower", async ({ etcd }) => {
  const store = await openOn(etcd);
  try {
    assert.is(await reason(write(store, put("/large", "x".repeat(1536 * 1024)))), "TooLarge");
    assert.is(await reason(write(store, ...[1, 2, 3].map((at) => put(`/${at}`, "x".repeat(1024 * 1024))))), "TooLarge");
    assert.is(await reason(write(store, put("no-slash", "1"))), "Invalid");
    await write(store, put("/large", "x".repeat(1500 * 1024)));
    assert.is((await store.get("/large")).item?.value.length, 1500 * 1024);
  } finally {
    await store.close();
  }
});
