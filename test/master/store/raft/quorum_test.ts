import * as assert from "uvu/assert";
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
