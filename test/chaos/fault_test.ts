import * as assert from "uvu/assert";
import { seeded } from "../../shared/util/clock.ts";
import { suite } from "../kit/suite.ts";
import { drawFault, type Fault, faultKinds, faultText } from "./fault.ts";

const test = suite("faults");
const draw = (seed: number, count: number, members: number, leader?: number): Fault[] => {
  const random = seeded(seed);
  return Array.from({ length: count }, () => drawFault(random, faultKinds, members, leader));
};

test("a seed draws the same faults again, of every kind, and each can be told", () => {
  const faults = draw(1, 300, 3, 0);
  assert.equal(faults, draw(1, 300, 3, 0));
  assert.not.equal(faults, draw(2, 300, 3, 0));
  assert.equal(new Set(faults.map((fault) => fault.do)), new Set(faultKinds));
  for (const fault of faults) assert.not.match(faultText(fault, 0), "undefined");
});

test("the leader is hit more often than the others, and when nobody leads all are", () => {
  const hits = (leader?: number) => {
    const counts = [0, 0, 0, 0, 0];
    for (const fault of draw(3, 2_000, 5, leader)) if ("member" in fault) counts[fault.member]!++;
    return counts.map((count) => count / counts.reduce((sum, one) => sum + one));
  };
  assert.ok(hits(2)[2]! > 0.5, `${hits(2)}`);
  for (const share of hits()) assert.ok(share > 0.15 && share < 0.25, `${hits()}`);
});

test("partitions are between different members, one-way ones among them", () => {
  const partitions = draw(5, 2_000, 5, 1).filter((fault) => fault.do === "partition");
  const isOneWay = ({ cuts }: { cuts: readonly (readonly [number, number])[] }) =>
    cuts.some(([a, b]) => !cuts.some(([from, to]) => from === b && to === a));
  for (const [from, to] of partitions.flatMap(({ cuts }) => cuts)) {
    assert.ok(from !== to && from < 5 && to < 5 && from >= 0, `${from} → ${to}`);
  }
  assert.ok(partitions.some(isOneWay) && partitions.some((partition) => !isOneWay(partition)));
});
