// A whole master below HTTP: store, registry, cache, fleet and a broker with real TLS; and devices that speak to it by hand, message by message.
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import type { IClientOptions, MqttClient } from "mqtt";
import * as x509 from "@peculiar/x509";
import { kinds } from "../../shared/api/kinds/mod.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { seeded, systemClock } from "../../shared/util/clock.ts";
import { type Log, silentLog } from "../../shared/util/log.ts";
import { bearerOf, type Joined, joinPaths, parseToken } from "../../shared/wire/join.ts";
import type { Desired } from "../../shared/wire/messages.ts";
import { generateSealKey, type SealKeyPair } from "../../shared/wire/seal.ts";
import { type Down, downFilter, downTopic, parseTopic, type Up, upTopic } from "../../shared/wire/topics.ts";
import { type Broker, startBroker } from "../../master/broker/broker.ts";
import { createFleet, type Fleet } from "../../master/fleet/fleet.ts";
import { AccountTokens } from "../../master/identity/accounts.ts";
import { Authority } from "../../master/pki/authority.ts";
import { TokenKeys } from "../../master/pki/token_keys.ts";
import { type Cache, startCache } from "../../master/registry/cache.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "./registry.ts";
import { until } from "./eventually.ts";
import { mqttClient } from "./mqtt_client.ts";

export interface FleetKit extends RegistryContext {
  readonly authority: Authority;
  readonly cache: Cache;
  readonly fleet: Fleet;
  readonly broker: Broker;
  /** Waits until the cache has passed everything written so far. */
  settled(): Promise<void>;
  device(name: string): Promise<Device>;
  close(): Promise<void>;
}

export async function fleetKit(log: Log = silentLog): Promise<FleetKit> {
  const opened = await openRegistry(), { registry, store } = opened, stop = new AbortController();
  await registry.create(namespaces, { metadata: { name: "kube-system" } });
  const { authority, key: caKey } = await Authority.create("skerry-ca"), server = await authority.issueServer(["127.0.0.1"]);
  const cache = await startCache({ store, kinds, log }, stop.signal);
  const accounts = new AccountTokens(new TokenKeys(caKey), { cache, registry, now: () => systemClock.now() });
  const fleet = createFleet({ registry, cache, store, authority, accounts, clock: systemClock, random: seeded(3), randomBytes, log }, {
    podNetwork: "10.201.0.0/16",
    serviceNetwork: "10.202.0.0/16",
    clusterDomain: "cluster.local",
    urls: () => ["https://127.0.0.1:6443"],
    member: "test",
  });
  const running = fleet.run(stop.signal);
  const broker = await startBroker(
    { fleet: fleet.handlers, clock: systemClock, log },
    { tls: { cert: server.certificate, key: server.key, ca: authority.certificate }, listen: [{ host: "127.0.0.1", port: 0 }] },
    stop.signal,
  );
  const devices: Device[] = [];
  return Object.assign(opened, {
    authority,
    cache,
    fleet,
    broker,
    settled: () => cache.waitFor(registry.revision(), stop.signal),
    device: async (name: string) => {
      const device = new Device(name, broker.ports[0]!, authority.certificate);
      devices.push(device);
      await device.makeKey();
      return device;
    },
    close: async () => {
      await Promise.all(devices.map((device) => device.stop()));
      stop.abort();
      await Promise.all([running, broker.stopped, cache.stopped]);
      await closeRegistry(opened);
    },
  });
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
export interface Heard {
  readonly name: Down;
  readonly id: string | undefined;
  readonly payload: Uint8Array;
}

export class Device {
  readonly name: string;
  readonly sealKey: SealKeyPair = generateSealKey();
  readonly heard: Heard[] = [];
  joined!: Joined;
  csr = "";
  key = "";
  client: MqttClient | undefined;
  sess = 0;
  readonly #port: number;
  readonly #ca: string;
  readonly #opened: MqttClient[] = [];

  constructor(name: string, port: number, ca: string) {
    this.name = name;
    this.#port = port;
    this.#ca = ca;
  }
  async makeKey(): Promise<void> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    this.csr = (await x509.Pkcs10CertificateRequestGenerator.create({ name: "CN=anybody", keys, signingAlgorithm: algorithm })).toString(
      "pem",
    );
    this.key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  }
  request(fleet: Fleet, token: string, more: object = {}): Promise<Response> {
    const body = { csr: this.csr, sealKey: this.sealKey.publicKey, wish: { name: this.name }, agentVersion: "test", ...more };
    return Promise.resolve(fleet.join.request(joinPaths.nodes, {
      method: "POST",
      headers: { authorization: `Bearer ${bearerOf(parseToken(token)!)}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }));
  }
  async join(fleet: Fleet, token: string, more: object = {}): Promise<Joined> {
    const response = await this.request(fleet, token, more);
    if (response.status !== 200) throw new Error(await response.text());
    return this.joined = await response.json() as Joined;
  }
  /** Connects and subscribes; a birth is the test's to say. */
  async connect(options: IClientOptions = {}, filter = downFilter(this.joined.nodeId)): Promise<MqttClient> {
    const client = this.open(options);
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", reject);
      client.once("close", () => reject(new Error("closed")));
    });
    await client.subscribeAsync(filter, { qos: 1 });
    return client;
  }
  open(options: IClientOptions = {}): MqttClient {
    const pair = { certificate: this.joined.certificate, key: this.key };
    const client = mqttClient(this.#port, this.#ca, pair, { clientId: this.joined.nodeId, ...options });
    client.on("message", (topic, payload) => {
      const place = parseTopic(topic)!;
      this.heard.push({ name: place.name as Down, id: place.id, payload: Uint8Array.from(payload) });
    });
    this.#opened.push(client);
    return this.client = client;
  }
  /** Resolves when the broker has it. */
  async say(name: Up, message: object, id?: string): Promise<void> {
    await this.client!.publishAsync(upTopic(this.joined.nodeId, name, id), JSON.stringify(message), { qos: 1 });
  }
  birth(more: object = {}): void {
    void this.say("birth", { sess: ++this.sess, boot: "b", ver: "test", arch: "arm64", ...more });
  }
  /** Connects, is born, and waits for its head. */
  async live(more: object = {}): Promise<Desired> {
    await this.connect();
    this.birth(more);
    await until(() => this.messages("cumulative").length > 0 && this.messages("desired").length > 0);
    return this.head();
  }
  // deno-lint-ignore no-explicit-any
  messages(name: Down): any[] {
    return this.heard.filter((heard) => heard.name === name).map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)));
  }
  head(): Desired {
    return this.messages("desired").at(-1);
  }
  topic(name: Down, id?: string): string {
    return downTopic(this.joined.nodeId, name, id);
  }
  async stop(): Promise<void> {
    await Promise.all(this.#opened.map((client) => client.endAsync(true)));
  }
}

/** Without a token, so that sets hold what the test has made. */
export const newPod = (name: string, nodeName?: string, spec: object = {}): Pod =>
  ({
    metadata: { name, namespace: "default" },
    spec: { automountServiceAccountToken: false, containers: [{ name: "a", image: "hello" }], ...(nodeName && { nodeName }), ...spec },
  }) as Pod;
export { pods };
