import * as assert from "uvu/assert";
import { Reporter } from "../../../agent/link/reporter.ts";
import { reportFlushMs, reportRepeatMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import type { Report } from "../../../shared/wire/messages.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("Reporter", {
  setup() {
    const clock = new HandCrankedClock(), sent: Report[] = [];
    return { clock, sent, reporter: new Reporter(clock, (report) => void sent.push(report)) };
  },
});
const uids = (report: Report | undefined): string[] => report!.objs.map(({ uid }) => uid);

test("what is urgent goes out at once, the rest together a little later", ({ clock, sent, reporter }) => {
  reporter.connected(1);
  reporter.put({ uid: "a", state: { phase: "Pending" } }, false);
  reporter.put({ uid: "b", state: { phase: "Pending" } }, false);
  clock.advance(reportFlushMs - 1);
  assert.is(sent.length, 0);
  reporter.put({ uid: "c", state: { phase: "Running" } }, true);
  clock.advance(0);
  assert.equal(uids(sent[0]), ["a", "b", "c"]);
});

test("only the newest state of each object is said, however long the link was down", ({ clock, sent, reporter }) => {
  for (let i = 0; i < 1000; i++) reporter.put({ uid: "a", state: { restarts: i } }, true);
  assert.is(sent.length, 0);
  reporter.connected(1);
  clock.advance(0);
  assert.equal(sent.map((report) => report.objs.map(({ state }) => state)), [[{ restarts: 999 }]]);
});

test("everything is said again until it is acknowledged, and then not", ({ clock, sent, reporter }) => {
  reporter.connected(1);
  reporter.put({ uid: "a", state: {} }, true);
  clock.advance(0);
  clock.advance(reportRepeatMs);
  assert.equal(sent.map(uids), [["a"], ["a"]]);
  reporter.cumulative({ sess: 1, repSeq: 2, rebirth: false });
  clock.advance(10 * reportRepeatMs);
  assert.is(sent.length, 2);
});

test("a newer state than the acknowledged one is still said", ({ clock, sent, reporter }) => {
  reporter.connected(1);
  reporter.put({ uid: "a", state: { n: 1 } }, true);
  clock.advance(0);
  reporter.put({ uid: "a", state: { n: 2 } }, false); // not on its way yet when the acknowledgement of the first comes
  reporter.cumulative({ sess: 1, repSeq: 1, rebirth: false });
  clock.advance(reportFlushMs);
  assert.equal(sent.at(-1)!.objs.map(({ state }) => state), [{ n: 2 }]);
});

test("a new session says nothing that the cluster has, and all of it when asked", ({ clock, sent, reporter }) => {
  reporter.connected(1);
  reporter.put({ uid: "a", state: {} }, true);
  clock.advance(0);
  reporter.cumulative({ sess: 1, repSeq: 1, rebirth: false });
  reporter.disconnected();
  reporter.connected(2);
  clock.advance(reportRepeatMs * 3);
  assert.is(sent.length, 1);
  reporter.cumulative({ sess: 2, rebirth: true });
  assert.equal([sent[1]!.kind, uids(sent[1]), sent[1]!.sess], ["full", ["a"], 2]);
});

test("what was not acknowledged before the link went is said on the next session", ({ clock, sent, reporter }) => {
  reporter.connected(1);
  reporter.put({ uid: "a", state: {} }, true);
  clock.advance(0);
  reporter.disconnected();
  clock.advance(reportRepeatMs * 3);
  assert.is(sent.length, 1, "nothing without a link");
  reporter.connected(2);
  clock.advance(0);
  assert.equal(uids(sent[1]), ["a"]);
});

test("stateHash is equal for equal states, whenever they were seen", ({ clock, reporter }) => {
  reporter.put({ uid: "a", state: { n: 1 } }, false);
  const before = reporter.stateHash;
  clock.advance(5000);
  reporter.put({ uid: "a", state: { n: 1 } }, false);
  assert.is(reporter.stateHash, before);
  reporter.put({ uid: "a", state: { n: 2 } }, false);
  assert.is.not(reporter.stateHash, before);
});

test("large reports are cut into messages", ({ clock, sent, reporter }) => {
  reporter.connected(1);
  for (let i = 0; i < 10; i++) reporter.put({ uid: `p${i}`, state: { text: "x".repeat(9000) } }, false);
  clock.advance(reportFlushMs);
  assert.is(sent.length, 5);
  assert.equal(sent.map(({ last }) => last), [false, false, false, false, true]);
});
