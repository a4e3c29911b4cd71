// A certificate is public: it lies in every CSR's status. What counts is that its holder has the key. TLS checks that, on either runtime, although we ask it
// to refuse nobody; here a client tries that has the certificate and signs with another key. Our own TLS libraries would not send that, so OpenSSL does.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { serveApi, type ServedApi } from "../kit/api_server.ts";
import { suite } from "../kit/suite.ts";

const test = suite<ServedApi>("a client certificate", { setup: () => serveApi(), teardown: (api) => api.close(), timeoutMs: 20_000 });

/** What `openssl s_client` says after a request to a path that only administrators may read. */
async function ask(api: ServedApi, key: string): Promise<string> {
  const certificateFile = `${api.directory}/client.crt`, keyFile = `${api.directory}/client.key`;
  await writeFile(certificateFile, api.admin.certificate);
  await writeFile(keyFile, key);
  const connect = `127.0.0.1:${api.server.addresses[0]!.port}`;
  return await new Promise((resolve, reject) => {
    const client = spawn("openssl", ["s_client", "-quiet", "-connect", connect, "-cert", certificateFile, "-key", keyFile]);
    let said = "";
    client.stdout.on("data", (data) => said += data);
    client.stderr.on("data", (data) => said += data);
    client.stdin.on("error", () => {}); // it hangs up while we write
    client.on("error", reject);
    client.on("close", () => resolve(said));
    client.stdin.write("GET /api/v1/namespaces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  });
}

/** A key whose public half is the certificate's and whose private half is not: OpenSSL believes it, and signs with the wrong one. */
function forgedKey(certificate: string): string {
  const { d } = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const { x, y } = new X509Certificate(certificate).publicKey.export({ format: "jwk" });
  const [secret, ...point] = [d, x, y].map((part) => Buffer.from(part!, "base64url"));
  const version = Buffer.from([2, 1, 1]), curve = Buffer.from("06082a8648ce3d030107", "hex"); // RFC 5915 §3, prime256v1
  const bits = Buffer.concat([Buffer.from([3, 66, 0, 4]), ...point]);
  const tagged = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([tag, content.length]), content]);
  const key = tagged(0x30, Buffer.concat([version, tagged(4, secret!), tagged(0xa0, curve), tagged(0xa1, bits)]));
  return `-----BEGIN EC PRIVATE KEY-----\n${key.toString("base64")}\n-----END EC PRIVATE KEY-----\n`;
}

test("a client certificate with its key is admin", async (api) => {
  assert.match(await ask(api, api.admin.key), /HTTP\/1\.1 200 OK[\s\S]*NamespaceList/);
});

test("a client certificate without its key is refused in the handshake", async (api) => {
  const said = await ask(api, forgedKey(api.admin.certificate));
  assert.match(said, /verify return:1/, said); // it took the key for the certificate's, and got as far as the server's certificate
  assert.not.match(said, /HTTP\/1\.1/);
});
