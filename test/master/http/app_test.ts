import * as assert from "uvu/assert";
import type { Identity } from "../../../master/identity/identity.ts";
import { createApp } from "../../../master/http/app.ts";
import { anonymous } from "../../../master/rbac/user.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { KindSet } from "../../../master/registry/kind_set.ts";
import { requestBodyBytes, requestTimeoutMs } from "../../../shared/limits.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { type Log, silentLog } from "../../../shared/util/log.ts";
import type { Registry } from "../../../master/registry/registry.ts";
import { admin, type ApiContext, ask, noStreams, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("createApp()", { setup: openApi, teardown: (api) => api.close() });
const configMaps = "/api/v1/namespaces/default/configmaps";

test("a request of nobody is refused where it is not public", async (api) => {
  assert.is((await ask(api, "GET", "/version", { as: anonymous })).status, 200);
  const { status, body } = await ask(api, "GET", `${configMaps}/a`, { as: anonymous });
  assert.is(status, 403);
  assert.equal(body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message:
      'configmaps "a" is forbidden: User "system:anonymous" cannot get resource "configmaps" in API group "" in the namespace "default"',
    reason: "Forbidden",
    details: { name: "a", kind: "configmaps" },
    code: 403,
  });
});

test("paths that nobody serves are plain 404s, methods that nobody serves are 405s", async (api) => {
  for (
    const path of [
      "/nothing",
      "/api/v1/bogus",
      "/apis/bogus.io/v1/things",
      "/api/v1/namespaces/default/nodes",
      "/api/v1/configmaps/a",
      `${configMaps}/a/bogus`,
      "/api/v2",
    ]
  ) {
    const { status, body } = await ask(api, "GET", path);
    assert.is(status, 404, path);
    assert.is(body, "404 page not found\n");
  }
  for (
    const [method, path] of [["POST", "/api/v1/configmaps"], ["PUT", configMaps], ["POST", `${configMaps}/a`], [
      "OPTIONS",
      `${configMaps}/a`,
    ]] as const
  ) {
    const { status, body } = await ask(api, method, path);
    assert.is(status, 405, `${method} ${path}`);
    assert.is(body.reason, "MethodNotAllowed");
  }
});

test("bad bodies are refused with a clear reason, and nothing is changed", async (api) => {
  const table: [body: string, type: string, status: number, message: RegExp][] = [
    ["", "application/json", 400, /no body/],
    ["{", "application/json", 400, /not JSON/],
    ["[]", "application/json", 400, /a list/],
    ["null", "application/json", 400, /null/],
    ["a: [", "application/yaml", 400, /not YAML/],
    ["[".repeat(100_000), "application/yaml", 400, /not YAML/],
    ['{"a":'.repeat(10_000) + "1" + "}".repeat(10_000), "application/json", 400, /nested/],
    ["{}", "text/html", 415, /accepted media types include: application\/json/],
    ["k8s", "application/vnd.kubernetes.protobuf", 400, /protobuf/],
    ['{"kind":"Secret","apiVersion":"v1"}', "application/json", 400, /cannot be handled as a ConfigMap/],
    ['{"kind":"ConfigMap","apiVersion":"apps/v1"}', "application/json", 400, /API version in the data \(apps\/v1\) does not match/],
    ['{"metadata":{"name":"a","namespace":"other"}}', "application/json", 400, /namespace of the provided object does not match/],
    ['{"metadata":{"name":"a"},"data":{"x":1}}', "application/json", 400, /cannot be handled as a ConfigMap: .*data/],
    ['{"metadata":"a"}', "application/json", 400, /metadata/],
    ['{"metadata":{"name":"A_B"}}', "application/json", 422, /RFC 1123/],
    ["{}", "application/json", 422, /name or generateName is required/],
  ];
  for (const [body, type, status, message] of table) {
    const answer = await ask(api, "POST", configMaps, { body, headers: { "content-type": type } });
    assert.is(answer.status, status, `${body.slice(0, 60)} → ${JSON.stringify(answer.body).slice(0, 200)}`);
    assert.match(answer.body.message, message);
  }
  assert.is((await ask(api, "GET", configMaps)).body.items.length, 0);
});

test("a body above the limit is refused, whether it says so or not", async (api) => {
  const big = "x".repeat(requestBodyBytes + 1);
  const announced = await ask(api, "POST", configMaps, { body: big, headers: { "content-length": String(big.length) } });
  assert.is(announced.status, 413);
  assert.is(announced.body.message, "Request entity too large: limit is 3145728");
  assert.is((await ask(api, "POST", configMaps, { body: big })).status, 413);
});

test("an error that nobody expected leaves as InternalError, tells nothing, and stands in the log under its request's id", async () => {
  const lines: unknown[][] = [];
  const log: Log = { ...silentLog, error: (...line) => lines.push(line) };
  const registry = { get: () => Promise.reject(new Error("secret detail")) } as unknown as Registry;
  const app = bare({ registry, log });
  const response = await app.request(`${configMaps}/a`), text = await response.text();
  assert.is(response.status, 500);
  assert.not.match(text, /secret/);
  assert.is(JSON.parse(text).reason, "InternalError");
  assert.ok(JSON.parse(text).message.includes(response.headers.get("audit-id")));
  assert.is((lines[0]![1] as { requestId: string }).requestId, response.headers.get("audit-id"));
});

test("a request that takes too long is answered with Timeout", async () => {
  const clock = new HandCrankedClock();
  const app = bare({ registry: { get: () => new Promise(() => {}) } as unknown as Registry, clock });
  const response = app.request(`${configMaps}/a`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.advance(requestTimeoutMs);
  assert.is((await response).status, 504);
  assert.is((await (await response).json()).reason, "Timeout");
});

test("health says which check fails, and why only in the log", async () => {
  let fault: string | undefined = "no leader";
  const lines: unknown[][] = [], log: Log = { ...silentLog, info: (...line) => lines.push(line) };
  const app = bare({ registry: { revision: () => 1 } as unknown as Registry, checks: { etcd: () => fault }, log });
  const answer = async (path: string) => {
    const response = await app.request(path);
    return [response.status, await response.text()];
  };
  assert.equal(await answer("/livez"), [200, "ok"]);
  assert.equal(await answer("/readyz"), [500, "[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"]);
  assert.equal(lines, [["A health check failed", { check: "etcd", path: "readyz", reason: "no leader" }]]);
  assert.equal(await answer("/readyz?exclude=etcd"), [200, "ok"]);
  assert.equal(await answer("/readyz/ping"), [200, "ok"]);
  assert.equal(await answer("/readyz/etcd"), [500, "internal server error: no leader\n"]);
  assert.is((await answer("/readyz/bogus"))[0], 404);
  fault = undefined;
  assert.equal(await answer("/healthz"), [200, "ok"]);
  assert.equal(await answer("/readyz?verbose&exclude=bogus"), [
    200,
    '[+]ping ok\n[+]log ok\n[+]etcd ok\nwarn: some health checks cannot be excluded: no matches for "bogus"\nreadyz check passed\n',
  ]);
});

test("a slow request is told of in the log, with what it spent its time on", async () => {
  const lines: unknown[][] = [], log: Log = { ...silentLog, info: (...line) => lines.push(line) }, clock = new HandCrankedClock();
  const slow = bare({ registry: { get: () => (clock.advance(1500), Promise.reject(new Error("x"))) } as unknown as Registry, log, clock });
  const response = await slow.request(`${configMaps}/a`, { headers: { "user-agent": "me" } });
  assert.equal(lines, [["Slow request", {
    requestId: response.headers.get("audit-id"),
    verb: "get",
    path: `${configMaps}/a`,
    user: "admin",
    userAgent: "me",
    status: 500,
    tookMs: 1500,
    authenticateMs: 0,
    waitedMs: 0,
    handleMs: 1500,
  }]]);
});

function bare(options: Partial<Parameters<typeof createApp>[0]>) {
  return createApp({
    registry: {} as Registry,
    kinds: new KindSet(kinds),
    log: silentLog,
    clock: new HandCrankedClock(),
    random: seeded(1),
    authenticator: () => Promise.resolve(admin),
    authorizer: { authorize: () => ({ allowed: true, reason: "" }), rightsOf: () => ({ rules: [], incomplete: false }), rulesOf: () => [] },
    streams: noStreams,
    identity: {} as Identity,
    stopping: new AbortController().signal,
    ...options,
  });
}
