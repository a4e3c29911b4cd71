import { Buffer } from "node:buffer";
import { constants, createDeflate, createInflate } from "node:zlib";
import * as assert from "uvu/assert";
import { dictionary, emptyHeaders, HeaderReader } from "../../../../master/http/spdy/headers.ts";
import { rejects, suite } from "../../../kit/suite.ts";

const test = suite("SPDY headers");
const counted = (text: string): Uint8Array => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};
/** Header blocks of one client, in one zlib stream. */
function client() {
  const deflate = createDeflate({ dictionary });
  let out: Uint8Array[] = [];
  deflate.on("data", (bytes) => out.push(bytes));
  return async (headers: Record<string, string>): Promise<Uint8Array> => {
    out = [];
    const count = Buffer.alloc(4);
    count.writeUInt32BE(Object.keys(headers).length);
    const block = Buffer.concat([count, ...Object.entries(headers).flatMap(([name, value]) => [counted(name), counted(value)])]);
    await new Promise<void>((resolve) => void deflate.write(block, () => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve())));
    await new Promise((resolve) => setTimeout(resolve, 5)); // "data" may come after the flush
    return Buffer.concat(out);
  };
}

test("blocks are read one after another, each with what the ones before it have taught", async () => {
  const reader = new HeaderReader(), write = client();
  for (const headers of [{ streamtype: "error", port: "80" }, { streamtype: "data", port: "80" }, {}]) {
    assert.equal(Object.fromEntries(await reader.read(await write(headers))), headers);
  }
  reader.close();
});

test("what kubectl 1.27 sends for its first stream is read", async () => {
  const reader = new HeaderReader(), sent = "78f9e3c6a7c2626060600 4a7b392a2d4c45c6851c29a0a0a6800000000ffff".replace(" ", "");
  assert.equal(Object.fromEntries(await reader.read(Buffer.from(sent, "hex"))), { streamtype: "error" });
  reader.close();
});

test("nonsense, and little that unpacks to much, is an error", async () => {
  await rejects(new HeaderReader().read(Buffer.from("nonsense and no zlib")));
  await rejects(new HeaderReader().read(await client()({ a: "x".repeat(1_000_000) })));
  await rejects(new HeaderReader().read((await client()({ a: "b" })).subarray(0, 9)));
});

test("blocks without headers are zlib that knows the dictionary", async () => {
  const inflate = createInflate({ dictionary }), out: number[] = [];
  inflate.on("data", (bytes: Uint8Array) => out.push(...bytes));
  for (const first of [true, false, false]) {
    await new Promise<void>((resolve) => void inflate.write(emptyHeaders(first), () => resolve()));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(out, new Array(12).fill(0));
});
