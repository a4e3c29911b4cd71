import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { accountAnnotations, bootstrapTokenType, secrets, tokenSecretType } from "../../../shared/api/kinds/secret.ts";
import { serviceAccounts } from "../../../shared/api/kinds/service_account.ts";
import { type Cluster, openCluster, until } from "../../kit/cluster.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<Cluster>("Secrets that are tokens", {
  setup: () => openCluster([]),
  teardown: (cluster) => cluster.close(),
  timeoutMs: 20_000,
});
const base64 = (text: string) => Buffer.from(text).toString("base64");

test("a bootstrap token goes when it has ended, and no other", async ({ registry, cache }) => {
  await until(cache, "kube-system is there", () => cache.get(namespaces, "", "kube-system") !== undefined);
  const make = (id: string, ms: number, type = bootstrapTokenType) => {
    const data = { "token-id": base64(id), expiration: base64(new Date(Date.now() + ms).toISOString()) };
    return registry.create(secrets, { metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" }, type, data });
  };
  await Promise.all([make("gone00", -1000), make("soon00", 1500), make("later0", 3_600_000), make("other0", -1000, "Opaque")]);
  const there = (id: string) => cache.get(secrets, "kube-system", `bootstrap-token-${id}`) !== undefined;
  await until(cache, "what has ended is gone", () => !there("gone00") && !there("soon00"), 10_000);
  assert.equal([there("later0"), there("other0")], [true, true]);
});

test("a Secret for an account's token is filled, repaired, and goes with the account", async ({ registry, cache }) => {
  await registry.create(serviceAccounts, { metadata: { name: "robot", namespace: "default" } });
  const key = { namespace: "default", name: "old" }, annotations = { [accountAnnotations.name]: "robot" };
  await registry.create(secrets, { metadata: { ...key, annotations }, type: tokenSecretType });
  const held = () => Object.keys(cache.get(secrets, "default", "old")?.object.data ?? {}).sort().join();
  await until(cache, "it is filled", () => held() === "ca.crt,namespace,token");
  await registry.modify(secrets, key, (secret) => ({ ...secret, data: {} }));
  await until(cache, "it is filled again", () => held() === "ca.crt,namespace,token");
  const nobodys = {
    metadata: { name: "nobodys", namespace: "default", annotations: { [accountAnnotations.name]: "nobody" } },
    type: tokenSecretType,
  };
  await registry.create(secrets, nobodys);
  await until(cache, "nobody's is gone", () => cache.get(secrets, "default", "nobodys") === undefined);
  await registry.delete(serviceAccounts, { namespace: "default", name: "robot" });
  await until(cache, "it is gone", () => cache.get(secrets, "default", "old") === undefined);
});
