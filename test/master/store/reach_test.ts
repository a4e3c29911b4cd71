import * as assert from "uvu/assert";
import type { Role } from "../../../master/store/raft/core.ts";
import { Reach } from "../../../master/store/reach.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("reach");
const conf = { voters: [1, 2, 3], outgoing: [], learners: [], removed: [], addresses: {} };
const raft = (role: Role, leader: number, active: readonly number[]) => ({
  id: 1,
  role,
  leader,
  conf,
  progressOf: (member: number) => ({ matchIndex: 0, active: active.includes(member), caughtUp: false }),
});

test("a leader takes a member for silent after two election timeouts, and hears it again at once", () => {
  const reach = new Reach(1_000), leads = raft("leader", 1, [2, 3]), without3 = raft("leader", 1, [2]);
  assert.ok(reach.look(leads, 0));
  assert.not.ok(reach.look(leads, 100));
  assert.not.ok(reach.look(without3, 200), "Raft asks anew now and then");
  assert.not.ok(reach.look(without3, 2_100));
  assert.ok(reach.isHeard(3, without3));
  assert.ok(reach.look(without3, 2_200));
  assert.not.ok(reach.isHeard(3, without3));
  assert.ok(reach.isHeard(2, without3) && reach.isHeard(1, without3));
  assert.ok(reach.look(leads, 2_300));
  assert.ok(reach.isHeard(3, leads));
  assert.not.ok(reach.isHeard(4, leads), "no member");
});

test("who does not lead knows nothing against anybody, and says when it changes who does", () => {
  const reach = new Reach(1_000), follows = raft("follower", 2, []);
  assert.ok(reach.look(follows, 0));
  assert.not.ok(reach.look(follows, 60_000));
  assert.ok(reach.isHeard(3, follows));
  assert.ok(reach.look(raft("candidate", 0, []), 60_100));
});

test("a new leader gives everybody the full time", () => {
  const reach = new Reach(1_000), leads = raft("leader", 1, []);
  reach.look(leads, 0);
  reach.look(raft("follower", 2, []), 5_000);
  reach.look(leads, 10_000);
  assert.ok(reach.isHeard(3, leads));
});
