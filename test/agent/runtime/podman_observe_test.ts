import type { ListContainer } from "podman-api-client";
import * as assert from "uvu/assert";
import { detailOf, type Seen, signature, toActual } from "../../../agent/runtime/podman_observe.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("podman_observe");
const id = "a".repeat(64);
const labels = {
  "dev.skerry.pod-uid": "u1",
  "dev.skerry.pod-namespace": "default",
  "dev.skerry.pod-name": "web",
  "dev.skerry.spec-hash": "h1:x",
  "dev.skerry.format": "1",
  "dev.skerry.container": "app",
  "dev.skerry.attempt": "2",
};
const ran = { startedAt: 1000, finishedAt: 2000, exitCode: 3, oomKilled: false, conmonPid: 7, address: "10.42.0.9" };
const fresh = { ...ran, startedAt: undefined, finishedAt: undefined, exitCode: 0, conmonPid: undefined, address: undefined };
const seen = (State: string, more: Partial<Seen> = {}, entry: Partial<ListContainer> = {}): Seen => ({
  entry: { Id: id, Pod: "p1", State, Pid: 42, IsInfra: false, Image: "i", ImageID: "ii", Labels: labels, ...entry } as ListContainer,
  detail: ran,
  process: false,
  monitor: false,
  startError: undefined,
  ...more,
});
const container = (one: Seen, oom: string[] = []) => toActual([one], new Set(oom)).containers[0]!;
const sandbox = (one: Seen) => toActual([{ ...one, entry: { ...one.entry, IsInfra: true } }], new Set()).sandboxes[0]!;

test("toActual() reads identity, attempt and image from labels and list", () => {
  const { podUid, podNamespace, podName, specHash, container: name, attempt, imageRef, imageId } = container(seen("exited"));
  assert.equal([podUid, podNamespace, podName, specHash, name, attempt, imageRef, imageId], [
    "u1",
    "default",
    "web",
    "h1:x",
    "app",
    2,
    "i",
    "ii",
  ]);
});

test("toActual() leaves alone what is not ours, and formats it does not know", () => {
  const foreign = seen("running", {}, { Labels: {} }), later = seen("running", {}, { Labels: { ...labels, "dev.skerry.format": "2" } });
  assert.equal(toActual([foreign, later], new Set()), { sandboxes: [], containers: [] });
});

test("a running container has exited once neither process nor monitor is there", () => {
  assert.is(container(seen("running", { process: true, monitor: true })).state, "running");
  assert.is(container(seen("running", { process: true, monitor: false })).state, "running");
  assert.is(container(seen("running", { process: false, monitor: true })).state, "running"); // Podman is about to hear of it
  const gone = container(seen("running"));
  assert.equal([gone.state, gone.exitCode, gone.pid], ["exited", 137, undefined]);
});

test("what Podman calls created but has run was cut off by a reboot", () => {
  const cut = container(seen("created"));
  assert.equal([cut.state, cut.exitCode], ["exited", 137]);
  assert.match(cut.error!, "went down");
  const waiting = container(seen("created", { detail: fresh, startError: "exec: no such file" }));
  assert.equal([waiting.state, waiting.exitCode, waiting.error], ["created", undefined, "exec: no such file"]);
});

test("the kernel's word counts for an OOM kill, if the exit code agrees", () => {
  assert.is(container(seen("exited", { detail: { ...ran, exitCode: 137 } }), [id]).oomKilled, true);
  assert.is(container(seen("exited", { detail: { ...ran, exitCode: 1 } }), [id]).oomKilled, false);
  assert.is(container(seen("exited", { detail: { ...ran, exitCode: 137 } })).oomKilled, false);
  assert.is(container(seen("exited", { detail: { ...ran, exitCode: 137, oomKilled: true } })).oomKilled, true);
});

test("a sandbox is lost once its infra process has gone, also by a reboot", () => {
  assert.equal([sandbox(seen("running", { process: true })).state, sandbox(seen("running", { process: true })).address], [
    "ready",
    "10.42.0.9",
  ]);
  assert.is(sandbox(seen("running", { monitor: true })).state, "lost");
  assert.is(sandbox(seen("exited")).state, "lost");
  assert.is(sandbox(seen("created")).state, "lost");
  assert.is(sandbox(seen("created", { detail: fresh })).state, "created");
});

test("detailOf() takes Go's zero time for never", () => {
  const detail = detailOf(
    { State: { StartedAt: "2026-11-21T13:32:50.275777223Z", FinishedAt: "0001-01-01T00:00:00Z", ExitCode: 0 } } as never,
  );
  assert.equal([detail.startedAt, detail.finishedAt], [Date.parse("2026-11-21T13:32:50.275Z"), undefined]);
});

test("signature() changes with each state a container enters", () => {
  const before = seen("running").entry;
  assert.is(signature(before), signature({ ...before }));
  for (const change of [{ State: "exited" }, { Pid: 43 }, { StartedAt: 5 }, { ExitedAt: 5 }]) {
    assert.is.not(signature({ ...before, ...change } as never), signature(before));
  }
});
