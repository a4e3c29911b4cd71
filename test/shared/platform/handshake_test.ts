import { Buffer } from "node:buffer";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { Authority } from "../../../master/pki/authority.ts";
import { limitHandshakes } from "../../../shared/platform/handshake.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

interface Context {
  server: tls.Server;
  port: number;
  ca: string;
}
const test = suite<Context>("limitHandshakes()", {
  async setup() {
    const { authority } = await Authority.create("test-ca"), pair = await authority.issueServer(["localhost"]);
    const server = tls.createServer({ key: pair.key, cert: pair.certificate });
    limitHandshakes(server, systemClock, 300);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { server, port: (server.address() as AddressInfo).port, ca: authority.certificate };
  },
  teardown: ({ server }) => void server.close(),
});
/** True once it is closed, false if it is still open after `withinMs`. */
const closes = (socket: net.Socket, withinMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(false);
    }, withinMs);
    socket.on("error", () => {}).on("close", () => {
      clearTimeout(timer);
      resolve(true);
    }).resume();
  });

test("cuts whoever says nothing, and whoever stops in the middle", async ({ port }) => {
  const silent = net.connect(port, "127.0.0.1"), stuck = net.connect(port, "127.0.0.1");
  stuck.write(Buffer.from("1603010200010001fc0303", "hex"));
  assert.equal(await Promise.all([closes(silent, 3_000), closes(stuck, 3_000)]), [true, true]);
});

test("leaves those alone that are through", async ({ port, ca }) => {
  const socket = tls.connect({ port, host: "127.0.0.1", ca, servername: "localhost" });
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  assert.not(await closes(socket, 900));
});
