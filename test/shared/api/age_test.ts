import * as assert from "uvu/assert";
import { age, humanDuration } from "../../../shared/api/age.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("humanDuration()");

test("says it in at most two units, and changes them where kubectl does", () => {
  const s = 1, m = 60 * s, h = 60 * m, d = 24 * h, y = 365 * d;
  const table: [number, string][] = [
    [-2 * s, "<invalid>"],
    [-1 * s, "0s"],
    [-0.5 * s, "0s"],
    [0, "0s"],
    [59 * s, "59s"],
    [119 * s, "119s"],
    [2 * m, "2m"],
    [2 * m + 1, "2m1s"],
    [9 * m + 59, "9m59s"],
    [10 * m + 59, "10m"],
    [179 * m, "179m"],
    [3 * h, "3h"],
    [3 * h + 5 * m, "3h5m"],
    [8 * h + 5 * m, "8h"],
    [47 * h, "47h"],
    [2 * d, "2d"],
    [2 * d + 3 * h, "2d3h"],
    [8 * d + 3 * h, "8d"],
    [729 * d, "729d"],
    [2 * y, "2y"],
    [2 * y + 11 * d, "2y11d"],
    [8 * y + 11 * d, "8y"],
    [30 * y, "30y"],
  ];
  for (const [seconds, text] of table) assert.is(humanDuration(seconds * 1000), text, `${seconds} s`);
});
test("age() of nothing is unknown", () => {
  assert.is(age(undefined, 0), "<unknown>");
  assert.is(age("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:01:30Z")), "90s");
});
