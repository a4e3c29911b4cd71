import * as assert from "uvu/assert";
import type { LogOptions, Streams } from "../../../master/http/stream.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { type ApiContext, ask, noStreams, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const asked: { container: string; options: LogOptions }[] = [];
const streams: Streams = {
  ...noStreams,
  logs(_pod, container, options) {
    asked.push({ container, options });
    return Promise.resolve(new Response("one\ntwo\n").body!);
  },
};
const test = suite<ApiContext>("pods/log", { setup: () => openApi({ streams }), teardown: (api) => api.close() });
const path = "/api/v1/namespaces/default/pods";
async function make(api: ApiContext, names: string[], status: object = {}, nodeName = "pi-1") {
  const containers = names.map((name) => ({ name, image: "i:1" }));
  await ask(api, "POST", path, { body: { metadata: { name: "web" }, spec: { containers, ...(nodeName && { nodeName }) } } });
  await api.registry.modify(pods, { namespace: "default", name: "web" }, (pod) => ({ ...pod, status: { ...pod.status, ...status } }), {
    subresource: "status",
  });
}
const terminated = { terminated: { exitCode: 1 } };
const state = (name: string, more: object) => ({
  containerStatuses: [{ name, ready: false, restartCount: 0, image: "i:1", imageID: "", ...more }],
});

test("pods/log hands on what the node sends, and the options it was asked for", async (api) => {
  await make(api, ["c"]);
  asked.length = 0;
  const { status, headers, body } = await ask(
    api,
    "GET",
    `${path}/web/log?follow=true&tailLines=0&sinceSeconds=60&timestamps=true&limitBytes=10&pretty=false`,
  );
  assert.equal([status, headers.get("content-type"), body], [200, "text/plain", "one\ntwo\n"]);
  assert.equal(asked, [{
    container: "c",
    options: { follow: true, previous: false, timestamps: true, tailLines: 0, limitBytes: 10, sinceSeconds: 60 },
  }]);
});

test("pods/log says what keeps it from answering", async (api) => {
  await make(api, ["a", "b"], state("a", { state: { waiting: { reason: "ContainerCreating" } } }));
  const table: [query: string, message: string][] = [
    ["", "a container name must be specified for pod web, choose one of: [a b]"],
    ["?container=x", "container x is not valid for pod web"],
    ["?container=a", 'container "a" in pod "web" is waiting to start: ContainerCreating'],
    ["?container=b&previous=true", 'previous terminated container "b" in pod "web" not found'],
    ["?container=b&tailLines=-1", 'tailLines is "-1", but must be a whole number from 0'],
    ["?container=b&sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", "at most one of sinceTime or sinceSeconds may be specified"],
  ];
  for (const [query, message] of table) {
    const { status, body } = await ask(api, "GET", `${path}/web/log${query}`);
    assert.equal([status, body.message], [400, message], query);
  }
  assert.is((await ask(api, "GET", `${path}/web/log?container=b`)).status, 200);
  assert.is((await ask(api, "GET", `${path}/none/log`)).status, 404);
});

test("pods/log of a container that crashed and waits shows what it said", async (api) => {
  await make(api, ["c"], state("c", { state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: terminated }));
  assert.is((await ask(api, "GET", `${path}/web/log`)).status, 200);
  assert.is((await ask(api, "GET", `${path}/web/log?previous=true`)).status, 200);
});

test("pods/log of a pod without a node says that it has none", async (api) => {
  await make(api, ["c"], {}, "");
  assert.is((await ask(api, "GET", `${path}/web/log`)).body.message, "pod web does not have a host assigned");
});
