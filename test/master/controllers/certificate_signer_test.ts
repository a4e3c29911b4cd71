import "reflect-metadata";
import { Buffer } from "node:buffer";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import * as assert from "uvu/assert";
import { objection } from "../../../master/controllers/certificate_signer.ts";
import { forbiddenSubject, unauthorizedDecision } from "../../../master/rbac/certificates.ts";
import type { Authorizer } from "../../../master/rbac/authorizer.ts";
import { certificateSigningRequests } from "../../../shared/api/kinds/certificate_signing_request.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("certificates of the API's clients");
const spec = { request: "", signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] } as Parameters<typeof objection>[0];
const about = (commonName: string, ...organizations: string[]) => objection(spec, { commonName, organizations });

test("objection() lets people in, and neither administrators nor devices", () => {
  assert.is(about("ann"), undefined);
  assert.is(about("ann@example.com", "crew", "night watch"), undefined);
  assert.match(about("ann", "crew", "system:masters")!, /system:masters group is not allowed/);
  assert.match(about("ann", "system:nodes")!, /when it joins/);
  assert.match(about("system:node:pi-7")!, /when it joins/);
  assert.match(objection(spec, undefined)!, /cannot be read/);
  assert.match(objection({ ...spec, usages: ["client auth", "server auth"] }, { commonName: "ann", organizations: [] })!, /^usages/);
  assert.match(objection({ ...spec, usages: [] }, { commonName: "ann", organizations: [] })!, /^usages/);
});
test("objection() has no name that somebody could read as another", () => {
  for (const name of ["", "a\nO=system:masters", "a\0", "a\\", "a,O=b", "a+b", " a", "a ", "ä", "a".repeat(65)]) {
    assert.match(about(name)!, /^CN and O/, JSON.stringify(name));
    assert.match(about("ann", name)!, /^CN and O/, JSON.stringify(name));
  }
});
test("unauthorizedDecision() asks who decides and who signs, not who writes", () => {
  const old = { metadata: { name: "a" }, spec };
  const why = (object: object, ...may: string[]) => {
    const authorizer = {
      authorize: (_: unknown, wanted: { verb: string; name?: string }) => ({
        allowed: may.includes(`${wanted.verb} ${wanted.name}`),
        reason: "",
      }),
    };
    const change = { kind: certificateSigningRequests as unknown as Kind, object: { ...old, ...object }, old };
    return unauthorizedDecision(authorizer as unknown as Authorizer, { name: "u", groups: [] }, change)?.message;
  };
  const decided = (type: string) => ({ status: { conditions: [{ type, status: "True" }] } }), issued = { status: { certificate: "x" } };
  assert.is(why({ metadata: { name: "a", labels: { b: "c" } } }), undefined);
  assert.match(why(decided("Approved"))!, /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"$/);
  assert.match(why(decided("Denied"), "sign kubernetes.io/*")!, /not permitted to approve/);
  assert.is(why(decided("Approved"), "approve kubernetes.io/*"), undefined);
  assert.is(why(decided("Denied"), "approve kubernetes.io/kube-apiserver-client"), undefined);
  assert.match(why(issued, "approve kubernetes.io/*")!, /not permitted to sign/);
  assert.match(why(decided("Failed"), "approve kubernetes.io/*")!, /not permitted to sign/);
  assert.is(why(issued, "sign kubernetes.io/kube-apiserver-client"), undefined);
});
test("forbiddenSubject() lets nobody ask to be an administrator", async () => {
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]) as CryptoKeyPair;
  const asked = async (name: string, signerName = spec.signerName, old?: object) => {
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name,
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    });
    const object = {
      metadata: { name: "a" },
      spec: { ...spec, signerName, request: Buffer.from(request.toString("pem")).toString("base64") },
    };
    return forbiddenSubject({ kind: certificateSigningRequests as unknown as Kind, object, ...(old && { old }) })?.message;
  };
  assert.is(
    await asked("CN=ann,O=crew,O=system:masters"),
    'certificatesigningrequests.certificates.k8s.io "a" is forbidden: ' +
      "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
  );
  assert.is(await asked("CN=system:masters,O=crew"), undefined);
  assert.is(await asked("CN=ann,O=system:masters", "example.com/other"), undefined);
  assert.is(await asked("CN=ann,O=system:masters", spec.signerName, {}), undefined);
});
