// Who may lead: the rules of the paper, one by one, and the bugs that others had.
import * as assert from "uvu/assert";
import { voters } from "../../../kit/raft_cluster.ts";
import { suite } from "../../../kit/suite.ts";
import { Desk, entry } from "./desk.ts";

const test = suite("raft: elections");

test("R2 R7 §5.2 a follower that hears nothing asks for votes, first for hypothetical ones (thesis §9.6)", () => {
  const desk = new Desk({ hardState: { term: 4 } }).tick(20);
  assert.equal(desk.sent("PreVote").map(({ to, term }) => [to, term]), [[2, 5], [3, 5]]);
  assert.equal([desk.raft.term, desk.raft.role], [4, "preCandidate"]);
  desk.hear(3, 5, { type: "PreVoteResponse", granted: true }).take();
  assert.equal(desk.sent("Vote"), [], "not before its own vote is durable");
  assert.equal(desk.append!.hardState, { term: 5, vote: 1, commit: 0 });
  desk.finish();
  assert.equal(desk.sent("Vote").map(({ to, term }) => [to, term]), [[2, 5], [3, 5]]);
});

test("R3 §5.2 one vote a term, durable before it is told", () => {
  const desk = new Desk(), ask = { type: "Vote" as const, lastIndex: 9, lastTerm: 3, transfer: false };
  desk.hear(2, 4, ask).take();
  assert.equal(desk.sent("VoteResponse"), []);
  desk.finish();
  assert.equal(desk.sent("VoteResponse").map(({ granted }) => granted), [true]);
  desk.hear(3, 4, ask).hear(2, 4, ask).finish();
  assert.equal(desk.sent("VoteResponse").map(({ to, granted }) => [to, granted]), [[3, false], [2, true]]);
});

test("R4 §5.2 a candidate that steps down in its own term keeps its vote", () => {
  const desk = new Desk({ hardState: { term: 4 } }).tick(20).hear(2, 5, { type: "PreVoteResponse", granted: true }).finish();
  assert.equal([desk.raft.role, desk.raft.term, desk.raft.vote], ["candidate", 5, 1]);
  desk.hear(2, 5, { type: "VoteResponse", granted: false }).hear(3, 5, { type: "VoteResponse", granted: false }).finish();
  assert.equal([desk.raft.role, desk.raft.vote], ["follower", 1]);
  desk.hear(3, 5, { type: "Vote", lastIndex: 99, lastTerm: 4, transfer: false }).finish();
  assert.equal(desk.sent("VoteResponse").map(({ granted }) => granted), [false]);
});

test("R5 §5.2 an answer counts once for each voter, and only in the term it was asked in", () => {
  const desk = new Desk({ conf: voters([1, 2, 3, 4, 5]), hardState: { term: 4 } }).tick(20);
  const granted = { type: "PreVoteResponse" as const, granted: true };
  desk.hear(2, 5, granted).hear(2, 5, granted).hear(2, 5, granted).take();
  assert.is(desk.raft.role, "preCandidate");
  desk.hear(3, 5, granted).finish();
  assert.is(desk.raft.role, "candidate");
  const vote = { type: "VoteResponse" as const, granted: true };
  desk.hear(2, 5, vote).hear(2, 5, vote).hear(3, 4, vote).hear(9, 5, vote).finish();
  assert.is(desk.raft.role, "candidate", "from one voter twice, from an older term, from a stranger");
  desk.hear(3, 5, vote).finish();
  assert.is(desk.raft.role, "leader");
});

test("R7 a pre-vote granted for an earlier attempt does not count for a later one", () => {
  const desk = new Desk({ hardState: { term: 4 } }).tick(20).hear(2, 5, { type: "PreVoteResponse", granted: true }).finish();
  desk.tick(20);
  assert.equal([desk.raft.role, desk.raft.term], ["preCandidate", 5], "nobody answered the votes of term 5");
  desk.hear(3, 5, { type: "PreVoteResponse", granted: true }).finish();
  assert.is(desk.raft.role, "preCandidate");
  desk.hear(3, 6, { type: "PreVoteResponse", granted: true }).finish();
  assert.is(desk.raft.role, "candidate");
});

test("R6 §5.4.1 no vote for a log that is behind", () => {
  const desk = new Desk({ entries: [entry(1, 1), entry(2, 3)], hardState: { term: 3 } });
  const ask = (term: number, lastIndex: number, lastTerm: number) =>
    desk.hear(2, term, { type: "Vote", lastIndex, lastTerm, transfer: false }).finish().sent("VoteResponse").map(({ granted }) => granted);
  assert.equal([ask(4, 9, 2), ask(5, 1, 3), ask(6, 2, 3), ask(7, 1, 4)], [[false], [false], [true], [true]]);
});

test("R8 thesis §4.2.3 who hears from a leader ignores candidates, unless the leader sent them", () => {
  const desk = new Desk({ hardState: { term: 4 } }).hear(2, 4, { type: "Heartbeat", commit: 0, round: 0 }).finish();
  desk.hear(3, 9, { type: "Vote", lastIndex: 9, lastTerm: 9, transfer: false }).finish();
  assert.equal([desk.raft.term, desk.sent("VoteResponse")], [4, []]);
  desk.hear(3, 9, { type: "Vote", lastIndex: 9, lastTerm: 9, transfer: true }).finish();
  assert.equal([desk.raft.term, desk.sent("VoteResponse").length], [9, 1]);
});

test("R1 R7 a refused pre-vote teaches the term to who is behind", () => {
  const desk = new Desk({ hardState: { term: 4 } }).hear(2, 3, { type: "PreVote", lastIndex: 9, lastTerm: 3, transfer: false }).finish();
  assert.equal(desk.sent("PreVoteResponse").map(({ term, granted }) => [term, granted]), [[4, false]]);
  const behind = new Desk({ hardState: { term: 2 } }).tick(20).hear(2, 4, { type: "PreVoteResponse", granted: false });
  assert.equal([behind.raft.term, behind.raft.role], [4, "follower"]);
});

test("R9 thesis §6.2 a leader that no quorum answers steps down, in its term", () => {
  const desk = new Desk().leadFirmly(), { term } = desk.raft;
  desk.tick(10);
  assert.is(desk.raft.role, "leader");
  desk.tick(10);
  assert.equal([desk.raft.role, desk.raft.term, desk.raft.leader], ["follower", term, 0]);
});

test("a leader whose disk does not answer for an election timeout steps down; a sole voter stays", () => {
  const desk = new Desk().leadFirmly().propose("a").take();
  for (let ticks = 0; ticks < 11; ticks++) {
    desk.hear(2, desk.raft.term, { type: "HeartbeatResponse", round: 0 }).hear(3, desk.raft.term, { type: "HeartbeatResponse", round: 0 })
      .tick(1);
  }
  assert.is(desk.raft.role, "follower");
  const sole = new Desk({ conf: voters([1]) });
  sole.raft.campaign();
  sole.finish().propose("a").tick(30);
  assert.is(sole.raft.role, "leader");
});

test("R26 woke() makes a member that stood still listen for a full timeout", () => {
  const desk = new Desk().tick(9);
  desk.raft.woke();
  desk.tick(9);
  assert.is(desk.raft.role, "follower");
});

test("R15 a sole voter leads by one write, and commits by its own disk alone", () => {
  const desk = new Desk({ conf: voters([1]), hardState: { term: 3 } });
  desk.raft.campaign();
  desk.take();
  assert.equal([desk.append!.hardState, desk.append!.entries.map(({ type }) => type)], [{ term: 4, vote: 1, commit: 0 }, ["noop"]]);
  assert.equal([desk.raft.commitIndex, desk.applied], [0, []]);
  desk.finish();
  assert.equal([desk.raft.commitIndex, desk.applied.length], [1, 1]);
});
