// A slice of `node test/system/master_kill.ts --kills 100`, short enough for every day.
import process from "node:process";
import { suite } from "../kit/suite.ts";
import { killMaster, summary } from "./master_kill.ts";

const test = suite("a master that is killed", { timeoutMs: 240_000 });

test("has lost nothing it acknowledged, brings nothing back, and its watches go on without gap or repeat", async () => {
  process.stdout.write(`${summary(await killMaster(12, { seed: Date.now() }))}\n`);
});
