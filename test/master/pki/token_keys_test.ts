import { Buffer } from "node:buffer";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import * as assert from "uvu/assert";
import { TokenKeys } from "../../../master/pki/token_keys.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("token keys", { timeoutMs: 20_000 });
const pem = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const ca = pem(), claims = { sub: "somebody" };

test("masters with the same authority make the same keys, others make others", () => {
  const token = new TokenKeys(ca).sign(claims);
  assert.equal(new TokenKeys(ca).verify(token), claims);
  assert.equal(new TokenKeys(ca).jwks, new TokenKeys(ca).jwks);
  assert.is(new TokenKeys(pem()).verify(token), undefined);
});

test("a generation accepts those beside it, and no other", () => {
  const tokens = [1, 2, 3, 4].map((generation) => new TokenKeys(ca, generation).sign(claims));
  const accepted = (generation: number) => tokens.map((token) => new TokenKeys(ca, generation).verify(token) !== undefined);
  assert.equal(accepted(1), [true, true, false, false]);
  assert.equal(accepted(2), [true, true, true, false]);
  assert.equal(accepted(4), [false, false, true, true]);
});

test("who has only the published keys can check a token by itself", () => {
  const keys = new TokenKeys(ca), [header = "", payload = "", signature = ""] = keys.sign(claims).split(".");
  const { alg, kid } = JSON.parse(Buffer.from(header, "base64url").toString());
  const jwk = keys.jwks.keys.find((key) => key.kid === kid)!, key = createPublicKey({ format: "jwk", key: { ...jwk } });
  assert.is(alg, "ES256");
  assert.not.ok("d" in jwk);
  const isRight = verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    { key, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  assert.ok(isRight);
});

test("verify() takes nothing that was changed, and nothing that names another algorithm", () => {
  const keys = new TokenKeys(ca), token = keys.sign(claims), [header, payload, signature] = token.split(".") as [string, string, string];
  const coded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url"), kid = keys.jwks.keys[0]!.kid;
  const forged = [
    "",
    ".",
    "..",
    "a.b.c",
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${header}.${coded({ sub: "somebody else" })}.${signature}`,
    `${token}.x`,
    `${coded({ alg: "none", kid })}.${payload}.`,
    `${coded({ alg: "HS256", kid })}.${payload}.${signature}`,
    `${coded({ alg: "ES256" })}.${payload}.${signature}`,
    `${coded({ alg: "ES256", kid: { toString: 1 } })}.${payload}.${signature}`,
    `${coded(null)}.${payload}.${signature}`,
    "x".repeat(100_000),
  ];
  for (const one of forged) assert.is(keys.verify(one), undefined, one.slice(0, 100));
  assert.ok(keys.verify(token));
});
