// The bare thing beside the link: Aedes over TLS with nothing around it, and without Nagle's delay, which would be no floor but 40 ms of waiting for an ACK. `node bare_mqtt.ts <directory of pki>`
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import process from "node:process";
import tls from "node:tls";
import { Aedes } from "aedes";

const pki = process.argv[2]!, read = (name: string): string => readFileSync(`${pki}/${name}`, "utf8");
const broker = await Aedes.createBroker();
const server = tls.createServer({ cert: read("server.crt"), key: read("server.key"), ca: read("ca.crt"), noDelay: true }, (socket) => {
  socket.on("error", () => {}); // a client that goes
  broker.handle(socket);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`));
process.once("SIGTERM", () => process.exit(0));
