// Masters that talk to each other over real TLS on loopback, with nothing behind them that decides anything.
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { Authority, type KeyPair } from "../../../../master/pki/authority.ts";
import { issuePeer } from "../../../../master/pki/peer_certificate.ts";
import type { ConfState } from "../../../../master/store/raft/membership.ts";
import type { Body, Message, SnapshotMeta } from "../../../../master/store/raft/message.ts";
import { FrameReader, kind } from "../../../../master/store/transport/frames.ts";
import { encodeWelcome, type Hello, memberUri } from "../../../../master/store/transport/handshake.ts";
import { decodeMessage } from "../../../../master/store/transport/message_codec.ts";
import {
  createTransport,
  type PeerStatus,
  type PeerTransport,
  type TransportConfig,
} from "../../../../master/store/transport/transport.ts";
import { eventually } from "../../../kit/eventually.ts";
import { type Random, seeded, systemClock } from "../../../../shared/util/clock.ts";
import type { Keys, Log } from "../../../../shared/util/log.ts";
import { chain } from "../../../../shared/util/log.ts";

export const clusterA = "a".repeat(32), clusterB = "b".repeat(32), epoch1 = "1".repeat(16), epoch2 = "2".repeat(16);

/** What member 2 says to member 1 when it comes for the log. */
export const hello: Hello = {
  versions: { least: 1, most: 1 },
  purpose: "log",
  clusterId: clusterA,
  clusterEpoch: epoch1,
  from: 2,
  to: 1,
  address: "",
};

export interface Line {
  readonly level: string;
  readonly sentence: string;
  readonly keys: Keys;
}

/** Snapshots by their index. */
export class Shelf extends Map<number, Uint8Array> {
  /** How many are being read. */
  open = 0;
  async *read(index: number): AsyncGenerator<Uint8Array, void, void> {
    const bytes = this.get(index);
    if (!bytes) throw new Error("there is no snapshot at that entry");
    this.open++;
    try {
      for (let at = 0; at < bytes.length; at += 100_000) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        yield bytes.subarray(at, at + 100_000);
      }
    } finally {
      this.open--;
    }
  }
}

export class Master {
  readonly id: number;
  readonly received: Message[] = [];
  readonly lines: Line[] = [];
  readonly transport: PeerTransport;
  /** What it serves as the snapshot at each index. */
  readonly snapshots: Shelf;
  constructor(id: number, received: Message[], lines: Line[], snapshots: Shelf, transport: PeerTransport) {
    this.id = id;
    this.received = received;
    this.lines = lines;
    this.snapshots = snapshots;
    this.transport = transport;
  }
  get port(): number {
    return this.transport.ports[0]!;
  }
  peer(id: number): PeerStatus | undefined {
    return this.transport.status().peers.find(({ member }) => member === id);
  }
  say(to: number, body: Body, term = 1): void {
    this.transport.send({ ...body, from: this.id, to, term } as Message);
  }
  /** Warnings and errors, as somebody would read them. */
  get troubles(): string[] {
    return this.lines.filter(({ level }) => level === "warn" || level === "error").map(({ sentence, keys }) =>
      `${sentence} ${Object.entries(keys).map(([key, value]) => `${key}=${value instanceof Error ? chain(value) : value}`).join(" ")}`
    );
  }
}

export class Masters {
  readonly authority: Authority;
  readonly ca: KeyPair;
  readonly #open: PeerTransport[] = [];
  private constructor(authority: Authority, key: string) {
    this.authority = authority;
    this.ca = { certificate: authority.certificate, key };
  }
  static async create(): Promise<Masters> {
    const { authority, key } = await Authority.create("skerry-ca");
    return new Masters(authority, key);
  }

  certificate(memberId: number, clusterId = clusterA, clusterEpoch = epoch1): Promise<KeyPair> {
    return issuePeer(this.ca, memberUri({ clusterId, clusterEpoch, memberId }));
  }
  async start(id: number, options: Partial<TransportConfig> = {}, random: Random = seeded(id)): Promise<Master> {
    const received: Message[] = [],
      lines: Line[] = [],
      snapshots = new Shelf(),
      clusterId = options.clusterId ?? clusterA,
      clusterEpoch = options.clusterEpoch ?? epoch1;
    const { certificate, key } = await this.certificate(id, clusterId, clusterEpoch);
    const transport = await createTransport({
      clock: systemClock,
      random,
      log: collecting(lines),
      receive: (message) => void received.push(message),
      snapshotBytes: (snapshot) => snapshots.read(snapshot.index),
    }, {
      clusterId,
      clusterEpoch,
      memberId: id,
      listen: [{ host: "127.0.0.1", port: 0 }],
      tls: { ca: this.ca.certificate, certificate, key },
      ...options,
    });
    this.#open.push(transport);
    return new Master(id, received, lines, snapshots, transport);
  }
  async close(): Promise<void> {
    await Promise.all(this.#open.map((transport) => transport.close()));
  }
}

function collecting(lines: Line[], bound: Keys = {}): Log {
  const at = (level: string) => (sentence: string, keys: Keys = {}) => void lines.push({ level, sentence, keys: { ...bound, ...keys } });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (keys) => collecting(lines, { ...bound, ...keys }),
  };
}

export const confOf = (addresses: Record<number, string>, removed: readonly number[] = []): ConfState => ({
  voters: Object.keys(addresses).map(Number),
  outgoing: [],
  learners: [],
  removed,
  addresses,
});
export const local = (port: number): string => `127.0.0.1:${port}`;
export const metaAt = (index: number): SnapshotMeta => ({ index, term: 1, conf: confOf({ 1: "a:1" }) });

/** Somebody with a certificate who says what no master would. */
export async function rawTls(port: number, ca: string, pair: KeyPair | undefined): Promise<TLSSocket> {
  const socket = connectTls({
    host: "127.0.0.1",
    port,
    ca,
    ...(pair && { cert: pair.certificate, key: pair.key }),
    minVersion: "TLSv1.3",
    checkServerIdentity: () => undefined,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => {});
  return socket;
}

/** Something that answers hello like a member and then does what the test wants. */
export async function fakePeer(
  masters: Masters,
  id: number,
  welcomed: (socket: TLSSocket) => void,
  heard: (message: Message) => void = () => {},
): Promise<{ readonly port: number; close(): void }> {
  const { certificate, key } = await masters.certificate(id), sockets = new Set<TLSSocket>();
  const server = createTlsServer(
    { ca: masters.ca.certificate, cert: certificate, key, requestCert: true, minVersion: "TLSv1.3" },
    (socket) => {
      const reader = new FrameReader();
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket)).on("data", (data: Uint8Array) => {
        reader.push(data);
        for (let frame = reader.next(); frame; frame = reader.next()) {
          if (frame.kind === kind.hello) {
            socket.write(encodeWelcome(1));
            welcomed(socket);
          } else if (frame.kind === kind.message) heard(decodeMessage(frame.body));
        }
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export const soon = { withinMs: 10_000, everyMs: 5 };

/** Members 1 … n that all know each other; `between` puts something in front of a port. */
export async function together(
  masters: Masters,
  count: number,
  between: (id: number, port: number) => number = (_, port) => port,
): Promise<Master[]> {
  const all: Master[] = [];
  for (let id = 1; id <= count; id++) all.push(await masters.start(id));
  const conf = confOf(Object.fromEntries(all.map(({ id, port }) => [id, local(between(id, port))])));
  for (const { transport } of all) transport.setPeers(conf);
  await connected(all);
  return all;
}
export const connected = (all: readonly Master[]): Promise<unknown> =>
  eventually("all are connected", () => all.every((one) => all.every(({ id }) => id === one.id || one.peer(id)?.connected)), soon);
export const has = (master: Master, what: (message: Message) => boolean): Promise<unknown> =>
  eventually(`member ${master.id} receives it`, () => master.received.some(what), soon);

/**
 * A wire in front of a port, for one connection after the other: while it hangs, those that are there take nothing more and give nothing more. (Not by pausing the
 * TLS socket behind it: Deno goes on reading that one, into its memory.)
 */
export async function wire(target: number): Promise<{ readonly port: number; hang(): void; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((here) => {
    const there = connect(target, "127.0.0.1");
    for (const [from, to] of [[here, there], [there, here]] as const) {
      sockets.add(from);
      from.on("data", (data) => void (to.write(data) || from.pause())).on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      to.on("drain", () => from.resume());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    hang() {
      for (const socket of sockets) socket.pause().resume = () => socket;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
