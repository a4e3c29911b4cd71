import process from "node:process";
import * as assert from "uvu/assert";
import { EmulatedRuntime } from "../../../agent/runtime/emulated.ts";
import { EmulatedEngine, type Fault } from "../../../agent/runtime/emulated_engine.ts";
import type { RuntimeError } from "../../../agent/runtime/runtime.ts";
import { HandCrankedClock, seeded, systemClock } from "../../../shared/util/clock.ts";
import { insideContract } from "../../contract/inside_contract.ts";
import { runtimeContract } from "../../contract/runtime_contract.ts";
import { containerSpec, missingCommand, runContainer, type RuntimeUnderTest, sandboxSpec, sh } from "../../contract/runtime_setup.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const image = "localhost/skerry-hello:1";
const missing = { image: "registry.test/none:1", words: "manifest unknown" };

interface Context extends RuntimeUnderTest {
  readonly engine: EmulatedEngine;
}

const contract = suite<Context>("emulated runtime: contract", {
  async setup() {
    const directory = testDirectory("emulated");
    const faults: Fault[] = [
      { at: "start", command: missingCommand, message: `exec: "${missingCommand}": no such file or directory` },
      { at: "pull", image: missing.image, message: missing.words },
    ];
    const engine = new EmulatedEngine({ clock: systemClock, random: seeded(1) }, { images: [image], faults, writeLogs: true });
    let host = 9;
    return {
      engine,
      directory,
      image,
      missing,
      runtime: new EmulatedRuntime(engine),
      address: () => `10.42.0.${++host}`,
      reopen: () => Promise.resolve(new EmulatedRuntime(engine)),
    };
  },
  async teardown({ engine }) {
    engine.close();
  },
});
runtimeContract(contract);
insideContract(contract);

interface Cranked extends RuntimeUnderTest {
  readonly clock: HandCrankedClock;
  readonly engine: EmulatedEngine;
  readonly runtime: EmulatedRuntime;
  readonly faults: Fault[];
}
const test = suite<Cranked>("EmulatedEngine", {
  setup() {
    const clock = new HandCrankedClock(), faults: Fault[] = [];
    const engine = new EmulatedEngine({ clock, random: seeded(1) }, { images: [image], faults, pullMs: [1000, 1000] });
    let host = 9;
    const runtime = new EmulatedRuntime(engine);
    return {
      clock,
      engine,
      faults,
      runtime,
      directory: "/nowhere",
      image,
      missing,
      address: () => `10.42.0.${++host}`,
      reopen: () => Promise.resolve(runtime),
    };
  },
});

async function started(on: Cranked, more: Parameters<typeof containerSpec>[2] = {}): Promise<string> {
  const spec = sandboxSpec(on);
  const { id } = await on.runtime.createSandbox(spec);
  await on.runtime.startSandbox(id);
  return await runContainer(on, { id, spec }, more);
}

test("a container ends on the clock it was given", async (on) => {
  const id = await started(on, sh("sleep 60; exit 7"));
  on.clock.advance(59_999);
  assert.is(on.engine.container(id).state, "running");
  on.clock.advance(1);
  assert.is(on.engine.container(id).state, "exited");
  assert.is(on.engine.container(id).exitCode, 7);
});

test("a fault kills a container for its memory, as often as it says", async (on) => {
  on.faults.push({ at: "run", container: "main", afterMs: 5_000, exitCode: 137, oomKilled: true, times: 1 });
  const first = await started(on), second = await started(on);
  on.clock.advance(3_600_000);
  const { containers } = await on.runtime.observe();
  assert.equal(containers.find(({ id }) => id === first)?.oomKilled, true);
  assert.equal(containers.find(({ id }) => id === second)?.state, "running");
});

test("pull() takes its time and can be aborted", async (on) => {
  const stop = new AbortController();
  const pulling = on.runtime.pull("nginx:1", { signal: stop.signal });
  on.clock.advance(500);
  stop.abort(new Error("no longer wanted"));
  assert.is((await rejects(pulling)).message, "no longer wanted");
  const again = on.runtime.pull("nginx:1", {});
  on.clock.advance(1000);
  assert.equal((await again).id, (await on.runtime.image("docker.io/library/nginx:1"))?.id);
});

test("save() survives a restart of the process: labels, addresses, and whoever ended meanwhile", async (on) => {
  const runs = await started(on), ends = await started(on, sh("sleep 60; exit 9"));
  const before = await on.runtime.observe();
  on.engine.close();
  const state = JSON.parse(JSON.stringify(on.engine.save()));
  on.clock.advance(30_000);
  const restored = new EmulatedEngine({ clock: on.clock, random: seeded(2) }, {}, state);
  assert.equal(JSON.parse(JSON.stringify(await new EmulatedRuntime(restored).observe())), JSON.parse(JSON.stringify(before)));
  on.clock.advance(30_000);
  assert.is(restored.container(ends).exitCode, 9);
  assert.is(restored.container(runs).state, "running");
});

test("powerCut() leaves what Podman shows after a boot: sandboxes lost, containers ended", async (on) => {
  const id = await started(on);
  on.engine.powerCut();
  const { sandboxes, containers } = await on.runtime.observe();
  assert.equal(sandboxes.map(({ state }) => state), ["lost"]);
  assert.is(containers.find((container) => container.id === id)?.state, "exited");
});

test("unavailable makes every call fail", async (on) => {
  on.engine.unavailable = true;
  assert.is((await rejects(on.runtime.observe()) as RuntimeError).reason, "Unavailable");
});

test("10,000 devices with three containers each fit into 100 MB", async (on) => {
  const before = heap();
  const engines: EmulatedEngine[] = [];
  for (let device = 0; device < 10_000; device++) {
    const engine = new EmulatedEngine({ clock: on.clock, random: on.engine.random }, { images: [image] });
    const sandbox = engine.createSandbox(sandboxSpec(on));
    engine.startSandbox(sandbox);
    for (let attempt = 0; attempt < 3; attempt++) {
      engine.startContainer(engine.createContainer(sandbox, containerSpec(on, sandboxSpec(on), { attempt })));
    }
    engines.push(engine);
  }
  const used = heap() - before;
  assert.is(engines.length, 10_000);
  assert.ok(used < 100e6, `${(used / 1e6).toFixed(1)} MB`);
});
const heap = (): number => process.memoryUsage().heapUsed;
