// What another master is told of a request that takes its connection over, and what becomes of its answer. test/processes/streams_between_masters_test.ts has the rest.
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Duplex, duplexPair } from "node:stream";
import * as assert from "uvu/assert";
import { passOnWith } from "../../../master/http/pass_on.ts";
import type { Upgrade } from "../../../master/http/upgrade.ts";
import { Authority } from "../../../master/pki/authority.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import { until } from "../../kit/eventually.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("passOnWith()", {
  async setup() {
    const { authority } = await Authority.create("test-ca"), pair = await authority.issueServer(["127.0.0.1"]);
    const own = await authority.issueClient({ commonName: "skerry-master-1", organizations: ["system:masters"], uris: [] });
    const asked: IncomingMessage[] = [], sockets = new Set<Duplex>();
    const server = https.createServer({ cert: pair.certificate, key: pair.key, ca: authority.certificate, requestCert: true });
    server.on("connection", (socket) => void sockets.add(socket));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      asked.push(request);
      socket.on("error", () => {});
      if (request.url!.includes("/web/")) {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: p\r\n\r\nfirst ",
        );
        return void socket.pipe(socket);
      }
      const body = JSON.stringify({ kind: "Status", reason: "Forbidden", message: "eve may not" });
      socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const passOn = passOnWith({
      clock: systemClock,
      credentials: { ca: authority.certificate, certificate: own.certificate, key: own.key },
    });
    const close = (): void => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    return { passOn, url: `https://127.0.0.1:${port}`, asked, close };
  },
  teardown: ({ close }) => close(),
});
const eve = { name: "eve", uid: "u-1", groups: ["a,b", "system:authenticated"], extra: { "scopes/x": ["one", "two"] } };

/** A client's request; what it gets stands in `got`. */
function client(pod: string) {
  const [near, far] = duplexPair(), got = { text: "" }, gone = new AbortController();
  near.on("data", (bytes) => got.text += bytes);
  const headers = {
    connection: "Upgrade",
    upgrade: "SPDY/3.1",
    host: "me",
    authorization: "Bearer x",
    "impersonate-user": "somebody",
    "x-kept": "yes",
  };
  const upgrade: Upgrade = {
    request: { method: "POST", url: `/api/v1/namespaces/default/pods/${pod}/exec?command=a%20b`, headers } as never,
    gone: gone.signal,
    accept(take) {
      take(far, new Uint8Array());
      return new Response(null);
    },
  };
  return { upgrade, near, got, gone };
}

test("asks as the same user, whatever the client has said, and hands the bytes across", async ({ passOn, url, asked }) => {
  const { upgrade, near, got } = client("web");
  await passOn(url, upgrade, eve);
  near.write("hello");
  await until(() => got.text.endsWith("hello"));
  assert.is(
    got.text,
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: p\r\n\r\nfirst hello",
  );
  const { method, url: path, rawHeaders } = asked[0]!, sent: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) sent.push([rawHeaders[at]!.toLowerCase(), rawHeaders[at + 1]!]);
  const values = (name: string) => sent.filter(([header]) => header === name).map(([, value]) => value);
  assert.equal([method, path], ["POST", "/api/v1/namespaces/default/pods/web/exec?command=a%20b"]);
  assert.equal(values("impersonate-user"), ["eve"]);
  assert.equal(values("impersonate-uid"), ["u-1"]);
  assert.equal(values("impersonate-group"), ["a,b", "system:authenticated"]);
  assert.equal(values("impersonate-extra-scopes%2fx"), ["one", "two"]);
  assert.equal([values("authorization"), values("x-kept"), values("skerry-forwarded")], [[], ["yes"], ["1"]]);
  near.destroy();
});

test("what the other master refuses is refused in its words, and one that is away is said to be", async ({ passOn, url }) => {
  const refused = await rejects(passOn(url, client("db").upgrade, eve)) as ApiError;
  assert.equal([refused.reason, refused.message], ["Forbidden", "eve may not"]);
  const away = await rejects(passOn("https://127.0.0.1:1", client("web").upgrade, eve)) as ApiError;
  assert.is(away.reason, "ServiceUnavailable");
  assert.match(away.message, /^the master at https:\/\/127.0.0.1:1, which has the node, cannot be reached: /);
});
