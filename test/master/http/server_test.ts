import { readFile } from "node:fs/promises";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { startServer } from "../../../master/http/server.ts";
import { Authority } from "../../../master/pki/authority.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { serveApi, type ServedApi } from "../../kit/api_server.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite<ServedApi>("startServer()", {
  setup: () => serveApi({ tokens: { sesame: { name: "bot", groups: ["system:masters"] } } }),
  teardown: (api) => api.close(),
});

interface Answer {
  status: number;
  body: string;
}
function get(api: ServedApi, path: string, options: https.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.get(`${api.url}${path}`, { ca: api.authority.certificate, agent: false, ...options }, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode!, body });
    });
    request.on("error", reject);
  });
}
const asAdmin = (api: ServedApi) => ({ cert: api.admin.certificate, key: api.admin.key });

test("a client is who its certificate or its token says; nobody's is anonymous, a foreign one nobody at all", async (api) => {
  const path = "/api/v1/namespaces/default";
  assert.is((await get(api, path, asAdmin(api))).status, 200);
  assert.is((await get(api, path, { headers: { authorization: "Bearer sesame" } })).status, 200);
  assert.is((await get(api, path, { headers: { authorization: "Bearer wrong" } })).status, 401);
  assert.is((await get(api, path)).status, 403);
  const { authority: foreign } = await Authority.create("test-ca");
  const pair = await foreign.issueClient({ commonName: "admin", organizations: ["system:masters"], uris: [] });
  const refused = await get(api, path, { cert: pair.certificate, key: pair.key }).catch(() => ({ status: 0 }));
  assert.ok(refused.status === 401 || refused.status === 0, `answered ${refused.status}`);
});

test("TLS below 1.2 and bytes that are no TLS hurt nobody else", async (api) => {
  const port = api.server.addresses[0]!.port;
  await new Promise<void>((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.end("GET / HTTP/1.1\r\n\r\n"));
    socket.on("close", () => resolve()).on("error", () => {}).resume();
  });
  const old = await rejects(
    new Promise((resolve, reject) => {
      const socket = tls.connect(
        { port, host: "127.0.0.1", ca: api.authority.certificate, maxVersion: "TLSv1.1", minVersion: "TLSv1" },
        () => resolve(1),
      );
      socket.on("error", reject);
    }),
  );
  assert.ok(old instanceof Error);
  assert.is((await get(api, "/livez")).body, "ok");
});

test("an upgrade that nobody takes is answered like any request", async (api) => {
  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };
  const path = "/api/v1/namespaces/default/pods/p/exec?command=ls&stdout=true";
  const anonymous = await get(api, path, { headers: upgrade });
  assert.is(anonymous.status, 403);
  const { status, body } = await get(api, path, { headers: upgrade, ...asAdmin(api) });
  assert.equal([status, JSON.parse(body).message], [404, 'pods "p" not found']);
});

test("a new certificate is shown to those who connect from now on", async (api) => {
  const { authority } = await Authority.create("second-ca");
  const next = await authority.issueServer(["127.0.0.1"]);
  api.server.rotate({ certificate: next.certificate, key: next.key, clientCas: [api.authority.certificate] });
  await rejects(get(api, "/livez"));
  assert.is((await get(api, "/livez", { ca: authority.certificate })).status, 200);
});

test("an address that is taken is named", async (api) => {
  const address = api.server.addresses[0]!, pair = await api.authority.issueServer(["127.0.0.1"]);
  const certificates = { certificate: pair.certificate, key: pair.key, clientCas: [] };
  const listen = [{ host: "127.0.0.1", port: 0 }, { host: "127.0.0.1", port: address.port }];
  const error = await rejects(startServer({ app: api.app, clock: systemClock, log: silentLog }, certificates, listen));
  assert.match(error.message, new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${address.port}$`));
});

test("stop() ends open watches, and then everything", async () => {
  const api = await serveApi();
  const watching = get(api, "/api/v1/namespaces?watch=true", asAdmin(api));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = performance.now();
  await api.close();
  assert.match((await watching).body, /^\{"type":"ADDED"/);
  assert.ok(performance.now() - before < 1500, `stopping took ${Math.round(performance.now() - before)} ms`);
  assert.is((await rejects(get(api, "/livez")) as NodeJS.ErrnoException).code, "ECONNREFUSED");
  await rejects(readFile(api.kubeconfig));
});
