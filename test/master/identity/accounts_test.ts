import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { AccountTokens } from "../../../master/identity/accounts.ts";
import { grantFor } from "../../../master/identity/request.ts";
import { TokenKeys } from "../../../master/pki/token_keys.ts";
import { startCache } from "../../../master/registry/cache.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { enrollments } from "../../../shared/api/kinds/enrollment.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../../shared/api/kinds/pod.ts";
import { accountAnnotations, secrets, tokenSecretType } from "../../../shared/api/kinds/secret.ts";
import { serviceAccounts } from "../../../shared/api/kinds/service_account.ts";
import type { TokenRequestSpec } from "../../../shared/api/kinds/token_request.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { generateSealKey } from "../../../shared/wire/seal.ts";
import { generateKeyPairSync } from "node:crypto";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

interface Context extends RegistryContext {
  readonly tokens: AccountTokens;
  readonly cache: Awaited<ReturnType<typeof startCache>>;
  readonly stop: AbortController;
  nowMs: number;
}
const test = suite<Context>("tokens of ServiceAccounts", {
  async setup() {
    const opened = await openRegistry(),
      stop = new AbortController(),
      cache = await startCache({ ...opened, kinds, log: silentLog }, stop.signal);
    const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const now = () => context.nowMs;
    const context: Context = Object.assign(opened, {
      stop,
      cache,
      nowMs: Date.now(),
      tokens: new AccountTokens(new TokenKeys(pem), { cache, registry: opened.registry, now }),
    });
    await opened.registry.create(serviceAccounts, account);
    return context;
  },
  async teardown(context) {
    context.stop.abort();
    await context.cache.stopped;
    await closeRegistry(context);
  },
});
const account = { metadata: { name: "robot", namespace: "default" } }, key = { namespace: "default", name: "robot" };
const pod = {
  metadata: { name: "a", namespace: "default" },
  spec: { serviceAccountName: "robot", nodeName: "pi", containers: [{ name: "a", image: "x" }] },
};
const api = "https://kubernetes.default.svc.cluster.local";

async function issue({ tokens, nowMs }: Context, spec: TokenRequestSpec = {}) {
  return tokens.issue(await grantFor(tokens, key, spec, { now: nowMs, id: "j" }));
}
const verdict = async ({ tokens }: Context, token: string, audiences?: readonly string[]) => {
  const answer = await tokens.authenticate(token, audiences);
  return answer?.error ?? (answer && "user" in answer ? answer.user.name : answer);
};
const refusal = (promise: Promise<unknown>) => promise.then(() => "none", (error) => [error.reason, error.message]);

test("a token is its account, for whom it is meant and as long as it is meant", async (context) => {
  const { tokens } = context,
    token = await issue(context, { expirationSeconds: 600 }),
    { uid } = await context.registry.get(serviceAccounts, key);
  assert.equal(await tokens.authenticate(token), {
    user: {
      name: "system:serviceaccount:default:robot",
      uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default"],
      extra: { "authentication.kubernetes.io/credential-id": ["JTI=j"] },
    },
    audiences: [api],
  });
  assert.is(await verdict(context, token, ["vault"]), `token audiences ["${api}"] is invalid for the target audiences ["vault"]`);
  const forVault = await issue(context, { audiences: ["vault", "db"] });
  assert.match(await verdict(context, forVault) as string, /is invalid for the target audiences/);
  const forTwo = await tokens.authenticate(forVault, ["db", "vault", "x"]);
  assert.equal(forTwo && "audiences" in forTwo && forTwo.audiences, ["db", "vault"]);
  context.nowMs += 650_000; // within what clocks may differ by
  assert.is(await verdict(context, token), "system:serviceaccount:default:robot");
  context.nowMs += 20_000;
  assert.is(await verdict(context, token), "service account token has expired");
  context.nowMs -= 800_000;
  assert.is(await verdict(context, token), "service account token is not valid yet");
});

test("a token ends with its account, and is nobody's when another of that name comes", async (context) => {
  const token = await issue(context);
  await context.registry.delete(serviceAccounts, key);
  await context.cache.waitFor(context.registry.revision(), context.stop.signal);
  assert.is(await verdict(context, token), 'serviceaccounts "robot" not found');
  await context.registry.create(serviceAccounts, account);
  assert.match(await verdict(context, token) as string, /^service account UID \(.*\) does not match claim/);
});

test("a token that hangs on a pod ends with it, and the usual one lives a year", async (context) => {
  const { registry } = context, { uid: nodeUid } = await registry.create(nodes, { metadata: { name: "pi" } });
  const { uid } = await registry.create(pods, pod as Pod), boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "a", uid };
  const token = await issue(context, { boundObjectRef, expirationSeconds: 3607 });
  const claims = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());
  assert.is(claims.exp - claims.iat, 365 * 24 * 3600);
  assert.equal(claims["kubernetes.io"].pod, { name: "a", uid });
  assert.equal(claims["kubernetes.io"].node, { name: "pi", uid: nodeUid });
  assert.is(claims["kubernetes.io"].warnafter, claims.iat + 3607);
  assert.is(await verdict(context, token), "system:serviceaccount:default:robot");
  // The node is only named: a token of a pod goes on when somebody makes its node anew.
  await registry.delete(nodes, { name: "pi" });
  await context.cache.waitFor(registry.revision(), context.stop.signal);
  assert.is(await verdict(context, token), "system:serviceaccount:default:robot");

  const exact = async (spec: TokenRequestSpec) => {
    const { exp, iat } = JSON.parse(Buffer.from((await issue(context, spec)).split(".")[1]!, "base64url").toString());
    return exp - iat;
  };
  assert.is(await exact({ expirationSeconds: 3607 }), 3607);
  assert.is(await exact({ boundObjectRef, expirationSeconds: 3607, audiences: ["vault"] }), 3607);
  assert.is(await exact({ boundObjectRef, expirationSeconds: 3606 }), 3606);

  await registry.delete(pods, { namespace: "default", name: "a" }, { gracePeriodSeconds: 30 });
  await context.cache.waitFor(registry.revision(), context.stop.signal);
  assert.is(await verdict(context, token), "system:serviceaccount:default:robot"); // it still ends in peace
  context.nowMs += 120_000;
  assert.is(await verdict(context, token), "service account token has been invalidated");
  await registry.delete(pods, { namespace: "default", name: "a" }, { gracePeriodSeconds: 0 });
  context.nowMs -= 120_000;
  await context.cache.waitFor(registry.revision(), context.stop.signal);
  assert.is(await verdict(context, token), "service account token has been invalidated");
});

test("a token of a pod on a device that was shut out is nobody's, until another device has its place", async (context) => {
  const { registry, cache, stop } = context, { uid } = await registry.create(pods, pod as Pod);
  await registry.create(nodes, { metadata: { name: "pi" } });
  const token = await issue(context, { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "a", uid } });
  const enrol = (name: string) =>
    registry.create(enrollments, {
      metadata: { name },
      spec: { publicKeys: ["0".repeat(64)], sealKey: generateSealKey().publicKey, nodeName: "pi" },
    });
  const lost = await enrol("a".repeat(26));
  await registry.modify(enrollments, lost, (object) => ({ ...object, spec: { ...object.spec, revoked: true } }));
  await cache.waitFor(registry.revision(), stop.signal);
  assert.is(await verdict(context, token), "service account token has been invalidated");
  await enrol(`${"b".repeat(25)}a`);
  await cache.waitFor(registry.revision(), stop.signal);
  assert.is(await verdict(context, token), "system:serviceaccount:default:robot");
});

test("grantFor() binds to what is there, has that uid, and is the account's own", async (context) => {
  await context.registry.create(pods, { ...pod, spec: { ...pod.spec, serviceAccountName: "default" } } as Pod);
  const bound = (boundObjectRef: object) => refusal(issue(context, { boundObjectRef }));
  assert.equal(await bound({ kind: "Pod", apiVersion: "v1", name: "b" }), ["NotFound", 'pods "b" not found']);
  assert.equal(await bound({ kind: "Pod", apiVersion: "v1", name: "a" }), [
    "BadRequest",
    'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
  ]);
  const [reason, message] = await bound({ kind: "Pod", apiVersion: "v1", name: "a", uid: "other" }) as string[];
  assert.is(reason, "Conflict");
  assert.match(message!, /the UID in the bound object reference \(other\) does not match the UID in record/);
  assert.equal(await bound({ kind: "Deployment", apiVersion: "apps/v1", name: "a" }), [
    "BadRequest",
    "cannot bind token to object of type apps/v1, Kind=Deployment",
  ]);
});

test("a token in a Secret holds as long as the Secret holds it", async (context) => {
  const { registry, tokens } = context, { uid } = await registry.get(serviceAccounts, key);
  const grant = { account: { ...key, uid }, secretName: "old" }, token = tokens.legacyToken(grant, "");
  assert.is(await verdict(context, token), "service account token has been invalidated");
  const metadata = { name: "old", namespace: "default", annotations: { [accountAnnotations.name]: "robot" } };
  await registry.create(secrets, { metadata, type: tokenSecretType, data: { token: Buffer.from(token).toString("base64") } });
  assert.is(await verdict(context, token), "system:serviceaccount:default:robot");
  assert.match(await verdict(context, token, ["vault"]) as string, /is invalid for the target audiences/);
  assert.is(tokens.legacyToken(grant, token), token);
  assert.is.not(tokens.legacyToken({ ...grant, secretName: "other" }, token), token);
  await context.cache.waitFor(registry.revision(), context.stop.signal);
  await registry.delete(secrets, { namespace: "default", name: "old" });
  await context.cache.waitFor(registry.revision(), context.stop.signal);
  assert.is(await verdict(context, token), "service account token has been invalidated");
});
