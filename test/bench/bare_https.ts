// The bare thing beside the API: node:https with the same TLS settings and certificates and nothing around it. GET answers bytes that are ready, POST and PUT
// parse the body and send it back. `node bare_https.ts <directory of pki> <file to serve>`
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import process from "node:process";

const [pki, path] = process.argv.slice(2) as [string, string];
const read = (name: string): string => readFileSync(`${pki}/${name}`, "utf8"), bytes = readFileSync(path);
const server = https.createServer({
  cert: read("server.crt"),
  key: read("server.key"),
  ca: read("ca.crt"),
  requestCert: true,
  rejectUnauthorized: false,
  minVersion: "TLSv1.2",
  ALPNProtocols: ["http/1.1"],
}, (request, response) => {
  const answer = (body: Uint8Array): void => {
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  };
  if (request.method === "GET") return answer(bytes);
  const chunks: Uint8Array[] = [];
  request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  request.on("end", () => answer(Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(chunks).toString())))));
});
server.keepAliveTimeout = 65_000;
server.listen(0, "127.0.0.1", () => process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`));
process.once("SIGTERM", () => process.exit(0));
