import { Buffer } from "node:buffer";
import http from "node:http";
import { join } from "node:path";
import { ContainersApi } from "podman-api-client";
import * as assert from "uvu/assert";
import { Frames } from "../../../agent/runtime/podman_exec.ts";
import { runtimeError } from "../../../agent/runtime/podman_errors.ts";
import { jsonLines, PodmanTransport } from "../../../agent/runtime/podman_transport.ts";
import { RuntimeError } from "../../../agent/runtime/runtime.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

interface Context {
  readonly directory: string;
  readonly server: http.Server;
  readonly transport: PodmanTransport;
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;
}
const test = suite<Context>("PodmanTransport", {
  async setup() {
    const directory = testDirectory("transport");
    const socketPath = join(directory, "podman.sock");
    const context = {
      directory,
      transport: new PodmanTransport(systemClock, socketPath),
      answer: (_: http.IncomingMessage, response: http.ServerResponse) => void response.end(),
      server: http.createServer((request, response) => context.answer(request, response)),
    };
    await new Promise<void>((resolve) => context.server.listen(socketPath, resolve));
    return context;
  },
  async teardown({ server }) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
});

test("answers without a body (204, 304) end the call", async (on) => {
  const containers = new ContainersApi(on.transport.with());
  on.answer = (_, response) => response.writeHead(204).end();
  assert.equal(await containers.start("a"), { alreadyRunning: false });
  on.answer = (_, response) => response.writeHead(304).end();
  assert.equal(await containers.start("a"), { alreadyRunning: true });
  assert.is(on.transport.writes, 2);
});

test("an error keeps Podman's status and words", async (on) => {
  on.answer = (_, response) => response.writeHead(404).end(`{"cause":"x","message":"no container with name a","response":404}`);
  const error = runtimeError(
    await rejects(new ContainersApi(on.transport.with()).start("a")),
    "start container a",
    "Start",
  ) as RuntimeError;
  assert.is(error.reason, "NotFound");
  assert.is(error.message, "Cannot start container a: no container with name a");
});

test("a socket where nobody listens is Unavailable", async () => {
  const error = runtimeError(
    await rejects(new PodmanTransport(systemClock, "/nowhere/podman.sock").call("GET", "/info")),
    "list containers",
  ) as RuntimeError;
  assert.is(error.reason, "Unavailable");
  assert.match(error.message, "/nowhere/podman.sock");
});

test("a head that does not come is a Timeout; a body may take its time", async (on) => {
  on.answer = () => {};
  const error = runtimeError(await rejects(on.transport.call("GET", "/info", undefined, {}, { headTimeoutMs: 30 })), "ask") as RuntimeError;
  assert.is(error.reason, "Timeout");
  on.answer = (_, response) => {
    response.write("slow ");
    setTimeout(() => response.end("body"), 100);
  };
  assert.is(await (await on.transport.call("GET", "/info", undefined, {}, { headTimeoutMs: 50 })).text(), "slow body");
});

test("an abort ends the call with its own reason, also while the body comes", async (on) => {
  on.answer = (_, response) => void response.write("part");
  const stop = new AbortController(), reason = new Error("pod deleted");
  const response = await on.transport.call("GET", "/events", undefined, {}, { signal: stop.signal });
  const reading = rejects(response.text());
  stop.abort(reason);
  await reading;
  assert.is(await rejects(on.transport.call("GET", "/info", undefined, {}, { signal: stop.signal })), reason);
  assert.is(runtimeError(reason, "pull", "ImagePull", stop.signal), reason);
});

test("a body is sent as a stream", async (on) => {
  let received = "";
  on.answer = (request, response) => {
    request.on("data", (data) => received += data);
    request.on("end", () => response.end("{}"));
  };
  const body = new Response("archive").body!;
  await on.transport.call("POST", "/images/load", body, { "content-type": "application/x-tar" });
  assert.is(received, "archive");
});

test("jsonLines() joins lines across chunks", async () => {
  const chunks = ['{"stream":"Trying"}\n{"err', 'or":"denied"}'];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
  const lines = [];
  for await (const line of jsonLines(body)) lines.push(line);
  assert.equal(lines, [{ stream: "Trying" }, { error: "denied" }]);
});

test("Frames finds its frames at any chunk border", () => {
  const frame = (stream: number, text: string) => Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  const bytes = Buffer.concat([frame(1, "hello"), frame(2, "err"), frame(1, ""), frame(1, "!")]);
  for (let size = 1; size <= bytes.length; size++) {
    const out: Record<number, string> = { 1: "", 2: "" };
    const frames = new Frames((stream, part) => out[stream] += Buffer.from(part).toString());
    for (let at = 0; at < bytes.length; at += size) frames.push(bytes.subarray(at, at + size));
    assert.equal(out, { 1: "hello!", 2: "err" });
  }
});
