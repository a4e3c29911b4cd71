import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { onHead, Receiver } from "../../../agent/link/receiver.ts";
import { SetLog } from "../../../agent/link/set_log.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { encode } from "../../../shared/wire/codec.ts";
import { type DesiredSet, emptySet, objectHash, setHash, type SetObject } from "../../../shared/wire/desired.ts";
import type { Ack, Desired, Get, Put, SetOperation } from "../../../shared/wire/messages.ts";
import { suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const test = suite("Receiver", {
  setup: () => ({ directory: testDirectory("receiver") }),
  timeoutMs: 20_000,
});
const bytes = (message: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(message));
const object = (uid: string, body: string): SetObject => ({ uid, hash: objectHash(body), body });
const setOf = (epoch: string, gen: number, ...objects: SetObject[]): DesiredSet => ({
  epoch,
  gen,
  hash: setHash(objects),
  objects: new Map(objects.map((o) => [o.uid, o])),
});
const headOf = ({ epoch, gen, hash }: DesiredSet, delta?: Desired["delta"]): Desired => ({
  epoch,
  gen,
  hash,
  size: 1,
  deltaFrom: [],
  ...(delta && { delta }),
});
const set = (o: SetObject): SetOperation => ({ op: "set", uid: o.uid, hash: o.hash, body: o.body });

test("onHead() drops what is older, confirms what is equal, takes a delta from its own base, and else asks", () => {
  const a = object("a", "1"), b = object("b", "2"), have = setOf("e", 5, a), next = setOf("e", 7, a, b);
  const decide = (head: Desired) => onHead(have, head).do;
  assert.is(decide(headOf(setOf("e", 4, b))), "drop");
  assert.is(decide(headOf(setOf("e", 9, a))), "confirm");
  assert.is(decide(headOf(next)), "get");
  assert.is(decide(headOf(next, { base: 5, ops: [set(b)] })), "apply");
  assert.is(decide(headOf(next, { base: 4, ops: [set(b)] })), "get", "a delta from another base");
  assert.is(decide(headOf(next, { base: 5, ops: [set(object("b", "3"))] })), "get", "a delta that does not hash");
  assert.is(decide(headOf(setOf("restored", 2, b))), "get", "another epoch may be lower");
  assert.is(decide(headOf(setOf("restored", 2, a))), "apply", "equal hash in a new epoch: only the epoch is stored");
  assert.is(onHead(emptySet, headOf(next)).do, "get");
});

/** A master that holds sets by gen and answers gets, over a link that drops, doubles and reorders. */
async function converge(
  directory: string,
  seed: number,
): Promise<{ applied: number[]; stored: DesiredSet; wanted: DesiredSet; acks: Ack[] }> {
  const random = seeded(seed),
    clock = new HandCrankedClock(),
    sets = await SetLog.open(directory, { clusterId: "c", nodeId: "n" }, silentLog);
  const renderings = new Map<number, DesiredSet>(),
    objects = new Map<string, SetObject>(),
    air: (() => void)[] = [],
    acks: Ack[] = [],
    applied: number[] = [];
  let newest = emptySet, lossy = true;
  const fly = (deliver: () => void): void => {
    if (lossy && random() < 0.15) return;
    air.push(deliver);
    if (lossy && random() < 0.1) air.push(deliver);
  };
  const head = (delta?: Desired["delta"]): void => {
    const message = headOf(newest, delta);
    fly(() => receiver.head(bytes(message)));
  };
  function answer(get: Get): void {
    const rendering = renderings.get(get.want);
    if (!rendering) return fly(() => receiver.put(bytes({ rid: get.rid, gone: true }))), head();
    const base = get.have && !get.full ? renderings.get(get.have.gen) : undefined;
    const operations: SetOperation[] = base && base.hash === get.have!.hash
      ? [
        ...[...rendering.objects.values()].filter((o) => base.objects.get(o.uid)?.hash !== o.hash).map(set),
        ...[...base.objects.keys()].filter((uid) => !rendering.objects.has(uid)).map((uid) => ({ op: "del" as const, uid })),
      ]
      : [...rendering.objects.values()].map(set);
    const body = encode(bytes(operations), ["deflate-raw"]), size = 40, n = Math.max(1, Math.ceil(body.length / size));
    for (let i = get.from; i < Math.min(n, get.from + get.window); i++) {
      const put: Put = {
        rid: get.rid,
        gone: false,
        epoch: rendering.epoch,
        gen: rendering.gen,
        hash: rendering.hash,
        kind: base ? "delta" : "full",
        ...(base && { base: base.gen }),
        i,
        n,
        body: Buffer.from(body.subarray(i * size, (i + 1) * size)).toString("base64"),
      };
      fly(() => receiver.put(bytes(put)));
    }
  }
  const receiver = new Receiver({
    sets,
    clock,
    random,
    log: silentLog,
    send: (name, message) => fly(() => name === "ack" ? void acks.push(message as Ack) : answer(message as Get)),
    apply: (got) => Promise.resolve(void applied.push(got.gen)),
  });
  const settle = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      for (let n = air.length; n > 0; n--) air.splice(Math.floor(random() * Math.min(air.length, lossy ? 4 : 1)), 1)[0]!();
      await receiver.idle();
      clock.advance(2000);
      await receiver.idle();
    }
  };
  receiver.connected();
  for (let gen = 10; gen < 20; gen++) {
    const before = newest, uid = `u${Math.floor(random() * 6)}`;
    if (random() < 0.3) objects.delete(uid);
    else objects.set(uid, object(uid, `${gen} ${"x".repeat(Math.floor(random() * 200))}`));
    newest = setOf("e", gen, ...objects.values());
    renderings.set(gen, newest);
    if (random() < 0.2) renderings.delete(gen - 2);
    const changed = newest.objects.get(uid);
    head(random() < 0.5 ? { base: before.gen, ops: [changed ? set(changed) : { op: "del", uid }] } : undefined);
    await settle(Math.floor(random() * 6));
    if (random() < 0.2) {
      receiver.disconnected();
      air.length = 0;
      receiver.connected();
    }
  }
  lossy = false;
  for (let i = 0; i < 4; i++) {
    head();
    await settle(60);
  }
  await sets.close();
  const stored = sets.current;
  const reopened = await SetLog.open(directory, { clusterId: "c", nodeId: "n" }, silentLog);
  assert.is(reopened.current.hash, stored.hash);
  await reopened.close();
  return { applied, stored, wanted: newest, acks };
}

test("whatever is lost, doubled or late, the node ends with the set that is wanted, and never goes back", async ({ directory }) => {
  for (let seed = 1; seed <= 25; seed++) {
    const { applied, stored, wanted, acks } = await converge(`${directory}/${seed}`, seed);
    assert.is(stored.hash, wanted.hash, `seed ${seed}`);
    assert.equal([...stored.objects.values()].map(({ body }) => body).sort(), [...wanted.objects.values()].map(({ body }) => body).sort());
    assert.equal(applied, applied.toSorted((a, b) => a - b), `seed ${seed}: gens grow`);
    assert.ok(acks.some(({ phase, hash }) => phase === "applied" && hash === wanted.hash), `seed ${seed}: says so`);
  }
});
