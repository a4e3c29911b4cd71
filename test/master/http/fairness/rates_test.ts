import * as assert from "uvu/assert";
import { Rates } from "../../../../master/http/fairness/rates.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("Rates");
const taken = (rates: Rates, user: string, nowMs: number, tries: number): number =>
  Array.from({ length: tries }, () => rates.take(user, nowMs)).filter(Boolean).length;

test("a user may burst, then has what flows in, and takes nothing from others", () => {
  const rates = new Rates(10, 20);
  assert.is(taken(rates, "a", 0, 100), 20);
  assert.is(taken(rates, "a", 500, 100), 5);
  assert.is(taken(rates, "b", 500, 100), 20);
  assert.is(taken(rates, "a", 100_000, 100), 20);
});

test("full buckets are forgotten, so that names alone fill no memory", () => {
  const rates = new Rates(10, 20);
  for (let user = 0; user < 1000; user++) rates.take(`user-${user}`, user);
  assert.ok(rates.users > 900);
  rates.take("last", 10_000);
  assert.is(rates.users, 1);
});

test("0 a second means no bound", () => assert.is(taken(new Rates(0, 0), "a", 0, 1000), 1000));
