// What an agent finds when it starts: beside what runs, after another one, after a power cut.
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { systemClock } from "../../../shared/util/clock.ts";
import { shortly } from "../../kit/eventually.ts";
import { configMapObject, openNode, podObject } from "../../kit/pods.ts";
import { main, podsSuite, settle, status } from "./kit.ts";

const test = podsSuite("createPods: starts");

test("nothing happens before the first set: no set is not an empty one", async ({ node }) => {
  await settle(node, 1, podObject("web"));
  await node.stop();
  await node.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is((await node.runtime.observe()).containers.length, 1);
  await settle(node, 2);
  assert.is((await node.runtime.observe()).containers.length, 0);
});

test("nothing is written to the engine for a set that is as it was, nor by an agent that starts beside it", async ({ node }) => {
  await settle(node, 1, podObject("web"), podObject("db"));
  const { writes } = node.runtime, before = JSON.stringify(status(node, "web"));
  await settle(node, 2, podObject("web"), podObject("db"));
  await node.stop();
  await node.start();
  await settle(node, 2, podObject("web"), podObject("db"));
  assert.is(node.runtime.writes, writes);
  assert.is(JSON.stringify(status(node, "web")), before, "what is said is the same to the letter");
});

test("after a power cut everything comes back from disk alone, with its restarts counted and its old address", async ({ node, faults, boot }) => {
  faults.push({ at: "pull", image: "web:1", message: "no network" });
  await settle(node, 1, podObject("web"), podObject("db"));
  await node.stop();
  node.engine.powerCut();
  boot.id = "boot-2";
  const before = node.pods.local.get("uid-web")!.address;
  await node.start();
  await settle(node, 1, podObject("web"), podObject("db"));
  await shortly("both run", () => [status(node, "web"), status(node, "db")].every((one) => one?.phase === "Running" && one.podIP));
  assert.is(main(node, "web")!.restartCount, 1);
  assert.ok(main(node, "web")!.lastState!.terminated, "the cut shows as an end");
  assert.is(status(node, "web")!.podIP, before);
  const { sandboxes } = await node.runtime.observe();
  assert.equal(sandboxes.map(({ state }) => state), ["ready", "ready"]);
});

test("what an agent that died has left of pods that nobody knows is swept away", async ({ node }) => {
  await node.stop();
  await mkdir(`${node.directory}/data/pods/uid-old/empty/v`, { recursive: true });
  await node.start();
  await settle(node, 1, podObject("web"));
  assert.equal(await readdir(`${node.directory}/data/pods`), ["uid-web"]);
});

test("a clock that is set keeps the age of everything, and no deadline falls due for it", async () => {
  let offsetMs = Date.parse("1970-01-02T00:00:00Z") - Date.now();
  const clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
  const other = await openNode({ images: ["web:1"], clock });
  try {
    await settle(other, 1, podObject("web", { activeDeadlineSeconds: 3600 }));
    offsetMs = 0;
    await settle(other, 2, podObject("web", { activeDeadlineSeconds: 3600 }), configMapObject("other", {}));
    const { phase, startTime } = status(other, "web")!;
    assert.is(phase, "Running");
    assert.ok(Math.abs(Date.parse(startTime!) - Date.now()) < 60_000, startTime!);
  } finally {
    await other.close();
  }
});

test("a boot that finds stale leases drops them before the first start", async ({ node }) => {
  const leaseFile = `${node.directory}/ipam.db`;
  let boot = "boot-1";
  const other = await openNode({ images: ["web:1"], config: { leaseFile }, bootId: () => boot });
  const restart = async (): Promise<boolean> => {
    await writeFile(leaseFile, "stale");
    await other.stop();
    await other.start();
    await settle(other, 1, podObject("web"));
    return existsSync(leaseFile);
  };
  try {
    await settle(other, 1, podObject("web"));
    assert.ok(await restart(), "not in the boot in which the agent has been before");
    boot = "boot-2";
    assert.ok(await restart(), "not while something runs");
    await other.stop(); // else it would bring up again what the cut takes down
    other.engine.powerCut();
    boot = "boot-3";
    assert.not(await restart());
  } finally {
    await other.close();
  }
});
