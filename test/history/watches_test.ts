import * as assert from "uvu/assert";
import { suite } from "../kit/suite.ts";
import { batch, changed, created, deleted, item, plain, put, remove, stream, watch } from "./by_hand.ts";
import type { Watch } from "./history.ts";
import { checkWatches, eventLog, type WatchKnowledge } from "./watches.ts";

const test = suite("checkWatches()");

// Revision 2: /a = 1, 3: /b = 1, 4: /a = 2 and /c = 1, 5: /b deleted, 6: /a = 3; each was committed at ten times its revision.
const log = eventLog(
  [
    plain(put("/a", "1")),
    plain(put("/b", "1")),
    plain(put("/a", "2"), { do: "get", key: "/b" }, put("/c", "1")),
    plain(remove("/nothing")),
    plain(remove("/b")),
    plain(put("/a", "3")),
  ].map((transaction, at) => ({ transaction, at: at < 3 ? 20 + 10 * at : 10 + 10 * at })),
);
const [a1, a2, a3, b1] = [item("/a", "1", 2), item("/a", "2", 4, 2, 2), item("/a", "3", 6, 2, 3), item("/b", "1", 3)];
const two = batch(20, 2, created(a1)),
  three = batch(30, 3, created(b1)),
  five = batch(50, 5, deleted(b1, 5)),
  six = batch(60, 6, changed(a2, a3));
const four = batch(40, 4, changed(a1, a2), created(item("/c", "1", 4)));
const verdict = (one: Watch, known: WatchKnowledge = {}): string[] =>
  checkWatches([one], log, known).map((sentence) => sentence.replace("The watch of client 9 on ", ""));

test("watches in which all is well", () => {
  assert.equal(verdict(watch("/", stream(2, [two, three, four, five, six])), { caughtUp: 6 }), []);
  assert.equal(verdict(watch("/", stream(4, [batch(35, 3), four, batch(45, 4), five, batch(55, 5), six, batch(70, 6)]))), []);
  assert.equal(verdict(watch("/b", stream(2, [batch(20, 2), three, batch(49, 4), five, batch(65, 6)])), { caughtUp: 6 }), []);
  assert.equal(verdict(watch("/c", stream(2, [batch(90, 4, created(item("/c", "1", 4)))]))), []);
  assert.equal(verdict(watch("/", stream(9, [])), { caughtUp: 6 }), [], "from the future");
  assert.equal(verdict(watch("/", stream(2, [two], { end: { is: "cut" } }), stream(3, [three, four, five, six])), { caughtUp: 6 }), []);
  assert.equal(
    verdict(watch("/a", stream(2, [two, batch(45, 3)], { end: { is: "cut" } }), stream(4, [batch(47, 4, changed(a1, a2))]))),
    [],
  );
});

test("a gap", () => {
  assert.equal(verdict(watch("/", stream(2, [two, four]))), ['"/" from 2 delivers revision 4, and has left out 3']);
  assert.equal(verdict(watch("/", stream(2, [three]))), ['"/" from 2 delivers revision 3, and has left out 2']);
});

test("the end of a watch that goes on, missing", () => {
  assert.equal(verdict(watch("/", stream(2, [two, three]))), [], "it may be under way");
  assert.equal(verdict(watch("/", stream(2, [two, three])), { caughtUp: 6 }), [
    '"/" from 2 still runs, and has never delivered revision 4',
  ]);
  assert.equal(verdict(watch("/", stream(2, [two, three], { end: { is: "cut" } })), { caughtUp: 6 }), []);
  assert.equal(verdict(watch("/", stream(2, [two, three]), stream(4, [four, five, six])), { caughtUp: 6 }), [], "the next one has it");
  assert.equal(verdict(watch("/", stream(2, [])), { caughtUp: 3 }), ['"/" from 2 still runs, and has never delivered revision 2']);
});

test("a batch delivered twice, or out of order", () => {
  assert.equal(verdict(watch("/", stream(2, [two, two, three]))), ['"/" from 2 delivers revision 2, and had told everything up to 2']);
  assert.equal(verdict(watch("/", stream(2, [two, three, four, { ...three, at: 45 }]))).length, 1);
  assert.equal(verdict(watch("/", stream(2, [two, { ...four, at: 45 }, { ...three, at: 46 }]))), [
    '"/" from 2 delivers revision 4, and has left out 3',
    '"/" from 2 delivers revision 3, and had told everything up to 4',
  ]);
  assert.equal(verdict(watch("/", stream(4, [three, four]))), ['"/" from 4 delivers revision 3'], "before its start");
});

test("batches that are recorded out of order", () => {
  assert.equal(verdict(watch("/", stream(2, [{ ...two, at: 39 }, three]))), [
    '"/" from 2 has revision 3 recorded at 30, behind what came at 39',
  ]);
  assert.is(verdict(watch("/", stream(2, [two], { opened: 25 }))).length, 1, "or before it was opened");
});

test("a revision split in two, or two in one batch", () => {
  const [one, other] = four.batch.events;
  assert.equal(verdict(watch("/", stream(4, [batch(40, 4, one!), batch(40, 4, other!)]))), [
    '"/" from 4 delivers 1 events of revision 4, which has 2',
    '"/" from 4 delivers revision 4, and had told everything up to 4',
  ]);
  assert.is(verdict(watch("/", stream(2, [batch(30, 3, ...two.batch.events, ...three.batch.events)]))).length, 2);
  assert.is(verdict(watch("/", stream(4, [batch(40, 4, other!, one!)]))).length, 2, "or its events in another order");
});

test("events that are not what happened", () => {
  const wrong = [
    created({ ...b1, value: two.batch.events[0]!.current.value.slice(1) }),
    created({ ...b1, version: 2 }),
    created({ ...b1, modRevision: 2 }),
    created(item("/x", "1", 3)),
    { ...created(b1), type: "delete" as const },
    changed(b1, b1),
  ];
  for (const event of wrong) assert.is(verdict(watch("/", stream(3, [batch(30, 3, event)]))).length, 1);
  assert.is(verdict(watch("/a", stream(4, [four]))).length, 1, "events of other keys than asked");
});

test("wrong previous items", () => {
  const [six_] = six.batch.events, { previous: _, ...without } = six_!;
  assert.is(verdict(watch("/", stream(6, [batch(60, 6, { ...six_!, previous: a1 })]))).length, 1);
  assert.is(verdict(watch("/", stream(6, [batch(60, 6, without)]))).length, 1);
  assert.equal(
    verdict(watch("/", stream(6, [batch(60, 6, without)])), { compactions: [{ revision: 6, at: 55 }] }),
    [],
    "history may not have it",
  );
  assert.is(
    verdict(watch("/", stream(6, [batch(60, 6, without)])), { compactions: [{ revision: 5, at: 55 }] }).length,
    1,
    "it must have it",
  );
  assert.is(
    verdict(watch("/", stream(6, [batch(60, 6, without)])), { compactions: [{ revision: 6, at: 65 }] }).length,
    1,
    "it had it then",
  );
  const lie = stream(6, [batch(60, 6, { ...six_!, previous: a1 })]);
  assert.is(verdict(watch("/", lie), { compactions: [{ revision: 6, at: 55 }] }).length, 1, "gone is not another");
});

test("marks that are not true", () => {
  assert.equal(verdict(watch("/", stream(2, [two, batch(35, 3), { ...three, at: 36 }]))), [
    '"/" from 2 marks progress at 3, and has not delivered 3',
    '"/" from 2 delivers revision 3, and had told everything up to 3',
  ]);
  assert.is(verdict(watch("/", stream(2, [two, three, batch(36, 2)]))).length, 1, "back in time");
  assert.equal(verdict(watch("/", stream(4, [batch(36, 2)]))), ['"/" from 4 marks progress at 2, before its start']);
  assert.is(verdict(watch("/c", stream(5, [batch(90, 7)]))).length, 1, "nobody wrote that");
});

test("from the future: what is not written, or not committed yet", () => {
  assert.is(
    verdict(watch("/", stream(7, [batch(90, 7, created(item("/d", "1", 7)))])))[0],
    '"/" from 7 tells revision 7, which nobody wrote',
  );
  assert.equal(verdict(watch("/", stream(2, [{ ...two, at: 19 }]))), ['"/" from 2 tells revision 2 at 19, and it was committed at 20']);
  assert.equal(verdict(watch("/c", stream(5, [batch(59, 6)]))), ['"/c" from 5 tells revision 6 at 59, and it was committed at 60']);
});

test("a resumption that leaves something out, or not", () => {
  const begun = stream(2, [two, three], { end: { is: "cut" } });
  assert.equal(verdict(watch("/", begun, stream(5, [five]))), [
    '"/" from 5 leaves out what lies behind 3, where the one before it stopped',
  ]);
  assert.equal(verdict(watch("/", begun, stream(3, [{ ...three, at: 45 }, { ...four, at: 46 }]))), [], "who asks again gets it again");
  const gone = stream(2, [two], { end: { is: "compacted", at: 45, revision: 4 } });
  assert.equal(verdict(watch("/", gone, stream(5, [five]))), [], "behind Compacted it begins anywhere");
});

test("Compacted where nothing was given up, and nothing where it was", () => {
  const known = { compactions: [{ revision: 3, at: 41 }] };
  const ends = (from: number, revision: number, at: number, ...deliveries: (typeof two)[]) =>
    verdict(watch("/", stream(from, deliveries, { end: { is: "compacted", at, revision } })), known);
  assert.equal(ends(2, 3, 45), []);
  assert.equal(ends(3, 3, 45), []);
  assert.equal(ends(2, 3, 45, two), [], "overtaken");
  assert.equal(ends(4, 3, 45), ['"/" from 4 ended as compacted at 3, and had already told everything before 4']);
  assert.equal(ends(2, 3, 45, two, three), ['"/" from 2 ended as compacted at 3, and had already told everything before 4']);
  assert.is(ends(2, 4, 45).length, 1, "nobody compacted there");
  assert.is(ends(2, 3, 40).length, 1, "nobody had compacted there");
  assert.equal(verdict(watch("/", stream(3, [three], { compactedAtOpen: 3 }))), [
    '"/" from 3 delivers revision 3, and everything up to 3 was compacted when it opened',
  ]);
  assert.equal(verdict(watch("/", stream(4, [four], { compactedAtOpen: 3 }))), []);
});
