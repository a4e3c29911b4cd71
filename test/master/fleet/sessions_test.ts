import * as assert from "uvu/assert";
import type { Connection } from "../../../master/fleet/connection.ts";
import { Sessions } from "../../../master/fleet/sessions.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";
import { birth, connectionOf } from "../../kit/connection.ts";

const test = suite("sessions", {
  setup() {
    const clock = new HandCrankedClock(), sessions = new Sessions(clock), told: string[] = [];
    sessions.subscribe((name) => told.push(`${name} ${sessions.state(name)?.live}`));
    return { clock, sessions, told };
  },
});
function connection(): Connection & { closed: string[] } {
  const closed: string[] = [];
  return { ...connectionOf("n", { close: (reason) => void closed.push(reason), bytesIn: 10, bytesOut: 20 }), closed };
}

test("a late will of session n after birth n+1 changes nothing", ({ sessions, told }) => {
  const old = connection(), late = sessions.connected(old), next = connection(), current = sessions.connected(next);
  sessions.born(late, birth(1));
  sessions.born(current, birth(2));
  assert.equal(old.closed.length, 1);
  assert.not.ok(sessions.will(late, { sess: 1 }));
  assert.not.ok(sessions.will(current, { sess: 1 }));
  sessions.disconnected(old);
  assert.equal(told, ["pi true"]);
  assert.is(sessions.current("n"), current);
});

test("a birth that is not higher is none, in whatever order the connections came", ({ sessions }) => {
  const first = sessions.connected(connection()), second = sessions.connected(connection());
  assert.ok(sessions.born(first, birth(5)));
  for (const sess of [5, 4, 0]) assert.not.ok(sessions.born(second, birth(sess)));
  assert.is(sessions.current("n"), first);
  assert.ok(sessions.born(second, birth(6)));
});

test("presence tells each change once, since when, and that a node sleeps", ({ sessions, clock, told }) => {
  assert.is(sessions.state("pi"), undefined);
  clock.advance(100);
  const link = connection(), session = sessions.connected(link);
  sessions.born(session, birth(1));
  clock.advance(50);
  assert.ok(sessions.will(session, { sess: 1, reason: "sleep", wakeAt: 9_000 }));
  sessions.disconnected(link);
  assert.equal(told, ["pi true", "pi false"]);
  assert.equal(sessions.state("pi"), { live: false, sinceMs: 150, lastPacketMs: 0, sleepingUntilMs: 9_000 });
  sessions.born(sessions.connected(connection()), birth(2));
  assert.is(sessions.state("pi")?.sleepingUntilMs, undefined);
});

test("bytes of sessions that are over are counted on", ({ sessions }) => {
  const link = connection();
  sessions.born(sessions.connected(link), birth(1));
  sessions.disconnected(link);
  assert.equal([sessions.record("n")!.bytesIn, sessions.record("n")!.bytesOut], [10, 20]);
});

test("a node that is shut out is closed and known no more, and its name is silent", ({ sessions }) => {
  const link = connection();
  sessions.born(sessions.connected(link), birth(1));
  sessions.forget("n", "out");
  assert.equal(link.closed, ["out"]);
  assert.is(sessions.record("n"), undefined);
  assert.is(sessions.state("pi")?.live, false); // undefined would mean: not heard yet, so leave its Node as it is
});
