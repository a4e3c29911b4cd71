import * as assert from "uvu/assert";
import { type Disturbance, EmulatedFilter, FilterError } from "../../../agent/proxy/packet_filter.ts";
import { createProxy } from "../../../agent/proxy/proxy.ts";
import { routesCheckMs, routesRetryMs, routesStoredMs, routesSuspectMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { routeSet, type TestService } from "../../kit/route_set.ts";
import { suite } from "../../kit/suite.ts";

class TestFilter extends EmulatedFilter {
  readonly taken: string[] = [];
  intact = true;
  refuse: ((text: string) => boolean) | undefined;
  override apply(text: string): Promise<void> {
    if (this.refuse?.(text)) return Promise.reject(new FilterError("refused"));
    this.taken.push(text);
    return super.apply(text);
  }
  checks = 0;
  disturbed: ((how: Disturbance) => void) | undefined;
  override watch(disturbed: (how: Disturbance) => void, signal: AbortSignal): Promise<void> {
    this.disturbed = disturbed;
    return super.watch(disturbed, signal);
  }
  override check(): Promise<boolean> {
    this.checks++;
    return Promise.resolve(this.intact);
  }
}
interface Context {
  readonly filter: TestFilter;
  readonly clock: HandCrankedClock;
  readonly proxy: ReturnType<typeof createProxy>;
  readonly saved: { text: string | undefined; writes: number };
  start(): void;
  stop(): Promise<void>;
}
const test = suite<Context>("createProxy", {
  setup() {
    const filter = new TestFilter(), clock = new HandCrankedClock(), saved: Context["saved"] = { text: undefined, writes: 0 };
    const file = {
      read: () => Promise.resolve(saved.text),
      write(text: string) {
        saved.text = text;
        saved.writes++;
        return Promise.resolve();
      },
    };
    const proxy = createProxy({ filter, clock, log: silentLog, file }), controller = new AbortController();
    let running: Promise<void> | undefined;
    return {
      filter,
      clock,
      proxy,
      saved,
      start: () => void (running = proxy.run(controller.signal)),
      async stop() {
        controller.abort();
        await running;
      },
    };
  },
  teardown: ({ stop }) => stop(),
});
const web = (...pods: string[]): TestService => ({
  name: "web",
  ip: "10.202.0.10",
  ports: [{ port: 80, target: 8080 }],
  endpoints: pods.map((address) => ({ address })),
});
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};
const passing = async (clock: HandCrankedClock, ms: number): Promise<void> => {
  await turns();
  clock.advance(ms);
  await turns();
};

test("createProxy() loads the table once, then only what changes", async ({ proxy, filter, clock, start }) => {
  start();
  await passing(clock, 1);
  assert.equal(filter.taken, []);
  proxy.setDesired(routeSet([web("10.201.1.21")]));
  await proxy.settled();
  proxy.setDesired(routeSet([web("10.201.1.21"), { ...web("10.201.1.22"), name: "b", ip: "10.202.0.11" }]));
  await proxy.settled();
  proxy.setDesired(routeSet([web("10.201.1.21"), { ...web("10.201.1.22"), name: "b", ip: "10.202.0.11" }]));
  await proxy.settled();
  assert.is(filter.taken.length, 2);
  assert.match(filter.taken[0]!, /^add table inet skerry\ndelete table/);
  assert.not.match(filter.taken[1]!, "default/web");
});

test("createProxy() deletes a superseded chain in a later transaction, unless it is wanted again by then", async ({ proxy, filter, clock, start }) => {
  start();
  const sets = [routeSet([web("10.201.1.21")]), routeSet([])] as const;
  for (const set of [sets[0], sets[1], sets[0]]) {
    proxy.setDesired(set);
    await proxy.settled();
  }
  await passing(clock, 2000);
  assert.not.ok(filter.taken.some((text) => text.includes("delete chain")));
  proxy.setDesired(sets[1]);
  await proxy.settled();
  const before = filter.taken.length;
  await passing(clock, 2000);
  assert.equal(filter.taken.slice(before), [
    "flush chain inet skerry svc/default/web/tcp/80/4\ndelete chain inet skerry svc/default/web/tcp/80/4\n",
  ]);
});

test("createProxy() loads everything again when a look finds rules gone, or a change was refused", async ({ proxy, filter, clock, start }) => {
  start();
  proxy.setDesired(routeSet([web("10.201.1.21")]));
  await proxy.settled();
  filter.intact = false;
  await passing(clock, 10_000);
  assert.is(filter.taken.length, 2);
  assert.match(filter.taken[1]!, "delete table");
  filter.intact = true;
  filter.refuse = (text) => !text.includes("delete table");
  proxy.setDesired(routeSet([web("10.201.1.22")]));
  await turns();
  await passing(clock, routesRetryMs);
  await proxy.settled();
  assert.match(filter.taken[2]!, "10.201.1.22:8080");
  assert.match(filter.taken[2]!, "delete table");
});

test("createProxy() looks at once when told that rules are gone, and in time when told of less; its own changes cost no look", async (on) => {
  const { proxy, filter, clock, start } = on;
  start();
  for (const address of ["10.201.1.21", "10.201.1.22", "10.201.1.23"]) {
    proxy.setDesired(routeSet([web(address)]));
    await proxy.settled();
  }
  assert.is(filter.checks, 0);
  filter.disturbed!("gone");
  await turns();
  assert.is(filter.checks, 1);
  const before = filter.taken.length;
  filter.disturbed!("touched");
  for (let ms = 0; ms < routesSuspectMs; ms += routesCheckMs) await passing(clock, routesCheckMs);
  assert.is(filter.taken.length, before + 1);
  assert.match(filter.taken[before]!, "delete table");
});

test("createProxy() makes the table anew when the kernel refuses to fill the old one", async ({ proxy, filter, clock, start }) => {
  const sticky = routeSet([{ ...web("10.201.1.21"), spec: { sessionAffinity: "ClientIP" } }]);
  start();
  proxy.setDesired(sticky);
  await proxy.settled();
  assert.match(filter.taken[0]!, "flush table inet skerry"); // clients are remembered
  filter.refuse = (text) => text.includes("flush table");
  filter.intact = false;
  await passing(clock, 10_000);
  assert.match(filter.taken[1]!, "delete table inet skerry");
});

test("createProxy() saves rules once they are quiet and when it stops, and loads them before there is a set", async ({ proxy, filter, clock, saved, start, stop }) => {
  saved.text = "# as it was";
  start();
  await turns();
  assert.equal(filter.taken, ["# as it was"]);
  proxy.setDesired(routeSet([web("10.201.1.21")]));
  await proxy.settled();
  assert.is(saved.writes, 0);
  for (let ms = 0; ms <= routesStoredMs; ms += 10_000) await passing(clock, 10_000);
  assert.is(saved.writes, 1);
  assert.match(saved.text, "10.201.1.21:8080");
  proxy.setDesired(routeSet([web("10.201.1.22")]));
  await proxy.settled();
  await stop();
  assert.match(saved.text, "10.201.1.22:8080");
});
