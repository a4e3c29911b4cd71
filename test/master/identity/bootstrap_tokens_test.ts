import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { expiryOf, userOfSecret } from "../../../master/identity/bootstrap_tokens.ts";
import { removedAt } from "../../../master/controllers/token_cleaner.ts";
import type { Secret } from "../../../shared/api/kinds/secret.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("bootstrap tokens");
const now = Date.parse("2026-01-01T00:00:00Z"), id = "abcdef", shown = "0123456789abcdef";
const secret = (data: Record<string, string> = {}, type = "bootstrap.kubernetes.io/token"): Secret => ({
  metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
  type,
  data: Object.fromEntries(
    Object.entries({ "token-id": id, "token-secret": shown, "usage-bootstrap-authentication": "true", ...data })
      .map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
  ),
});
const name = (of: Secret, as = shown) => userOfSecret(of, id, as, now)?.name;

test("userOfSecret() lets in who has the secret, with the groups it names", () => {
  assert.equal(userOfSecret(secret(), id, shown, now), { name: "system:bootstrap:abcdef", groups: ["system:bootstrappers"] });
  const further = secret({ "auth-extra-groups": "system:bootstrappers:pumps, system:bootstrappers:kubeadm:default-node-token" });
  assert.equal(userOfSecret(further, id, shown, now)?.groups, [
    "system:bootstrappers",
    "system:bootstrappers:pumps",
    "system:bootstrappers:kubeadm:default-node-token",
  ]);
});

test("userOfSecret() lets nobody in by what is no token, not for that, over, or would give more than a bootstrapper has", () => {
  assert.is(name(secret(), "0123456789abcdee"), undefined);
  assert.is(name(secret(), ""), undefined);
  assert.is(name(secret({ "token-id": "other1" })), undefined);
  assert.is(name(secret({}, "Opaque")), undefined);
  assert.is(name(secret({ "usage-bootstrap-authentication": "false" })), undefined);
  for (const groups of ["system:masters", "system:bootstrappers:Pumps", "system:bootstrappers:a:", "system:bootstrappers"]) {
    assert.is(name(secret({ "auth-extra-groups": groups })), undefined, groups);
  }
  assert.is(name(secret({ expiration: "2026-01-01T00:00:01Z" })), "system:bootstrap:abcdef");
  for (const expiration of ["2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "tomorrow", "2026"]) {
    assert.is(name(secret({ expiration })), undefined, expiration);
  }
});

test("a token is removed when it has ended, and one with which a device of ours may have joined a month later", () => {
  const expiration = "2026-01-01T00:00:00Z";
  assert.is(removedAt(secret({ expiration })), now);
  assert.is(removedAt(secret()), Infinity);
  assert.is(removedAt(secret({ expiration: "nonsense" })), 0);
  assert.is(expiryOf(secret({ expiration: "2026-01-01T01:00:00+01:00" })), now);
  assert.is(removedAt(secret({ expiration, "token-hash": "x" })), now + 30 * 24 * 3600_000);
});
