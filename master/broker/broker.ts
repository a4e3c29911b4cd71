// The MQTT broker inside the master, and the only file that knows Aedes. Nodes come in over mutual TLS, or as WebSockets through the API's port; who they
// are is what their certificate's key proves. Nodes never hear each other: whatever goes up is handed to the fleet, whatever comes down goes through
// `NodeClient.publish` on that node's own connection. (Aedes drops a QoS 1 message when a later-numbered packet overtakes it, which happens as soon as
// broker.publish and client.publish, or two QoS levels of broker.publish, are mixed.)
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import { Aedes } from "aedes";
import * as limits from "../../shared/limits.ts";
import { aborted } from "../../shared/util/signal.ts";
import { limitHandshakes } from "../../shared/platform/handshake.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { parseTopic, type Place } from "../../shared/wire/topics.ts";
import { mayPublish, maySubscribe, mayWill, type NodeIdentity } from "./authorize.ts";
import { guarded, PacketBound } from "./guard.ts";
import { noPersistence, type RetainedMessage } from "./persistence.ts";

/** One connection of a node. Sessions are keyed by this object: a half-open duplicate has the same client id, but is another connection. */
export interface NodeClient {
  readonly identity: NodeIdentity;
  /** Resolves when the message is on its way. Never rejects: what is lost with the connection is covered by the next. */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): Promise<void>;
  close(reason: string): void;
  readonly open: boolean;
  /** Monotonic ms of the last byte from it. */
  readonly lastPacketMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly remoteAddress: string;
  readonly transport: "mqtts" | "wss";
}

/** The fleet's side of the broker. None of these may throw or wait. */
export interface FleetHandlers {
  /** Who this certificate (DER) belongs to; undefined: nobody, or revoked. */
  identify(certificate: Uint8Array): NodeIdentity | undefined;
  connected(client: NodeClient): void;
  /** Also the last will of a connection that is gone without a goodbye: around `disconnected`, before or after. */
  message(client: NodeClient, place: Place, payload: Uint8Array): void;
  /** It hears `d/#` now. */
  subscribed(client: NodeClient): void;
  disconnected(client: NodeClient): void;
  /** What a node finds under a filter it subscribes to. */
  retained(filter: string): readonly RetainedMessage[];
}

export interface BrokerConfig {
  readonly tls: SecureContextOptions;
  readonly listen: readonly { readonly host: string; readonly port: number }[];
}
export interface Broker {
  /** Ports in the order of `listen` (port 0 asks for any). */
  readonly ports: readonly number[];
  /** How many clients are connected just now. */
  readonly connections: number;
  /** An MQTT connection inside a WebSocket; `request` carries the TLS socket underneath. */
  handleWebSocket(stream: Duplex, request: IncomingMessage): void;
  setTls(tls: SecureContextOptions): void;
  /** Resolves when the signal has aborted and everything is closed. */
  readonly stopped: Promise<void>;
}

type AedesClient = ReturnType<Aedes["handle"]>;

class Connection implements NodeClient {
  readonly identity: NodeIdentity;
  readonly remoteAddress: string;
  readonly transport: "mqtts" | "wss";
  readonly #client: AedesClient;
  readonly #meter: Meter;
  constructor(identity: NodeIdentity, client: AedesClient, meter: Meter) {
    this.identity = identity;
    this.#client = client;
    this.#meter = meter;
    const socket = (client.req?.socket ?? client.conn) as Partial<TLSSocket>;
    this.transport = client.req ? "wss" : "mqtts";
    this.remoteAddress = socket.remoteAddress ?? "";
  }
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): Promise<void> {
    if (this.#client.closed) return Promise.resolve();
    this.#meter.bytesOut += payload.length + topic.length + 4;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    return new Promise((resolve) =>
      this.#client.publish({ cmd: "publish", topic, payload: bytes, qos, retain: false, dup: false }, () => resolve())
    );
  }
  close(reason: string): void {
    this.#client.conn.destroy(new Error(reason));
  }
  get open(): boolean {
    return !this.#client.closed;
  }
  get lastPacketMs(): number {
    return this.#meter.lastPacketMs;
  }
  get bytesIn(): number {
    return this.#meter.bytesIn;
  }
  get bytesOut(): number {
    return this.#meter.bytesOut;
  }
}
interface Meter {
  lastPacketMs: number;
  bytesIn: number;
  bytesOut: number;
  /** Token bucket of messages: what is left, and when it was counted. */
  tokens: number;
  countedMs: number;
}

export async function startBroker(
  { fleet, clock, log }: { fleet: FleetHandlers; clock: Clock; log: Log },
  config: BrokerConfig,
  signal: AbortSignal,
): Promise<Broker> {
  const meters = new WeakMap<object, Meter>(),
    identities = new WeakMap<object, NodeIdentity>(),
    connections = new WeakMap<object, Connection>();
  const aedes = await Aedes.createBroker({
    persistence: noPersistence((filter) => fleet.retained(filter)),
    concurrency: limits.mqttConcurrency,
    queueLimit: limits.mqttQueuedPackets,
    connectTimeout: limits.mqttConnectTimeoutMs,
    drainTimeout: limits.mqttDrainTimeoutMs,
    keepaliveLimit: limits.mqttKeepaliveSeconds,
    maxTopicLevels: limits.mqttTopicLevels,
    maxInflightInbound: 1, // QoS 2 is refused anyhow
  });

  aedes.preConnect = (client, packet, done) => {
    const certificate = peerCertificate(client.conn, client.req);
    const identity = certificate && fleet.identify(certificate);
    if (!identity) return done(null, true); // authenticate() refuses it with a code that it can read
    identities.set(client, identity);
    if (packet.clientId !== identity.nodeId) return done(new Error(`client id ${packet.clientId} is not node ${identity.nodeId}`), false);
    if (!packet.clean) return done(new Error("sessions are clean here"), false);
    if (packet.will && !mayWill(identity, packet.will as never)) return done(new Error("this will is not allowed"), false);
    done(null, true);
  };
  aedes.authenticate = (client, _username, _password, done) => {
    if (identities.has(client)) return done(null, true);
    done(Object.assign(new Error("no enrolled certificate"), { returnCode: 5 }), false);
  };
  aedes.authorizePublish = (client, packet, done) => {
    const connection = client && connections.get(client);
    if (!client || !connection) return done(new Error("nobody publishes here but nodes"));
    const place = parseTopic(packet.topic);
    if (!place || !mayPublish(connection.identity, packet as never)) {
      return done(new Error(`publish to ${packet.topic.slice(0, 100)} is not allowed`));
    }
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload as Buffer;
    if (payload.length > limits.mqttPayloadBytes) {
      return done(new Error(`a payload of ${payload.length} bytes; the limit is ${limits.mqttPayloadBytes}`));
    }
    fleet.message(connection, place, payload);
    // Not answering pauses this connection's reading, and no other's.
    const waitMs = place.name === "session" ? 0 : overdraft(meters.get(client.conn)!, clock.monotonic());
    if (waitMs > 0) clock.after(waitMs, () => done(null));
    else done(null);
  };
  aedes.authorizeSubscribe = (client, subscription, done) => {
    const identity = identities.get(client);
    done(null, identity && maySubscribe(identity, subscription.topic) ? { ...subscription, qos: 1 } : null); // null: SUBACK 128
  };
  // Nothing that one client publishes reaches another, whatever it is subscribed to. Ours come by client.publish and carry no clientId.
  aedes.authorizeForward = (_client, packet) => "clientId" in packet && packet.clientId ? null : packet;

  aedes.on("client", (client) => {
    const connection = new Connection(identities.get(client)!, client, meters.get(client.conn)!);
    connections.set(client, connection);
    fleet.connected(connection);
  });
  aedes.on("subscribe", (_subscriptions, client) => {
    const connection = connections.get(client);
    if (connection) fleet.subscribed(connection);
  });
  aedes.on("clientError", (client, error) => {
    const nodeId = identities.get(client)?.nodeId;
    log.info("A node's connection was cut", { nodeId, error: error.message });
  });
  aedes.on("connectionError", (_client, error) => log.info("A connection to the broker was refused", { error: error.message }));

  let open = 0;
  const handle = (stream: Duplex, request?: IncomingMessage): void => {
    if (open >= limits.mqttConnections) return void stream.destroy();
    open++;
    const meter: Meter = {
      lastPacketMs: clock.monotonic(),
      bytesIn: 0,
      bytesOut: 0,
      tokens: limits.nodeMessageBurst,
      countedMs: clock.monotonic(),
    };
    meters.set(stream, meter);
    const bound = new PacketBound(limits.mqttPayloadBytes + limits.mqttHeaderBytes);
    stream.on("error", () => {}); // before Aedes listens, and after it has stopped
    const client = aedes.handle(
      guarded(stream, (chunk) => {
        meter.lastPacketMs = clock.monotonic();
        meter.bytesIn += chunk.length;
        return bound.feed(chunk);
      }),
      request as never,
    );
    stream.once("close", () => {
      open--;
      const connection = connections.get(client);
      if (connection) fleet.disconnected(connection);
    });
  };

  const servers: Server[] = [];
  for (const { host, port } of config.listen) {
    const server = createServer({ ...config.tls, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.2" }, (socket) => {
      socket.setNoDelay(true);
      handle(socket);
    });
    server.on("tlsClientError", () => {}); // scanners; nothing was accepted
    limitHandshakes(server, clock, limits.mqttConnectTimeoutMs);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(new Error(`Cannot listen for MQTT on ${host}:${port}`, { cause })));
      server.listen(port, host, limits.listenBacklog, () => resolve());
    });
    servers.push(server);
  }

  const stopped = aborted(signal).then(async () => {
    for (const server of servers) server.close();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
  });
  return {
    ports: servers.map((server) => (server.address() as { port: number }).port),
    get connections() {
      return aedes.connectedClients;
    },
    handleWebSocket: handle,
    setTls: (tls) => servers.forEach((server) => server.setSecureContext(tls)),
    stopped,
  };
}

/** The client's certificate as it was sent. Whether it is worth anything is judged elsewhere, never by the runtime's `authorized`. */
function peerCertificate(stream: unknown, request: IncomingMessage | undefined): Uint8Array | undefined {
  const socket = (request?.socket ?? stream) as Partial<TLSSocket>;
  const raw = socket.getPeerCertificate?.()?.raw;
  return raw && raw.length > 0 ? raw : undefined;
}

/** Milliseconds to wait so that the sender keeps to its rate. */
function overdraft(meter: Meter, nowMs: number): number {
  meter.tokens = Math.min(limits.nodeMessageBurst, meter.tokens + (nowMs - meter.countedMs) * limits.nodeMessagesPerSecond / 1000);
  meter.countedMs = nowMs;
  meter.tokens -= 1;
  return meter.tokens >= 0 ? 0 : -meter.tokens * 1000 / limits.nodeMessagesPerSecond;
}
