// What the agent relies on in a container engine: the life of sandboxes and containers, images, logs, and what it tells of them. Podman and the emulated one are held to
// the same sentences, here and in inside_contract.ts.
import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { readLog } from "../../agent/runtime/logs.ts";
import type { Actual, RuntimeError } from "../../agent/runtime/runtime.ts";
import { systemClock } from "../../shared/util/clock.ts";
import { rejects, type Test } from "../kit/suite.ts";
import {
  containerIn,
  containerSpec,
  missingCommand,
  readySandbox,
  reasonOf,
  runContainer,
  type RuntimeUnderTest,
  sandboxSpec,
  sh,
} from "./runtime_setup.ts";

const find = (actual: Actual, id: string) => actual.containers.find((container) => container.id === id);

export function runtimeContract<C extends RuntimeUnderTest>(test: Test<C>): void {
  test("createSandbox() and startSandbox() give the pod its address", async (on) => {
    const spec = sandboxSpec(on);
    const { id } = await on.runtime.createSandbox(spec);
    const created = (await on.runtime.observe()).sandboxes.find((sandbox) => sandbox.id === id);
    assert.is(created?.state, "created");
    assert.is(created?.podUid, spec.podUid);
    assert.is(created?.specHash, "h1:sandbox");
    const { address } = await on.runtime.startSandbox(id);
    assert.is(address, spec.address);
    const ready = (await on.runtime.observe()).sandboxes.find((sandbox) => sandbox.id === id);
    assert.is(ready?.state, "ready");
    assert.is(ready?.address, spec.address);
    assert.is((await on.runtime.startSandbox(id)).address, spec.address, "a second start changes nothing");
  });

  test("createSandbox() refuses a second sandbox of one pod", async (on) => {
    const spec = sandboxSpec(on);
    await on.runtime.createSandbox(spec);
    assert.is(await reasonOf(on.runtime.createSandbox({ ...spec, address: on.address() })), "AlreadyExists");
  });

  test("startSandbox() says AddressTaken when another pod has the address", async (on) => {
    const first = await readySandbox(on);
    const { id } = await on.runtime.createSandbox(sandboxSpec(on, { address: first.spec.address! }));
    assert.is(await reasonOf(on.runtime.startSandbox(id)), "AddressTaken");
  });

  test("a container runs, stops at SIGTERM with its own exit code, and is removed", async (on) => {
    const sandbox = await readySandbox(on);
    const { id } = await on.runtime.createContainer(sandbox.id, containerSpec(on, sandbox.spec));
    const created = find(await on.runtime.observe(), id)!;
    assert.is(created.state, "created");
    assert.is(created.container, "main");
    assert.is(created.specHash, "h1:container");
    await on.runtime.startContainer(id);
    await on.runtime.startContainer(id); // started is started
    const running = await containerIn(on, id, "running");
    assert.ok(running.pid! > 0);
    assert.ok(Math.abs(running.startedAt! - Date.now()) < 30_000);
    assert.is(running.exitCode, undefined);
    const before = performance.now();
    await on.runtime.stopContainer(id, 10);
    assert.ok(performance.now() - before < 8_000, "it did not wait for the grace to pass");
    const exited = find(await on.runtime.observe(), id)!;
    assert.is(exited.state, "exited");
    assert.is(exited.exitCode, 0);
    assert.ok(exited.finishedAt! >= exited.startedAt!);
    assert.is(exited.oomKilled, false);
    await on.runtime.removeContainer(id);
    assert.is(find(await on.runtime.observe(), id), undefined);
  });

  test("stop and remove of what is stopped or missing succeed", async (on) => {
    const sandbox = await readySandbox(on);
    const id = await runContainer(on, sandbox);
    await on.runtime.stopContainer(id, 5);
    await on.runtime.stopContainer(id, 5);
    await on.runtime.removeContainer(id);
    await on.runtime.removeContainer(id);
    await on.runtime.stopContainer(id, 5);
    await on.runtime.removeSandbox(sandbox.id);
    await on.runtime.removeSandbox(sandbox.id);
    assert.equal(await on.runtime.observe(), { sandboxes: [], containers: [] });
  });

  test("stopContainer() kills what does not hear SIGTERM once the grace is over", async (on) => {
    const id = await runContainer(on, await readySandbox(on), sh("sleep 1000; exit 0"));
    const before = performance.now();
    await on.runtime.stopContainer(id, 1);
    assert.ok(performance.now() - before >= 900);
    assert.is((await containerIn(on, id, "exited")).exitCode, 137);
  });

  test("removeSandbox() takes its running containers with it", async (on) => {
    const kept = await readySandbox(on), gone = await readySandbox(on);
    const keptId = await runContainer(on, kept), goneId = await runContainer(on, gone);
    await on.runtime.removeSandbox(gone.id);
    const actual = await on.runtime.observe();
    assert.equal(actual.sandboxes.map((sandbox) => sandbox.id), [kept.id]);
    assert.is(find(actual, goneId), undefined);
    assert.is(find(actual, keptId)?.state, "running");
  });

  test("an exit code arrives in observe()", async (on) => {
    const id = await runContainer(on, await readySandbox(on), sh("exit 3"));
    assert.is((await containerIn(on, id, "exited")).exitCode, 3);
  });

  test("a next attempt lives beside the last one", async (on) => {
    const sandbox = await readySandbox(on);
    const first = await runContainer(on, sandbox, { ...sh("exit 1"), attempt: 0 });
    await containerIn(on, first, "exited");
    assert.is(await reasonOf(on.runtime.createContainer(sandbox.id, containerSpec(on, sandbox.spec, { attempt: 0 }))), "AlreadyExists");
    const second = await runContainer(on, sandbox, { attempt: 1 });
    const actual = await on.runtime.observe();
    assert.is(find(actual, first)?.attempt, 0);
    assert.is(find(actual, second)?.attempt, 1);
    assert.is(find(actual, second)?.state, "running");
  });

  test("createContainer() says ImageMissing for an image that is not there", async (on) => {
    const sandbox = await readySandbox(on);
    const spec = containerSpec(on, sandbox.spec, { image: on.missing.image });
    assert.is(await on.runtime.image(on.missing.image), undefined);
    assert.is(await reasonOf(on.runtime.createContainer(sandbox.id, spec)), "ImageMissing");
  });

  test("createContainer() says NotFound for a sandbox that is gone", async (on) => {
    const { spec } = await readySandbox(on);
    assert.is(await reasonOf(on.runtime.createContainer("0123456789ab", containerSpec(on, spec))), "NotFound");
  });

  test("pull() fails with ImagePull", async (on) => {
    const error = await rejects(on.runtime.pull(on.missing.image, {})) as RuntimeError;
    assert.is(error.reason, "ImagePull");
    assert.match(error.message, on.missing.words);
  });

  test("image() knows an image by its name", async (on) => {
    const image = await on.runtime.image(on.image);
    assert.match(image!.id, /^[0-9a-f]{64}$/);
    assert.is(image!.user, "");
    assert.ok(image!.sizeBytes > 0);
    const id = await runContainer(on, await readySandbox(on));
    assert.is(find(await on.runtime.observe(), id)?.imageId, image!.id);
  });

  test("startContainer() says Start, and observe() says why", async (on) => {
    const sandbox = await readySandbox(on);
    const { id } = await on.runtime.createContainer(sandbox.id, containerSpec(on, sandbox.spec, { command: [missingCommand] }));
    const error = await rejects(on.runtime.startContainer(id)) as RuntimeError;
    assert.is(error.reason, "Start");
    assert.match(error.message, "no such file or directory");
    const container = find(await on.runtime.observe(), id)!;
    assert.is(container.state, "created");
    assert.match(container.error!, "no such file or directory");
  });

  test("a container's output stands in its log file", async (on) => {
    const sandbox = await readySandbox(on);
    const spec = containerSpec(on, sandbox.spec, sh("echo one; echo two >&2"));
    await containerIn(on, await runContainer(on, sandbox, spec), "exited");
    assert.match(await readFile(spec.logPath, "utf8"), /^\S+ stdout F one\n\S+ stderr F two\n$/);
    let text = "";
    const log = readLog({ clock: systemClock }, spec.logPath, {}, { signal: new AbortController().signal });
    for await (const part of log) text += new TextDecoder().decode(part);
    assert.is(text, "one\ntwo\n");
  });

  test("a restarted agent finds the same things, and changes nothing by looking", async (on) => {
    const sandbox = await readySandbox(on);
    const running = await runContainer(on, sandbox, { attempt: 3 });
    const exited = await runContainer(on, sandbox, { ...sh("exit 2"), container: "init" });
    await containerIn(on, exited, "exited");
    const before = await on.runtime.observe();
    const restarted = await on.reopen();
    const after = await restarted.observe();
    const sorted = (actual: Actual) => ({ ...actual, containers: actual.containers.toSorted((a, b) => a.id < b.id ? -1 : 1) });
    assert.equal(sorted(after), sorted(before));
    assert.is(find(after, running)?.attempt, 3);
    assert.is(restarted.writes, 0);
  });

  test("observe(), exec(), image() and stats() do not count as writes; a create and a start do", async (on) => {
    const sandbox = await readySandbox(on);
    const id = await runContainer(on, sandbox);
    const before = on.runtime.writes;
    assert.ok(before >= 4);
    await on.runtime.observe();
    await on.runtime.exec(id, ["true"], { timeoutMs: 10_000, maxOutputBytes: 100 });
    await on.runtime.image(on.image);
    assert.ok((await on.runtime.stats()).some((stats) => stats.id === id && stats.memoryBytes > 0));
    assert.is(on.runtime.writes, before);
  });

  test("watch() tells of a start and of an end, and stops with its signal", async (on) => {
    const sandbox = await readySandbox(on);
    const stop = new AbortController();
    let told = 0;
    const watching = on.runtime.watch(() => told++, stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 100)); // let it subscribe
    const id = await runContainer(on, sandbox, sh("exit 0"));
    await containerIn(on, id, "exited");
    for (let wait = 0; told < 2 && wait < 100; wait++) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    await watching;
    assert.ok(told >= 2, `told ${told} times`);
  });

  test("info() says what the engine is", async (on) => {
    const info = await on.runtime.info();
    assert.ok(info.name !== "" && info.version !== "");
  });
}
