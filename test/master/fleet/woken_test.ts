import * as assert from "uvu/assert";
import { runWoken } from "../../../master/fleet/woken.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { Wake } from "../../../shared/util/signal.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("runWoken()");
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test("tries again what has failed, after a while, and begins nothing after the end", async () => {
  const clock = new HandCrankedClock(), wake = new Wake(), stop = new AbortController(), failures: unknown[] = [];
  let works = 0;
  const running = runWoken(
    { wake, clock, random: () => 0 },
    async () => {
      works++;
      await turn();
      throw new Error("no room");
    },
    (error) => failures.push(error),
    stop.signal,
  );
  await turn();
  assert.is(works, 0, "nobody has woken it");
  wake.set();
  await turn();
  await turn();
  assert.equal([works, failures.length], [1, 1]);
  clock.advance(200);
  await turn();
  await turn();
  assert.is(works, 2);
  stop.abort();
  await running; // and does not go round and round because it fails
  assert.is(works, 2);
});
