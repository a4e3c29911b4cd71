// What the publisher sends, over time: with a clock that is cranked by hand and connections of memory.
import * as assert from "uvu/assert";
import { enrollments } from "../../../shared/api/kinds/enrollment.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { serviceAccounts } from "../../../shared/api/kinds/service_account.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { headBackoff } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { Birth, type Desired } from "../../../shared/wire/messages.ts";
import { Renderer } from "../../../master/fleet/desired_state.ts";
import { PodTokens } from "../../../master/fleet/pod_tokens.ts";
import { Publisher } from "../../../master/fleet/publisher.ts";
import { type Session, Sessions } from "../../../master/fleet/sessions.ts";
import { Touched } from "../../../master/fleet/touched.ts";
import type { Cache, Change } from "../../../master/registry/cache.ts";
import type { Stored } from "../../../master/registry/face.ts";
import { podTokenUid } from "../../../shared/wire/pod_token.ts";
import { generateSealKey } from "../../../shared/wire/seal.ts";
import * as v from "valibot";
import { suite } from "../../kit/suite.ts";
import { connectionOf } from "../../kit/connection.ts";

const test = suite("publisher");
const nodeId = "aaaaaaaaaaaaaaaaaaaaaaaaaa", epoch = "e";

function stored(kind: Kind<never>, name: string, rest: object, namespace = ""): Stored {
  const spec = (rest as { spec?: { nodeName?: string } }).spec ?? {};
  return {
    kind,
    name,
    namespace,
    uid: `${kind.plural}-${name}`,
    revision: 1,
    labels: {},
    fields: { "spec.nodeName": spec.nodeName ?? "" },
    object: { metadata: { name, uid: `${kind.plural}-${name}`, ...(namespace && { namespace }) }, ...rest },
  } as never;
}
const pod = (name: string, image = "a"): Stored =>
  stored(pods as never, name, { spec: { nodeName: "pi", containers: [{ name: "a", image }] } }, "default");

function kit({ metered = false } = {}) {
  const clock = new HandCrankedClock(), sessions = new Sessions(clock), sent: Desired[] = [], objects = new Map<string, Stored>();
  const of = (kind: unknown) => [...objects.values()].filter((object) => object.kind === kind);
  const cache = {
    revision: 1,
    list: of,
    get: (kind: unknown, _: string, name: string) => of(kind).find((object) => object.name === name),
    byField: (kind: unknown, field: string, value: string) => of(kind).filter(({ fields }) => fields[field] === value),
  };
  objects.set("node", stored(nodes as never, "pi", {}));
  objects.set(
    "enrollment",
    stored(enrollments as never, nodeId, { spec: { nodeName: "pi", sealKey: generateSealKey().publicKey, publicKeys: [] } }),
  );
  const asCache = cache as unknown as Cache, tokens = new PodTokens(asCache, { issue: () => "t", keyId: "k" });
  const renderer = new Renderer(asCache, { podNetwork: "", serviceNetwork: "", clusterDomain: "" }, tokens);
  const publisher = new Publisher({
    cache: asCache,
    renderer,
    touched: new Touched(asCache, renderer),
    sessions,
    now: () => clock.now(),
    enrollments: { get: () => objects.get("enrollment") } as never,
    clock,
    random: () => 0.5,
    log: silentLog,
    clusterId: () => "c",
    clusterEpoch: () => epoch,
  });
  let sess = 0;
  return {
    clock,
    publisher,
    sent,
    /** Puts or deletes, and tells of it; resolves when the publisher has looked. */
    async change(...changes: { key: string; after?: Stored }[]): Promise<void> {
      cache.revision++;
      const told = changes.map(({ key, after }): Change => {
        const before = objects.get(key);
        if (after) objects.set(key, after);
        else objects.delete(key);
        return { kind: (after ?? before)!.kind, ...(before && { before }), ...(after && { after }) };
      });
      for (const change of told) publisher.changed(change);
      await Promise.resolve();
    },
    connect(have?: { epoch: string; gen: number; hash: string }): Session {
      const connection = connectionOf(nodeId, {
        publish(topic, payload) {
          if (topic.endsWith("/desired")) sent.push(JSON.parse(new TextDecoder().decode(payload)));
          return Promise.resolve();
        },
      });
      const session = sessions.connected(connection);
      sessions.born(
        session,
        v.parse(Birth, { sess: ++sess, boot: "b", ver: "v", arch: "a", link: { kind: "x", metered }, ...(have && { have }) }),
      );
      publisher.born(session);
      return session;
    },
    ack: (session: Session, { gen, hash }: Desired) => publisher.ack(session, { epoch, gen, hash, phase: "stored" }),
  };
}

test("however much changes in one revision, a node hears one head, and it is there with the microtask", async () => {
  const { change, connect, sent } = kit();
  connect();
  sent.length = 0;
  await change({ key: "p1", after: pod("p1") }, { key: "p2", after: pod("p2") }, { key: "p3", after: pod("p3") });
  assert.is(sent.length, 1);
});

test("a head that is not acknowledged is told again, more and more seldom, until it is", async () => {
  const { change, connect, sent, clock, ack } = kit(), session = connect();
  await change({ key: "p", after: pod("p") });
  sent.length = 0;
  clock.advance(30 * 60_000);
  const repeated = sent.length;
  assert.ok(repeated >= 5 && repeated <= 30, `${repeated}`);
  ack(session, sent.at(-1)!);
  clock.advance(60 * 60_000);
  assert.is(sent.length, repeated);
});

test("nothing is told to a session that is over", async () => {
  const { change, connect, sent, clock, publisher } = kit(), session = connect();
  await change({ key: "p", after: pod("p") });
  publisher.over(session);
  sent.length = 0;
  clock.advance(10 * headBackoff.capMs);
  assert.equal(sent, []);
});

test("there and back before the node has said anything: the last head is the set as it is", async () => {
  const { change, connect, sent, ack } = kit(), session = connect();
  const first = sent.at(-1)!;
  ack(session, first);
  await change({ key: "p", after: pod("p") });
  await change({ key: "p" });
  assert.equal(sent.slice(1).map(({ hash }) => hash === first.hash), [false, true]);
  assert.ok(sent.at(-1)!.gen > sent.at(-2)!.gen);
});

test("a delta travels along from what the node said last, never on a metered link, and never when it is large", async () => {
  for (const metered of [false, true]) {
    const { change, connect, sent, ack } = kit({ metered }), session = connect();
    ack(session, sent.at(-1)!);
    const base = sent.at(-1)!.gen;
    await change({ key: "p", after: pod("p") });
    assert.is(sent.at(-1)!.delta?.base, metered ? undefined : base);
    await change({ key: "q", after: pod("q", "x".repeat(5000)) });
    assert.is(sent.at(-1)!.delta, undefined);
  }
});

test("a node that comes back finds what has changed while it was away, in the head it subscribes to and in the delta", async () => {
  const { change, connect, sent, publisher } = kit(), session = connect(), { gen, hash } = sent.at(-1)!;
  publisher.over(session);
  await change({ key: "p", after: pod("p") });
  const [retained] = publisher.retained(`s/v1/${nodeId}/d/#`);
  assert.is.not((JSON.parse(new TextDecoder().decode(retained!.payload)) as Desired).hash, hash);
  assert.equal(publisher.retained(`s/v1/${nodeId}/u/#`), []);
  connect({ epoch, gen, hash });
  assert.is(sent.at(-1)!.delta?.ops[0]?.uid, "pods-p");
});

test("a token that is due makes a node hear of its set, and nothing else has to happen; who is away hears when it is back", async () => {
  const { change, connect, sent, ack, clock, publisher } = kit(), session = connect();
  const volumes = [{ name: "v", projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 600 } }] } }];
  const spec = { nodeName: "pi", containers: [{ name: "a", image: "a" }], volumes },
    uid = podTokenUid("pods-p", { expirationSeconds: 600 });
  await change({ key: "p", after: stored(pods as never, "p", { spec }, "default") });
  ack(session, sent.at(-1)!);
  await change({ key: "account", after: stored(serviceAccounts as never, "default", {}, "default") });
  assert.equal(sent.at(-1)!.delta?.ops.map((op) => op.uid), [uid]); // it came with the account
  const sweep = async () => {
    const told = sent.pop();
    if (told) ack(session, told);
    sent.length = 0;
    publisher.sweep();
    await Promise.resolve();
    return sent.flatMap(({ delta }) => delta?.ops.map((op) => op.uid) ?? []);
  };
  assert.equal(await sweep(), []);
  clock.advance(480_000);
  assert.equal(await sweep(), [uid]);
  const { hash } = sent.at(-1)!;
  publisher.over(session);
  clock.advance(480_000);
  publisher.sweep();
  assert.is(sent.length, 1);
  const [retained] = publisher.retained(`s/v1/${nodeId}/d/#`);
  assert.is.not((JSON.parse(new TextDecoder().decode(retained!.payload)) as Desired).hash, hash);
});

test("a node of another epoch holds nothing that counts", () => {
  const { connect, sent } = kit();
  connect();
  const { gen, hash } = sent.at(-1)!;
  sent.length = 0;
  connect({ epoch: "before the restore", gen, hash });
  assert.is(sent.length, 1);
  connect({ epoch, gen, hash });
  assert.is(sent.length, 1);
});
