import * as assert from "uvu/assert";
import { HandCrankedClock, seeded, sleep } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("clock");

test("HandCrankedClock runs timers in the order they fall due", () => {
  const clock = new HandCrankedClock(0), order: string[] = [];
  clock.after(20, () => order.push("b"));
  clock.after(10, () => {
    order.push("a");
    clock.after(5, () => order.push("a2"));
  });
  clock.advance(30);
  assert.equal(order, ["a", "a2", "b"]);
  assert.is(clock.now(), 30);
});

test("sleep() rejects with the signal's reason", async () => {
  const stop = new AbortController(), clock = new HandCrankedClock();
  const slept = sleep(clock, 1000, stop.signal).then(() => "slept", (error) => error.message);
  stop.abort(new Error("stop"));
  assert.is(await slept, "stop");
});

test("seeded() gives the same numbers on every runtime", () => {
  const random = seeded(7);
  assert.equal([random(), random()].map((x) => Math.floor(x * 1e9)), [11704753, 61958257]);
});
