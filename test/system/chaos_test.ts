// A slice of `npm run chaos`, short enough for every day.
import { tmpdir } from "node:os";
import process from "node:process";
import * as assert from "uvu/assert";
import { enclosedTrial, noEnclosure } from "../chaos/enclosure.ts";
import { faultKinds } from "../chaos/fault.ts";
import { summary } from "../chaos/summary.ts";
import { runtime } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("masters in chaos", { timeoutMs: 200_000, skip: noEnclosure() });

test("lose nothing that they have acknowledged, read nothing stale, and their watches go on without gap or repeat", async () => {
  const seed = Date.now() % 1_000_000, lines: string[] = [];
  // Who is replaced takes its time; masters_test.ts does it.
  const options = {
    seed,
    minutes: 0.2,
    members: 3,
    faults: faultKinds.filter((kind) => kind !== "replace"),
    roundMs: 12_000,
    keep: `${tmpdir()}/chaos-seed-${seed}`,
  };
  const report = await enclosedTrial(options, (line) => lines.push(line));
  const words = summary(report, { ...options, runtime });
  assert.equal(report.violations, [], `${lines.join("\n")}\n${words}`);
  assert.ok(report.acknowledged > 0 && report.reads > 0 && report.deliveries > 0, words);
  process.stdout.write(`measured: ${words}\n`);
});
