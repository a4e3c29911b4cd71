// Connections that talk nonsense, or nothing: they are cut or waited for, and cost nobody else anything.
import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { besieged, maps, unharmed } from "../kit/besieged_master.ts";
import { pause } from "../kit/eventually.ts";
import type { MasterProcess } from "../kit/master_process.ts";

const test = besieged("a master that is called by nonsense");

/** What comes back on a connection until it is closed or silent for `silentMs`. */
function talk(
  connect: () => net.Socket | tls.TLSSocket,
  write: (socket: net.Socket) => void,
  silentMs = 5_000,
): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect();
    let text = "";
    const end = (closed: boolean): void => {
      socket.destroy();
      resolve({ text, closed });
    };
    socket.setTimeout(silentMs, () => end(false));
    socket.on("data", (data) => text += data);
    socket.on("error", () => {});
    socket.on("close", () => end(true));
    socket.once(socket instanceof tls.TLSSocket ? "secureConnect" : "connect", () => write(socket));
  });
}
const plain = (port: number) => (): net.Socket => net.connect(port, "127.0.0.1");
const secure = ({ client }: MasterProcess, port: number) => (): tls.TLSSocket =>
  tls.connect({ port, host: "127.0.0.1", ca: client.ca, cert: client.cert, key: client.key, servername: "localhost" });
const noise = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, at) => at * 73 % 251));

test("cuts connections that talk nonsense, and only those", async (context) => {
  const { master } = context, { port, mqttPort } = master;
  for (const to of [port, mqttPort]) {
    assert.ok((await talk(plain(to), (socket) => socket.write(noise(4_000)))).closed, `noise instead of TLS on ${to}`);
    assert.ok((await talk(plain(to), (socket) => socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n"))).closed, `HTTP without TLS on ${to}`);
    assert.ok((await talk(secure(master, to), (socket) => socket.write(noise(4_000)))).closed, `noise inside TLS on ${to}`);
  }
  const http = (text: string) => talk(secure(master, port), (socket) => socket.write(text));
  const refused = async (name: string, text: string, status: RegExp): Promise<void> => {
    const answer = await http(text);
    // Nothing: it was cut while the client still wrote, and the answer was lost on the way.
    assert.ok(answer.text !== "" || answer.closed, name);
    assert.match(answer.text, status, `${name}: ${answer.text.slice(0, 200)}`);
  };
  await refused("a header of 200 KB", `GET ${maps} HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(200_000)}\r\n\r\n`, /^(HTTP\/1\.1 (431|400) |$)/);
  await refused(
    "5,000 headers",
    `GET ${maps} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${"x: y\r\n".repeat(5_000)}\r\n`,
    /^(HTTP\/1\.1 (431|400|200) |$)/,
  );
  await refused(
    "two lengths",
    `POST ${maps} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello`,
    /^HTTP\/1\.1 400 /,
  );
  await refused(
    "a length and chunks",
    `POST ${maps} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  );
  await refused("no host", `GET ${maps} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400 /);
  await refused("a host that is none", `GET ${maps} HTTP/1.1\r\nhost: a b<>\r\nconnection: close\r\n\r\n`, /^HTTP\/1\.1 (400|200) /);
  await refused(
    "an upgrade to nothing",
    `GET ${maps} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    /^HTTP\/1\.1 [24]\d\d /,
  );

  // Ten times too large, announced and not: the answer comes before the body has, and the connection does not go on.
  const announced = await http(`POST ${maps} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 31457280\r\n\r\n{`);
  assert.match(announced.text, /^HTTP\/1\.1 413 [\s\S]*"reason":"RequestEntityTooLarge"/);
  const chunked = await talk(secure(master, port), (socket) => {
    socket.write(`POST ${maps} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, 0x20), Buffer.from("\r\n")]);
    for (let sent = 0; sent < 10_000_000; sent += 65_536) socket.write(chunk);
    socket.write("0\r\n\r\n");
  });
  assert.ok(announced.closed && chunked.closed);
  assert.match(chunked.text, /^HTTP\/1\.1 413 [\s\S]*"reason":"RequestEntityTooLarge"/);
  await unharmed(context, 2_000);
});

test("serves others while a thousand connections hang half open or trickle", async (context) => {
  const { master } = context, sockets: net.Socket[] = [];
  const keep = (socket: net.Socket): void => {
    socket.on("error", () => {});
    sockets.push(socket);
  };
  for (let index = 0; index < 400; index++) {
    const to = index % 2 ? master.port : master.mqttPort, silent = plain(to)();
    keep(silent);
    if (index % 4 < 2) silent.write(Buffer.from("1603010200010001fc0303", "hex")); // a ClientHello that does not go on
  }
  const answers: Promise<boolean>[] = [];
  for (let index = 0; index < 600; index++) {
    const socket = secure(master, index % 3 ? master.port : master.mqttPort)();
    keep(socket);
    answers.push(
      new Promise((resolve) => {
        socket.once("secureConnect", () => resolve(true));
        socket.once("close", () => resolve(false));
      }),
    );
    socket.once("secureConnect", () => socket.write(`GET ${maps} HTTP/1.1\r\nhost: a\r\nx-slow: `));
    if (index % 50 === 49) await Promise.all(answers);
  }
  const secured = (await Promise.all(answers)).filter((isSecured) => isSecured).length;
  assert.ok(secured > 500, `${secured} of 600 connections hang inside TLS`);
  for (let second = 0; second < 3; second++) {
    for (const socket of sockets) if (socket.writable && socket instanceof tls.TLSSocket) socket.write("z");
    await pause(1_000);
  }
  for (const socket of sockets) socket.destroy();
  await unharmed(context, 3_000);
});
