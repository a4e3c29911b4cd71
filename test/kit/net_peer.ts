// A host or pod of test/kit/node_network.ts: runs in a network namespace of its own, answers on TCP 8080 and UDP 5353 with its name and the client's address, and
// calls others when told to on standard input (one JSON object a line). Ends with its input, and its namespace with it.
import type { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

export interface Call {
  readonly id: number;
  /** open: a TCP connection that stays; say: one more word on it. */
  readonly do: "tcp" | "udp" | "open" | "say";
  readonly host: string;
  readonly port: number;
  readonly localPort?: number;
  readonly timeoutMs: number;
}

const name = process.argv[2] ?? "";
const plain = (address = ""): string => address.replace("::ffff:", "");
createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", () => socket.write(`${name} ${plain(socket.remoteAddress)}\n`));
}).listen(8080, "0.0.0.0");
const udp = createSocket("udp4");
udp.on("message", (_, from) => udp.send(`${name} ${from.address}`, from.port, from.address));
udp.bind(5353, "0.0.0.0", () => process.stdout.write("ready\n"));

const kept = new Map<string, Socket>();
const errorOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

function answer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("data", (bytes: Buffer) => resolve(bytes.toString().trim()));
    socket.once("error", reject);
    socket.write("who?\n");
  });
}
function overUdp({ host, port, localPort }: Call): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const end = (settle: () => void) => {
      socket.close();
      settle();
    };
    socket.once("message", (bytes: Buffer) => end(() => resolve(bytes.toString())));
    socket.once("error", (error: Error) => end(() => reject(error)));
    // Connected, so that the kernel tells of refusals.
    socket.bind(localPort ?? 0, () => socket.connect(port, host, () => socket.send("who?", (error) => error && end(() => reject(error)))));
  });
}
async function call(call: Call): Promise<string> {
  if (call.do === "udp") return await overUdp(call);
  const key = `${call.host}:${call.port}`;
  if (call.do === "say") return await answer(kept.get(key)!);
  const socket = connect({ host: call.host, port: call.port });
  try {
    return await answer(socket);
  } finally {
    if (call.do === "open") kept.set(key, socket);
    else socket.destroy();
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line) as Call;
  const late = new Promise<string>((resolve) => setTimeout(() => resolve("timeout"), asked.timeoutMs).unref());
  Promise.race([call(asked).catch(errorOf), late]).then((said) => process.stdout.write(`${JSON.stringify({ id: asked.id, said })}\n`));
}).on("close", () => process.exit(0));
