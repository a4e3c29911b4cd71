import * as assert from "uvu/assert";
import {
  difference,
  type FieldSet,
  intersection,
  isMember,
  pathsOf,
  readFieldSet,
  union,
} from "../../../../master/registry/ownership/field_set.ts";
import { type Random, seeded } from "../../../../shared/util/clock.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("a set of fields");

const elements = ["f:a", "f:b", "f:.", 'k:{"name":"a"}', 'v:"x"', "i:0"];
function randomSet(random: Random, depth = 3): FieldSet | undefined {
  const paths = Array.from(
    { length: Math.floor(random() * 6) },
    () => Array.from({ length: 1 + Math.floor(random() * depth) }, () => elements[Math.floor(random() * elements.length)]!),
  );
  return paths.reduce<FieldSet | undefined>(
    (set, path) => union(set, path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), {})),
    undefined,
  );
}
/** The naive twin: a Set of paths. */
function paths(set: FieldSet | undefined): Set<string> {
  const found = new Set<string>();
  const walk = (node: FieldSet, path: string): void => {
    for (const [element, within] of Object.entries(node)) {
      if (element === ".") continue;
      if (Object.keys(within).length === 0 || Object.hasOwn(within, ".")) found.add(`${path}/${element}`);
      walk(within, `${path}/${element}`);
    }
  };
  walk(set ?? {}, "");
  return found;
}
const sorted = (set: Iterable<string>): string[] => [...set].sort();

for (
  const seeds of [
    Array.from({ length: 500 }, (_, i) => i + 1),
    Array.from({ length: 500 }, () => Math.floor(Math.random() * 2 ** 31)),
  ]
) {
  test(`union, difference and intersection are those of the sets of paths (seeds from ${seeds[0]})`, () => {
    for (const seed of seeds) {
      const random = seeded(seed),
        a = randomSet(random),
        b = randomSet(random),
        all = paths(a),
        others = paths(b),
        before = JSON.stringify([a, b]);
      assert.equal(sorted(paths(union(a, b))), sorted([...new Set([...all, ...others])]), `union, seed ${seed}`);
      assert.equal(sorted(paths(difference(a, b))), sorted([...all].filter((path) => !others.has(path))), `difference, seed ${seed}`);
      assert.equal(sorted(paths(intersection(a, b))), sorted([...all].filter((path) => others.has(path))), `intersection, seed ${seed}`);
      assert.is(difference(a, b) === undefined, [...all].every((path) => others.has(path)), `the empty set is undefined, seed ${seed}`);
      assert.is(pathsOf(a).length, all.size, `pathsOf, seed ${seed}`);
      assert.equal(sorted(paths(readFieldSet(JSON.parse(JSON.stringify(a ?? {})), { left: 1000 }))), sorted(all), `read, seed ${seed}`);
      assert.is(JSON.stringify([a, b]), before, `nothing given is changed, seed ${seed}`);
    }
  });
}

test("difference() and union() give back what they were given where nothing changes", () => {
  const set: FieldSet = { "f:a": { "f:b": {}, ".": {} } };
  assert.is(difference(set, { "f:a": { "f:c": {} } }), set);
  assert.is(union(set, { "f:a": { "f:b": {} } }), set);
  assert.ok(isMember(set["f:a"]!));
});

test("pathsOf() writes paths as upstream does", () => {
  const set = {
    "f:spec": {
      "f:list": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:hostPort": {} } },
      "f:all": { 'v:"x"': {}, "i:3": {} },
    },
  };
  assert.equal(pathsOf(set as unknown as FieldSet), [
    '.spec.all[="x"]',
    ".spec.all[3]",
    '.spec.list[containerPort=80,protocol="TCP"]',
    '.spec.list[containerPort=80,protocol="TCP"].hostPort',
  ]);
});

test("readFieldSet() spells keys in one way, and refuses what is no set, or too large", () => {
  assert.equal(readFieldSet({ 'k:{"b": 1, "a":"x"}': {} }, { left: 9 }), { 'k:{"a":"x","b":1}': {} });
  assert.is(readFieldSet({}, { left: 9 }), undefined);
  for (const wrong of [[], 1, { "f:a": 1 }, { a: {} }, { "k:1": {} }, { "k:{": {} }, { 'k:{"a":[]}': {} }, { "v:{": {} }, { "i:-1": {} }]) {
    assert.throws(() => readFieldSet(wrong, { left: 9 }), (error: unknown) => error instanceof SyntaxError, JSON.stringify(wrong));
  }
  assert.throws(() => readFieldSet({ "f:a": {}, "f:b": {} }, { left: 1 }), /too many/);
});
