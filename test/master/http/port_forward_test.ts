// pods/portforward as clients other than kubectl use it: two channels for each port, in a WebSocket. test/processes/port_forward_test.ts has kubectl.
import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import type { Streams } from "../../../master/http/stream.ts";
import { type Pod, pods } from "../../../shared/api/kinds/pod.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { channel } from "../../../shared/wire/frames.ts";
import { noStreams, serveApi, type ServedApi } from "../../kit/api_server.ts";
import { openChannels } from "../../kit/channels.ts";
import { until } from "../../kit/eventually.ts";
import { rejects, suite } from "../../kit/suite.ts";

let reachable = true;
/** Port 7 echoes until it is sent "bye", and then has no more to say; to all others nobody listens. */
const streams: Streams = {
  ...noStreams,
  mustReach() {
    if (!reachable) throw new ApiError("ServiceUnavailable", "cannot forward ports to pod web: node pi is not connected");
  },
  connect(_pod, port) {
    if (port !== 7) return Promise.reject(new ApiError("InternalError", "connection refused"));
    let out!: ReadableStreamDefaultController<{ channel: number; bytes: Uint8Array; end?: boolean }>;
    return Promise.resolve({
      received: new ReadableStream({ start: (controller) => void (out = controller) }),
      send(_: number, bytes: Uint8Array) {
        const end = Buffer.from(bytes).toString() === "bye";
        out.enqueue({ channel: channel.stdout, bytes, ...(end && { end }) });
        return Promise.resolve();
      },
    });
  },
};
const path = "/api/v1/namespaces/default/pods/web/portforward";
const test = suite<ServedApi>("pods/portforward", {
  async setup() {
    const api = await serveApi({ streams });
    const spec = { containers: [{ name: "c", image: "i:1" }], nodeName: "pi" };
    await api.registry.create(pods, { metadata: { name: "web", namespace: "default" }, spec } as Pod);
    return api;
  },
  teardown: (api) => api.close(),
});
const v4 = ["v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"];
const open = ({ url, authority, admin }: ServedApi, query: string, protocols = v4) =>
  openChannels(`${url}${path}${query}`, { ca: authority.certificate, cert: admin.certificate, key: admin.key }, protocols);

test("each port has a channel for its data and one for what went wrong, and names itself on both", async (api) => {
  const channels = await open(api, "?ports=7&ports=8");
  assert.is(channels.protocol, "v4.channel.k8s.io");
  channels.send(0, "there");
  await until(() => channels.on(0).toString() === "\x07\x00there" && channels.on(1).length === 2);
  assert.equal([...channels.on(2)], [8, 0]);
  assert.match(channels.on(3).subarray(2).toString(), /^error forwarding port 8 to pod web, uid [-0-9a-f]+: connection refused$/);
  channels.send(2, "nobody is there"); // is dropped
  channels.send(0, "bye");
  assert.is(await channels.closed, 1000);
  assert.is(channels.on(0).subarray(2).toString(), "therebye");
});

test("what cannot be is an ordinary answer", async (api) => {
  const refused = async (query: string, protocols?: string[]): Promise<string> => (await rejects(open(api, query, protocols))).message;
  assert.match(await refused(""), /^400 .*query parameter \\"ports\\" is required/);
  assert.match(await refused("?ports=7,0"), /^400 .*unable to parse \\"0\\" as a port: it must be from 1 to 65535/);
  assert.match(await refused(`?ports=${Array(65).fill(7).join(",")}`), /^400 .*65 ports are too many: the limit is 64/);
  assert.match(await refused("?ports=7", ["v9.channel.k8s.io"]), /^400 .*unable to upgrade: the client offers neither/);
  reachable = false;
  try {
    assert.match(await refused("?ports=7"), /^503 .*cannot forward ports to pod web: node pi is not connected/);
  } finally {
    reachable = true;
  }
});
