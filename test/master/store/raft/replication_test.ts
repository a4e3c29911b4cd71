// How the log gets to the others, and what of it is committed: the rules of the paper, one by one, and the bugs that others had.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { Progress } from "../../../../master/store/raft/progress.ts";
import { voters } from "../../../kit/raft_cluster.ts";
import { suite } from "../../../kit/suite.ts";
import { append, Desk, entry } from "./desk.ts";

const test = suite("raft: replication");

test("R12 §5.3 success only for entries that are on disk", () => {
  const desk = new Desk().hear(2, 1, append(0, 0, [entry(1, 1), entry(2, 1)], 2)).take();
  assert.equal([desk.sent("AppendResponse"), desk.applied], [[], []]);
  desk.finish();
  assert.equal(desk.sent("AppendResponse").map(({ index }) => index), [2]);
  assert.equal(desk.applied.map(({ index }) => index), [1, 2]);
});

test("R11 §5.3 entries that contradict the leader's go, and repetitions and prefixes remove nothing", () => {
  const desk = new Desk({ entries: [entry(1, 1), entry(2, 1), entry(3, 2)], hardState: { term: 2 } });
  desk.hear(2, 2, append(0, 0, [entry(1, 1)])).hear(2, 2, append(1, 1, [entry(2, 1)])).finish();
  assert.equal([desk.raft.lastIndex, desk.append], [3, undefined]);
  desk.hear(2, 3, append(1, 1, [entry(2, 3)])).take();
  assert.equal([desk.append!.truncate, desk.append!.entries.map(({ index, term }) => [index, term])], [{ index: 1, term: 1 }, [[2, 3]]]);
  assert.is(desk.raft.lastIndex, 2);
});

test("R10 §5.3 a refusal says where the logs may agree, and the leader goes there at once", () => {
  const follower = new Desk({ entries: [entry(1, 1), entry(2, 2), entry(3, 2), entry(4, 2)], hardState: { term: 2 } });
  follower.hear(2, 5, append(4, 4, [entry(5, 5)])).finish();
  assert.equal(follower.sent("AppendResponse").map(({ index, hint }) => [index, hint]), [[4, { index: 4, term: 2 }]]);
  const leader = new Desk({ entries: [1, 1, 3, 4].map((term, at) => entry(at + 1, term)), hardState: { term: 4 } }).lead();
  leader.sent("Append");
  leader.hear(2, leader.raft.term, { type: "AppendResponse", index: 4, hint: { index: 4, term: 2 } }).take();
  const [probe] = leader.sent("Append");
  assert.equal([probe!.previousIndex, probe!.previousTerm], [2, 1], "below all of the leader's terms that the follower cannot have");
});

test("R13 Fig. 2 commits no further than the message covered", () => {
  const desk = new Desk({ entries: [entry(1, 1), entry(2, 1), entry(3, 1)], hardState: { term: 1 } });
  desk.hear(2, 2, append(1, 1, [], 3)).finish();
  assert.is(desk.raft.commitIndex, 1);
});

test("R14 §5.4.2 entries of older terms are not committed by counting (Fig. 8)", () => {
  const desk = new Desk({ entries: [entry(1, 1), entry(2, 2)], hardState: { term: 3 } }).lead();
  desk.hear(2, desk.raft.term, { type: "AppendResponse", index: 2 }).finish();
  assert.is(desk.raft.commitIndex, 0);
  desk.hear(2, desk.raft.term, { type: "AppendResponse", index: 3 }).finish();
  assert.is(desk.raft.commitIndex, 3);
});

test("R16 thesis §10.2.1 a leader sends beside its own write, and counts itself only after it", () => {
  const desk = new Desk().leadFirmly().propose("a").take();
  const last = desk.raft.lastIndex;
  assert.equal(desk.sent("Append").filter(({ to }) => to === 2).map(({ entries }) => entries.map(({ index }) => index)), [[last]]);
  desk.hear(2, desk.raft.term, { type: "AppendResponse", index: last }).take();
  assert.is(desk.raft.commitIndex, last - 1, "one of three has it on disk");
  desk.finish();
  assert.is(desk.raft.commitIndex, last);
});

test("what is proposed together travels together, and goes into the next write while one is under way", () => {
  const desk = new Desk().leadFirmly();
  desk.propose("a").propose("b").take();
  assert.equal(desk.append!.entries.length, 2);
  assert.equal(desk.sent("Append").filter(({ to }) => to === 2).map(({ entries }) => entries.length), [2]);
  const first = desk.append!;
  desk.propose("c").propose("d").take();
  assert.ok(desk.append === first, "one write at a time");
  desk.append = undefined;
  desk.raft.appendDone(first.token);
  desk.take();
  assert.equal(desk.append!.entries.length, 2);
});

test("R12 a completion that a truncation overtook says nothing about the entries that came instead", () => {
  const desk = new Desk().hear(2, 1, append(0, 0, [entry(1, 1), entry(2, 1)])).take();
  const slow = desk.append!;
  desk.hear(3, 2, append(1, 1, [entry(2, 2)], 2)).take();
  desk.raft.appendDone(slow.token);
  desk.append = undefined;
  desk.take();
  assert.equal(desk.applied.map(({ index }) => index), [1], "what was not cut away is on disk; entry 2 of term 2 is not yet");
  desk.finish();
  assert.equal(desk.applied.map(({ term }) => term), [1, 2]);
});

test("R12 nothing that was not durable in a term is promised to its leader in the next", () => {
  const desk = new Desk().hear(2, 1, append(0, 0, [entry(1, 1)])).take().hear(2, 1, append(1, 1, [entry(2, 1)])).take();
  desk.hear(3, 2, append(1, 1, [entry(2, 2)])).finish();
  assert.equal(desk.sent("AppendResponse").map(({ to, term, index }) => [to, term, index]), [[2, 1, 1], [3, 2, 2]]);
});

test("R17 the pipeline to a member is bounded, and a lost message does not close it for good", () => {
  const desk = new Desk({ appendBytes: 1 }).leadFirmly();
  for (let at = 0; at < 300; at++) desk.propose(`${at}`).take();
  assert.is(desk.sent("Append").filter(({ to }) => to === 2).length, 256);
  desk.hear(2, desk.raft.term, { type: "HeartbeatResponse", round: 0 }).take();
  assert.is(desk.sent("Append").filter(({ to }) => to === 2).length, 1);
});

test("R17 what fills no message waits while another is unanswered, and goes with what has come meanwhile", () => {
  const desk = new Desk().leadFirmly(),
    { term } = desk.raft,
    texts = () =>
      desk.sent("Append").filter(({ to }) => to === 2).map(({ entries }) => entries.map(({ payload }) => `${payload}`).join(" "));
  for (const id of [2, 3]) desk.hear(id, term, { type: "AppendResponse", index: 1 }).take();
  desk.sent("Append");
  for (const text of ["a", "b", "c"]) desk.propose(text).take();
  assert.equal(texts(), ["a"]);
  desk.hear(2, term, { type: "HeartbeatResponse", round: 0 }).take();
  assert.equal(texts(), [""], "was it lost? Who lacks it refuses this one");
  desk.hear(2, term, { type: "AppendResponse", index: 2 }).take();
  assert.equal(texts(), ["b c"]);
  desk.propose("x".repeat(2 ** 20)).take();
  assert.equal(texts().length, 1, "full ones need not wait");
});

test("R13 who holds all that is committed is told so once, and owes no answer", () => {
  const desk = new Desk().leadFirmly(), { term } = desk.raft;
  for (const id of [2, 3]) desk.hear(id, term, { type: "AppendResponse", index: 1 }).finish();
  desk.out = [];
  desk.propose("a").finish();
  desk.hear(2, term, { type: "AppendResponse", index: 2 }).take();
  assert.equal(desk.sent("Committed").map(({ to, index, entryTerm }) => [to, index, entryTerm]), [[2, 2, term]], "3 owes an answer");
  desk.hear(3, term, { type: "AppendResponse", index: 2 }).take();
  desk.hear(3, term, { type: "AppendResponse", index: 2 }).take();
  assert.equal(desk.sent("Committed").map(({ to }) => to), [3]);
  assert.equal(desk.sent("Append").filter(({ entries }) => entries.length === 0), []);
});

test("R13 a heartbeat never commits what its receiver is not known to hold", () => {
  const desk = new Desk().leadFirmly();
  desk.tick(1);
  assert.equal(desk.sent("Heartbeat").map(({ to, commit }) => [to, commit]), [[2, 1], [3, 0]]);
});

test("R1 a leader of an old term learns that it is over", () => {
  const desk = new Desk({ hardState: { term: 7 } }).hear(2, 5, append(0, 0, [])).finish();
  assert.equal(desk.sent("AppendResponse").map(({ term }) => term), [7]);
  const old = new Desk().leadFirmly().hear(2, 9, { type: "AppendResponse", index: 0, hint: { index: 0, term: 0 } });
  assert.equal([old.raft.role, old.raft.term], ["follower", 9]);
});

test("R18 §7 a snapshot replaces a log that contradicts it, whole; and leaves what is behind an entry that fits", () => {
  const meta = { index: 3, term: 2, conf: voters([1, 2, 3]) };
  const contradicting = new Desk({ entries: [1, 1, 1, 1, 1].map((term, at) => entry(at + 1, term)), hardState: { term: 2 } });
  contradicting.hear(2, 2, { type: "Snapshot", snapshot: meta }).take();
  contradicting.raft.snapshotInstalled(meta);
  assert.equal([contradicting.raft.firstIndex, contradicting.raft.lastIndex, contradicting.raft.appliedIndex], [4, 3, 3]);
  const fitting = new Desk({ entries: [1, 1, 2, 2, 2].map((term, at) => entry(at + 1, term)), hardState: { term: 2 } });
  fitting.hear(2, 2, { type: "Snapshot", snapshot: meta }).take();
  fitting.raft.snapshotInstalled(meta);
  assert.equal([fitting.raft.firstIndex, fitting.raft.lastIndex, fitting.raft.commitIndex], [4, 5, 3]);
});

test("R19 §7 an old snapshot is answered with what is there", () => {
  const desk = new Desk({ entries: [entry(1, 1), entry(2, 1)], hardState: { term: 1, commit: 2 } }).finish();
  desk.hear(2, 1, { type: "Snapshot", snapshot: { index: 1, term: 1, conf: voters([1, 2, 3]) } }).finish();
  assert.equal(desk.sent("AppendResponse").map(({ index }) => index), [2]);
});

test("proposals beyond the bound of uncommitted bytes are refused", () => {
  const desk = new Desk().leadFirmly(), payload = Buffer.alloc(4 * 1024 * 1024);
  const refusals = Array.from({ length: 17 }, () => desk.raft.propose({ type: "command", time: 0, proposer: 0, sequence: 0, payload }));
  assert.equal([refusals[0], refusals[14], refusals[16]], [undefined, undefined, "Overloaded"]);
});

test("a follower forwards proposals to the leader, and refuses them without one", () => {
  const desk = new Desk();
  assert.is(desk.raft.propose({ type: "command", time: 0, proposer: 0, sequence: 0, payload: Buffer.from("a") }), "NotLeader");
  desk.hear(2, 1, { type: "Heartbeat", commit: 0, round: 0 }).finish().propose("a").take();
  assert.equal(desk.sent("Propose").map(({ to }) => to), [2]);
});

test("§5.3 a pipeline that arrived in disorder is sent again once, not once for each refusal", () => {
  const progress = new Progress(1);
  progress.become("replicate");
  for (let index = 1; index <= 9; index++) progress.sent(index, 10);
  progress.matched(1);
  // Entries 5, 4 and 3 came before entry 2.
  assert.ok(progress.refused(4, 1));
  progress.sent(2, 10);
  progress.matched(2);
  progress.become("replicate");
  for (const late of [3, 2]) assert.not(progress.refused(late, 1), "it has agreed to more since");
  assert.is(progress.state, "replicate");
  assert.not(progress.refused(7, 2), "it may be of what was sent before");
  progress.tick(9);
  assert.not(progress.refused(6, 1), "however late, it has agreed to more since");
  assert.ok(progress.refused(7, 2), "entry 3 is what it lacks");
});
