import * as assert from "uvu/assert";
import { removedAt } from "../../../master/controllers/certificate_cleaner.ts";
import { Authority } from "../../../master/pki/authority.ts";
import type { CertificateSigningRequest } from "../../../shared/api/kinds/certificate_signing_request.ts";
import { Buffer } from "node:buffer";
import { suite } from "../../kit/suite.ts";

const test = suite("old certificate requests");
const born = Date.parse("2026-01-01T00:00:00Z"), hourMs = 3_600_000, decided = "2026-01-02T00:00:00Z";
const request = (status: object, signerName = "kubernetes.io/kube-apiserver-client") =>
  ({
    metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { request: "", signerName },
    status,
  }) as CertificateSigningRequest;
const condition = (type: string) => ({ conditions: [{ type, status: "True", lastUpdateTime: decided }] });

test("removedAt() gives what is decided an hour, and what nobody has looked at a day", () => {
  assert.is(removedAt(request({})), born + 24 * hourMs);
  assert.is(removedAt(request(condition("Denied"))), Date.parse(decided) + hourMs);
  assert.is(removedAt(request(condition("Failed"))), Date.parse(decided) + hourMs);
  assert.is(removedAt(request({ ...condition("Approved"), certificate: "bm90aGluZw==" })), Date.parse(decided) + hourMs);
});

test("removedAt() leaves what still waits for its signer, and what keeps a device out", () => {
  assert.is(removedAt(request(condition("Approved"))), Infinity);
  assert.is(removedAt(request(condition("Denied"), "skerry.dev/node")), Infinity);
});

test("removedAt() is the end of a certificate that ends sooner", async () => {
  const { authority } = await Authority.create("ca"), client = { commonName: "a", organizations: [], uris: [] };
  const { certificate } = await authority.issueClient(client); // until 9999
  assert.is(
    removedAt(request({ ...condition("Approved"), certificate: Buffer.from(certificate).toString("base64") })),
    Date.parse(decided) + hourMs,
  );
});
