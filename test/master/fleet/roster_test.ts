// Two masters on one store: what one says of its nodes, the other knows.
import * as assert from "uvu/assert";
import type { Connection } from "../../../master/fleet/connection.ts";
import type { Peers } from "../../../master/fleet/peers.ts";
import { presenceOf } from "../../../master/fleet/presence.ts";
import { decide, Roster } from "../../../master/fleet/roster.ts";
import { SendAway } from "../../../master/fleet/send_away.ts";
import { Sessions } from "../../../master/fleet/sessions.ts";
import type { Store } from "../../../master/store/store.ts";
import { HandCrankedClock, seeded, systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { birth, connectionOf } from "../../kit/connection.ts";
import { eventually } from "../../kit/eventually.ts";
import { closeRegistry, openRegistry } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

class Others implements Peers {
  leaderId = 1;
  readonly silent = new Set<number>();
  readonly self: number;
  readonly #observers = new Set<() => void>();
  constructor(self: number) {
    this.self = self;
  }
  isMember = () => true;
  isHeard = (member: number) => !this.silent.has(member);
  subscribe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }
  tell(): void {
    for (const observer of this.#observers) observer();
  }
}

class Master {
  readonly peers: Others;
  readonly sessions = new Sessions(systemClock);
  readonly roster: Roster;
  readonly told: string[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(self: number, store: Store) {
    const { peers, sessions } = { peers: this.peers = new Others(self), sessions: this.sessions };
    this.roster = new Roster({ store, peers, sessions, clock: systemClock, random: seeded(self), log: silentLog });
    this.roster.subscribe((name) => this.told.push(name));
    this.#running = this.roster.run(this.#stop.signal);
  }
  get presence() {
    return presenceOf(this.sessions, this.roster);
  }
  connect(sess: number): { connection: Connection; closed: string[] } {
    const closed: string[] = [], connection = { ...connectionOf("n"), close: (reason: string) => void closed.push(reason) };
    this.sessions.born(this.sessions.connected(connection), birth(sess));
    this.roster.note("n");
    return { connection, closed };
  }
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

const test = suite("roster", {
  async setup() {
    const opened = await openRegistry();
    return { opened, store: opened.store, masters: [new Master(1, opened.store), new Master(2, opened.store)] as [Master, Master] };
  },
  async teardown({ opened, masters }) {
    await Promise.all(masters.map((master) => master.close()));
    await closeRegistry(opened);
  },
});

test("a session at one master is known at the other, and so is its end", async ({ masters: [a, b] }) => {
  const { connection } = a.connect(1);
  await eventually("the other knows", () => b.presence.state("pi")?.live === true);
  assert.is(b.roster.whereIs("pi"), 1);
  assert.is(a.roster.whereIs("pi"), undefined, "it is here");
  assert.is(b.roster.highest("n"), 1);
  a.sessions.disconnected(connection);
  await eventually("the other knows", () => b.presence.state("pi")?.live === false);
  assert.not.ok(b.presence.state("pi")!.adrift);
  assert.is(b.roster.whereIs("pi"), undefined);
});

test("a newer session elsewhere closes the older one, and its end says nothing", async ({ masters: [a, b] }) => {
  const old = a.connect(1);
  await eventually("the other knows", () => b.roster.highest("n") === 1);
  b.connect(2);
  await eventually("the old one is closed", () => old.closed.length === 1);
  a.sessions.disconnected(old.connection);
  await eventually("a knows where it is", () => a.roster.whereIs("pi") === 2);
  assert.ok(a.presence.state("pi")!.live);
  assert.ok(b.presence.state("pi")!.live);
});

test("the nodes of a master that has fallen silent are adrift, until it is heard again or another has them", async ({ masters: [a, b] }) => {
  a.connect(1);
  await eventually("the other knows", () => b.presence.state("pi")?.live === true);
  const told = b.told.length;
  b.peers.silent.add(1);
  b.peers.tell();
  const { live, adrift } = b.presence.state("pi")!;
  assert.equal({ live, adrift }, { live: false, adrift: true });
  assert.is(b.told.length, told + 1);
  b.peers.silent.clear();
  b.peers.tell();
  assert.ok(b.presence.state("pi")!.live);
  b.peers.silent.add(1);
  b.peers.tell();
  b.connect(2);
  assert.ok(b.presence.state("pi")!.live);
});

test("a master that comes back when all its nodes are elsewhere is heard again; one that fell silent without nodes is silent", async ({ masters: [a, b] }) => {
  a.connect(1);
  await eventually("the other knows", () => b.presence.state("pi")?.live === true);
  b.peers.silent.add(1);
  b.peers.tell();
  const { connection } = b.connect(2);
  await eventually("the row is the other's", () => b.roster.state("pi")?.member === 2);
  b.peers.silent.clear();
  b.peers.tell();
  b.sessions.disconnected(connection);
  a.connect(3);
  await eventually("back", () => b.roster.whereIs("pi") === 1);
  assert.ok(b.presence.state("pi")!.live);

  a.peers.silent.add(2);
  a.peers.tell();
  b.connect(4);
  await eventually("a knows", () => a.roster.state("pi")?.member === 2);
  assert.ok(a.roster.state("pi")!.adrift);
});

test("a master that begins anew says of its old sessions that it knows nothing of them", async ({ masters, store }) => {
  masters[0].connect(1);
  await eventually("the other knows", () => masters[1].presence.state("pi")?.live === true);
  await masters[0].close();
  masters[0] = new Master(1, store);
  await eventually("adrift", () => masters[1].presence.state("pi")?.adrift === true);
  assert.ok(masters[0].presence.state("pi")!.adrift);
  assert.is(masters[0].roster.highest("n"), 1);
  masters[0].connect(2);
  await eventually("back", () => masters[1].presence.state("pi")?.live === true);
});

test("the row of a node that was shut out goes, and so it says nothing of another one that gets its name", async ({ masters: [a, b], store }) => {
  const { connection } = a.connect(1);
  await eventually("the other knows", () => b.presence.state("pi")?.live === true);
  const forgotten = () => [a, b].forEach((master) => (master.sessions.forget("n", "shut out"), master.roster.forget("n")));
  a.sessions.disconnected(connection);
  b.told.length = 0;
  forgotten();
  await eventually("the row is gone", () => [a, b].every(({ roster }) => roster.highest("n") === 0 && roster.state("pi") === undefined));
  assert.equal((await store.list("/f/session/")).items, []);
  assert.is(b.told.at(-1), "pi");
  forgotten(); // which waits for nothing

  const row = (node: string, member: number) => new TextEncoder().encode(JSON.stringify({ member, node, sess: 7, state: "live" }));
  await store.txn({ compares: [], then: [{ do: "put", key: "/f/session/z", value: row("van", 3) }] });
  await store.txn({ compares: [], then: [{ do: "put", key: "/f/session/c", value: row("van", 4) }] });
  await eventually("the newer one counts", () => a.roster.whereIs("van") === 4);
  const later = new Master(5, store);
  await eventually("also for who reads both at once", () => later.roster.whereIs("van") !== undefined);
  assert.is(later.roster.whereIs("van"), 4);
  await later.close();
});

test("a row is written by who knows better", () => {
  const row = { member: 1, node: "pi", sess: 4, state: "live" } as const, here = { nodeName: "pi", highestSess: 5, session: {} } as never;
  assert.equal(decide(2, row, here), { member: 2, node: "pi", sess: 5, state: "live" });
  assert.is(decide(2, { ...row, sess: 6 }, here), "as it is");
  assert.is(decide(2, row, undefined), "as it is");
  assert.equal(decide(1, row, undefined), { ...row, state: "adrift" });
  assert.is(decide(2, { member: 2, node: "pi", sess: 5, state: "live" }, here), "as it is");
  const asleep = { nodeName: "pi", highestSess: 5, session: undefined, sleepingUntilMs: 9 } as never;
  assert.equal(decide(2, row, asleep), { member: 2, node: "pi", sess: 5, state: "gone", sleepingUntilMs: 9 });
});

test("a master without a leader sends its nodes away, after a while, and those that come", () => {
  const clock = new HandCrankedClock(), sessions = new Sessions(clock), peers = new Others(1), stop = new AbortController();
  const said: string[] = [], closed: string[] = [];
  const connection = {
    ...connectionOf("n"),
    publish: (_: string, payload: Uint8Array) => Promise.resolve(void said.push(new TextDecoder().decode(payload))),
    close: (reason: string) => void closed.push(reason),
  };
  sessions.born(sessions.connected(connection), birth(3));
  const sendAway = new SendAway({ peers, sessions, clock, now: () => 7, log: silentLog });
  sendAway.begin(stop.signal);
  peers.leaderId = 0;
  peers.tell();
  clock.advance(4_000);
  peers.leaderId = 2;
  peers.tell(); // an election, no more
  clock.advance(10_000);
  assert.equal(said, []);
  peers.leaderId = 0;
  peers.tell();
  peers.tell();
  clock.advance(5_000);
  assert.ok(sendAway.isDue);
  assert.equal(said, ['{"time":7,"sess":3,"retryAfter":0}']);
  clock.advance(2_000);
  assert.is(closed.length, 1);
  peers.leaderId = 2;
  peers.tell();
  assert.not.ok(sendAway.isDue);
  stop.abort();
});
