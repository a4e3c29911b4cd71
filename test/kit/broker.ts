// A broker with real TLS and a fleet that only listens, for tests of either side of the wire.
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import tls from "node:tls";
import type { IClientOptions, MqttClient } from "mqtt";
import { type Broker, type FleetHandlers, type NodeClient, startBroker } from "../../master/broker/broker.ts";
import type { NodeIdentity } from "../../master/broker/authorize.ts";
import { Authority, type KeyPair } from "../../master/pki/authority.ts";
import { silentLog } from "../../shared/util/log.ts";
import { systemClock } from "../../shared/util/clock.ts";
import type { Place } from "../../shared/wire/topics.ts";
import { mqttClient } from "./mqtt_client.ts";

export interface BrokerKit {
  readonly authority: Authority;
  readonly broker: Broker;
  readonly clients: NodeClient[];
  readonly heard: { nodeId: string; place: Place; payload: Uint8Array }[];
  readonly retained: Map<string, { topic: string; payload: Uint8Array }[]>;
  /** Enrols a key: its certificate's connections have this identity from now on. */
  enroll(pair: KeyPair, identity: NodeIdentity): void;
  /** Throws its key out again. */
  revoke(pair: KeyPair): void;
  /** Sends these bytes over TLS and gives back what came until the broker closed. */
  raw(pair: KeyPair | undefined, bytes: Uint8Array): Promise<Uint8Array>;
  connect(pair: KeyPair | undefined, options?: IClientOptions): MqttClient;
  stop(): Promise<void>;
}

export async function brokerKit(): Promise<BrokerKit> {
  const { authority } = await Authority.create("skerry-ca"), server = await authority.issueServer(["127.0.0.1"]);
  const enrolled = new Map<string, NodeIdentity>(), stop = new AbortController(), opened: MqttClient[] = [];
  const clients: NodeClient[] = [], heard: BrokerKit["heard"] = [], retained: BrokerKit["retained"] = new Map();
  const fleet: FleetHandlers = {
    identify: (raw) => enrolled.get(authority.verify(raw)?.keyHash ?? ""),
    connected: (client) => void clients.push(client),
    message: (client, place, payload) => void heard.push({ nodeId: client.identity.nodeId, place, payload: Uint8Array.from(payload) }),
    subscribed() {},
    disconnected: (client) => void clients.splice(clients.indexOf(client), 1),
    retained: (filter) => retained.get(filter) ?? [],
  };
  const broker = await startBroker(
    { fleet, clock: systemClock, log: silentLog },
    { tls: { cert: server.certificate, key: server.key, ca: authority.certificate }, listen: [{ host: "127.0.0.1", port: 0 }] },
    stop.signal,
  );
  return {
    authority,
    broker,
    clients,
    heard,
    retained,
    revoke: (pair) => void enrolled.delete(authority.verify(new X509Certificate(pair.certificate).raw)!.keyHash),
    raw: (pair, bytes) =>
      new Promise((resolve) => {
        const socket = tls.connect({
          host: "127.0.0.1",
          port: broker.ports[0]!,
          rejectUnauthorized: false,
          ...(pair && { cert: pair.certificate, key: pair.key }),
        });
        const chunks: Uint8Array[] = [];
        socket.on("secureConnect", () => socket.write(bytes));
        socket.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
        socket.on("error", () => {}); // cut: what it says is that nothing came
        socket.on("close", () => resolve(Buffer.concat(chunks)));
      }),
    enroll: (pair, identity) => void enrolled.set(authority.verify(new X509Certificate(pair.certificate).raw)!.keyHash, identity),
    connect(pair, options) {
      const client = mqttClient(broker.ports[0]!, authority.certificate, pair, options);
      opened.push(client);
      return client;
    },
    async stop() {
      await Promise.all(opened.map((client) => client.endAsync(true)));
      stop.abort();
      await broker.stopped;
    },
  };
}
