import * as assert from "uvu/assert";
import type { EtcdClient } from "../../../../master/store/etcd/client.ts";
import { Keys } from "../../../../master/store/etcd/keys.ts";
import { Listener } from "../../../../master/store/etcd/listener.ts";
import { StoreError } from "../../../../master/store/store.ts";
import { storeWatchers } from "../../../../shared/limits.ts";
import { HandCrankedClock, seeded } from "../../../../shared/util/clock.ts";
import { silentLog } from "../../../../shared/util/log.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("Listener");

test("watch() counts also the watches that etcd tells of what is older than the window", async () => {
  const opened: AbortSignal[] = [];
  // Never answers: the watch is under way until its signal aborts.
  const open = (_: string, signal: AbortSignal) => {
    opened.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  };
  const listener = new Listener({
    client: { open } as unknown as EtcdClient,
    keys: new Keys("/skerry"),
    clock: new HandCrankedClock(),
    random: seeded(1),
    log: silentLog,
    heard: () => {},
    noted: () => {},
    mark: () => Promise.resolve(1),
  }, 100);
  const stop = new AbortController(), watch = () => listener.watch("/a", 1, { signal: stop.signal });
  const under = Array.from({ length: storeWatchers }, () => watch()[Symbol.asyncIterator]().next());
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(opened.length, storeWatchers);
  assert.throws(watch, (error: Error) => error instanceof StoreError && error.reason === "Overloaded");
  stop.abort();
  await Promise.all(under);
  assert.not.throws(watch);
});

test("run() goes on after a compaction that was faster, also when etcd is away just then", async () => {
  const clock = new HandCrankedClock(), compaction = { header: {}, canceled: true, compactRevision: 200, fragment: false, events: [] };
  let opened = 0, marks = 0;
  // The first watch is behind the compaction; the second never answers.
  const open = (_: string, signal: AbortSignal) => {
    const first = opened++ === 0, listening = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    const answers = async function* () {
      if (first) yield compaction;
      else await listening;
    };
    return Promise.resolve({ endpoint: { url: "etcd" }, stream: Object.assign(answers(), { write: () => {}, cancel: () => {} }) });
  };
  const listener = new Listener({
    ...{ client: { open, leave: () => {} } as unknown as EtcdClient, keys: new Keys("/skerry"), clock, random: seeded(1), log: silentLog },
    ...{ heard: () => {}, noted: () => {} },
    mark: () => marks++ === 0 ? Promise.reject(new StoreError("NoQuorum", "etcd is away")) : Promise.resolve(300),
  }, 100);
  const stop = new AbortController(), running = listener.run(stop.signal);
  for (let turn = 0; turn < 100 && opened < 2; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000);
  }
  assert.equal({ marks, opened, revision: listener.window.revision }, { marks: 2, opened: 2, revision: 300 });
  stop.abort();
  await running;
});
