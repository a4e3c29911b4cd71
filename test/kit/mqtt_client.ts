// mqtt.js as a device uses it, without its own ideas of reconnecting.
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { KeyPair } from "../../master/pki/authority.ts";

/** Connects to a broker on this machine that a certificate of this CA proves. */
export function mqttClient(port: number, ca: string, pair: KeyPair | undefined, options: IClientOptions = {}): MqttClient {
  const client = mqtt.connect(`mqtts://127.0.0.1:${port}`, {
    ca,
    ...(pair && { cert: pair.certificate, key: pair.key }),
    protocolVersion: 4,
    reconnectPeriod: 0,
    keepalive: 60,
    clean: true,
    ...options,
  });
  client.on("error", () => {}); // the test looks at what comes of it
  return client;
}
