// `node test/soak/peer_tls.ts [--rounds N] [--sizes 1,70400] [--windows 1,16] [--clients node,deno] [--servers node,deno] [--directions up,down] [--nagle]`
//
// Sends requests over the masters' own TLS connections, between processes, each runtime as client and as server, and waits for each answer: the pattern in which a
// link stands still when the end of a write is held back somewhere. Up, the requests have the size; down, the answers. `--nagle` leaves TCP_NODELAY out, to show
// the trap of raft.md §3.5. Exit status 1 when something stood still, or took 20 ms a round for no reason.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import process from "node:process";
import { connect, createServer, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Authority } from "../../master/pki/authority.ts";
import { issuePeer } from "../../master/pki/peer_certificate.ts";
import { Connection } from "../../master/store/transport/connection.ts";
import { build, fillHeader, type Frame, frameHeaderBytes, kind } from "../../master/store/transport/frames.ts";

export type Runtime = "node" | "deno";
export interface Result {
  readonly client: Runtime;
  readonly server: Runtime;
  readonly direction: "up" | "down";
  readonly sizeBytes: number;
  readonly window: number;
  readonly rounds: number;
  /** Times that nothing came for five seconds. */
  readonly stalls: number;
  readonly megabytesPerSecond: number;
  /** Milliseconds from a request to its answer. */
  readonly medianMs: number;
  readonly worstMs: number;
}
export interface Soak {
  readonly rounds: number;
  readonly sizes: readonly number[];
  readonly windows: readonly number[];
  readonly clients: readonly Runtime[];
  readonly servers: readonly Runtime[];
  readonly directions: readonly ("up" | "down")[];
  readonly nagle: boolean;
}
/** What a child is told. */
interface Order extends Omit<Soak, "clients" | "servers"> {
  readonly role: "client" | "server";
  readonly client: Runtime;
  readonly server: Runtime;
  readonly port: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** Powers of two and their neighbours, and what raft.md says stands still. */
const sizes = [
  ...[1, 64, 1_100, 4_096, 16_384, 16_385, 32_768, 49_152, 49_153, 50_000, 60_000, 65_536],
  ...[70_400, 98_304, 98_305, 131_072, 262_144, 524_288, 1_048_576],
];
const stallMs = 5_000;
/** No loopback needs that long; Nagle's algorithm and a delayed acknowledgement together take 40. */
const delayedMs = 20;
const here = fileURLToPath(import.meta.url), variable = "SKERRY_SOAK";

export const isBad = ({ stalls, window, medianMs }: Result): boolean => stalls > 0 || (window === 1 && medianMs > delayedMs);

/** Runs every combination, one after the other. */
export async function* soak(wanted: Soak): AsyncGenerator<Result, void, void> {
  const { authority, key } = await Authority.create("soak"),
    pair = await issuePeer({ certificate: authority.certificate, key }, "skerry://a/members/1");
  const tls = { ca: authority.certificate, cert: pair.certificate, key: pair.key }, { clients, servers, ...rest } = wanted;
  for (const server of servers) {
    const host = run(server, { ...rest, role: "server", client: server, server, port: 0, tls });
    try {
      const port = Number((await host.next()).value);
      for (const client of clients) {
        for await (const line of run(client, { ...rest, role: "client", client, server, port, tls })) yield JSON.parse(line) as Result;
      }
    } finally {
      await host.return();
    }
  }
}

/** The lines that a child prints; it ends with whoever reads them. */
async function* run(runtime: Runtime, order: Order): AsyncGenerator<string, void, void> {
  const bin = fileURLToPath(new URL(`../../node_modules/.bin/${runtime}`, import.meta.url));
  const child = spawn(bin, runtime === "node" ? ["--no-warnings", here] : ["run", "-A", "--quiet", here], {
    stdio: ["pipe", "pipe", "inherit"], // it ends with its input, also when this process is killed
    env: { ...process.env, [variable]: JSON.stringify(order) },
  });
  const gone = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    let text = "";
    for await (const data of child.stdout) {
      const lines = (text + data).split("\n");
      text = lines.pop()!;
      yield* lines;
    }
    if (await gone !== 0) throw new Error(`the ${order.role} on ${runtime} ended with status ${await gone}`);
  } finally {
    child.kill("SIGKILL");
    await gone;
  }
}

function serve({ tls, nagle }: Order): void {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" }, (socket) => {
    const connection = adapter(socket, nagle);
    connection.listen({ frame: ({ body }) => connection.send(request(new DataView(body.buffer, body.byteOffset).getUint32(0, true), 0)) });
  });
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));
}

async function drive(order: Order): Promise<void> {
  for (const direction of order.directions) {
    for (const size of order.sizes) {
      for (const window of order.windows) process.stdout.write(`${JSON.stringify(await measure(order, direction, size, window))}\n`);
    }
  }
}

async function measure(order: Order, direction: "up" | "down", sizeBytes: number, window: number): Promise<Result> {
  const { client, server, rounds } = order, times: number[] = [], sent: number[] = [], started = performance.now();
  let stalls = 0, lostMs = 0;
  // A connection that stood still is left behind; three times, and it is clear.
  while (times.length < rounds && stalls < 3) {
    const connection = await open(order), target = times.length, before = times.length;
    let asked = target, heard = performance.now();
    sent.length = 0;
    const ask = (): void => {
      while (asked < rounds && asked - times.length < window) {
        sent.push(performance.now());
        connection.send(direction === "up" ? request(sizeBytes, 4) : request(4, sizeBytes));
        asked++;
      }
    };
    const stalled = await new Promise<boolean>((resolve) => {
      const watch = setInterval(() => performance.now() - heard > stallMs && end(true), 500);
      const end = (stood: boolean): void => {
        clearInterval(watch);
        resolve(stood);
      };
      connection.listen({
        frame: (_: Frame) => {
          heard = performance.now();
          times.push(heard - sent[times.length - before]!);
          if (times.length === rounds) end(false);
          else ask();
        },
      });
      void connection.closed.then(() => end(true));
      ask();
    });
    connection.close();
    if (stalled) {
      stalls++;
      lostMs += stallMs;
    }
  }
  const ms = Math.max(1, performance.now() - started - lostMs), count = times.length;
  times.sort((a, b) => a - b);
  return {
    ...{ client, server, direction, sizeBytes, window, rounds: count, stalls },
    megabytesPerSecond: count * sizeBytes / ms / 1000,
    medianMs: times[count >> 1] ?? Infinity,
    worstMs: times[count - 1] ?? Infinity,
  };
}

async function open({ tls, port, nagle }: Order): Promise<Connection> {
  const socket = connect({ host: "127.0.0.1", port, ...tls, minVersion: "TLSv1.3", checkServerIdentity: () => undefined });
  await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return adapter(socket, nagle);
}
function adapter(socket: TLSSocket, nagle: boolean): Connection {
  const connection = new Connection(socket);
  if (nagle) socket.setNoDelay(false);
  return connection;
}
/** A frame of about `sizeBytes` that asks for an answer of `answerBytes`. Long bodies go as the store's do: in a piece of their own. */
function request(sizeBytes: number, answerBytes: number): Uint8Array[] {
  const head = build(kind.chunk, 4, (writer) => writer.u32(answerBytes)),
    pieces = [head, body.subarray(0, Math.max(0, sizeBytes - frameHeaderBytes - 4))];
  fillHeader(pieces, kind.chunk);
  return pieces;
}
const body = Buffer.alloc(1024 * 1024 + 16, 7);

const told = process.env[variable];
if (told !== undefined) {
  const order = JSON.parse(told) as Order;
  process.stdin.resume().on("end", () => process.exit(1)).on("error", () => process.exit(1));
  if (order.role === "server") serve(order);
  else {
    await drive(order);
    process.exit(0);
  }
} else if (process.argv[1] === here) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "10000" },
      sizes: { type: "string", default: sizes.join() },
      windows: { type: "string", default: "1,2,4,8,16" },
      clients: { type: "string", default: "node,deno" },
      servers: { type: "string", default: "node,deno" },
      directions: { type: "string", default: "up,down" },
      nagle: { type: "boolean", default: false },
    },
  });
  const numbers = (list: string): number[] => list.split(",").map(Number);
  let bad = 0, all = 0;
  for await (
    const result of soak({
      rounds: Number(values.rounds),
      sizes: numbers(values.sizes),
      windows: numbers(values.windows),
      clients: values.clients.split(",") as Runtime[],
      servers: values.servers.split(",") as Runtime[],
      directions: values.directions.split(",") as ("up" | "down")[],
      nagle: values.nagle,
    })
  ) {
    const { client, server, direction, sizeBytes, window, rounds, stalls, megabytesPerSecond, medianMs, worstMs } = result;
    all++;
    if (isBad(result)) bad++;
    const figures = `${rounds} rounds, ${stalls} stalls, ${megabytesPerSecond.toFixed(1)} MB/s, median ${medianMs.toFixed(2)} ms, worst ${
      worstMs.toFixed(1)
    } ms`;
    process.stdout.write(
      `${isBad(result) ? "BAD " : "ok  "} ${client} calls ${server}, ${direction}, ${sizeBytes} B × ${window}: ${figures}\n`,
    );
  }
  process.stdout.write(`${all} combinations, ${bad} bad\n`);
  process.exit(bad === 0 ? 0 : 1);
}
