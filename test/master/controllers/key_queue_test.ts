import * as assert from "uvu/assert";
import { KeyQueue } from "../../../master/controllers/key_queue.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("KeyQueue", { setup: () => ({ clock: new HandCrankedClock() }) });

test("a key is in it once, and is worked on by one at a time", async ({ clock }) => {
  const queue = new KeyQueue(clock);
  for (const key of ["a", "b", "a"]) queue.add(key);
  assert.is(await queue.take(), "a");
  assert.is(await queue.take(), "b");
  queue.add("a"); // while it is being worked on
  let third: string | undefined = "none yet";
  void queue.take().then((key) => third = key);
  await Promise.resolve();
  assert.is(third, "none yet");
  queue.done("a");
  await Promise.resolve();
  assert.is(third, "a");
});

test("addAfter() waits, unless the key is added in between; the sooner delay counts", async ({ clock }) => {
  const queue = new KeyQueue(clock);
  queue.addAfter("a", 1000);
  queue.addAfter("a", 100);
  queue.addAfter("a", 5000);
  const taken = queue.take();
  clock.advance(100);
  assert.is(await taken, "a");
  queue.done("a");
  queue.addAfter("b", 1000);
  queue.add("b");
  assert.is(await queue.take(), "b");
  clock.advance(2000);
  assert.is(queue.size, 1, "the delayed one is forgotten");
});

test("close() lets every waiter go", async ({ clock }) => {
  const queue = new KeyQueue(clock), waiting = queue.take();
  queue.addAfter("a", 10);
  queue.close();
  assert.is(await waiting, undefined);
  assert.is(await queue.take(), undefined);
});
