import * as assert from "uvu/assert";
import { Registry } from "prom-client";
import { labelsOf, RequestMetrics } from "../../../master/http/request_metrics.ts";
import { parseRequest } from "../../../master/http/request.ts";
import { KindSet } from "../../../master/registry/kind_set.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("RequestMetrics"), known = new KindSet(kinds);
const info = (method: string, path: string) => {
  const [pathname = "", query] = path.split("?");
  return parseRequest(method, pathname, new URLSearchParams(query));
};
const configMaps = "/api/v1/namespaces/default/configmaps";

test("labelsOf() has upstream's words, and none that a client made up", () => {
  const table: [method: string, path: string, labels: string][] = [
    ["GET", "/apis/apps/v1/deployments", "LIST apps v1 deployments  cluster"],
    ["GET", `${configMaps}?watch=1`, "WATCH  v1 configmaps  namespace"],
    ["PATCH", `${configMaps}/a`, "PATCH  v1 configmaps  resource"],
    ["POST", configMaps, "POST  v1 configmaps  resource"],
    ["DELETE", configMaps, "DELETECOLLECTION  v1 configmaps  namespace"],
    ["GET", "/api/v1/namespaces/a/pods/b/log", "CONNECT  v1 pods log resource"],
    ["PUT", "/apis/apps/v1/namespaces/a/deployments/b/scale", "PUT apps v1 deployments scale resource"],
    ["GET", "/api/v1/namespaces/a/pods/b/made-up", "GET  v1 pods other resource"],
    ["GET", "/apis/made.up/v1/things", "LIST   other  "],
    ["MAKEUP", configMaps, "other  v1 configmaps  namespace"],
    ["GET", "/version", "GET     "],
  ];
  for (const [method, path, expected] of table) {
    const { verb, group, version, resource, subresource, scope } = labelsOf(info(method, path), known);
    assert.is([verb, group, version, resource, subresource, scope].join(" "), expected, `${method} ${path}`);
  }
});

test("requests are counted by outcome and time, in flight and lasting", async () => {
  const register = new Registry(), metrics = new RequestMetrics(register, known), api = await openApi({ requestMetrics: metrics });
  try {
    await ask(api, "GET", `${configMaps}/none`);
    await ask(api, "POST", configMaps, { body: { metadata: { name: "a" } } });
    for (let index = 0; index < 50; index++) await ask(api, "GET", `/apis/made-up-${index}/v1/things`);
    const under = metrics.begin(info("GET", configMaps)), lasting = metrics.begin(info("GET", `${configMaps}?watch=1`));
    const end = lasting(200, 1);
    const text = await register.metrics(),
      line = (start: string): string | undefined => text.split("\n").find((one) => one.startsWith(start));
    const labels = 'group="",version="v1",resource="configmaps",subresource=""', component = 'component="apiserver"';
    assert.ok(line(`apiserver_request_total{verb="GET",${labels},scope="resource",${component},code="404"} 1`), text);
    assert.ok(line(`apiserver_request_total{verb="POST",${labels},scope="resource",${component},code="201"} 1`), text);
    assert.ok(
      line(`apiserver_request_total{verb="LIST",group="",version="",resource="other",subresource="",scope="",${component},code="404"} 50`),
    );
    assert.match(line("apiserver_request_duration_seconds_bucket")!, /le="0.005"/);
    assert.ok(line('apiserver_current_inflight_requests{request_kind="readOnly"} 1'), text);
    assert.match(line("apiserver_longrunning_requests")!, /verb="WATCH".* 1$/);
    under(200, 1);
    end!();
    const after = await register.metrics();
    assert.match(after, /apiserver_current_inflight_requests\{request_kind="readOnly"\} 0/);
    assert.match(after, /apiserver_longrunning_requests\{.*\} 0/);
  } finally {
    await api.close();
  }
});
