import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { type Amounts, type Sample, usageBetween, usageVerb } from "../../../agent/verbs/usage.ts";
import { busyNanoseconds } from "../../../agent/node/machine.ts";
import { usageWindowMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { until } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("usage");
const used = (seconds: number, memoryBytes = 1024): Amounts => ({ cpuNanoseconds: seconds * 1e9, memoryBytes });
const sample = (at: number, node: Amounts, containers: Record<string, Amounts> = {}): Sample => ({
  at,
  node,
  containers: new Map(Object.entries(containers)),
});
const running = [{ podUid: "u", name: "main", id: "c1" }, { podUid: "u", name: "side", id: "c2" }];

test("usageBetween() reckons rates from two looks, and knows none of what began in between", () => {
  const before = sample(1_000, used(100), { c1: used(10), c2: used(5) });
  const after = sample(11_000, used(105, 2048), { c1: used(11, 4096.4), c2: used(1) });
  assert.equal(usageBetween(before, after, running), {
    windowMs: 10_000,
    node: { cpuNanocores: 5e8, memoryBytes: 2048 },
    containers: [{ podUid: "u", name: "main", cpuNanocores: 1e8, memoryBytes: 4096 }],
  });
  assert.equal(usageBetween(before, sample(2_000, used(100), { c1: used(10), c3: used(1) }), running).containers.length, 1);
});

test("who asks first waits for a second look; who asks soon after gets the time since", async () => {
  const clock = new HandCrankedClock();
  let looks = 0;
  const verb = usageVerb({
    clock,
    runtime: { stats: () => Promise.resolve([{ id: "c1", ...used(clock.monotonic() / 4_000) }]) },
    machine: { usage: () => Promise.resolve((looks++, used(clock.monotonic() / 2_000))) },
    pods: { running: () => running },
  });
  const ask = async () => {
    let text = "";
    for await (const chunk of await verb({} as never, new AbortController().signal)) text += Buffer.from(chunk).toString();
    return JSON.parse(text);
  };
  const first = ask();
  await until(() => looks === 1);
  clock.advance(usageWindowMs.least - 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(looks, 1);
  clock.advance(1);
  const { windowMs, node, containers } = await first;
  assert.equal([windowMs, node.cpuNanocores, containers[0].cpuNanocores], [1_000, 5e8, 2.5e8]);
  clock.advance(30_000);
  assert.equal([(await ask()).windowMs, looks], [30_000, 3]);
  clock.advance(usageWindowMs.most + 1);
  const later = ask();
  await until(() => looks === 4);
  clock.advance(usageWindowMs.least);
  assert.is((await later).windowMs, usageWindowMs.least, "an average over an hour says nothing of now");
});

test("busyNanoseconds() leaves out idling and waiting, and counts guests once", () => {
  assert.is(busyNanoseconds("cpu  100 10 50 9000 500 3 4 5 60 6\ncpu0 1 1 1 1 1 1 1 1 1 1\n"), 172 * 1e7);
  assert.is(busyNanoseconds(""), 0);
});
