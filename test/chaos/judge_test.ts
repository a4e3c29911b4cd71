// The clients and the judge of the chaos test, on an API that only pretends: what is right passes, and every bug that it can have is seen.
import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { seeded } from "../../shared/util/clock.ts";
import type { Initial, TxnCall } from "../history/history.ts";
import { eventually } from "../kit/eventually.ts";
import { suite } from "../kit/suite.ts";
import { carriedOver, Clients, isOurs, marker, Memory, namespace, stayers } from "./clients.ts";
import { HttpStore } from "./http_store.ts";
import { judge, type Verdict } from "./judge.ts";
import { type Bug, bugs, PretendApi } from "./pretend_api.ts";

const test = suite("the judge of chaos", { timeoutMs: 60_000 });

/** Rounds of clients, as the real masters have them, until something is wrong. */
async function rounds(count: number, seed: number, bug?: Bug): Promise<{ verdicts: Verdict[]; calls: number }> {
  const random = seeded(seed), api = new PretendApi(random, bug), memory = new Memory(), verdicts: Verdict[] = [];
  for (const key of [...stayers, marker]) api.store.txn({ compares: [], then: [{ do: "put", key, value: Buffer.from(key) }] });
  let initial: Initial = { revision: api.store.revision, items: api.store.now() }, open: readonly TxnCall[] = [], calls = 0;
  const stores = Array.from({ length: 3 }, () => new HttpStore(api.client(), namespace));
  for (let round = 0; round < count && !verdicts.some(({ violations }) => violations.length > 0); round++) {
    const clients = new Clients(stores, memory, random);
    clients.start(initial.revision + 1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await clients.stopCalling();
    const last = await eventually("the last write", () => clients.mark(100, stores[0]!), { everyMs: 1 });
    // A watch that has lost its way never gets there.
    await eventually("every watch has caught up", () => clients.areAt(last), { withinMs: 500, everyMs: 5 }).catch(() => {});
    await clients.stopWatching();
    assert.equal(clients.problems, []);
    const { calls: made, watches } = clients.recorder.history();
    verdicts.push(judge({ calls: [...carriedOver(open), ...made], watches }, initial, isOurs, last));
    [initial, open] = [verdicts.at(-1)!.after, verdicts.at(-1)!.open];
    calls += made.length;
  }
  return { verdicts, calls };
}

test("lets pass what is right, over several rounds", async () => {
  const runs = await Promise.all([1, 2, 3].map((seed) => rounds(4, seed)));
  for (const { verdicts } of runs) {
    for (const { violations, isSearched } of verdicts) assert.equal({ violations, isSearched }, { violations: [], isSearched: true });
  }
  const calls = runs.reduce((sum, run) => sum + run.calls, 0);
  assert.ok(calls > 500, `${calls} calls`);
});

for (const bug of bugs) {
  test(`sees ${bug}`, async () => {
    const { verdicts } = await rounds(20, 7, bug);
    assert.ok(verdicts.at(-1)!.violations.length > 0);
  });
}
