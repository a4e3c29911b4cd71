// One member, told things by hand: the rules of the paper, one by one, and the bugs that others had.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { encodeConf } from "../../../../master/store/raft/membership.ts";
import type { Body, EntryType, HardState, LogEntry, Message, MessageOf } from "../../../../master/store/raft/message.ts";
import { Progress } from "../../../../master/store/raft/progress.ts";
import { type Append, Raft } from "../../../../master/store/raft/raft.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { voters } from "../../../kit/raft_cluster.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("raft");

const entry = (index: number, term: number, text = `${index}@${term}`, type: EntryType = "command"): LogEntry => ({
  index,
  term,
  type,
  time: 0,
  proposer: 0,
  sequence: 0,
  payload: Buffer.from(text),
});

/** Member 1 at its desk: `out` collects what it may send, writes finish when told to. */
class Desk {
  sequence = 0;
  readonly raft: Raft;
  out: Message[] = [];
  held: Message[] = [];
  applied: LogEntry[] = [];
  reads: { context: number; index?: number }[] = [];
  append: Append | undefined;

  constructor(
    options: {
      conf?: ReturnType<typeof voters>;
      hardState?: Partial<HardState>;
      entries?: LogEntry[];
      base?: { index: number; term: number };
    } = {},
  ) {
    const { conf = voters([1, 2, 3]), hardState = {}, entries = [], base = { index: 0, term: 0 } } = options;
    const state = { term: 0, vote: 0, commit: base.index, ...hardState };
    this.raft = new Raft({ id: 1, heartbeatTicks: 1, electionTicks: 10, random: seeded(1) }, {
      hardState: state,
      conf,
      log: { base, entries, commit: state.commit, applied: base.index },
    });
  }
  /** Obeys take(), but leaves the write under way. */
  take(): this {
    for (let ready = this.raft.take(); ready; ready = this.raft.take()) {
      if (ready.append) this.append = ready.append;
      this.out.push(...ready.messages);
      this.applied.push(...ready.committed);
      const last = ready.committed[ready.committed.length - 1];
      if (last) this.raft.applyDone(last.index);
      this.reads.push(...ready.reads);
    }
    return this;
  }
  finish(): this {
    for (this.take(); this.append; this.take()) {
      const { token, messages } = this.append;
      this.append = undefined;
      this.raft.appendDone(token);
      this.out.push(...messages);
    }
    return this;
  }
  hear(from: number, term: number, body: Body): this {
    this.raft.step({ ...body, from, to: 1, term } as Message);
    return this;
  }
  tick(ticks: number): this {
    for (let at = 0; at < ticks; at++) {
      this.raft.tick();
      this.take();
    }
    return this;
  }
  /** What was sent of this type since the last look. */
  sent<T extends Body["type"]>(type: T): MessageOf<T>[] {
    const found = this.out.filter((message) => message.type === type) as MessageOf<T>[];
    this.out = this.out.filter((message) => message.type !== type);
    return found;
  }
  /** Elected by member 2. */
  lead(): this {
    this.tick(20).finish();
    const { term } = this.raft;
    this.hear(2, term + 1, { type: "PreVoteResponse", granted: true }).finish();
    this.hear(2, this.raft.term, { type: "VoteResponse", granted: true }).finish();
    assert.is(this.raft.role, "leader");
    this.out = [];
    return this;
  }
  /** Leads, and its no-op is committed. */
  leadFirmly(): this {
    this.lead();
    this.hear(2, this.raft.term, { type: "AppendResponse", index: this.raft.lastIndex }).finish();
    assert.ok(this.raft.isEstablished);
    this.out = [];
    return this;
  }
  propose(text: string): this {
    this.raft.propose({ type: "command", time: 0, proposer: 1, sequence: ++this.sequence, payload: Buffer.from(text) });
    return this;
  }
}
const append = (previousIndex: number, previousTerm: number, entries: LogEntry[], commit = 0) => ({
  type: "Append" as const,
  previousIndex,
  previousTerm,
  entries,
  commit,
});

// Elections

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

// Replication

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
  const desk = new Desk().leadFirmly();
  for (let at = 0; at < 300; at++) desk.propose(`${at}`).take();
  assert.is(desk.sent("Append").filter(({ to }) => to === 2).length, 256);
  desk.hear(2, desk.raft.term, { type: "HeartbeatResponse", round: 0 }).take();
  assert.is(desk.sent("Append").filter(({ to }) => to === 2).length, 1);
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

// Reads

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

// Handing over, and members

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
  assert.ok(progress.refused(7, 2), "entry 3 is what it lacks");
});

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
  assert.is(desk.raft.proposeConf([{ do: "promote", member: 4 }], 0), "Refused", "4 has not been heard of");
  assert.is(desk.raft.proposeConf([{ do: "remove", member: 2 }], 0), "Refused", "1 and 3, and 3 is silent");
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
