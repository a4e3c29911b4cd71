// One client gone wild must not starve the others: somebody with one connection beside somebody with two hundred.
import process from "node:process";
import * as assert from "uvu/assert";
import { quantile } from "../bench/figures.ts";
import { type MasterProcess, masterProcess, runtime } from "../kit/master_process.ts";
import { besideHog, makeCrowd, quiet } from "../kit/starvation.ts";
import { suite } from "../kit/suite.ts";

const test = suite<MasterProcess>("a master with a client gone wild", {
  async setup() {
    const master = await masterProcess();
    await master.start();
    return master;
  },
  teardown: (master) => master.close(),
  timeoutMs: 180_000,
});

test("serves others in their turn: who asks for little waits far less than who asks for much", async (master) => {
  await makeCrowd(master);
  const alone = await quiet(master, 100), { result: beside, hog } = await besideHog(master, () => quiet(master, 100));
  const ms = (samples: readonly number[], q: number): string => `${quantile(samples, q).toFixed(0)} ms`;
  process.stdout.write(
    `${runtime}: p50 ${ms(alone, 0.5)}, p99 ${ms(alone, 0.99)} alone; p50 ${ms(beside, 0.5)}, p99 ${ms(beside, 0.99)} beside it; ` +
      `its own reads p50 ${ms(hog.getsMs, 0.5)}, its answers ${JSON.stringify(hog.answers)}\n`,
  );
  // Without turns both wait alike. How long, the machine says; how much less, we do.
  const theirs = quantile(hog.getsMs, 0.5), ours = quantile(beside, 0.5);
  assert.ok(ours < theirs / 4, `the quiet client waits ${ours} ms, the other ${theirs} ms`);
  assert.equal(Object.keys(hog.answers).filter((status) => !["200", "201", "409"].includes(status)), []);
});
