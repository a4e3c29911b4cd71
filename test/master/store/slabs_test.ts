import * as assert from "uvu/assert";
import { Slabs } from "../../../master/store/slabs.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("Slabs");
const mebibyte = 1024 * 1024;

test("Slabs keeps values of every size apart, a slab filled to its last byte too", () => {
  const slabs = new Slabs();
  const sizes = [...Array.from({ length: 16 }, () => 64 * 1024), 1, 0, 64 * 1024 + 1, 1536 * 1024, 5];
  const addresses = sizes.map((size, i) => slabs.write(new Uint8Array(size).fill(i + 1)));
  for (const [i, size] of sizes.entries()) {
    const view = slabs.view(addresses[i]!, size);
    assert.is(view.length, size);
    assert.ok(view.every((byte) => byte === i + 1));
  }
  assert.is(slabs.liveBytes, sizes.reduce((a, b) => a + b));
});

test("Slabs lets go of what nobody needs, and keeps what somebody looks at", () => {
  const slabs = new Slabs();
  const addresses = Array.from({ length: 2_048 }, (_, i) => slabs.write(new Uint8Array(16 * 1024).fill(i)));
  const view = slabs.view(addresses[7]!, 16 * 1024);
  assert.is(slabs.allocatedBytes, 32 * mebibyte);
  assert.is(slabs.sparse(), undefined);
  for (const [i, address] of addresses.entries()) if (i % 64 < 33 || i >= 1_984) slabs.release(address, 16 * 1024);
  assert.is(slabs.sparse()?.size, 31, "all that are less than half live, but never the one being filled");
  for (const [i, address] of addresses.entries()) if (!(i % 64 < 33 || i >= 1_984)) slabs.release(address, 16 * 1024);
  assert.equal([slabs.liveBytes, slabs.allocatedBytes], [0, mebibyte]);
  assert.ok(view.every((byte) => byte === 7));
});

test("Slabs adopts what it keeps where it lies, and copies what is not its own", () => {
  const slabs = new Slabs(), command = new Uint8Array(1_000).map((_, at) => at);
  const kept = slabs.keep(command), address = slabs.adopt(kept.subarray(100, 900));
  assert.equal(kept, command);
  assert.is(slabs.view(address, 800).buffer, kept.buffer);
  assert.equal(slabs.view(address, 800), command.subarray(100, 900));
  assert.is(slabs.liveBytes, 800);
  assert.is(slabs.keep(command.subarray(0, 255)).buffer, command.buffer, "too little to be worth it");
  const large = new Uint8Array(64 * 1024 + 1);
  assert.is(slabs.keep(large), large);
  const foreign = slabs.adopt(command);
  command.fill(0);
  assert.equal(slabs.view(foreign, 1_000), kept, "copied");
  slabs.release(address, 800);
  slabs.release(foreign, 1_000);
  assert.is(slabs.liveBytes, 0);
  for (let at = 0; at < 5_000; at++) slabs.keep(new Uint8Array(1_000));
  assert.is(slabs.allocatedBytes, mebibyte, "what nobody has adopted goes with its slab");
});
