import * as assert from "uvu/assert";
import { EventRing } from "../../../agent/link/events.ts";
import { eventsInMessage, eventsKept, reportRepeatMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import type { Events, NodeEvent } from "../../../shared/wire/messages.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("EventRing", {
  setup() {
    const clock = new HandCrankedClock(), sent: Events[] = [];
    return { clock, sent, ring: new EventRing(clock, (message) => void sent.push(message)) };
  },
});
const event = (n: number): NodeEvent => ({ uid: "p", type: "Normal", reason: "Pulled", message: `${n}`, at: n, count: 1 });
const all = (sent: Events[]): string[] => sent.flatMap(({ events }) => events.map(({ message }) => message));

test("events are told in order, and again until they are acknowledged", ({ clock, sent, ring }) => {
  ring.connected(1);
  ring.add(event(1));
  ring.add(event(2));
  clock.advance(reportRepeatMs);
  assert.equal(all(sent), ["1", "1", "2"], "what came meanwhile goes with the repetition");
  ring.cumulative({ sess: 1, evSeq: 2, rebirth: false });
  clock.advance(10 * reportRepeatMs);
  assert.is(sent.length, 2);
});

test("the same event again is counted, and told at growing intervals", ({ sent, ring }) => {
  ring.connected(1);
  const told = (): number[] => sent.flatMap(({ events }) => events.map(({ count }) => count));
  let seq = 0;
  for (let second = 0; second < 3600; second += 2) {
    ring.add({ ...event(7), at: second * 1000 });
    if (sent.length > seq) ring.cumulative({ sess: 1, evSeq: ++seq, rebirth: false });
  }
  assert.ok(told().length < 20, `${told().length} in an hour`);
  assert.is(told()[0], 1, "the first at once");
  assert.ok(told().at(-1)! > 1600, "and the count is that of all");
  assert.equal([...new Set(sent.flatMap(({ events }) => events.map(({ first }) => first)))], [0], "one series");
});

test("what has been quiet for long begins anew", ({ sent, ring }) => {
  ring.connected(1);
  ring.add({ ...event(7), at: 0 });
  ring.cumulative({ sess: 1, evSeq: 1, rebirth: false });
  ring.add({ ...event(7), at: 3_600_000 });
  assert.equal(sent[1]!.events.map(({ count, first }) => [count, first]), [[1, 3_600_000]]);
});

test("a month of events without a link keeps the newest and counts the rest exactly", ({ sent, ring }) => {
  for (let i = 0; i < 100_000; i++) ring.add(event(i));
  ring.connected(1);
  for (let i = 0; i < eventsKept / eventsInMessage; i++) ring.cumulative({ sess: 1, evSeq: i + 1, rebirth: false });
  assert.equal(all(sent), Array.from({ length: eventsKept }, (_, i) => `${100_000 - eventsKept + i}`));
  assert.is(sent.reduce((sum, { dropped }) => sum + dropped, 0), 100_000 - eventsKept, "each drop is told once");
});
