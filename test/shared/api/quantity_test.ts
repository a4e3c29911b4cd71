import * as assert from "uvu/assert";
import * as v from "valibot";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  isQuantity,
  milliUnits,
  parseQuantity,
  units,
} from "../../../shared/api/quantity.ts";
import { duration, microTime, quantity, time } from "../../../shared/api/scalars.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("quantities");

test("canonicalQuantity() keeps the family and takes the largest suffix without a fraction", () => {
  const table: Record<string, string> = {
    "0": "0",
    "0Mi": "0",
    "0.5": "500m",
    ".5": "500m",
    "5.": "5",
    "1000m": "1",
    "1500m": "1500m",
    "0.1": "100m",
    "1.5Gi": "1536Mi",
    "1024Mi": "1Gi",
    "1000Mi": "1000Mi",
    "1000M": "1G",
    "1000000": "1M",
    "1023Ki": "1023Ki",
    "0.5Ki": "512",
    "0.0001Ki": "102400u",
    "1e3": "1e3",
    "12e5": "1200e3",
    "1E3": "1e3",
    "1E": "1E",
    "1e-3": "1e-3",
    "-1.5Gi": "-1536Mi",
    "+5": "5",
    "0.1n": "1n",
    "-0.1n": "-1n",
    "1.0000000001": "1000000001n",
    "007": "7",
    "100Ei": "9223372036854775807",
    "1e999999999999": "9223372036854775807",
    "-1e30": "-9223372036854775807",
    "1e-99999": "1e-9",
  };
  for (const [written, canonical] of Object.entries(table)) assert.is(canonicalQuantity(written), canonical, written);
});
test("isQuantity() knows what Go would not read", () => {
  for (const text of ["", ".", "-", "1ki", "1 Mi", "1KB", "e3", "1e", "--1", "1.2.3", "0x1", "1".repeat(100), null, true]) {
    assert.not(isQuantity(text), `${text}`);
  }
  assert.throws(() => parseQuantity("x"), /must match the regular expression/);
});
test("are compared and added as numbers, exactly", () => {
  assert.is(compareQuantities("1000m", "1"), 0);
  assert.is(compareQuantities("1Gi", "1G"), 1);
  assert.is(compareQuantities("-1", "1n"), -1);
  assert.is(addQuantities("100m", "0.2"), "300m");
  assert.is(addQuantities("0", "512Mi"), "512Mi");
  assert.is(addQuantities("512Mi", "512M"), "1024288Ki");
  assert.is(addQuantities("1Gi", "-1Gi"), "0");
});
test("units() and milliUnits() count a fraction as one", () => {
  assert.equal([units("1.5Ki"), units("100m"), units("-100m"), milliUnits("0.1001"), milliUnits("2")], [1536n, 1n, -1n, 101n, 2000n]);
});
test("have one spelling each: reading it back gives the same amount and text", () => {
  const random = seeded(7), suffixes = ["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2"];
  for (let i = 0; i < 2000; i++) {
    const digits = (most: number) => String(Math.floor(random() * 10 ** Math.floor(random() * most)));
    const written = `${random() < 0.2 ? "-" : ""}${digits(7)}${random() < 0.5 ? `.${digits(5)}` : ""}${
      suffixes[Math.floor(random() * suffixes.length)]
    }`;
    const canonical = canonicalQuantity(written);
    assert.is(parseQuantity(canonical).nano, parseQuantity(written).nano, written);
    assert.is(canonicalQuantity(canonical), canonical, written);
  }
});

const scalars = suite("scalars");

scalars("quantity, time and microTime come out in one spelling", () => {
  assert.is(v.parse(quantity, 0.5), "500m");
  assert.is(v.parse(time, "2026-01-02T03:04:05.9+02:00"), "2026-01-02T01:04:05Z");
  assert.is(v.parse(microTime, "2026-01-02T03:04:05.1234567-00:30"), "2026-01-02T03:34:05.123456Z");
});
scalars("times must be days and hours that there are", () => {
  const wrong = [
    "",
    "2026-01-02",
    "2026-02-30T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "9999-12-31T23:59:59-10:00",
    "2026-01-02 03:04:05Z",
    "2026-01-02T03:04:05",
  ];
  for (const text of wrong) assert.not(v.is(time, text), text);
  assert.ok(v.is(time, "2024-02-29T23:59:59+14:00"));
});
scalars("durations are Go's", () => {
  for (const text of ["1h30m", "1.5s", "0", "-250ms", "1µs"]) assert.ok(v.is(duration, text), text);
  for (const text of ["", "1", "1 s", "s", "1d"]) assert.not(v.is(duration, text), text);
});
