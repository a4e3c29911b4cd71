import * as assert from "uvu/assert";
import { changed, replacements } from "../../../../master/store/raft/membership.ts";
import { isQuorum, quorumIndex, tally } from "../../../../master/store/raft/quorum.ts";
import { voters } from "../../../kit/raft_cluster.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("quorum");
const joint = { ...voters([1, 2, 3]), outgoing: [3, 4, 5] };

test("quorumIndex() is what a majority has, in both halves of a joint configuration", () => {
  const match = (indexes: Record<number, number>) => (id: number) => indexes[id] ?? 0;
  assert.is(quorumIndex(voters([1]), match({ 1: 7 })), 7);
  assert.is(quorumIndex(voters([1, 2]), match({ 1: 7, 2: 5 })), 5);
  assert.is(quorumIndex(voters([1, 2, 3]), match({ 1: 7, 2: 5 })), 5);
  assert.is(quorumIndex(voters([1, 2, 3, 4]), match({ 1: 7, 2: 6, 3: 5 })), 5);
  assert.is(quorumIndex(joint, match({ 1: 9, 2: 9, 3: 4 })), 0);
  assert.is(quorumIndex(joint, match({ 1: 9, 2: 9, 3: 4, 4: 6 })), 4);
});

test("tally() and isQuorum() need both halves", () => {
  const votes = (granted: number[], refused: number[] = []) =>
    new Map([...granted.map((id) => [id, true] as const), ...refused.map((id) => [id, false] as const)]);
  assert.is(tally(voters([1, 2, 3]), votes([1])), "pending");
  assert.is(tally(voters([1, 2, 3]), votes([1, 9])), "pending", "a stranger's vote is none");
  assert.is(tally(voters([1, 2, 3]), votes([1, 3])), "won");
  assert.is(tally(voters([1, 2, 3]), votes([1], [2, 3])), "lost");
  assert.is(tally(joint, votes([1, 2])), "pending");
  assert.is(tally(joint, votes([1, 2, 3, 4])), "won");
  assert.is(tally(joint, votes([1, 2], [4, 5])), "lost");
  assert.ok(isQuorum(joint, (id) => [1, 3, 4].includes(id)));
  assert.not(isQuorum(joint, (id) => [1, 2, 3].includes(id)));
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
