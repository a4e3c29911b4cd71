import * as assert from "uvu/assert";
import { entrySize } from "../../../../master/store/raft/message.ts";
import { UnderWay } from "../../../../master/store/raft/under_way.ts";
import { InvariantError } from "../../../../shared/util/assert.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("proposals under way");
const of = (proposer: number, sequence: number, bytes = 0) => ({
  index: 1,
  term: 1,
  type: "command" as const,
  time: 0,
  proposer,
  sequence,
  payload: new Uint8Array(bytes),
});

test("what was added is there until it is taken out; nobody's proposals never are", () => {
  const underWay = new UnderWay();
  underWay.add(of(7, 1));
  underWay.add(of(7, 2));
  underWay.add(of(8, 1));
  underWay.add(of(0, 1));
  assert.equal([of(7, 1), of(7, 2), of(8, 1), of(8, 2), of(0, 1)].map((one) => underWay.has(one)), [true, true, true, false, false]);
  underWay.remove(of(7, 1));
  underWay.remove(of(8, 1));
  assert.equal([of(7, 1), of(7, 2), of(8, 1)].map((one) => underWay.has(one)), [false, true, false]);
  underWay.clear();
  assert.not(underWay.has(of(7, 2)));
});

test("its bytes are those of all entries, nobody's too; and never less than none", () => {
  const underWay = new UnderWay(), first = of(7, 1, 10), second = of(0, 0, 20);
  underWay.add(first);
  underWay.add(second);
  assert.is(underWay.bytes, entrySize(first) + entrySize(second));
  underWay.remove(first);
  assert.is(underWay.bytes, entrySize(second));
  underWay.remove(second);
  assert.throws(() => underWay.remove(second), (error: Error) => error instanceof InvariantError);
});
