// How leadership is handed over and the members change: the rules of the paper, one by one, and the bugs that others had.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { changed, encodeConf, replacements } from "../../../../master/store/raft/membership.ts";
import { Raft } from "../../../../master/store/raft/raft.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { voters } from "../../../kit/raft_cluster.ts";
import { suite } from "../../../kit/suite.ts";
import { Desk, entry } from "./desk.ts";

const test = suite("raft: membership");

test("R24 thesis §3.10 leadership is handed to who has everything; until then nothing is proposed", () => {
  const desk = new Desk().leadFirmly().propose("a").finish(), { term, lastIndex } = desk.raft;
  assert.ok(desk.raft.transfer(3));
  desk.take();
  assert.equal([
    desk.sent("TimeoutNow"),
    desk.raft.propose({ type: "command", time: 0, proposer: 0, sequence: 0, payload: Buffer.from("b") }),
  ], [[], "Transferring"]);
  desk.hear(3, term, { type: "AppendResponse", index: lastIndex }).take();
  assert.equal(desk.sent("TimeoutNow").map(({ to }) => to), [3]);
  desk.hear(2, term, { type: "HeartbeatResponse", round: 0 }).tick(10);
  assert.is(
    desk.raft.propose({ type: "command", time: 0, proposer: 0, sequence: 0, payload: Buffer.from("b") }),
    undefined,
    "given up after a timeout",
  );
});

test("R24 thesis §3.10 who is told not to wait asks for real votes at once", () => {
  const desk = new Desk({ hardState: { term: 4 } }).hear(2, 4, { type: "Heartbeat", commit: 0, round: 0 }).finish();
  desk.hear(2, 4, { type: "TimeoutNow" }).finish();
  assert.equal(desk.sent("Vote").map(({ to, term, transfer }) => [to, term, transfer]), [[2, 5, true], [3, 5, true]]);
});

test("R20 §6 voters change through a joint configuration, which the leader leaves by itself", () => {
  const desk = new Desk({ conf: { ...voters([1, 2, 3]), learners: [4] } }).leadFirmly(), { term } = desk.raft;
  const answered = () => {
    for (const id of [2, 3, 4]) desk.hear(id, term, { type: "AppendResponse", index: desk.raft.lastIndex });
    desk.tick(1).finish();
  };
  answered();
  assert.is(desk.raft.proposeConf([{ do: "promote", member: 4 }, { do: "remove", member: 3 }], 0), undefined);
  desk.finish();
  const joint = desk.raft.lastIndex;
  assert.is(desk.raft.proposeConf([{ do: "addLearner", member: 9 }], 0), "Pending", "one at a time");
  desk.hear(2, term, { type: "AppendResponse", index: joint }).finish();
  assert.equal([desk.raft.conf.voters, desk.raft.conf.outgoing], [[1, 2, 4], [1, 2, 3]]);
  assert.is(desk.raft.lastIndex, joint + 1, "the way out is proposed");
  desk.hear(4, term, { type: "AppendResponse", index: joint + 1 }).finish();
  assert.is(desk.raft.commitIndex, joint, "1 and 4 are a majority of the new voters, not of the old");
  desk.hear(3, term, { type: "AppendResponse", index: joint + 1 }).finish();
  assert.equal([desk.raft.conf.voters, desk.raft.conf.outgoing, desk.raft.conf.removed], [[1, 2, 4], [], [3]]);
});

test("R21 §6 a leader that is removed leads the change to its end, and goes", () => {
  const desk = new Desk().leadFirmly(), { term } = desk.raft;
  for (const id of [2, 3]) desk.hear(id, term, { type: "AppendResponse", index: 1 });
  assert.is(desk.raft.proposeConf([{ do: "remove", member: 1 }], 0), undefined);
  desk.finish();
  for (const id of [2, 3]) desk.hear(id, term, { type: "AppendResponse", index: 2 }).finish();
  assert.is(desk.raft.role, "leader");
  for (const id of [2, 3]) desk.hear(id, term, { type: "AppendResponse", index: 3 }).finish();
  assert.equal([desk.raft.role, desk.raft.conf.voters], ["follower", [2, 3]]);
  desk.tick(40);
  assert.equal([desk.raft.role, desk.sent("PreVote")], ["follower", []]);
});

test("R22 a change is refused that leaves no quorum of those who answer, or promotes who is behind", () => {
  const desk = new Desk({ conf: { ...voters([1, 2, 3]), learners: [4] } }).leadFirmly(), { term } = desk.raft;
  for (let ticks = 0; ticks < 12; ticks++) desk.hear(2, term, { type: "HeartbeatResponse", round: 0 }).tick(1);
  assert.is(desk.raft.proposeConf([{ do: "promote", member: 4 }], 0), "Behind", "4 has not been heard of");
  assert.is(desk.raft.proposeConf([{ do: "remove", member: 2 }], 0), "NoQuorum", "1 and 3, and 3 is silent");
  assert.is(desk.raft.proposeConf([{ do: "remove", member: 2 }], 0, true), undefined, "forced");
});

test("R23 nothing is proposed about members before the leader has committed in its term", () => {
  assert.is(new Desk().lead().raft.proposeConf([{ do: "addLearner", member: 9 }], 0), "Pending");
});

test("R22 a learner gets the log, does not count, and does not campaign", () => {
  const desk = new Desk({ conf: { ...voters([1]), learners: [2] } });
  desk.raft.campaign();
  desk.finish();
  assert.is(desk.raft.commitIndex, 1);
  assert.equal(desk.sent("Append").map(({ to }) => to), [2]);
  const learner = new Desk({ conf: { ...voters([2, 3]), learners: [1] } }).tick(50);
  assert.equal([learner.raft.role, learner.out], ["follower", []]);
});

test("R20 no campaign while a committed change of the members is not applied", () => {
  const change = { ...entry(1, 1, "", "configuration"), payload: encodeConf({ changes: [{ do: "remove" as const, member: 3 }] }) };
  const raft = new Raft({ id: 1, heartbeatTicks: 1, electionTicks: 10, random: seeded(1) }, {
    hardState: { term: 1, vote: 0, commit: 1 },
    conf: voters([1, 2, 3]),
    log: { base: { index: 0, term: 0 }, entries: [change], commit: 1, applied: 0 },
  });
  raft.campaign();
  assert.is(raft.role, "follower");
  raft.take();
  raft.applyDone(1);
  raft.campaign();
  assert.is(raft.role, "preCandidate");
});

test("changed() enters a joint configuration only when voters change, and never fails", () => {
  const added = changed(voters([1]), { changes: [{ do: "addLearner", member: 2, address: "b:6444" }] });
  assert.equal(added, { ...voters([1]), learners: [2], addresses: { 2: "b:6444" } });
  const promoted = changed(added, { changes: [{ do: "promote", member: 2 }] });
  assert.equal([promoted.voters, promoted.outgoing, promoted.learners], [[1, 2], [1], []]);
  assert.equal(changed(promoted, { changes: [{ do: "remove", member: 1 }] }), promoted, "not while joint");
  const settled = changed(promoted, { changes: [] });
  assert.equal(settled.outgoing, []);
  const removed = changed(settled, { changes: [{ do: "remove", member: 2 }] });
  assert.equal(
    [removed.voters, removed.outgoing, removed.removed, removed.addresses],
    [[1], [1, 2], [2], { 2: "b:6444" }],
    "it is still asked",
  );
  const alone = changed(removed, { changes: [] });
  assert.equal(alone.addresses, {});
  assert.equal(changed(alone, { changes: [{ do: "addLearner", member: 2 }] }), alone, "ids never come back");
  assert.equal(changed(alone, { changes: [{ do: "remove", member: 1 }] }), alone, "the last voter stays");
});

test("changed() remembers who is to replace whom until it is so, or cannot be any more", () => {
  const adding = { do: "addLearner", member: 4, address: "c:6444", replaces: 3 } as const;
  const waiting = changed(voters([1, 2, 3]), { changes: [adding] });
  assert.equal([waiting.learners, waiting.replacing], [[4], { 4: 3 }]);
  assert.equal(replacements(waiting), [[{ do: "promote", member: 4 }, { do: "remove", member: 3 }]]);

  const both = changed(waiting, { changes: replacements(waiting)[0]! });
  assert.equal([both.voters, both.outgoing, both.learners, both.removed], [[1, 2, 4], [1, 2, 3], [], [3]], "in one change");
  assert.not("replacing" in both);
  assert.equal(replacements(both), []);
  for (const [gone, what] of [[3, "the old"], [4, "the new"]] as const) {
    assert.not("replacing" in changed(waiting, { changes: [{ do: "remove", member: gone }] }), `${what} one was removed`);
  }
  const moved = changed(waiting, { changes: [{ do: "move", member: 1, address: "a:6444" }] });
  assert.equal([moved.replacing, changed(moved, { changes: [{ do: "promote", member: 4 }] }).replacing], [{ 4: 3 }, undefined]);
  for (const replaces of [4, 9]) assert.not("replacing" in changed(voters([1, 2, 3]), { changes: [{ ...adding, replaces }] }), "no voter");
});
