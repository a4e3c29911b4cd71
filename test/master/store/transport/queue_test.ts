import * as assert from "uvu/assert";
import { peerPingTicks, peerProbeTicks, peerQueueBytes, peerQueueMessages, peerResetTicks } from "../../../../shared/limits.ts";
import type { MessageOf } from "../../../../master/store/raft/message.ts";
import { Outbox, type Parcel } from "../../../../master/store/transport/outbox.ts";
import { Watchdog } from "../../../../master/store/transport/watchdog.ts";
import { WireError } from "../../../../master/store/transport/wire.ts";
import { suite } from "../../../kit/suite.ts";

const outbox = suite("Outbox");
const parcel = (bytes: number): Parcel => ({ pieces: [], bytes });
const proposal = (bytes: number, sequence: number): Parcel => ({
  pieces: [],
  bytes,
  proposal: { type: "Propose", proposal: { sequence } } as unknown as MessageOf<"Propose">,
});

outbox("gives what it was given, in order, about as much as is asked for", () => {
  const box = new Outbox(), parcels = Array.from({ length: 300 }, (_, at) => parcel(10 + at % 3));
  for (const each of parcels) assert.equal(box.push(each), []);
  assert.is(box.messages, 300);
  const taken: Parcel[] = [];
  while (box.messages > 0) {
    const some = box.take(100);
    assert.ok(some.length >= 8 && some.length <= 10, `${some.length}`);
    taken.push(...some);
  }
  assert.equal(taken.map((each) => parcels.indexOf(each)), parcels.map((_, at) => at));
  assert.is(box.bytes, 0);
  assert.equal(box.take(100), []);
  box.push(parcel(peerQueueBytes * 2));
  assert.is(box.take(1).length, 1, "one that is larger than everything still goes");
});

outbox("drops the oldest when it is full of messages or of bytes", () => {
  const box = new Outbox(), parcels = Array.from({ length: peerQueueMessages + 3 }, () => parcel(1));
  const gone = parcels.flatMap((each) => box.push(each));
  assert.equal(gone.map((each) => parcels.indexOf(each)), [0, 1, 2]);
  assert.is(box.messages, peerQueueMessages);
  const large = parcel(peerQueueBytes - 10);
  assert.is(box.push(large).length, peerQueueMessages - 10);
  assert.is(box.bytes, peerQueueBytes);
  assert.is(box.messages, 11);
});

outbox("keeps proposals, and refuses what finds nothing to push out", () => {
  const box = new Outbox(), third = Math.floor(peerQueueBytes / 3);
  const first = proposal(third, 1), lost = parcel(third), second = proposal(third, 2), late = proposal(third, 3), last = parcel(third);
  assert.equal([first, lost, second].flatMap((each) => box.push(each)), []);
  assert.equal(box.push(late), [lost]);
  assert.equal(box.push(last), [last]);
  assert.equal(box.clear(), [first, second, late]);
  assert.equal([box.messages, box.bytes], [0, 0]);
});

const dog = suite("Watchdog");
const ticks = (watchdog: Watchdog, count: number): string[] => Array.from({ length: count }, () => watchdog.tick());

dog("asks after silence, and gives up after more", () => {
  const watchdog = new Watchdog();
  watchdog.sent(100);
  const expected = new Array(peerResetTicks + 1).fill("nothing");
  expected[peerPingTicks - 1] = "ping";
  expected[peerResetTicks] = "reset";
  assert.equal(ticks(watchdog, peerResetTicks + 1), expected);
});

dog("is content as long as there is progress, however slow", () => {
  const watchdog = new Watchdog();
  watchdog.sent(1_000_000);
  for (let received = 1; received < 100; received++) {
    assert.not(ticks(watchdog, peerResetTicks).includes("reset"));
    watchdog.received(received * 1000);
  }
  watchdog.received(99_000); // no news
  assert.ok(ticks(watchdog, peerResetTicks + 1).includes("reset"));
});

dog("asks now and then, whether there is something to send or not", () => {
  for (const busy of [true, false]) {
    const watchdog = new Watchdog(), pings: number[] = [];
    for (let tick = 1; tick <= peerProbeTicks * 2; tick++) {
      if (busy) watchdog.sent(1);
      const word = watchdog.tick();
      if (busy) watchdog.received(tick);
      if (word === "ping") pings.push(tick);
      assert.is.not(word, "reset");
    }
    assert.equal(pings, [peerProbeTicks, peerProbeTicks * 2]);
  }
});

dog("does not believe in bytes that were never sent", () => {
  const watchdog = new Watchdog();
  watchdog.sent(10);
  assert.throws(() => watchdog.received(11), (error: Error) => error instanceof WireError);
});
