import "reflect-metadata";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import * as assert from "uvu/assert";
import { certificateSigningRequests } from "../../../shared/api/kinds/certificate_signing_request.ts";
import { enrollments } from "../../../shared/api/kinds/enrollment.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { secrets } from "../../../shared/api/kinds/secret.ts";
import { bearerOf, joinPaths, parseToken } from "../../../shared/wire/join.ts";
import { allowedLabels, nameFor } from "../../../master/fleet/join.ts";
import { type FleetKit, fleetKit } from "../../kit/fleet.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("join", { setup: () => fleetKit(), teardown: (kit: FleetKit) => kit.close(), timeoutMs: 15_000 });
const message = async (response: Response): Promise<string> =>
  `${response.status} ${((await response.json()) as { message: string }).message}`;

test("a device with a token gets a name, a certificate for it, and a Node, an Enrollment and a request that people can see", async (kit) => {
  const device = await kit.device("Pi 7!"), token = await kit.fleet.tokens.create({ labels: { "skerry.dev/site": "harbour" } });
  const joined = await device.join(kit.fleet, token, { serial: "10000000abc" });
  assert.is(joined.nodeName, "pi-7");
  const verified = kit.authority.verify(new X509Certificate(joined.certificate).raw)!;
  assert.is(verified.commonName, "system:node:pi-7");
  assert.equal(verified.organizations, ["system:nodes"]);
  assert.equal(verified.uris, [`skerry://${joined.clusterId}/node/${joined.nodeId}`]);
  const { object } = await kit.registry.get(enrollments, { name: joined.nodeId });
  assert.equal(object.spec.publicKeys, [verified.keyHash]);
  assert.is(object.spec.serial, "10000000abc");
  assert.is(object.status?.tokenId, parseToken(token)!.id);
  assert.is((await kit.registry.get(nodes, { name: "pi-7" })).labels["skerry.dev/site"], "harbour");
  const { items: [request] } = await kit.registry.list(certificateSigningRequests);
  assert.is(request!.object.spec.signerName, "skerry.dev/node");
  assert.ok(request!.object.status?.certificate);
});

test("GET /join/v1/ca needs nothing and gives the CA that the token's hash is of", async (kit) => {
  const { ca } = await (await kit.fleet.join.request(joinPaths.ca)).json() as { ca: string[] };
  assert.equal(ca, [kit.authority.certificate]);
  assert.is(parseToken(await kit.fleet.tokens.create())!.caHash, kit.authority.hash);
});

test("asking again with the same key gives the same node, uses the token once, also at the same time and after it has run out", async (kit) => {
  const token = await kit.fleet.tokens.create({ uses: 1 }), device = await kit.device("pi"), second = await kit.device("van");
  const answers = await Promise.all([1, 2, 3].map(() => device.join(kit.fleet, token)));
  await kit.settled();
  answers.push(await device.join(kit.fleet, token));
  assert.is(new Set(answers.map(({ nodeId }) => nodeId)).size, 1);
  assert.is((await kit.registry.list(enrollments)).items.length, 1);
  assert.is((await kit.registry.list(nodes)).items.length, 1);
  assert.match(await message(await second.request(kit.fleet, token)), /401 Cannot join with this token: all its 1 uses are used up/);
});

test("an attempt that was interrupted between Node and Enrollment is taken up by the next", async (kit) => {
  const token = await kit.fleet.tokens.create(), device = await kit.device("pi"), { create } = kit.registry;
  kit.registry.create = (kind, ...rest) =>
    (kind as unknown) === enrollments ? Promise.reject(new Error("power cut")) : create(kind, ...rest);
  assert.is((await device.request(kit.fleet, token)).status, 500);
  kit.registry.create = create;
  assert.is((await device.join(kit.fleet, token)).nodeName, "pi");
  assert.is((await kit.registry.list(nodes)).items.length, 1);
});

test("two devices that wish for one name get two", async (kit) => {
  const token = await kit.fleet.tokens.create(), [a, b] = [await kit.device("pi"), await kit.device("pi")];
  const names = [(await a.join(kit.fleet, token)).nodeName, (await b.join(kit.fleet, token)).nodeName];
  assert.is(names[0], "pi");
  assert.match(names[1]!, /^pi-[0-9a-f]{5}$/);
});

test("a token that is unknown, wrong, expired or revoked is refused, and each says why", async (kit) => {
  const device = await kit.device("pi"), token = await kit.fleet.tokens.create(), { id, caHash } = parseToken(token)!;
  const wrong = `sk1.${id}.${"a".repeat(26)}.${caHash}`, old = await kit.fleet.tokens.create({ expires: Date.now() - 1 });
  assert.match(await message(await device.request(kit.fleet, wrong)), /401 .*not known here, or was revoked/);
  assert.match(await message(await device.request(kit.fleet, old)), /401 .*has expired at 20/);
  await kit.fleet.tokens.revoke(id);
  assert.match(await message(await device.request(kit.fleet, token)), /401 .*not known here, or was revoked/);
  assert.is((await kit.registry.list(enrollments)).items.length, 0);
  assert.is((await rejects(kit.fleet.tokens.revoke(id))).name, "ApiError");
});

test("what is no join request is refused before anything is written", async (kit) => {
  const device = await kit.device("pi"), token = await kit.fleet.tokens.create();
  assert.match(await message(await device.request(kit.fleet, token, { csr: "no" })), /400 .*csr is not a PKCS #10 request/);
  assert.match(await message(await device.request(kit.fleet, token, { sealKey: "short" })), /400 Cannot join: sealKey/);
  assert.match(await message(await device.request(kit.fleet, token, { serial: "x".repeat(50_000) })), /413/);
  const bare = await kit.fleet.join.request(joinPaths.nodes, { method: "POST", body: "{}" });
  assert.match(await message(bare), /401 Cannot join without a token/);
  assert.is((await kit.registry.list(nodes)).items.length, 0);
});

test("a request that somebody has denied stays denied", async (kit) => {
  const device = await kit.device("pi"), token = await kit.fleet.tokens.create(), { create } = kit.registry;
  kit.registry.create = (kind, ...rest) => (kind as unknown) === nodes ? Promise.reject(new Error("power cut")) : create(kind, ...rest);
  await device.request(kit.fleet, token);
  kit.registry.create = create;
  const { items: [request] } = await kit.registry.list(certificateSigningRequests);
  await kit.registry.modify(certificateSigningRequests, { name: request!.name }, (object) => {
    object.status = { conditions: [{ type: "Denied", status: "True", message: "not ours" }] };
  }, { subresource: "status" });
  assert.match(await message(await device.request(kit.fleet, token)), /403 .*was denied: not ours/);
});

test("a token is a user of the API, shows no secret in lists, and lies in the store as a hash", async (kit) => {
  const token = await kit.fleet.tokens.create({ uses: 3, description: "harbour" }), parsed = parseToken(token)!;
  assert.is((await kit.fleet.tokens.authenticate(bearerOf(parsed)))?.name, `system:bootstrap:${parsed.id}`);
  assert.is(await kit.fleet.tokens.authenticate(`${parsed.id}.${"b".repeat(26)}`), undefined);
  assert.equal(await kit.fleet.tokens.list(), [{ id: parsed.id, usedBy: [], uses: 3, description: "harbour" }]);
  const { items } = await kit.registry.list(secrets, { namespace: "kube-system" });
  assert.not.ok(JSON.stringify(items.map(({ object }) => object)).includes(Buffer.from(parsed.secret).toString("base64").slice(0, 30)));
});

test("allowedLabels() leaves a device its machine and its site, and nobody else's labels", () => {
  const wished = {
    "skerry.dev/site": "a",
    "kubernetes.io/arch": "arm64",
    "topology.kubernetes.io/zone": "z",
    colour: "blue",
    "example.com/x": "y",
    "node-role.kubernetes.io/control-plane": "",
    "node-restriction.kubernetes.io/x": "1",
    "skerry.dev/other": "1",
    "kubernetes.io/cluster": "1",
  };
  assert.equal(Object.keys(allowedLabels(wished)), [
    "skerry.dev/site",
    "kubernetes.io/arch",
    "topology.kubernetes.io/zone",
    "colour",
    "example.com/x",
  ]);
});

test("nameFor() makes a DNS label of whatever was wished for", () => {
  const key = "0123456789abcdef";
  assert.equal(
    ["Pumpe Süd #3", "", "...", "a".repeat(80)].map((wish) => nameFor(wish, undefined, key)),
    ["pumpe-s-d-3", "node-01234567", "node-01234567", "a".repeat(50)],
  );
  assert.is(nameFor("", "100000ABC", key), "node-100000abc");
});
