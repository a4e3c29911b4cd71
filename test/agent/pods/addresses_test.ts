import * as assert from "uvu/assert";
import { Addresses, subnet } from "../../../agent/pods/addresses.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("Addresses");

test("next() gives each address once before any a second time, and never the network's, the bridge's or the broadcast", () => {
  const addresses = new Addresses("10.201.1.0/29", 0), given = Array.from({ length: 6 }, () => addresses.next(new Set(), 0));
  assert.equal(given, ["10.201.1.2", "10.201.1.3", "10.201.1.4", "10.201.1.5", "10.201.1.6", "10.201.1.2"]);
});

test("next() passes over who is used or refused, and gives nothing when all are", () => {
  const addresses = new Addresses("10.201.1.0/29", 0);
  addresses.refuse("10.201.1.3", 0);
  assert.is(addresses.next(new Set(["10.201.1.2"]), 1), "10.201.1.4");
  const used = new Set(["10.201.1.2", "10.201.1.4", "10.201.1.5", "10.201.1.6"]);
  assert.is(addresses.next(used, 1), undefined);
  assert.is(addresses.next(used, 11 * 60_000), "10.201.1.3", "a refusal is not for ever");
});

test("a seed says where to begin, wherever that is", () => {
  for (const seed of [0, 0.3, 0.5, 0.999]) {
    const addresses = new Addresses("10.0.255.0/24", seed);
    assert.ok(addresses.contains(addresses.next(new Set(), 0)!));
  }
  assert.not(new Addresses("10.0.255.0/24", 0).contains("10.1.0.1"));
});

test("subnet() refuses what is none", () => {
  for (const text of ["", "10.0.0.0", "10.0.0.0/31", "10.0.0.256/24", "fd00::/64", "10.0.0/24"]) {
    assert.throws(() => subnet(text), /Cannot use pod subnet/);
  }
  assert.equal(subnet("10.0.1.77/24"), { first: (10 * 256 * 256 + 1) * 256, size: 256 });
});
