import * as assert from "uvu/assert";
import { Renderings } from "../../../master/fleet/renderings.ts";
import { Transfers } from "../../../master/fleet/transfers.ts";
import { Buffer } from "node:buffer";
import { rememberedRenderings, renderingKeptMs } from "../../../shared/limits.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { decode } from "../../../shared/wire/codec.ts";
import { objectHash, setHash, type SetObject } from "../../../shared/wire/desired.ts";
import type { SetOperation } from "../../../shared/wire/messages.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("renderings");
const object = (uid: string, body: string): SetObject => ({ uid, body, hash: objectHash(body) });
const setOf = (bodies: Record<string, string>): Map<string, SetObject> =>
  new Map(Object.entries(bodies).map(([uid, body]) => [uid, object(uid, body)]));
function applied(set: ReadonlyMap<string, SetObject>, operations: readonly SetOperation[]): Map<string, SetObject> {
  const next = new Map(set);
  for (const operation of operations) {
    if (operation.op === "set") next.set(operation.uid, { uid: operation.uid, hash: operation.hash, body: operation.body });
    else next.delete(operation.uid);
  }
  return next;
}

test("a delta from any remembered set makes the newest, whatever happened in between (seeded)", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed), renderings = new Renderings(), past: { hash: string; set: Map<string, SetObject> }[] = [];
    let set = new Map<string, SetObject>();
    for (let gen = 1; gen <= 15; gen++) {
      set = new Map(set);
      for (let i = 0; i < 3; i++) {
        const uid = `u${Math.floor(random() * 8)}`;
        if (random() < 0.4) set.delete(uid);
        else set.set(uid, object(uid, `${Math.floor(random() * 3)}`));
      }
      const rendering = renderings.add(gen, set);
      if (past.at(-1)?.hash !== rendering.hash) past.push({ hash: rendering.hash, set });
      for (const { hash, set: base } of past.slice(-1 - rememberedRenderings)) {
        const delta = renderings.deltaFrom(hash);
        assert.ok(delta, `seed ${seed} gen ${gen}`);
        assert.is(setHash(applied(base, delta.operations).values()), rendering.hash, `seed ${seed} gen ${gen}`);
      }
    }
  }
});

test("a set that is as it was keeps its gen and is remembered once", () => {
  const renderings = new Renderings(), first = renderings.add(5, setOf({ a: "1" }));
  assert.is(renderings.add(9, setOf({ a: "1" })), first);
  assert.equal(renderings.bases, []);
  assert.equal(renderings.deltaFrom(first.hash)?.operations, []);
  assert.is(renderings.deltaFrom("0".repeat(32)), undefined);
});

test("a set goes in parts of one frozen rendering; what was asked for once is not sent twice, unless it is asked for again", () => {
  const transfers = new Transfers(), heading = { rid: "r", epoch: "e", gen: 1, hash: "h", kind: "full" as const };
  const random = seeded(1), body = Array.from({ length: 40_000 }, () => Math.floor(random() * 36).toString(36)).join("");
  const operations: SetOperation[] = [{ op: "set", uid: "a", hash: objectHash(body), body }];
  transfers.freeze(heading, operations, ["deflate-raw"], false, 0);
  const first = transfers.parts("r", 0, 2)!, n = first[0]!.n!;
  assert.equal(first.map(({ i }) => i), [0, 1]);
  assert.equal(transfers.parts("r", 1, 2)!.map(({ i }) => i), [2].filter((i) => i < n));
  assert.equal(transfers.parts("r", 1, 2)!.map(({ i }) => i), [1, 2].filter((i) => i < n));
  transfers.newSession();
  const all = transfers.parts("r", 0, n)!, whole = decode(Buffer.from(all.map((part) => part.body).join(""), "base64"));
  assert.equal(JSON.parse(new TextDecoder().decode(whole)), operations);
  assert.ok(all.every((part) => part.body!.length <= 16 * 1024));
  transfers.drop(undefined, renderingKeptMs - 1);
  assert.ok(transfers.parts("r", 0, 1));
  transfers.drop(undefined, renderingKeptMs);
  assert.is(transfers.parts("r", 0, 1), undefined);
});
