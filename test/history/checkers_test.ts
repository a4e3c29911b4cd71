// Who checks the checkers: thousands of histories that are right by construction, and the same with one thing wrong.
import * as assert from "uvu/assert";
import { seeded } from "../../shared/util/clock.ts";
import { suite } from "../kit/suite.ts";
import { callEdits, type Edit, logEdits } from "./edits.ts";
import { generate, type Sample, type Shape } from "./generate.ts";
import type { Call, GetCall, TxnCall } from "./history.ts";
import { checkHistory, linearize } from "./linearize.ts";
import { registersOf } from "./registers.ts";
import { watchEdits } from "./watch_edits.ts";
import { searchOrder } from "./wgl.ts";

const test = suite("the checkers", { timeoutMs: 120_000 });
const histories = 1_000;

test("right histories pass, with the log and, where nothing is hidden, without it", () => {
  let calls = 0, batches = 0, unknown = 0;
  for (let seed = 1; seed <= histories; seed++) {
    const isOpenBook = seed % 4 === 0, sample = generate(seed, { isOpenBook, unknown: seed % 3 === 0 ? 0.3 : 0.1 });
    assert.equal(checkHistory(sample.history, sample), [], `seed ${seed}`);
    if (isOpenBook) assert.equal(checkHistory(sample.history, { ...sample, committed: undefined }), [], `seed ${seed}, without the log`);
    calls += sample.history.calls.length;
    unknown += sample.history.calls.filter((call) => call.outcome.is === "unknown").length;
    for (const { streams } of sample.history.watches) for (const { deliveries } of streams) batches += deliveries.length;
  }
  console.log(
    `measured: ${histories} right histories pass: ${calls} calls, ${unknown} of unknown outcome, ${batches} batches and marks of watches`,
  );
});

test("the same with one thing wrong are rejected", () => {
  const edits = Object.entries({ ...callEdits, ...logEdits, ...watchEdits }), made = new Map(edits.map(([name]) => [name, 0]));
  const missed: string[] = [];
  for (let seed = 1; seed <= histories; seed++) {
    const sample = generate(seed), random = seeded(seed);
    // A dozen for each history, another dozen for the next.
    for (let i = 0; i < 12; i++) {
      const [name, edit] = edits[(seed * 12 + i) % edits.length]!, wrong = edit(sample, random);
      if (!wrong) continue;
      made.set(name, made.get(name)! + 1);
      if (checkHistory(wrong.history, wrong).length === 0) missed.push(`${name}, seed ${seed}`);
    }
  }
  const all = [...made.values()].reduce((sum, count) => sum + count), rejected = all - missed.length;
  assert.ok(Math.min(...made.values()) >= 20, JSON.stringify([...made]));
  assert.ok(rejected >= all * 0.99, missed.join("\n"));
  console.log(
    `measured: ${all} histories with one of ${edits.length} edits: ${rejected} rejected (${(100 * rejected / all).toFixed(2)} %)${
      missed.length > 0 ? `; not: ${missed.join("; ")}` : ""
    }`,
  );
});

// Registers: what linearize() sees by revisions, the search must find by values.

const registers: Partial<Shape> = { registers: true, keys: 3, watchers: 0, calls: 60 };
type DoneGet = GetCall & { readonly outcome: { readonly is: "done" } };
const isDoneGet = (call: Call): call is DoneGet => call.kind === "get" && call.outcome.is === "done";
const isWriteOf = (key: string) => (call: Call): call is TxnCall & { readonly outcome: { readonly is: "done" } } =>
  call.kind === "txn" && call.outcome.is === "done" && call.outcome.result.succeeded && call.transaction.then[0]?.key === key;

/** Reads that show by their value alone that something is wrong. */
const visible: Readonly<Record<string, Edit>> = {
  /** Of what one write had made, after another had replaced it: each had ended before the next was invoked, so that no order of equal right hides it. */
  "stale read"(sample, random) {
    const reads = sample.history.calls.filter(isDoneGet).flatMap((read) => {
      const writes = sample.history.calls.filter(isWriteOf(read.key)).filter((write) => write.completed < read.invoked);
      return writes.flatMap((write) => {
        const item = write.outcome.result.results[0];
        const maker = writes.find((other) => other.outcome.result.revision === item?.modRevision && other.completed < write.invoked);
        return item && maker ? [{ read, item, revision: write.outcome.result.revision - 1 }] : [];
      });
    });
    const chosen = reads[Math.floor(random() * reads.length)];
    return chosen && withRead(sample, chosen.read, chosen.item, chosen.revision);
  },
  "read from the future"(sample, random) {
    const reads = sample.history.calls.filter(isDoneGet).flatMap((read) =>
      sample.history.calls.filter(isWriteOf(read.key)).filter((write) => write.invoked > read.completed).map((write) => ({ read, write }))
    );
    const chosen = reads[Math.floor(random() * reads.length)], [put] = chosen?.write.transaction.then ?? [];
    if (!chosen || put?.do !== "put") return undefined;
    const { revision } = chosen.write.outcome.result;
    const item = { key: put.key, value: put.value, createRevision: revision, modRevision: revision, version: 1, lease: 0 };
    return withRead(sample, chosen.read, item, revision);
  },
  "lost update"(sample, random) {
    const reads = sample.history.calls.filter(isDoneGet).filter((read) => read.outcome.result.item);
    const read = reads[Math.floor(random() * reads.length)];
    return read &&
      withRead(
        sample,
        read,
        { ...read.outcome.result.item!, value: new TextEncoder().encode("never written") },
        read.outcome.result.revision,
      );
  },
};
function withRead(sample: Sample, read: DoneGet, item: DoneGet["outcome"]["result"]["item"], revision: number): Sample {
  const changed: GetCall = { ...read, outcome: { is: "done", result: { item, revision } } };
  return { ...sample, history: { ...sample.history, calls: sample.history.calls.map((call) => call === read ? changed : call) } };
}

test("the search agrees with linearize(), on right histories and on wrong ones", () => {
  let right = 0, wrong = 0, hidden = 0, steps = 0, most = 0;
  const plain = Object.entries(visible), others = Object.values(callEdits);
  for (let seed = 1; seed <= histories; seed++) {
    const sample = generate(seed, registers), random = seeded(seed), found = searchOrder(registersOf(sample.history.calls));
    assert.equal([linearize(sample.history, sample), found.verdict], [[], "ok"], `seed ${seed}`);
    right++;
    steps += found.steps;
    most = Math.max(most, found.steps);
    const [name, obvious] = plain[seed % plain.length]!;
    for (const edit of [obvious, others[seed % others.length]!]) {
      const edited = edit(sample, random);
      if (!edited) continue;
      const byRevision = linearize(edited.history, edited).length > 0, byValue = searchOrder(registersOf(edited.history.calls)).verdict;
      assert.ok(byRevision, `seed ${seed}`);
      if (edit === obvious) assert.is(byValue, "violation", `seed ${seed}: ${name}`);
      assert.is.not(byValue, "undecided");
      if (byValue === "violation") wrong++;
      // Its revisions are wrong, or other fields; its values alone could have come so, in another order.
      else hidden++;
    }
  }
  console.log(
    `measured: wgl.ts and linearize.ts agree on ${right} right histories and ${wrong} wrong ones; ${hidden} more are wrong in what only revisions show; ` +
      `${Math.round(steps / right)} steps for ${registers.calls} calls, at most ${most}`,
  );
});

test("unknown outcomes do not double the search each", () => {
  let steps = 0, unknown = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { history } = generate(seed, { ...registers, keys: 1, calls: 300 }), found = searchOrder(registersOf(history.calls), 100_000);
    assert.is(found.verdict, "ok", `seed ${seed}`);
    steps += found.steps;
    unknown += history.calls.filter((call) => call.outcome.is === "unknown").length;
  }
  console.log(
    `measured: ${Math.round(steps / 20)} steps for 300 calls of one key, of which ${Math.round(unknown / 20)} have an unknown outcome`,
  );
});

test("10,000 calls are checked in well under a second", () => {
  const sample = generate(1, { calls: 10_000, clients: 12, keys: 400 });
  const timed = (work: () => unknown): number => {
    const started = performance.now();
    work();
    return performance.now() - started;
  };
  const whole = timed(() => assert.equal(checkHistory(sample.history, sample), []));
  const callsAlone = timed(() => assert.equal(linearize(sample.history, sample), []));
  const plain = generate(1, { ...registers, calls: 10_000, clients: 12, keys: 100 });
  const calls = registersOf(plain.history.calls), search = timed(() => assert.is(searchOrder(calls).verdict, "ok"));
  assert.ok(Math.min(whole, callsAlone) < 1_000, `${whole} ms`);
  console.log(
    `measured: 10,000 calls: linearize() ${callsAlone.toFixed(0)} ms, with watches ${whole.toFixed(0)} ms; searchOrder() over 100 keys ${
      search.toFixed(0)
    } ms`,
  );
});
