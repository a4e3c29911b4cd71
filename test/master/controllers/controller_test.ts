import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { type Controller, runController } from "../../../master/controllers/controller.ts";
import { suite } from "../../kit/suite.ts";

/** A cache whose revision the test sets, and a registry that says at which revision it wrote. */
function world() {
  const clock = new HandCrankedClock(), ended = new AbortController(), waiting: { revision: number; resolve: () => void }[] = [];
  let revision = 0, notify = (_change: never) => {};
  const cache = {
    get revision() {
      return revision;
    },
    subscribe: (observer: (change: never) => void) => {
      notify = observer;
      return () => notify = () => {};
    },
    waitFor: (revision: number) => new Promise<void>((resolve) => waiting.push({ revision, resolve })),
  };
  return {
    clock,
    ended,
    change: (name: string) => notify({ kind: configMaps, after: { name } } as never),
    show(to: number) {
      revision = to;
      for (const entry of waiting) if (entry.revision <= to) entry.resolve();
    },
    run(reconcile: Controller["reconcile"], allKeys: string[] = []) {
      const controller: Controller = { name: "test", keysOf: ({ after }) => [after!.name], allKeys: () => allKeys, reconcile };
      const registry = { modify: async () => ({ revision: 7 }) };
      return runController(controller, { registry, cache, clock, random: seeded(1), log: silentLog, recorder: {} } as never, ended.signal);
    },
  };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const test = suite("runController()");

test("looks at a key again only when the cache shows what was written for it", async () => {
  const { run, change, show, ended } = world(), looks: string[] = [];
  const running = run(async (key, { registry }) => {
    looks.push(key);
    if (looks.length === 1) await registry.modify(configMaps, { name: "x" }, () => {});
  }, ["a"]);
  await settled();
  change("a");
  change("b");
  await settled();
  assert.equal(looks, ["a", "b"], "another key need not wait");
  show(7);
  await settled();
  assert.equal(looks, ["a", "b", "a"]);
  ended.abort();
  await running;
});

test("tries a failed key again, later and later, and anew after a success", async () => {
  const { run, clock, ended } = world(), at: number[] = [];
  let fail = true;
  const running = run(async () => {
    at.push(clock.monotonic());
    if (fail) throw new ApiError("Conflict", "not now");
  }, ["a"]);
  for (let i = 0; i < 400; i++) {
    await settled();
    clock.advance(250);
  }
  assert.ok(at.length > 3 && at.length < 30, `${at.length} attempts in 100 s`);
  fail = false;
  clock.advance(60_000);
  await settled();
  const after = at.length;
  clock.advance(600_000);
  await settled();
  assert.is(at.length, after);
  ended.abort();
  await running;
});

test("looks again when a reconcile asks for it", async () => {
  const { run, clock, ended } = world();
  let looks = 0;
  const running = run(async () => ++looks < 3 ? 1000 : undefined, ["a"]);
  for (let i = 0; i < 5; i++) {
    await settled();
    clock.advance(1000);
  }
  assert.is(looks, 3);
  ended.abort();
  await running;
});

test("ends at once when there is nothing to run for any more", async () => {
  const { run, ended } = world();
  ended.abort();
  await run(async () => assert.unreachable(), ["a"]);
});
