import * as assert from "uvu/assert";
import { cidr, ipAddress, ipFamily, networkWithin, routableAddress } from "../../../shared/api/ip.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("addresses");
const accepted = (syntax: (text: string) => string[], texts: string[]) => texts.filter((text) => syntax(text).length === 0);

test("ipAddress() takes both families", () => {
  assert.equal(accepted(ipAddress, ["10.0.0.1", "::1", "2001:db8::ffff", "10.0.0", "10.0.0.256", "10.0.0.01", "None", ""]), [
    "10.0.0.1",
    "::1",
    "2001:db8::ffff",
  ]);
});
test("cidr() takes a network of either family", () => {
  assert.equal(accepted(cidr, ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/64", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/08", "::/129", "/8"]), [
    "10.0.0.0/8",
    "0.0.0.0/0",
    "2001:db8::/64",
  ]);
});
test("networkWithin() wants a part of the other, and less than all of it", () => {
  const parts = ["10.1.0.0/16", "10.255.255.255/32", "10.0.0.0/8", "10.0.0.0/7", "11.0.0.0/9", "fd00::/9"];
  assert.equal(parts.filter((part) => networkWithin(part, "10.0.0.0/8")), ["10.1.0.0/16", "10.255.255.255/32"]);
  assert.equal([networkWithin("fd00:1::/32", "fd00::/8"), networkWithin("fe00::/32", "fd00::/8")], [true, false]);
});
test("routableAddress() refuses those that mean another machine to everybody", () => {
  const refused = [
    "0.0.0.0",
    "::",
    "127.0.0.2",
    "::1",
    "0:0:0:0:0:0:0:1",
    "169.254.0.1",
    "fe80::1",
    "febf::1",
    "224.0.0.1",
    "ff02::1",
    "x",
  ];
  const taken = ["10.0.0.1", "128.0.0.1", "224.0.1.1", "2001:db8::1", "fec0::1", "::2"];
  assert.equal(accepted(routableAddress, [...refused, ...taken]), taken);
});
test("ipFamily() tells them apart", () => assert.equal(["10.0.0.1", "::1"].map(ipFamily), ["IPv4", "IPv6"]));
