import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { grpcCheck } from "../../../agent/probes/grpc.ts";
import { httpGet } from "../../../agent/probes/http.ts";
import { portNumber } from "../../../agent/probes/port.ts";
import { advance, firstDelayMs, unprobed } from "../../../agent/probes/probe.ts";
import { Prober, type ProbeTarget } from "../../../agent/probes/prober.ts";
import { tcpConnect } from "../../../agent/probes/tcp.ts";
import type { Container } from "../../../shared/api/kinds/pod/container.ts";
import { seeded, systemClock } from "../../../shared/util/clock.ts";
import { shortly } from "../../kit/eventually.ts";
import { hastened } from "../../kit/pods.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("probes");
const on = { clock: systemClock };

test("advance() needs as many results in a row as the threshold says", () => {
  const verdicts = (results: string, probe: { successThreshold?: number; failureThreshold?: number }) => {
    let counts = unprobed;
    return [...results].map((one) => (counts = advance(counts, one === "+", probe)).verdict);
  };
  assert.equal(verdicts("--+---+", {}), [undefined, undefined, true, true, true, false, true]);
  assert.equal(verdicts("++-+++", { successThreshold: 3, failureThreshold: 1 }), [undefined, undefined, false, false, false, true]);
  assert.is(firstDelayMs({ initialDelaySeconds: 10 }, 4000), 6000);
  assert.is(firstDelayMs({ initialDelaySeconds: 10 }, 60_000), 0);
  assert.is(firstDelayMs({ initialDelaySeconds: 10 }, -60_000), 10_000, "a start in the future is a clock that was set");
});

test("portNumber() finds a port by number or name", () => {
  const container = { name: "main", ports: [{ name: "web", containerPort: 8080 }] } as Container;
  assert.equal([portNumber(80, container), portNumber("web", container), portNumber("81", container)], [80, 8080, 81]);
  assert.throws(() => portNumber("no", container), /has no port no/);
});

async function listening<T>(server: net.Server | http.Server | http2.Http2Server, body: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  try {
    return await body((server.address() as AddressInfo).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

test("httpGet() is healthy from 200 to 399, sends what it is told, and gives up in time", async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request.headers);
    if (request.url === "/silent") return;
    response.writeHead(Number(request.url!.slice(1)), { location: "http://elsewhere.example/" }).end("body");
  });
  await listening(server, async (port) => {
    const get = (path: string, timeoutMs = 2000) =>
      httpGet(on, { path, port, httpHeaders: [{ name: "X-A", value: "1" }] }, "127.0.0.1", port, timeoutMs);
    assert.equal(await Promise.all(["/200", "/302", "/404", "/500"].map(async (path) => (await get(path)).healthy)), [
      true,
      true,
      false,
      false,
    ]);
    assert.match((await get("/503")).message, "statuscode: 503");
    assert.is(seen[0]!["x-a"], "1");
    assert.match((await get("/silent", 50)).message, "no answer within 50 ms");
  });
  assert.is((await httpGet(on, { port: 1 }, "127.0.0.1", 1, 500)).healthy, false);
});

test("tcpConnect() is healthy if a connection opens", async () => {
  await listening(
    net.createServer((socket) => socket.end()),
    async (port) => assert.is((await tcpConnect(on, "127.0.0.1", port, 2000)).healthy, true),
  );
  assert.is((await tcpConnect(on, "127.0.0.1", 1, 500)).healthy, false);
});

test("grpcCheck() asks the health service", async () => {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    let request = new Uint8Array();
    stream.on("data", (data: Uint8Array) => request = new Uint8Array([...request, ...data]));
    stream.on("end", () => {
      const name = new TextDecoder().decode(request.subarray(7));
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on(
        "wantTrailers",
        () => stream.sendTrailers({ "grpc-status": headers[":path"] === "/grpc.health.v1.Health/Check" ? "0" : "12" }),
      );
      stream.end(new Uint8Array([0, 0, 0, 0, 2, 8, name === "sick" ? 2 : 1]));
    });
  });
  await listening(server, async (port) => {
    assert.equal(await grpcCheck(on, "127.0.0.1", port, "web", 3000), { healthy: true, message: "" });
    assert.match((await grpcCheck(on, "127.0.0.1", port, "sick", 3000)).message, "status 2");
    for (const session of sessions) session.destroy();
  });
  assert.is((await grpcCheck(on, "127.0.0.1", 1, "", 500)).healthy, false);
});

function prober(answers: (command: string) => number) {
  const asked: string[] = [], unhealthy: string[] = [];
  const made = new Prober({
    runtime: {
      exec: (_, command) => {
        asked.push(command[0]!);
        return Promise.resolve({ exitCode: answers(command[0]!), output: "words" });
      },
    },
    clock: hastened(1000),
    random: seeded(1),
    changed: () => {},
    unhealthy: (_, kind, message) => void unhealthy.push(`${kind}: ${message}`),
  });
  return { made, asked, unhealthy };
}
const target = (container: Partial<Container>, more: Partial<ProbeTarget> = {}): ProbeTarget => ({
  id: "c1",
  podUid: "u1",
  container: { name: "main", ...container } as Container,
  address: "127.0.0.1",
  startedAt: undefined,
  adopted: false,
  alreadyStarted: false,
  ...more,
});
const exec = (command: string) => ({ exec: { command: [command] }, periodSeconds: 1, failureThreshold: 2 });

test("the other probes wait for the startup probe", async () => {
  let started = false;
  const { made, asked } = prober((command) => command === "startup" && !started ? 1 : 0);
  made.sync([
    target({
      startupProbe: { ...exec("startup"), failureThreshold: 100 },
      livenessProbe: exec("liveness"),
      readinessProbe: exec("readiness"),
    }),
  ]);
  await shortly("asked three times", () => asked.length >= 3);
  assert.equal([...new Set(asked)], ["startup"]);
  started = true;
  await shortly("all three say yes", () => Object.values(made.results.get("c1") ?? {}).filter(Boolean).length === 3);
  await made.close();
});

test("a startup probe that never passes is a verdict; so is a liveness probe that fails", async () => {
  const { made, unhealthy } = prober(() => 1);
  made.sync([target({ startupProbe: exec("s") }), target({ livenessProbe: exec("l") }, { id: "c2" })]);
  await shortly("verdicts", () => made.results.get("c1")?.startup === false && made.results.get("c2")?.liveness === false);
  assert.ok(unhealthy.includes("startup: words"));
  await made.close();
});

test("sync() leaves alone who is not named any more, and takes a container that had started as started", async () => {
  const { made, asked } = prober(() => 0);
  made.sync([target({ startupProbe: exec("s"), livenessProbe: exec("l") }, { adopted: true, alreadyStarted: true })]);
  assert.equal(made.results.get("c1"), { startup: true });
  await shortly("asked", () => asked.length > 0);
  assert.not(asked.includes("s"));
  made.sync([]);
  const count = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(asked.length <= count + 1);
  assert.is(made.results.size, 0);
  await made.close();
});
