import * as assert from "uvu/assert";
import { Shares, type Ticket } from "../../../../master/http/fairness/shares.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("Shares");
const bounds = { seats: 4, seatsPerUser: 2, queued: 3, queuedInAll: 5 };
const ask = (shares: Shares, user: string, width = 1): Ticket | undefined => shares.ask(user, width, () => {});
const states = (...tickets: (Ticket | undefined)[]): string => tickets.map((ticket) => ticket?.state ?? "refused").join(" ");

test("one user has some of the seats, and whoever comes next finds others", () => {
  const shares = new Shares(bounds), hog = Array.from({ length: 6 }, () => ask(shares, "hog"));
  assert.is(states(...hog), "running running waiting waiting waiting refused");
  assert.is(states(ask(shares, "quiet")), "running");
  assert.equal([shares.running, shares.waiting], [3, 3]);
});

test("what is freed goes to whoever has had least, not to whoever came first", () => {
  const shares = new Shares({ ...bounds, seatsPerUser: 4 }), hog = Array.from({ length: 7 }, () => ask(shares, "hog"));
  const quiet = ask(shares, "quiet");
  assert.is(states(...hog.slice(3), quiet), "running waiting waiting waiting waiting");
  shares.end(hog[0]!, 100);
  assert.is(states(hog[4], quiet), "waiting running");
});

test("a list takes as many seats as it is wide, and waits for them without being passed for ever", () => {
  const shares = new Shares(bounds), a = ask(shares, "a", 100), b = ask(shares, "b");
  assert.is(a!.width, 2);
  const wide = ask(shares, "c", 2), narrow = ask(shares, "d");
  assert.is(states(a, b, wide, narrow), "running running waiting waiting");
  shares.end(b!, 1);
  assert.is(states(wide, narrow), "running waiting");
  shares.end(a!, 1);
  assert.is(states(narrow), "running");
});

test("who gives up waiting leaves no trace, and an end counts once", () => {
  const shares = new Shares(bounds), [first, second, third] = [ask(shares, "a"), ask(shares, "a"), ask(shares, "a")];
  shares.end(third!, 0);
  shares.end(third!, 0);
  shares.end(first!, 1);
  shares.end(first!, 1);
  assert.equal([shares.running, shares.waiting, states(second, third)], [1, 0, "running over"]);
  shares.end(second!, 1);
  assert.equal([shares.running, shares.users], [0, 0]);
});

test("over a long time, users who always want something get the same, however many requests they have under way; and rest is not saved", () => {
  const shares = new Shares({ seats: 4, seatsPerUser: 4, queued: 1000, queuedInAll: 4000 }), random = seeded(7);
  const had = new Map<string, number>(), running = new Set<Ticket>();
  const want = (user: string): void => {
    const ticket = shares.ask(user, 1, () => {});
    if (ticket) tickets.push(ticket);
  };
  const tickets: Ticket[] = [];
  // The hog has a hundred under way at any time, the others six; the last one comes when half of the time is over.
  for (let index = 0; index < 100; index++) want("hog");
  for (let index = 0; index < 6; index++) for (const user of ["a", "b"]) want(user);
  for (let round = 0; round < 20_000; round++) {
    if (round === 10_000) { for (const user of ["late", "late"]) want(user); }
    for (const ticket of tickets) if (ticket.state === "running") running.add(ticket);
    const ticket = [...running][Math.floor(random() * running.size)]!, tookMs = ticket.user === "hog" ? 20 : 2;
    running.delete(ticket);
    tickets.splice(tickets.indexOf(ticket), 1);
    had.set(ticket.user, (had.get(ticket.user) ?? 0) + tookMs);
    shares.end(ticket, tookMs);
    want(ticket.user);
  }
  const of = (user: string): number => had.get(user)!;
  assert.ok(of("a") > of("hog") * 0.9 && of("a") < of("hog") * 1.1, `a had ${of("a")}, the hog ${of("hog")}`);
  assert.ok(of("b") > of("a") * 0.95 && of("b") < of("a") * 1.05);
  assert.ok(of("late") < of("a") * 0.6, `who came late had ${of("late")} of ${of("a")}`);
});
