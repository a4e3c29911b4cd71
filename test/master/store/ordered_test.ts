import * as assert from "uvu/assert";
import { keyAfter, Ordered, prefixEnd } from "../../../master/store/ordered.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("Ordered");

test("Ordered agrees with a sorted list through 20,000 inserts, deaths and removals", () => {
  const random = seeded(1);
  const alive = new Set<number>();
  const ordered = new Ordered((value) => alive.has(value));
  const model = new Map<string, number>();
  let next = 0;
  for (let step = 0; step < 20_000; step++) {
    const key = `/${Math.floor(random() * 50)}/${Math.floor(random() * 200)}`;
    const value = model.get(key);
    assert.is(ordered.find(key), value ?? -1);
    if (value === undefined) {
      model.set(key, next);
      ordered.insert(key, next);
      alive.add(next++);
      ordered.aliveChanged(key, 1);
    } else if (alive.has(value) && random() < 0.7) {
      alive.delete(value);
      ordered.aliveChanged(key, -1);
    } else if (!alive.has(value) && random() < 0.6) {
      model.delete(key);
      ordered.remove(key);
    }
    if (step % 500 !== 0) continue;
    const sorted = [...model.keys()].sort();
    const from = `/${Math.floor(random() * 50)}/`, until = random() < 0.2 ? undefined : prefixEnd(from.slice(0, 2));
    const expected = sorted.filter((candidate) => candidate >= from && (until === undefined || candidate < until));
    const seen: string[] = [];
    ordered.scan(from, until, (found, integer) => {
      assert.is(integer, model.get(found));
      return seen.push(found) > 0;
    });
    assert.equal(seen, expected);
    assert.is(ordered.countAlive(from, until), expected.filter((candidate) => alive.has(model.get(candidate)!)).length);
    assert.is(ordered.size, model.size);
  }
  assert.ok(model.size > 3_000, "several chunks were in play");
});

test("Ordered survives losing all its keys", () => {
  const ordered = new Ordered(() => false);
  for (let i = 0; i < 2_000; i++) ordered.insert(String(i).padStart(4, "0"), i);
  for (let i = 0; i < 2_000; i++) ordered.remove(String(i).padStart(4, "0"));
  assert.is(ordered.find("0001"), -1);
  ordered.insert("a", 1);
  assert.is(ordered.find("a"), 1);
});

test("prefixEnd() is the least string behind all that begin with the prefix", () => {
  assert.is(prefixEnd("/a/"), "/a0");
  assert.is(prefixEnd(""), undefined);
  assert.is(prefixEnd("a\uffff"), "b");
  assert.is(prefixEnd("\uffff"), undefined);
  assert.ok("/a/\uffff\uffff" < prefixEnd("/a/")!);
  assert.ok("k" < keyAfter("k") && keyAfter("k") < "k\u0001");
});
