import * as assert from "uvu/assert";
import { bridgeAddress, gatewayOf, planBridge, type SeenLink } from "../../../agent/network/bridge.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("planBridge");
const wanted = {
  bridge: "skerry0",
  stub: ["skerry-s0", "skerry-s1"],
  gateway: "10.42.7.1/24",
  services: ["10.43.0.0/16"],
  hairpin: true,
} as const;
const up = ["UP"];
const link = (ifname: string, hairpin: boolean): SeenLink => ({
  ifname,
  flags: up,
  master: "skerry0",
  linkinfo: { info_slave_data: { hairpin } },
});
const sound: SeenLink[] = [
  { ifname: "skerry0", address: "02:fe:0a:2a:07:01", flags: up, addr_info: [{ local: "10.42.7.1", prefixlen: 24 }] },
  link("skerry-s0", false),
  { ifname: "skerry-s1", flags: up },
];
const routes = [{ dst: "10.42.7.0/24", prefsrc: "10.42.7.1" }, { dst: "10.43.0.0/16", prefsrc: "10.42.7.1" }];
const lines = (links: SeenLink[], seen = routes, hairpin = true) =>
  planBridge({ ...wanted, hairpin }, links, seen).map((words) => words.join(" "));

test("planBridge() makes everything where there is nothing", () => {
  assert.equal(lines([], []), [
    "link add skerry0 address 02:fe:0a:2a:07:01 type bridge",
    "addr replace 10.42.7.1/24 dev skerry0",
    "link set dev skerry0 up",
    "link add skerry-s0 type veth peer name skerry-s1",
    "link set dev skerry-s0 master skerry0",
    "link set dev skerry-s0 up",
    "link set dev skerry-s1 up",
    "route replace 10.43.0.0/16 dev skerry0 src 10.42.7.1",
  ]);
});

test("planBridge() has nothing to do where all is well", () => {
  assert.equal(lines([...sound, link("veth0", true), { ifname: "eth0", flags: up }]), []);
});

test("planBridge() fixes the hardware address of a bridge that Podman made", () => {
  assert.equal(lines([{ ...sound[0]!, address: "56:4f:00:00:00:01" }, ...sound.slice(1)]), [
    "link set dev skerry0 address 02:fe:0a:2a:07:01",
  ]);
});

test("planBridge() sets hairpin mode on new ports of pods, if bridged packets are filtered at all", () => {
  assert.equal(lines([...sound, link("veth0", true), link("veth1", false)]), ["link set dev veth1 type bridge_slave hairpin on"]);
  assert.equal(lines([...sound, link("veth1", false)], routes, false), []);
});

test("planBridge() brings the way to services back, with the right source", () => {
  assert.equal(lines(sound, routes.slice(0, 1)), ["route replace 10.43.0.0/16 dev skerry0 src 10.42.7.1"]);
});

test("gatewayOf() is the first address; what is no network is refused", () => {
  assert.is(gatewayOf("10.42.7.128/25"), "10.42.7.129/25");
  assert.is(bridgeAddress("10.42.7.129/25"), "02:fe:0a:2a:07:81");
  for (const wrong of ["", "10.42.7.0", "fd00::/64", "10.42.7.0/31", "10.42.300.0/24"]) {
    assert.throws(() => gatewayOf(wrong), /expected an IPv4 network/);
  }
});
