import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { PodTokens, turnAt } from "../../../master/fleet/pod_tokens.ts";
import { apiAudience, type Grant } from "../../../master/identity/claims.ts";
import type { Cache } from "../../../master/registry/cache.ts";
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import type { Stored } from "../../../master/registry/face.ts";
import { podTokenUid } from "../../../shared/wire/pod_token.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("tokens of a node's pods");
const born = Date.parse("2026-01-01T00:00:00Z"), hourMs = 3_600_000, dayMs = 24 * hourMs;
const node = { name: "pi", uid: "node-uid" };

test("turnAt() renews at 80 % of a token's life at the latest, once a day at most, and each pod at its own time", () => {
  for (const key of ["a", "b", "c", "d"]) {
    const { number, fromMs, dueMs } = turnAt(born, born, 600, key);
    assert.equal([number, fromMs], [0, born]);
    assert.ok(dueMs - fromMs <= 480_000 && dueMs - fromMs >= 430_000, `${dueMs - fromMs}`);
    assert.equal(turnAt(dueMs - 1, born, 600, key).number, 0);
    assert.equal(turnAt(dueMs, born, 600, key), { number: 1, fromMs: dueMs, dueMs: dueMs + (dueMs - fromMs) });
    const daily = turnAt(born, born, 365 * 24 * 3600, key);
    assert.ok(daily.dueMs - born <= dayMs && daily.dueMs - born >= 0.9 * dayMs);
  }
  assert.is(new Set(["a", "b", "c", "d"].map((key) => turnAt(born, born, 600, key).dueMs)).size, 4);
  assert.is(turnAt(born - dayMs, born, 600, "a").number, 0); // by a clock that is behind
});

function kit() {
  const accounts = new Map([["robot", { name: "robot", uid: "robot-uid", deleting: false }]]), grants: Grant[] = [];
  const issuer = {
    keyId: "k1",
    issue: (grant: Grant) => {
      grants.push(grant);
      return `token-${grants.length}`;
    },
  };
  const cache = { get: (_: unknown, namespace: string, name: string) => namespace === "default" ? accounts.get(name) : undefined };
  const tokens = new PodTokens(cache as unknown as Cache, issuer);
  const pod = (...wishes: object[]) =>
    ({
      name: "web",
      namespace: "default",
      uid: "pod-uid",
      object: {
        metadata: { creationTimestamp: new Date(born).toISOString() },
        spec: {
          serviceAccountName: "robot",
          containers: [],
          volumes: [{ name: "v", projected: { sources: wishes.map((wish) => ({ serviceAccountToken: { path: "token", ...wish } })) } }],
        },
      },
    }) as unknown as Stored<Pod>;
  const at = (now: number, ...wishes: object[]) => [...tokens.of(pod(...wishes), node, now)];
  return { accounts, grants, issuer, at };
}
const usual = { expirationSeconds: 3607 };

test("the usual token lives a year, so that it outlives a month without a link; others as long as was asked", () => {
  const { grants, at } = kit();
  for (const { object } of at(born, usual, { expirationSeconds: 600 }, { ...usual, audience: "vault" })) assert.ok(object.body.length > 0);
  assert.equal(grants.map(({ issuedAt, expiresAt }) => expiresAt - issuedAt), [365 * 24 * 3600, 600, 3607]);
  assert.equal(grants.map(({ audiences }) => audiences), [[apiAudience], [apiAudience], ["vault"]]);
  assert.equal(grants.map(({ warnAfter }) => warnAfter !== undefined), [true, false, false]);
  assert.equal(grants[0]!.bound, { pod: { name: "web", uid: "pod-uid" }, node });
  assert.equal(grants[0]!.account, { namespace: "default", name: "robot", uid: "robot-uid" });
});

test("which token a pod has follows from the time alone: the same for every master, and none is made until it is sent", () => {
  const one = kit(), other = kit(), hash = ({ at }: typeof one, now: number) => at(now, usual)[0]!.object.hash;
  const [{ object, dueMs }] = one.at(born + hourMs, usual) as [ReturnType<typeof one.at>[0]];
  assert.is(object.uid, podTokenUid("pod-uid", usual));
  assert.is(hash(other, born), object.hash);
  assert.is(hash(other, dueMs - 1), object.hash);
  assert.is.not(hash(other, dueMs), object.hash);
  assert.equal([one.grants.length, other.grants.length], [0, 0]);
  const body = JSON.parse(object.body);
  assert.is(Buffer.from(body.data.token, "base64").toString(), "token-1");
  assert.is(object.body, JSON.stringify(body)); // once
  assert.is(one.grants.length, 1);
  assert.ok(other.at(born + 2 * hourMs, usual)[0]!.object.body);
  assert.is(one.grants[0]!.id, other.grants[0]!.id);
  assert.match(one.grants[0]!.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("another account of that name, or another key, makes another token; without an account there is none", () => {
  const { accounts, issuer, at } = kit(), hashes = new Set<string>(), note = () => hashes.add(at(born, usual)[0]!.object.hash);
  note();
  issuer.keyId = "k2";
  note();
  accounts.set("robot", { name: "robot", uid: "robot-uid-2", deleting: false });
  note();
  assert.is(hashes.size, 3);
  accounts.set("robot", { name: "robot", uid: "robot-uid-2", deleting: true });
  assert.equal(at(born, usual), []);
  accounts.delete("robot");
  assert.equal(at(born, usual), []);
});
