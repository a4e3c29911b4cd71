import * as assert from "uvu/assert";
import { compare, fieldsOf } from "../../../../master/registry/ownership/compare.ts";
import { difference, type FieldSet, union } from "../../../../master/registry/ownership/field_set.ts";
import { mergeApplied, prune } from "../../../../master/registry/ownership/merge.ts";
import { shapeOf } from "../../../../master/registry/ownership/shape.ts";
import { deployments } from "../../../../shared/api/kinds/deployment.ts";
import type { Kind } from "../../../../shared/api/resource.ts";
import type { Field, Json, Message, Type } from "../../../../shared/api/schema.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { type Places, placesOf, randomKind } from "../../../kit/random_schema.ts";
import { randomValue } from "../../../kit/random_value.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("mergeApplied(), prune() and compare()", { timeoutMs: 60_000 });

const fresh = Array.from({ length: 300 }, () => Math.floor(Math.random() * 2 ** 31));
const runs = [Array.from({ length: 300 }, (_, i) => i + 1), fresh];

const specOf = (kind: Kind): Field => (kind.schema as Message).fields.spec!;
/** The same paths as a set of fields has them. */
function members(set: FieldSet | undefined): Set<string> {
  const found = new Set<string>();
  const walk = (node: FieldSet, path: string): void => {
    const elements = Object.keys(node).filter((element) => element !== ".");
    if (path !== "" && (elements.length === 0 || Object.hasOwn(node, "."))) found.add(path);
    for (const element of elements) walk(node[element]!, path === "" ? element : `${path}/${element}`);
  };
  if (set) walk(set, "");
  return found;
}
const sorted = (all: Iterable<string>): string[] => [...all].sort();
const values = (places: Places): [string, string][] => [...places].filter(([, text]) => text !== "").sort(([a], [b]) => a < b ? -1 : 1);
const within = (path: string, outer: string): boolean => path === outer || path.startsWith(`${outer}/`);

for (const seeds of runs) {
  const from = `(seeds from ${seeds[0]})`;

  test(`mergeApplied() is one map of places laid over the other ${from}`, () => {
    for (const seed of seeds) {
      const random = seeded(seed), kind = randomKind(random), field = specOf(kind), shape = shapeOf(kind);
      const live = { spec: randomValue(random, field) },
        config = { spec: randomValue(random, field) },
        before = JSON.stringify([live, config]);
      const merged = (mergeApplied(shape, live, config) as Json).spec;
      const naive = new Map([...placesOf(field, live.spec), ...placesOf(field, config.spec)]);
      assert.equal(values(placesOf(field, merged)), values(naive), `seed ${seed}`);
      assert.is(JSON.stringify([live, config]), before, `seed ${seed}`);
      assert.equal(mergeApplied(shape, { spec: merged }, config), { spec: merged }, `merging again changes nothing, seed ${seed}`);
    }
  });

  test(`compare() finds the places that are new, different and gone ${from}`, () => {
    for (const seed of seeds) {
      const random = seeded(seed), kind = randomKind(random), field = specOf(kind);
      const old = randomValue(random, field), next = randomValue(random, field);
      const was = placesOf(field, old, "f:spec"),
        is = placesOf(field, next, "f:spec"),
        change = compare(shapeOf(kind), { spec: old }, { spec: next });
      assert.equal(
        sorted(members(change?.changed)),
        sorted([...is].filter(([path, text]) => was.get(path) !== text).map(([path]) => path)),
        `seed ${seed}`,
      );
      assert.equal(sorted(members(change?.removed)), sorted([...was.keys()].filter((path) => !is.has(path))), `seed ${seed}`);
    }
  });

  test(`prune() takes what was applied, is not owned any more, and whatever lies within ${from}`, () => {
    let pruned = 0;
    for (const seed of seeds) {
      const random = seeded(seed), kind = randomKind(random), field = specOf(kind), shape = shapeOf(kind);
      const live = { spec: randomValue(random, field) },
        last = { spec: randomValue(random, field) },
        config = { spec: randomValue(random, field) };
      const others = { spec: randomValue(random, field) };
      const merged = mergeApplied(shape, mergeApplied(shape, mergeApplied(shape, live, others), last), config);
      const lastSet = fieldsOf(shape, last), owned = union(fieldsOf(shape, config), random() < 0.7 ? fieldsOf(shape, others) : undefined);
      const result = prune(shape, merged, lastSet, owned) as Json | undefined;

      const named = namedPlaces(field, (merged as Json).spec, "f:spec");
      const has = (set: Set<string>, path: string): boolean =>
        set.has(path) || (named.has(path) && [...set].some((other) => within(other, path)));
      const before = members(lastSet), now = members(owned), all = placesOf(field, (merged as Json).spec, "f:spec");
      const goes = [...all.keys()].filter((path) => has(before, path) && !has(now, path));
      const stays = new Map([...all].filter(([path]) => !goes.some((outer) => within(path, outer))));
      assert.equal(values(result?.spec === undefined ? new Map() : placesOf(field, result.spec, "f:spec")), values(stays), `seed ${seed}`);
      pruned += goes.length;
    }
    assert.ok(pruned > 100, "there was something to take away");
  });
}
/** Places that are fields of a message: not keys of a map, not items. */
function namedPlaces(field: Partial<Field> & { type: Type<unknown> }, value: unknown, path: string): Set<string> {
  const named = new Set([path]);
  const walk = (at: Partial<Field> & { type: Type<unknown> }, item: unknown, path: string): void => {
    if ((at.map ?? (at.type as Message).map) === "atomic" || typeof item !== "object") return;
    if (at.type.type === "message") {
      for (const [key, inner] of Object.entries(item as Json)) {
        named.add(`${path}/f:${key}`);
        walk((at.type as Message).fields[key]!, inner, `${path}/f:${key}`);
      }
    } else if (at.type.type === "map") {
      for (const [key, inner] of Object.entries(item as Json)) walk({ type: at.type.item! }, inner, `${path}/f:${key}`);
    } else if (at.list === "map") {
      for (const inner of item as Json[]) {
        const element = [...placesOf({ ...at }, [inner]).keys()].find((key) => key.startsWith("k:") && !key.includes("/"))!;
        walk({ type: at.type.item! }, inner, `${path}/${element}`);
      }
    }
  };
  walk(field, value, path);
  return named;
}

const containers = (...names: string[]): Json => ({ spec: { template: { spec: { containers: names.map((name) => ({ name })) } } } });
const namesIn = (object: unknown): string[] =>
  (object as Json & { spec: { template: { spec: { containers: { name: string }[] } } } }).spec.template.spec.containers.map(({ name }) =>
    name
  );

test("mergeApplied() keeps the order of what is applied, and the others where they stood", () => {
  const shape = shapeOf(deployments as never),
    merge = (live: string[], config: string[]) => namesIn(mergeApplied(shape, containers(...live), containers(...config)));
  assert.equal(merge(["a", "b", "c"], ["c", "a"]), ["b", "c", "a"]);
  assert.equal(merge(["x", "a", "y", "b"], ["a", "b", "z"]), ["x", "a", "y", "b", "z"]);
  assert.equal(merge([], ["b", "a"]), ["b", "a"]);
});

test("mergeApplied() refuses items that cannot be told apart", () => {
  const shape = shapeOf(deployments as never);
  assert.throws(
    () => mergeApplied(shape, {}, containers("a", "a")),
    /\.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]/,
  );
  assert.throws(() => mergeApplied(shape, {}, { spec: { template: { spec: { containers: [{}] } } } }), /omits key field "name"/);
});

test("compare() names of a new object what upstream names", () => {
  const object = { metadata: { name: "web", labels: { app: "web" } }, spec: { replicas: 1, strategy: { rollingUpdate: { maxSurge: 1 } } } };
  assert.equal(compare(shapeOf(deployments as never), {}, object)!.changed, {
    "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
    "f:spec": { "f:replicas": {}, "f:strategy": { "f:rollingUpdate": { ".": {}, "f:maxSurge": {} } } },
  } as unknown as FieldSet);
  assert.is(difference(undefined, undefined), undefined);
});
