import "reflect-metadata";
import { Buffer } from "node:buffer";
import { webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import * as assert from "uvu/assert";
import { createAuthenticator } from "../../../master/http/auth.ts";
import { Authority } from "../../../master/pki/authority.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { rejects, suite } from "../../kit/suite.ts";

const der = (pem: string): Uint8Array => new Uint8Array(new X509Certificate(pem).raw);
const subject = { commonName: "ann", organizations: ["team-a", "team-b"], uris: [] };

async function setup() {
  const [{ authority }, { authority: foreign }] = await Promise.all([Authority.create("ours"), Authority.create("ours")]);
  const clock = new HandCrankedClock(), revoked = new Set<string>();
  const authenticate = createAuthenticator({
    clock,
    verify: (raw) => authority.verify(raw),
    tokens: (token) => Promise.resolve(token === "good" ? { name: "bot", groups: ["robots"] } : undefined),
    revoked: ({ keyHash }) => revoked.has(keyHash),
  });
  return { authority, foreign, clock, revoked, authenticate };
}
const test = suite("createAuthenticator()", { setup });
const refused = async (work: Promise<unknown>) => assert.is((await rejects(work) as Error & { reason: string }).reason, "Unauthorized");

test("a certificate of ours is its CN, in the groups of its Os", async ({ authority, authenticate }) => {
  const { certificate } = await authority.issueClient(subject);
  assert.equal(await authenticate({ certificate: der(certificate) }), {
    name: "ann",
    groups: ["team-a", "team-b", "system:authenticated"],
  });
});

test("a certificate of a foreign CA of the same name is nobody", async ({ foreign, authenticate }) => {
  const { certificate } = await foreign.issueClient(subject);
  await refused(authenticate({ certificate: der(certificate) }));
  await refused(authenticate({ certificate: new Uint8Array([1, 2, 3]) }));
});

test("a certificate counts within its dates only, also on a connection that is already known", async ({ authority, clock, authenticate }) => {
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: { name: "ECDSA", hash: "SHA-256" } });
  const day = 86_400_000, now = clock.now();
  const pem = await authority.sign(request.toString("pem"), subject, { notBefore: new Date(now - day), notAfter: new Date(now + day) });
  const certificate = der(pem);
  assert.is((await authenticate({ certificate })).name, "ann");
  clock.advance(2 * day);
  await refused(authenticate({ certificate }));
  clock.setWall(now - 2 * day);
  await refused(authenticate({ certificate }));
});

test("a revoked certificate is refused at the next request", async ({ authority, authenticate, revoked }) => {
  const { certificate } = await authority.issueClient(subject), raw = der(certificate);
  assert.is((await authenticate({ certificate: raw })).name, "ann");
  revoked.add(authority.verify(raw)!.keyHash);
  await refused(authenticate({ certificate: raw }));
});

test("a token stands in for a certificate that is none of ours; a wrong token is refused; nothing is anonymous", async ({ foreign, authenticate }) => {
  const { certificate } = await foreign.issueClient(subject);
  assert.equal(await authenticate({ certificate: der(certificate), authorization: "Bearer good" }), {
    name: "bot",
    groups: ["robots", "system:authenticated"],
  });
  await refused(authenticate({ authorization: "Bearer bad" }));
  await refused(authenticate({ authorization: `Basic ${Buffer.from("a:b").toString("base64")}` }));
  assert.equal(await authenticate({}), { name: "system:anonymous", groups: ["system:unauthenticated"] });
});
