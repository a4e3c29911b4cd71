// Reads that show all that was committed before them (thesis §6.4).
import * as assert from "uvu/assert";
import { suite } from "../../../kit/suite.ts";
import { Desk, entry } from "./desk.ts";

const test = suite("raft: reads");

test("R25 thesis §6.4 a read waits until the leader has committed in its term, and a quorum answered a later heartbeat", () => {
  const desk = new Desk({ entries: [entry(1, 1)], hardState: { term: 1 } }).lead(), { term } = desk.raft;
  desk.raft.readIndex(7);
  desk.take();
  assert.equal([desk.sent("Heartbeat"), desk.reads], [[], []]);
  desk.hear(2, term, { type: "AppendResponse", index: 2 }).take();
  const round = desk.sent("Heartbeat")[0]!.round;
  assert.ok(round > 0);
  desk.hear(2, term, { type: "HeartbeatResponse", round: round - 1 }).take();
  assert.equal(desk.reads, [], "an answer to an older heartbeat confirms nothing");
  desk.hear(2, term, { type: "HeartbeatResponse", round }).take();
  assert.equal(desk.reads, [{ context: 7, index: 2 }]);
});

test("R25 thesis §6.4 reads that come during a round need another one", () => {
  const desk = new Desk().leadFirmly(), { term } = desk.raft;
  desk.raft.readIndex(1);
  const first = desk.take().sent("Heartbeat")[0]!.round;
  desk.raft.readIndex(2);
  desk.raft.readIndex(3);
  assert.equal(desk.take().sent("Heartbeat"), [], "one round at a time");
  desk.hear(2, term, { type: "HeartbeatResponse", round: first }).take();
  assert.equal(desk.reads.map(({ context }) => context), [1]);
  const second = desk.sent("Heartbeat")[0]!.round;
  desk.hear(3, term, { type: "HeartbeatResponse", round: first }).take();
  assert.is(desk.reads.length, 1);
  desk.hear(3, term, { type: "HeartbeatResponse", round: second }).take();
  assert.equal(desk.reads.map(({ context }) => context), [1, 2, 3]);
});

test("reads fail when the leader steps down, and are forwarded by followers", () => {
  const desk = new Desk().leadFirmly();
  desk.raft.readIndex(1);
  desk.hear(2, 99, { type: "Heartbeat", commit: 0, round: 0 }).finish();
  assert.equal(desk.reads, [{ context: 1 }]);
  desk.raft.readIndex(2);
  assert.equal(desk.take().sent("ReadIndex").map(({ to, context }) => [to, context]), [[2, 2]]);
});
