// A slice of what `npm run fuzz` does: the same cases each time, and some that nobody has seen. And that it would tell.
import process from "node:process";
import * as assert from "uvu/assert";
import { suite } from "../kit/suite.ts";
import { live, type Ran } from "./fuzz.ts";
import { type Target, target } from "./target.ts";
import { targets } from "./targets.ts";

const fuzz = suite("fuzz", { timeoutMs: 120_000 }), sliceCases = 700;
const nothingYet = (): Ran => ({ findings: [], slowest: { ms: 0, target: "", index: 0 } });
const told = ({ findings }: Ran, seed: number): string[] =>
  findings.map(({ target, index, what }) => `npm run fuzz -- --seed ${seed} --case ${target}:${index}\n${what}`);

for (const one of targets) {
  for (const [which, seed] of [["that are known", 1], ["that are new", Date.now() % 1e9]] as const) {
    fuzz(`${one.name} takes damage that comes by numbers ${which}`, async () => {
      const ran = nothingYet();
      await live(one, seed, 0, Math.min(sliceCases, one.casesPerLife), ran);
      assert.equal(told(ran, seed), []);
    });
  }
}

/** One whose cases are numbers from 0 to 9. */
const odd = (run: (made: number) => Promise<string | undefined>): Target =>
  target<number>({
    name: "odd",
    casesPerLife: 100,
    make: (random) => Math.floor(random() * 10),
    show: String,
    open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
  });
const cases40 = async (run: (made: number) => Promise<string | undefined>): Promise<[shown: string, what: string][]> => {
  const ran = nothingYet();
  await live(odd(run), 5, 0, 40, ran);
  return ran.findings.map(({ shown, what }) => [shown, what.split("\n")[0]!]);
};

fuzz("live() tells of what was said to be wrong, and of what was thrown", async () => {
  const found = await cases40((made) => {
    if (made === 3) return Promise.resolve("three");
    if (made === 4) throw new Error("four");
    return made === 5 ? Promise.reject(new Error("five")) : Promise.resolve(undefined);
  });
  assert.equal([...new Set(found.map((pair) => pair.join()))].sort(), ["3,three", "4,threw Error: four", "5,threw Error: five"]);
});
fuzz("live() tells of a rejection that nobody has caught", async () => {
  const found = await cases40(async (made) => {
    if (made === 6) void Promise.reject(new Error("six"));
    await new Promise((resolve) => setTimeout(resolve, 1));
    return undefined;
  });
  assert.equal([...new Set(found.map((pair) => pair.join()))], ["6,nobody has caught Error: six"]);
});
fuzz("live() tells of more than a second of work", async () => {
  let worked = false;
  const found = await cases40((made) => {
    for (const before = process.cpuUsage(); made === 7 && !worked && process.cpuUsage(before).user < 1_200_000;);
    worked ||= made === 7;
    return Promise.resolve(undefined);
  });
  assert.match(found.join(), /^7,worked for \d+ ms$/);
});
