import * as assert from "uvu/assert";
import { Proposer } from "../../../master/store/proposer.ts";
import type { Refusal, Role } from "../../../master/store/raft/core.ts";
import type { Proposal } from "../../../master/store/raft/message.ts";
import { proposalTimeoutMs } from "../../../shared/limits.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const patienceMs = 1_000;
const test = suite("Proposer", {
  setup: () => {
    const clock = new HandCrankedClock(), given: Proposal[] = [];
    const raft = {
      leader: 2,
      term: 7,
      role: "follower" as Role,
      propose(proposal: Proposal): Refusal | undefined {
        if (raft.leader === 0) return "NotLeader";
        given.push(proposal);
        return undefined;
      },
    };
    const disk = { isFull: false, mayOverfill: () => false, lacksRoomFor: () => disk.isFull };
    const proposer = new Proposer({ clock, random: seeded(1) }, { raft, disk }, patienceMs);
    const propose = () => proposer.propose(new Uint8Array(1)).catch(({ reason }) => reason as string);
    const refuse = (by: number, noRoom: boolean) => proposer.refused({ ...given.at(-1)!, by, noRoom });
    return { clock, given, raft, disk, proposer, propose, refuse };
  },
});
const waits = (result: Promise<unknown>): Promise<unknown> =>
  Promise.race([result, new Promise((resolve) => setImmediate(() => resolve("waits")))]);

test("tick() makes again what a leader has refused, and gives it to the next one", async ({ given, raft, proposer, propose, refuse }) => {
  const result = propose();
  refuse(2, false);
  proposer.tick();
  assert.equal(given.map(({ sequence }) => sequence), [1, 1]);
  raft.leader = 3;
  proposer.tick();
  assert.is(given.length, 3);
  proposer.applied({ ...given[0]!, index: 1, term: 7 }, "made");
  assert.is(await result, "made");
});

test("propose() refuses at once what has no room, as long as the leader that has said so leads", async ({ clock, raft, propose, refuse }) => {
  const first = propose();
  refuse(2, true);
  assert.is(await propose(), "NoSpace");
  assert.is(await waits(first), "waits", "somebody has had it");
  raft.leader = 3;
  assert.is(await waits(propose()), "waits");
  raft.leader = 2;
  clock.advance(patienceMs);
  assert.is(await waits(propose()), "waits", "it may have room again");
});

test("propose() waits for the next leader, though the last one had no room", async ({ raft, propose, refuse }) => {
  void propose();
  raft.leader = 0;
  refuse(2, true);
  assert.is(await waits(propose()), "waits");
});

test("finish() ends what nobody has had, and lets the rest come to its end", async ({ clock, raft, proposer, propose }) => {
  const given = propose();
  raft.leader = 0;
  const kept = propose();
  const finished = proposer.finish(new Error("it stops")).then(() => "finished");
  assert.is(await kept, undefined);
  assert.is(await waits(finished), "waits");
  clock.advance(proposalTimeoutMs);
  proposer.tick();
  assert.equal([await given, await finished], ["Unknown", "finished"]);
});

test("a member that leads takes nothing that its disk has no room for, and keeps what may be made", async ({ raft, disk, proposer, propose, given }) => {
  const before = propose();
  Object.assign(raft, { leader: 1, role: "leader" });
  disk.isFull = true;
  assert.is(await propose(), "NoSpace");
  proposer.tick();
  assert.is(await waits(before), "waits");
  disk.isFull = false;
  proposer.tick();
  assert.is(given.length, 2);
});
