import { deflateRawSync } from "node:zlib";
import * as assert from "uvu/assert";
import { decode, encode } from "../../../shared/wire/codec.ts";
import { objectHash, secretHash, setHash } from "../../../shared/wire/desired.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("codec"), text = new TextEncoder().encode("pod ".repeat(500));

test("decode() gives back what encode() was given", () => {
  for (const accepted of [[], ["deflate-raw"]]) assert.equal([...decode(encode(text, accepted))], [...text]);
  assert.ok(encode(text, ["deflate-raw"]).length < text.length / 10);
});

test("decode() refuses unknown codecs, broken data and bombs", () => {
  const bomb = new Uint8Array([1, ...deflateRawSync(new Uint8Array(1_000_000))]);
  for (const bytes of [new Uint8Array([7, 1]), new Uint8Array(), new Uint8Array([1, 255, 255]), bomb]) {
    assert.throws(() => decode(bytes, 10_000), /Cannot/);
  }
});

test("hashes stay what they are on devices that nobody can reach", () => {
  assert.is(objectHash("{}"), "44136fa355b3678a1146ad16f7e8649e");
  assert.is(secretHash("u-1", "7"), "c34d4a3436a09904055f5b1eb2b29405");
  assert.is(setHash([{ uid: "b", hash: "2" }, { uid: "a", hash: "1" }]), setHash([{ uid: "a", hash: "1" }, { uid: "b", hash: "2" }]));
});
