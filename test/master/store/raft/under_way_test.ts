import * as assert from "uvu/assert";
import { UnderWay } from "../../../../master/store/raft/under_way.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("proposals under way");
const of = (proposer: number, sequence: number) => ({ type: "command" as const, time: 0, proposer, sequence, payload: new Uint8Array(0) });

test("what was added is there until it is taken out; nobody's proposals never are", () => {
  const underWay = new UnderWay();
  underWay.add(of(7, 1));
  underWay.add(of(7, 2));
  underWay.add(of(8, 1));
  underWay.add(of(0, 1));
  assert.equal([of(7, 1), of(7, 2), of(8, 1), of(8, 2), of(0, 1)].map((one) => underWay.has(one)), [true, true, true, false, false]);
  underWay.remove(of(7, 1));
  underWay.remove(of(8, 1));
  underWay.remove(of(9, 1));
  assert.equal([of(7, 1), of(7, 2), of(8, 1)].map((one) => underWay.has(one)), [false, true, false]);
  underWay.clear();
  assert.not(underWay.has(of(7, 2)));
});
