// One MQTT session: from CONNECT to the end of its connection. The client is made for it and thrown away with it: its queue would send an old session's
// messages into the next one. Nothing is published before CONNACK, and the subscription comes before the birth, so that no head is missed.
import { Buffer } from "node:buffer";
import type { IClientOptions, MqttClient } from "mqtt";
import { mqttConnectTimeoutMs } from "../../shared/limits.ts";
import type { Birth, Will } from "../../shared/wire/messages.ts";
import { type Down, downFilter, downTopic, parseTopic, renewalOnly, type Up, up, upTopic } from "../../shared/wire/topics.ts";

export interface Credentials {
  readonly nodeId: string;
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}
export interface SessionHandlers {
  message(name: Down, payload: Uint8Array, id: string | undefined): void;
}
export interface Session {
  readonly number: number;
  /** "renewal": the certificate's dates are wrong in the broker's eyes; all that is open is to renew. */
  readonly standing: "full" | "renewal";
  publish(name: Up, message: unknown, id?: string): void;
  publishBytes(name: Up, payload: Uint8Array, id: string): void;
  /** Says goodbye and closes. */
  stop(reason: NonNullable<Will["reason"]>): Promise<void>;
  /** Cuts the connection, as a broken link would. */
  cut(): void;
  /** Resolves with why, when the connection is gone. */
  readonly closed: Promise<string>;
}

/** `mqtts://host:port` or `wss://host:port/mqtt`. @throws Error when there is no session within the time a connection may take */
export async function openSession(
  url: string,
  { nodeId, certificate, key, ca }: Credentials,
  options: { readonly number: number; readonly keepaliveSeconds: number; readonly birth: () => Birth },
  handlers: SessionHandlers,
  signal: AbortSignal,
): Promise<Session> {
  const { default: mqtt } = await import("mqtt"); // late: it is the largest thing an agent loads
  const { number } = options;
  // The CA is pinned; a master may be reached under any name.
  const tls = { ca, cert: certificate, key, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  const client: MqttClient = mqtt.connect(url, {
    ...(url.startsWith("wss:") ? { wsOptions: tls } : tls),
    protocolVersion: 4,
    clientId: nodeId,
    clean: true,
    keepalive: options.keepaliveSeconds,
    reconnectPeriod: 0,
    connectTimeout: mqttConnectTimeoutMs,
    queueQoSZero: false,
    resubscribe: false,
    will: { topic: upTopic(nodeId, "will"), payload: Buffer.from(JSON.stringify({ sess: number })), qos: up.will.qos, retain: false },
  } as IClientOptions);
  let why = "the connection was closed";
  client.on("error", (error) => void (why = error.message));
  const closed = new Promise<string>((resolve) => client.once("close", () => resolve(why)));
  const cut = (): void => void client.end(true);
  signal.addEventListener("abort", cut, { once: true });
  void closed.then(() => {
    signal.removeEventListener("abort", cut);
    client.end(true);
  });

  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => {
      // Small messages both ways: waiting to fill a segment (Nagle) meets the peer's delayed acknowledgement, and a hop takes 40 ms instead of one.
      (client.stream as { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
      resolve();
    });
    void closed.then((reason) => reject(new Error(`Cannot connect to ${url}: ${reason}`)));
  });
  client.on("message", (topic, payload) => {
    const place = parseTopic(topic);
    if (place?.nodeId === nodeId && place.direction === "down") handlers.message(place.name as Down, payload, place.id);
  });
  const subscribed = (filters: readonly string[]): Promise<boolean> =>
    client.subscribeAsync([...filters], { qos: 1 }).then(() => true, () => false);
  let standing: Session["standing"] = "full";
  const publish = (name: Up, payload: Buffer, id?: string): void => {
    if (!client.connected) return; // nothing waits for a link: what matters is said again on the next session
    client.publish(upTopic(nodeId, name, id), payload, { qos: up[name].qos, retain: false });
  };
  if (!await subscribed([downFilter(nodeId)])) {
    standing = "renewal";
    if (!await subscribed(renewalOnly.down.map((name) => downTopic(nodeId, name)))) {
      cut();
      throw new Error(`Cannot subscribe at ${url}: this node may not`);
    }
  } else publish("birth", Buffer.from(JSON.stringify(options.birth())));

  return {
    number,
    standing,
    publish: (name, message, id) => publish(name, Buffer.from(JSON.stringify(message)), id),
    publishBytes: (name, payload, id) => publish(name, Buffer.from(payload.buffer, payload.byteOffset, payload.length), id),
    async stop(reason) {
      if (client.connected) {
        await client.publishAsync(upTopic(nodeId, "will"), JSON.stringify({ sess: number, reason }), { qos: 1 }).catch(() => {});
        await client.endAsync().catch(() => {});
      } else cut();
    },
    cut,
    closed,
  };
}
