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
