import * as assert from "uvu/assert";
import { parseCron } from "../../../shared/api/cron.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("cron");
const read = (text: string) => {
  const cron = parseCron(text);
  if ("every" in cron) return cron.every;
  const { minutes, hours, days, months, weekdays, eitherDay } = cron;
  return [...[minutes, hours, days, months, weekdays].map((times) => [...times].sort((a, b) => a - b)), eitherDay];
};
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("parseCron() reads lists, ranges, steps, names and stars", () => {
  assert.equal(read("*/20 8-10 1,15 * mon-fri"), [[0, 20, 40], [8, 9, 10], [1, 15], range(1, 12), range(1, 5), true]);
  assert.equal(read("5/25 * ? jan,Dec 0"), [[5, 30, 55], range(0, 23), range(1, 31), [1, 12], [0], false]);
  assert.equal(read("@weekly"), [[0], [0], range(1, 31), range(1, 12), [0], false]);
  assert.equal(read("TZ=Europe/Oslo 0 0 * * *"), read("@daily"));
  assert.is(read("@every 1h30m"), "1h30m");
});
test("parseCron() holds a stepped star for a choice of days, as its model does", () => {
  assert.is(read("0 0 */2 * 1").at(-1), true);
  assert.is(read("0 0 */1 * 1").at(-1), false);
});
const wrong: Readonly<Record<string, string>> = {
  "": "empty spec string",
  "hello": "expected exactly 5 fields, found 1: [hello]",
  "* * * *  * *": "expected exactly 5 fields, found 6: [* * * * * *]",
  "x * * * *": 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax',
  "60 * * * *": "end of range (60) above maximum (59): 60",
  "* * 0 * *": "beginning of range (0) below minimum (1): 0",
  "5-3 * * * *": "beginning of range (5) beyond end of range (3): 5-3",
  "*/0 * * * *": "step of range should be a positive number: */0",
  "1-2-3 * * * *": "too many hyphens: 1-2-3",
  "*/1/2 * * * *": "too many slashes: */1/2",
  "* * * * 7": "end of range (7) above maximum (6): 7",
  "@never": "unrecognized descriptor: @never",
  "@every x": 'failed to parse duration @every x: time: invalid duration "x"',
};
for (const [text, words] of Object.entries(wrong)) {
  test(`parseCron() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseCron(text), (error: unknown) => error instanceof RangeError && error.message === words);
  });
}
