import * as assert from "uvu/assert";
import { suite } from "../kit/suite.ts";
import { done, get, history, item, list, log, plain, put, refused, remove, swap, txn, unknown } from "./by_hand.ts";
import type { Call, Committed } from "./history.ts";
import { checkHistory, type Known, linearize } from "./linearize.ts";

const test = suite("linearize()");
/** The sentences, without the calls' numbers. */
const verdict = (calls: readonly Call[], known: Known = {}): string[] =>
  linearize(history(...calls), known).map((sentence) => sentence.replaceAll(/#\d+ /g, ""));

const first = item("/a", "1", 2), second = item("/a", "2", 3, 2, 2), third = item("/a", "3", 4, 2, 3);
const write1 = txn(1, [1, 2], plain(put("/a", "1")), done(2));
const write2 = txn(1, [3, 4], plain(put("/a", "2")), done(3, [first]));

test("a history in which all is well", () => {
  const calls = [
    write1,
    write2,
    txn(2, [1, 9], swap("/a", 3, "3"), done(4, [second])),
    txn(3, [10, 11], swap("/a", 3, "4"), done(4, [], false)),
    txn(3, [12, 13], plain(remove("/b")), done(4)),
    get(2, [10, 11], "/a", 4, third),
    get(3, [5, 9], "/a", 3, second),
    get(3, [5, 9], "/a", 4, third),
    get(3, [14, 15], "/a", 2, first, true),
    list(4, [20, 21], "/", 4, [third]),
    list(4, [20, 21], "/", 3, [second], { revision: 3 }),
    list(4, [20, 21], "/", 4, [], { after: "/a" }),
    txn(5, [22, 23], plain(put("/b", "1"), remove("/a")), done(5, [undefined, third])),
    list(4, [24, 25], "/", 5, [item("/b", "1", 5)], { limit: 1 }),
  ];
  assert.equal(verdict(calls), []);
  assert.equal(verdict(calls.toReversed()), [], "in whatever order they were recorded");
});

test("a stale read", () => {
  assert.equal(verdict([write1, write2, get(2, [5, 6], "/a", 2, first)]), [
    "get of client 2 [5–6] (/a) is stale: it shows revision 2, and before it was invoked " +
    'txn of client 1 [3–4] (put /a = "2") had shown revision 3 at 4',
  ]);
  assert.equal(verdict([write1, write2, get(2, [4, 6], "/a", 2, first)]), [], "of equal moments nobody knows which came first");
  assert.is(verdict([write1, write2, list(2, [5, 6], "/", 2, [first])]).length, 1, "a list, too");
  assert.is(verdict([write1, write2, txn(2, [5, 6], plain({ do: "get", key: "/a" }), done(2, [first]))]).length, 1, "a transaction, too");
});

test("reads that go back in time, one after the other", () => {
  const slow = txn(1, [3, 20], plain(put("/a", "2")), done(3, [first]));
  assert.equal(verdict([write1, slow, get(2, [5, 6], "/a", 3, second), get(3, [7, 8], "/a", 2, first)]).length, 1);
  assert.equal(verdict([write1, slow, get(2, [5, 6], "/a", 2, first), get(3, [7, 8], "/a", 3, second)]), []);
});

test("a read of the wrong state", () => {
  assert.equal(verdict([write1, write2, get(2, [5, 6], "/a", 3, first)]), [
    'get of client 2 [5–6] (/a) found /a = "1" (modRevision 2, createRevision 2, version 1, lease 0) at revision 3, ' +
    'where there was /a = "2" (modRevision 3, createRevision 2, version 2, lease 0)',
  ]);
  assert.is(verdict([write1, write2, get(2, [5, 6], "/a", 2, second, true)]).length, 1, "also of a serializable one");
});

test("a read from the future", () => {
  assert.equal(verdict([write1, get(2, [3, 4], "/a", 3, second), txn(1, [5, 6], plain(put("/a", "2")), done(3, [first]))]), [
    'txn of client 1 [5–6] (put /a = "2") wrote revision 3, and before it was invoked get of client 2 [3–4] (/a) had shown revision 3 at 4',
  ]);
  assert.equal(verdict([write1, get(2, [3, 4], "/a", 3, second)], { committed: log(plain(put("/a", "1"))) }), [
    "get of client 2 [3–4] (/a) shows revision 3, which nobody wrote: the newest is 2",
  ]);
});

test("a dirty read: of what was refused, and of what is not committed yet", () => {
  const no = txn(1, [3, 4], plain(put("/a", "2")), refused), committed = log(plain(put("/a", "1")));
  assert.is(verdict([write1, no, get(2, [3, 6], "/a", 2, item("/a", "2", 2))], { committed }).length, 1);
  assert.is(verdict([write1, no, get(2, [3, 6], "/a", 3, second)], { committed }).length, 1);
  const timed = [{ revision: 2, transaction: plain(put("/a", "1")), at: 5 }];
  assert.equal(verdict([txn(1, [1, 9], plain(put("/a", "1")), done(2)), get(2, [3, 4], "/a", 2, first)], { committed: timed }), [
    "get of client 2 [3–4] (/a) had shown revision 2 at 4, and it was committed at 5",
  ]);
});

test("a lost update: two compare-and-puts from one revision", () => {
  const one = txn(1, [3, 4], swap("/a", 2, "2"), done(3, [first])), two = txn(2, [3, 4], swap("/a", 2, "3"), done(4, [first]));
  assert.equal(verdict([write1, one, two]), [
    'txn of client 2 [3–4] (if /a.modRevision = 2 then put /a = "3") succeeded, and its compares say the opposite',
    'Revision 4 was given to txn of client 2 [3–4] (if /a.modRevision = 2 then put /a = "3"), which writes nothing there',
  ]);
});

test("a write acknowledged and lost", () => {
  assert.equal(verdict([write1, write2], { committed: log(plain(put("/a", "1"))) }), [
    'txn of client 1 [3–4] (put /a = "2") was acknowledged at revision 3, and the log does not have it: its last revision is 2',
  ]);
  assert.equal(verdict([write1, write2], { committed: log(plain(put("/a", "1")), plain(put("/b", "other"))) }), [
    'The log has at revision 3 what nobody asked for: put /b = "other"',
    'txn of client 1 [3–4] (put /a = "2") was acknowledged at revision 3, and the log does not have it: there put /b = "other"',
  ]);
});

test("a write made twice", () => {
  const twice = log(plain(put("/a", "1")), plain(put("/a", "2")), plain(put("/a", "2")));
  assert.equal(verdict([write1, write2], { committed: twice }), [
    'The log has txn of client 1 [3–4] (put /a = "2") twice: at revision 3 and at 4',
  ]);
  assert.is(verdict([write1, write2, get(2, [5, 6], "/a", 4, item("/a", "2", 4, 2, 3))]).length, 1, "also seen without a log");
  const lost = txn(1, [3, 4], plain(put("/a", "2")), unknown);
  assert.is(verdict([write1, lost], { committed: twice }).length, 1, "also if its outcome is unknown");
  const named = twice.map((entry, at): Committed => ({ ...entry, by: at === 0 ? write1.id : lost.id }));
  assert.is(verdict([write1, lost], { committed: named }).length, 1, "also if the log names it");
});

test("a write refused and made", () => {
  const no = txn(1, [3, 4], plain(put("/a", "2")), refused);
  assert.equal(verdict([write1, no], { committed: log(plain(put("/a", "1")), plain(put("/a", "2"))) }), [
    'txn of client 1 [3–4] (put /a = "2") was refused (NotLeader), and the log has it at revision 3',
  ]);
});

test("a log that has another transaction for a call", () => {
  const committed = [{ revision: 2, transaction: plain(put("/a", "1"), { do: "get", key: "/b" }), by: write1.id }];
  assert.equal(verdict([{ ...write1, outcome: unknown }], { committed }), [
    'The log has at revision 2 for txn of client 1 [1–…] (put /a = "1") another transaction: put /a = "1", get /b',
  ]);
  assert.is(verdict([], { committed: [{ ...committed[0]!, by: -1 }] }).length, 1, "or one for a call that nobody made");
});

test("revisions that are not one each", () => {
  assert.is(verdict([write1, txn(2, [3, 4], plain(put("/b", "1")), done(2))]).length, 1, "one for two");
  assert.equal(verdict([write1, txn(2, [3, 4], plain(put("/b", "1")), done(4))]), [
    "1 revisions up to 4 were acknowledged to nobody, and only 0 writes have an unknown outcome",
  ]);
  assert.is(verdict([write2, txn(2, [5, 6], plain(put("/a", "1")), done(2))]).length, 1, "back in time");
  const committed = [{ revision: 2, transaction: plain(put("/a", "1")) }, { revision: 4, transaction: plain(put("/b", "1")) }];
  assert.is(
    verdict([write1], { committed: committed.map((entry) => ({ ...entry, by: "other" as const })) })[0],
    "The log goes from revision 2 to 4",
  );
});

test("a write that gets a revision from before its invocation", () => {
  const early = txn(2, [3, 4], plain(put("/b", "1")), done(2)), late = txn(1, [1, 2], plain(put("/c", "1")), done(3));
  assert.equal(verdict([early, late]), [
    'txn of client 2 [3–4] (put /b = "1") wrote revision 2, and before it was invoked ' +
    'txn of client 1 [1–2] (put /c = "1") had shown revision 3 at 2',
  ]);
});

test("wrong results: what was replaced, versions, revisions of creation", () => {
  for (const wrong of [undefined, item("/a", "1", 2, 2, 2), item("/a", "1", 2, 1), item("/a", "x", 2), { ...first, lease: 1 }]) {
    assert.is(verdict([write1, txn(1, [3, 4], plain(put("/a", "2")), done(3, [wrong]))]).length, 1);
  }
  assert.is(verdict([write1, txn(1, [3, 4], plain(put("/a", "2")), done(3, []))]).length, 1, "results left out");
});

test("a transaction that should have written, and one that should not", () => {
  assert.equal(verdict([write1, txn(2, [3, 4], plain(remove("/a")), done(2))]), [
    "txn of client 2 [3–4] (delete /a) was acknowledged at revision 2 as if it wrote nothing, and would have written",
  ]);
  assert.equal(verdict([write1, txn(2, [3, 4], plain(remove("/b")), done(3, [item("/b", "x", 2)]))]), [
    'txn of client 2 [3–4] (delete /b) found /b = "x" (modRevision 2, createRevision 2, version 1, lease 0) where there was nothing',
    "Revision 3 was given to txn of client 2 [3–4] (delete /b), which writes nothing there",
  ]);
});

test("wrong lists: an item too few, one too many, out of order, a wrong count", () => {
  const b = item("/b", "1", 3), calls = [write1, txn(1, [3, 4], plain(put("/b", "1")), done(3))];
  const listed = (items: typeof b[], options = {}, remaining = 0): number =>
    verdict([...calls, list(2, [5, 6], "/", 3, items, options, remaining)]).length;
  assert.is(listed([first, b]), 0);
  assert.equal([listed([first]), listed([first, b, b]), listed([b, first]), listed([first, b], {}, 1)], [1, 1, 1, 1]);
  assert.equal([
    listed([first], { limit: 1 }, 1),
    listed([first], { limit: 1 }),
    listed([b], { after: "/a" }),
    listed([b], { after: "/b" }),
  ], [0, 1, 0, 1]);
  assert.is(listed([first, b], { revision: 2 }), 1, "of another revision than asked");
});

test("lists that are refused wrongly", () => {
  const no = (reason: "Future" | "Compacted", revision: number, wanted: number): Call => ({
    ...list(2, [5, 6], "/", 0, [], { revision: wanted }),
    outcome: { is: "refused", reason, revision },
  });
  assert.equal(verdict([write1, write2, no("Future", 3, 4)]), []);
  assert.is(verdict([write1, write2, no("Future", 3, 3)]).length, 1, "it was there");
  assert.is(verdict([write1, write2, no("Future", 2, 3)]).length, 1, "it was there, and the member did not ask");
  assert.equal(verdict([write1, write2, no("Compacted", 3, 2)], { compactions: [{ revision: 3, at: 4 }] }), []);
  assert.is(verdict([write1, write2, no("Compacted", 3, 3)]).length, 1, "the compact revision itself can be read");
  assert.is(
    verdict([write1, write2, no("Compacted", 3, 2)], { compactions: [{ revision: 2, at: 4 }] }).length,
    1,
    "nobody compacted there",
  );
  assert.is(
    verdict([write1, write2, no("Compacted", 3, 2)], { compactions: [{ revision: 3, at: 7 }] }).length,
    1,
    "nobody had compacted there",
  );
});

test("log time that runs backwards", () => {
  const back = { ...write2, outcome: { is: "done" as const, result: { ...done(3, [first]).result, time: 1 } } };
  assert.equal(verdict([write1, back]), ["Revision 3 has log time 1, and an entry before it has 2"]);
  const read = txn(3, [5, 6], plain({ do: "get", key: "/a" }), { is: "done", result: { ...done(3, [second]).result, time: 2 } });
  assert.is(verdict([write1, write2, read]).length, 1, "also for who only reads");
  const late = txn(3, [1, 3], plain({ do: "get", key: "/a" }), { is: "done", result: { ...done(2, [first]).result, time: 4 } });
  assert.equal(verdict([write1, late, write2]), ["Revision 3 has log time 3, and an entry before it has 4"]);
  const committed = [{ revision: 2, transaction: plain(put("/a", "1")), result: { ...done(2).result, time: 1 } }];
  assert.equal(verdict([write1], { committed }), ['txn of client 1 [1–2] (put /a = "1") was told log time 2, and the log has 1']);
});

test("an unknown outcome may have happened, late, or not at all", () => {
  const lost = txn(1, [3, 4], plain(put("/a", "2")), unknown), known = [write1, lost];
  const read1 = get(2, [9, 10], "/a", 2, first), read2 = get(2, [11, 12], "/a", 3, second);
  assert.equal(verdict([...known, read1]), []);
  assert.equal(verdict([...known, read1, read2]), [], "nobody passes the log: what was read tells");
  assert.equal(verdict([...known, read1, read2], { committed: log(plain(put("/a", "1")), plain(put("/a", "2"))) }), []);
  assert.is(verdict([...known, read2, get(2, [13, 14], "/a", 2, first)]).length, 1, "but once it has happened it stays");
  assert.is(verdict([write1, get(2, [1, 2], "/a", 3, second), lost]).length, 1, "and not before it was asked for");
  const twice = [
    get(2, [9, 10], "/a", 3, second),
    get(2, [11, 12], "/a", 4, item("/a", "2", 4, 2, 3)),
    txn(3, [3, 4], plain(put("/c", "1")), unknown),
  ];
  assert.is(verdict([...known, ...twice]).length, 1, "and once only");
  const hidden = txn(3, [3, 4], plain(put("/c", "1")), unknown);
  assert.equal(
    verdict([...known, hidden, get(2, [11, 12], "/a", 4, item("/a", "2", 4, 2, 2))]),
    [],
    "the other one was revision 3: only it remains",
  );
  const unseen = txn(3, [13, 14], plain(put("/c", "1")), done(5)), other = txn(3, [11, 12], plain(put("/b", "1")), unknown);
  assert.equal(verdict([...known, other, unseen]), ["Nothing tells who wrote revision 3, and nobody saw it: pass the committed log"]);
});

test("of equal unknown writes, as many have happened as the log has", () => {
  const erase = (client: number, at: number): Call => txn(client, [at, at + 1], plain(remove("/a")), unknown);
  const committed = log(plain(put("/a", "1")), plain(remove("/a")), plain(put("/a", "2")), plain(remove("/a")));
  const again = txn(1, [5, 6], plain(put("/a", "2")), done(4));
  assert.equal(verdict([write1, erase(2, 3), again, erase(3, 7)], { committed }), []);
  assert.is(verdict([write1, erase(2, 3), again], { committed }).length, 1);
  assert.is(verdict([write1, again, erase(2, 7), erase(3, 7)], { committed }).length, 1, "the first of them comes too late for revision 3");
});

test("a history that does not begin with an empty store", () => {
  const initial = { revision: 7, items: [item("/a", "0", 5, 3, 2)] };
  const write = txn(1, [1, 2], plain(put("/a", "1")), done(8, initial.items));
  assert.equal(verdict([write, get(2, [1, 4], "/a", 7, initial.items[0])], { initial }), []);
  assert.is(
    verdict([write, get(2, [1, 4], "/a", 6, initial.items[0], true)], { initial }).length,
    1,
    "nothing is known of what was before",
  );
});

test("what a watch has delivered, a later read must show", () => {
  const calls = [write1, txn(1, [3, 20], plain(put("/a", "2")), done(3, [first])), get(2, [7, 8], "/a", 2, first)];
  const deliveries = [{ at: 5, batch: { revision: 3, events: [{ type: "put" as const, key: "/a", current: second, previous: first }] } }];
  const watches = [{ client: 3, prefix: "/", streams: [{ from: 3, opened: 1, deliveries, end: { is: "open" as const } }] }];
  assert.equal(linearize({ calls, watches: [] }), []);
  assert.is(checkHistory({ calls, watches }).length, 1);
});
