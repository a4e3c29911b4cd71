import * as assert from "uvu/assert";
import { Proposers } from "../../../master/store/proposers.ts";
import { proposerGaps, storeProposers } from "../../../shared/limits.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("proposers");

test("first() says true once for each number, in whatever order they come, as a set of all would", () => {
  const random = seeded(5);
  for (let round = 0; round < 200; round++) {
    const proposers = new Proposers(), seen = new Set<number>();
    for (let step = 0; step < 300; step++) {
      const number = 1 + Math.floor(random() * 40);
      assert.is(proposers.first(7, number), !seen.has(number));
      seen.add(number);
    }
  }
});

test("what came in order is one range; other processes are others", () => {
  const proposers = new Proposers();
  for (let number = 1; number <= 1_000; number++) assert.ok(proposers.first(7, number));
  assert.ok(proposers.first(8, 5));
  assert.equal([...proposers.all()], [{ id: 7, ranges: [0, 1_000] }, { id: 8, ranges: [0, 0, 5, 5] }]);
});

test("the oldest gaps and the oldest processes are forgotten: what falls into a gap counts as applied", () => {
  const proposers = new Proposers();
  for (let number = 2; number <= 2 * (proposerGaps + 2); number += 2) proposers.first(7, number);
  assert.not.ok(proposers.first(7, 1));
  assert.not.ok(proposers.first(7, 3));
  assert.ok(proposers.first(7, 5));
  for (let id = 100; id < 100 + storeProposers; id++) proposers.first(id, 1);
  assert.is([...proposers.all()].length, storeProposers);
  assert.is([...proposers.all()].find(({ id }) => id === 7), undefined);
});

test("what is restored goes on as what was saved, forgetting the same first", () => {
  const one = new Proposers(), random = seeded(6);
  const step = (on: Proposers, at: number): boolean => on.first(1 + at % 5, 1 + Math.floor(at / 7));
  for (let at = 0; at < 500; at++) step(one, Math.floor(random() * 500));
  const other = new Proposers();
  for (const saved of one.all()) other.restore(saved);
  assert.equal([...other.all()], [...one.all()]);
  for (let at = 0; at < 500; at++) {
    const number = Math.floor(random() * 900);
    assert.is(step(other, number), step(one, number));
  }
  assert.equal([...other.all()], [...one.all()]);
});
