import * as assert from "uvu/assert";
import { apply } from "../../../../master/registry/ownership/apply.ts";
import { compare, fieldsOf } from "../../../../master/registry/ownership/compare.ts";
import { difference, type FieldSet } from "../../../../master/registry/ownership/field_set.ts";
import { shapeOf } from "../../../../master/registry/ownership/shape.ts";
import type { Draft } from "../../../../master/registry/lifecycle.ts";
import { decode } from "../../../../shared/api/decode.ts";
import { sameJson } from "../../../../shared/api/json.ts";
import type { ManagedFieldsEntry } from "../../../../shared/api/meta.ts";
import type { Kind } from "../../../../shared/api/resource.ts";
import type { Json, Message } from "../../../../shared/api/schema.ts";
import { said } from "../../../../shared/api/said.ts";
import { ApiError } from "../../../../shared/api/status.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { randomKind } from "../../../kit/random_schema.ts";
import { randomValue } from "../../../kit/random_value.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("apply()", { timeoutMs: 60_000 });

const managers = ["a", "b", "c"];
const entryOf = (object: Draft, manager: string): ManagedFieldsEntry | undefined =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager);
const setOf = (object: Draft, manager: string): FieldSet | undefined => entryOf(object, manager)?.fieldsV1 as FieldSet | undefined;
const born: Draft = { apiVersion: "sea.example/v1", kind: "Thing", metadata: { name: "x" } };
const withoutOwners = ({ metadata: { managedFields: _, ...metadata }, ...rest }: Draft): unknown => ({ ...rest, metadata });
/** What a manager says, as HTTP hands it on. */
function wish(kind: Kind, value: Json): Json {
  return said(kind.schema, value, decode(kind.schema, value).value) as Json;
}

for (
  const seeds of [
    Array.from({ length: 150 }, (_, i) => i + 1),
    Array.from({ length: 150 }, () => Math.floor(Math.random() * 2 ** 31)),
  ]
) {
  test(`whatever managers apply in turn, each owns what it says, and nothing that is not there (seeds from ${seeds[0]})`, () => {
    let conflicts = 0;
    for (const seed of seeds) {
      const random = seeded(seed), kind = randomKind(random), shape = shapeOf(kind), spec = (kind.schema as Message).fields.spec!;
      let object: Draft | undefined;
      for (let turn = 0; turn < 6; turn++) {
        const manager = managers[Math.floor(random() * managers.length)]!, config = wish(kind, { spec: randomValue(random, spec) });
        const how = { config, manager, subresource: "", time: "2026-01-01T00:00:00Z" }, where = `seed ${seed}, turn ${turn}`;
        const live = object ?? {}, before = JSON.stringify([live, config]), forced = apply(kind, live, { ...how, force: true });
        assert.is(JSON.stringify([live, config]), before, `nothing given is changed, ${where}`);

        assert.is(compare(shape, forced, merged(kind, forced, config)), undefined, `it says what was applied, ${where}`);
        assert.ok(sameSet(setOf(forced, manager), fieldsOf(shape, config)), `its manager owns what it says, ${where}`);
        for (const other of managers) {
          const owned = setOf(forced, other);
          assert.is(difference(owned, fieldsAt(kind, forced)), undefined, `${other} owns nothing that is not there, ${where}`);
          if (other !== manager) {
            assert.is(
              difference(owned, object && setOf(object, other)),
              undefined,
              `${other} gains nothing, ${where}`,
            );
          }
        }
        assert.equal(apply(kind, forced, { ...how, force: false }), forced, `again it changes nothing, ${where}`);

        const asked = attempt(() => apply(kind, live, { ...how, force: false }));
        if (asked instanceof ApiError) {
          conflicts++;
          assert.is(asked.reason, "Conflict");
          const lost = managers.some((other) =>
            other !== manager && difference(object && setOf(object, other), setOf(forced, other)) !== undefined
          );
          assert.ok(lost, `it is refused only where somebody would lose a field, ${where}`);
        } else assert.equal(asked, forced, `without conflict, force is nothing, ${where}`);

        // One who is alone leaves nothing of what it has said before.
        if (managers.every((other) => other === manager || !setOf(forced, other)) && object && setOf(object, manager)) {
          const alone = apply(kind, {}, { ...how, force: true });
          if (managers.every((other) => other === manager || !setOf(object!, other))) {
            assert.equal(withoutOwners(forced), {
              ...withoutOwners(alone) as Json,
              ...types(forced),
            }, where);
          }
        }
        object = { ...born, ...forced, metadata: { ...born.metadata, ...forced.metadata } };
      }
    }
    assert.ok(conflicts > 50, "there were conflicts");
  });
}
/** What there is, laid over with what was said, as it would be stored. */
const merged = (kind: Kind, object: Draft, config: Json): unknown =>
  apply(kind, { ...object, metadata: {} }, { config, manager: "x", subresource: "", force: true, time: "" });
const fieldsAt = (kind: Kind, object: Draft): FieldSet | undefined => compare(shapeOf(kind), {}, object)?.changed;
const sameSet = (a: FieldSet | undefined, b: FieldSet | undefined): boolean => sameJson(a ?? {}, b ?? {});
const types = ({ apiVersion, kind, metadata: { managedFields: _, ...metadata } }: Draft): object => ({
  ...(apiVersion && { apiVersion }),
  ...(kind && { kind }),
  metadata,
});
function attempt<T>(act: () => T): T | ApiError {
  try {
    return act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
