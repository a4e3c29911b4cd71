import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { Keys } from "../../../../master/store/etcd/keys.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("Keys");
const keys = new Keys("/skerry");
const inside = ({ key, rangeEnd }: { key: Uint8Array; rangeEnd: Uint8Array }, text: string): boolean =>
  Buffer.compare(Buffer.from(text), key) >= 0 && Buffer.compare(Buffer.from(text), rangeEnd) < 0;

test("a key comes back as it was, and a note is no key", () => {
  const key = "/r/core/pods/größe/\u{1F30A}";
  assert.is(keys.keyOf(keys.ofKey(key)), key);
  assert.is(keys.noteOf(keys.ofKey(key)), undefined);
  assert.equal(keys.noteOf(keys.ofNote("alive", 7)), { name: "alive", id: 7 });
  assert.equal(keys.noteOf(keys.ofNote("mark")), { name: "mark", id: 0 });
  assert.is(keys.noteOf(Buffer.from("/skerry.unknown")), undefined);
  assert.is(keys.keyOf(keys.ofNote("mark")), undefined);
});

test("everything() has keys and notes of this cluster, and of no other", () => {
  const range = keys.everything();
  assert.equal(["/skerry/a", "/skerry/\u{10FFFF}", "/skerry.leader"].map((key) => inside(range, key)), [true, true, true]);
  assert.equal(["/skerry2/a", "/skerry-b.leader", "/skerry", "/sker/a"].map((key) => inside(range, key)), [false, false, false, false]);
  assert.equal([inside(keys.notes(), "/skerry.alive.7"), inside(keys.notes(), "/skerry/a")], [true, false]);
});

test("rangeOf() is what begins with the prefix, behind the last one seen", () => {
  assert.equal(["/skerry/p/a", "/skerry/p/\u{10FFFF}"].map((key) => inside(keys.rangeOf("/p/"), key)), [true, true]);
  assert.equal(["/skerry/p", "/skerry/p0", "/skerry/q"].map((key) => inside(keys.rangeOf("/p/"), key)), [false, false, false]);
  const behind = keys.rangeOf("/p/", "/p/b");
  assert.equal(["/skerry/p/b", "/skerry/p/b0", "/skerry/p/c"].map((key) => inside(behind, key)), [false, true, true]);
  assert.equal([inside(keys.rangeOf(""), "/skerry/a"), inside(keys.rangeOf(""), "/skerry.mark")], [true, false]);
});
