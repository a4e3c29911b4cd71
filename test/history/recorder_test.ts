// The checkers on the store itself: recorded right, it passes; broken in ways that a store can be, it does not.
import * as assert from "uvu/assert";
import { decodeCommand, encodeCommand } from "../../master/store/command.ts";
import { EmbeddedStore } from "../../master/store/face.ts";
import type { Entry, StateMachine } from "../../master/store/machine.ts";
import { State } from "../../master/store/state.ts";
import { type KeyValue, type Store, StoreError, type WatchBatch } from "../../master/store/store.ts";
import { HandCrankedClock, type Random, seeded } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { InstantReplica } from "../kit/instant_replica.ts";
import { randomTransaction } from "../kit/random_transaction.ts";
import { suite } from "../kit/suite.ts";
import { type AppliedEntry, committedOf } from "./committed.ts";
import { checkHistory } from "./linearize.ts";
import { Recorder } from "./recorder.ts";

const test = suite("Recorder", { timeoutMs: 30_000 });

interface Fault {
  machine?(state: State, random: Random): Pick<StateMachine, "apply">;
  store?(store: EmbeddedStore, random: Random): Partial<Pick<Store, "get" | "watch">>;
}

/** Many turns of the event loop, and nothing but turns: the seed decides who comes first. */
async function pause(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
}

/** Clients, leases, compactions and watches at the real store on a replica of one, which is slow and sometimes forgets to answer. */
async function violationsOf(seed: number, fault: Fault = {}): Promise<string[]> {
  const random = seeded(seed), clock = new HandCrankedClock(), recorder = new Recorder(), entries: AppliedEntry[] = [], state = new State();
  const whole = (below: number): number => Math.floor(random() * below);
  const faulty = fault.machine?.(state, random) ?? state;
  const replica = new InstantReplica({
    apply(entry: Entry) {
      const outcome = faulty.apply(entry);
      entries.push({ time: entry.time, payload: entry.payload, outcome, at: recorder.now() });
      return outcome;
    },
    keep: (payload) => state.keep(payload),
    snapshot: () => state.snapshot(),
    restore: (bytes) => state.restore(bytes),
  }, clock);
  const propose = replica.propose.bind(replica), readIndex = replica.readIndex.bind(replica);
  replica.propose = async (payload) => {
    await pause(whole(20));
    const isLost = random() < 0.04;
    if (isLost && random() < 0.5) throw new StoreError("Unknown", "lost on the way");
    const outcome = await propose(payload);
    await pause(whole(20));
    if (isLost) throw new StoreError("Unknown", "the answer is lost");
    return outcome;
  };
  replica.readIndex = async () => {
    await pause(whole(20));
    return await readIndex();
  };
  const real = new EmbeddedStore({ clock, log: silentLog, state, replica }, { quotaBytes: 2 ** 20 });
  const broken = fault.store?.(real, random) ?? {};
  const store: Store = Object.assign(Object.create(real), {
    get: broken.get ?? real.get.bind(real),
    watch: broken.watch ?? real.watch.bind(real),
    ...Object.fromEntries((["list", "txn", "compact", "grant", "revoke", "status"] as const).map((name) => [name, real[name].bind(real)])),
  });
  const stop = new AbortController();

  const client = async (id: number): Promise<void> => {
    let seen: readonly KeyValue[] = [], lease = 0;
    for (let i = 0; i < 60; i++) {
      clock.advance(whole(100));
      await pause(whole(10));
      const choice = random(), { compactRevision, revision } = store.status(), serializable = random() < 0.3;
      try {
        if (choice < 0.5) {
          const transaction = randomTransaction(random, seen), [put] = transaction.then;
          const then = put?.do === "put" && lease ? [{ ...put, lease }, ...transaction.then.slice(1)] : transaction.then;
          await recorder.txn(id, store, { ...transaction, then });
        } else if (choice < 0.65) await recorder.get(id, store, seen[whole(seen.length)]?.key ?? "/1/1", { serializable });
        else if (choice < 0.75) {
          await recorder.list(id, store, "/1/", { revision: Math.max(2, revision - 20 + whole(22)), limit: whole(4) });
        } else if (choice < 0.92) seen = (await recorder.list(id, store, `/${whole(4)}/`, { serializable })).items;
        else if (choice < 0.96) lease = (await store.grant(1 + whole(8))).lease;
        else if (choice < 0.98 && lease) await store.revoke(lease).finally(() => lease = 0);
        else if (revision - compactRevision > 30) await store.compact(revision - whole(15));
      } catch (error) {
        assert.instance(error, StoreError);
        if ((error as StoreError).reason === "Invalid") lease = 0; // it has ended
      }
    }
  };
  const watcher = async (id: number, prefix: string): Promise<void> => {
    const watch = recorder.watch(id, prefix, 2);
    while (!stop.signal.aborted) {
      const cut = new AbortController();
      let batches = 0;
      const isCompacted = await watch.run(store, {
        signal: AbortSignal.any([stop.signal, cut.signal]),
        async onBatch() {
          await pause(whole(60));
          if (++batches > 20 && random() < 0.1) cut.abort();
        },
      });
      if (isCompacted) watch.next = store.status().revision + 1;
      await pause(whole(50));
    }
  };
  const watching = ["", "/1/", "/2/3"].map((prefix, i) => watcher(10 + i, prefix));
  await Promise.all([1, 2, 3, 4, 5].map(client));
  for (let i = 0; i < 20; i++) {
    clock.advance(1_000);
    await pause(1_000);
  }
  const history = recorder.history();
  stop.abort();
  await Promise.all([real.close(), ...watching]);
  const { committed, compactions } = committedOf(entries);
  return checkHistory(history, { committed, compactions, caughtUp: state.mvcc.revision });
}

test("the real store passes", async () => {
  for (let seed = 1; seed <= 30; seed++) assert.equal(await violationsOf(seed), [], `seed ${seed}`);
});

const faults: Readonly<Record<string, Fault>> = {
  "reads from a copy that is behind": {
    store(store, random) {
      const old = new Map<string, ReturnType<Store["get"]>>();
      return {
        get(key, options) {
          const fresh = store.get(key, options), before = old.get(key);
          if (random() < 0.5 || !before) old.set(key, fresh);
          return before ?? fresh;
        },
      };
    },
  },
  "answers before it knows that it leads": {
    store: (store) => ({
      get: (key) => store.get(key, { serializable: true }).then((found) => ({ ...found, revision: found.revision - 1 })),
    }),
  },
  "forgets a write": {
    machine(state, random) {
      let before: unknown; // the answer to another write
      return {
        apply(entry) {
          if (before !== undefined && random() < 0.1 && decodeCommand(entry.payload).do === "transact") return before;
          const outcome = state.apply(entry);
          if (typeof outcome === "object" && "results" in outcome) before = outcome;
          return outcome;
        },
      };
    },
  },
  "applies an entry twice": {
    machine: (state, random) => ({
      apply(entry) {
        const outcome = state.apply(entry);
        if (random() < 0.05) state.apply(entry);
        return outcome;
      },
    }),
  },
  "ends leases by itself": {
    machine: (state, random) => ({
      apply(entry) {
        const [lease] = state.leases.all(),
          isHeld = lease && state.mvcc.page("", undefined, state.mvcc.revision, 100).items.some((item) => item.lease === lease.id);
        if (isHeld && random() < 0.2) state.apply({ ...entry, payload: encodeCommand({ do: "revoke", lease: lease.id }) });
        return state.apply(entry);
      },
    }),
  },
  "loses a batch": { store: (store, random) => ({ watch: changing(store, (batch) => random() < 0.02 ? [] : [batch]) }) },
  "delivers a batch twice": {
    store: (store, random) => ({ watch: changing(store, (batch) => random() < 0.02 ? [batch, batch] : [batch]) }),
  },
  "splits a revision": {
    store: (store) => ({
      watch: changing(
        store,
        ({ revision, events }) => events.length < 2 ? [{ revision, events }] : events.map((event) => ({ revision, events: [event] })),
      ),
    }),
  },
  "lets a mark overtake": {
    store: (store, random) => ({
      watch: changing(store, (batch) => random() < 0.05 ? [{ revision: batch.revision, events: [] }, batch] : [batch]),
    }),
  },
};
function changing(store: EmbeddedStore, change: (batch: WatchBatch) => WatchBatch[]): Store["watch"] {
  return async function* (prefix, from, options) {
    for await (const batch of store.watch(prefix, from, options)) yield* change(batch);
  };
}

for (const [name, fault] of Object.entries(faults)) {
  test(`a store that ${name} does not pass`, async () => {
    let caught = 0;
    for (let seed = 1; seed <= 5; seed++) caught += Number((await violationsOf(seed, fault)).length > 0);
    assert.is(caught, 5);
  });
}
