import * as assert from "uvu/assert";
import { enrollments } from "../../../../shared/api/kinds/enrollment.ts";
import { nodeLinks } from "../../../../shared/api/kinds/node_link.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("enrollments");
const metadata = { name: "abcdefghijklmnopqrstuvwxya" };
const spec = { publicKeys: ["0".repeat(64)], sealKey: `${"A".repeat(43)}=`, nodeName: "pi-1" };

test("name a device by its nodeId and list its keys", () => {
  assert.equal(admit(enrollments, { metadata, spec }).causes, []);
  assert.equal(cells(enrollments, { metadata, spec: { ...spec, revoked: true } }), {
    Name: metadata.name,
    Node: "pi-1",
    Serial: "<none>",
    Status: "Revoked",
    "Certificate-Expiry": "<none>",
    Age: "<unknown>",
  });
});
for (
  const [title, change, ...fields] of [
    ["a name that is no nodeId", { metadata: { name: "pi-1" } }, "metadata.name"],
    ["no key", { spec: { ...spec, publicKeys: [] } }, "spec.publicKeys"],
    ["three keys", { spec: { ...spec, publicKeys: ["0", "1", "2"].map((digit) => digit.repeat(64)) } }, "spec.publicKeys"],
    ["a key twice", { spec: { ...spec, publicKeys: [spec.publicKeys[0], spec.publicKeys[0]] } }, "spec.publicKeys[1]"],
    ["a key that is no hash", { spec: { ...spec, publicKeys: ["x"] } }, "spec.publicKeys[0]"],
    ["a short sealing key", { spec: { ...spec, sealKey: "AAAA" } }, "spec.sealKey"],
    ["no node name", { spec: { ...spec, nodeName: "" } }, "spec.nodeName"],
  ] as [string, object, ...string[]][]
) {
  test(`refuse ${title}`, () =>
    assert.equal(admit(enrollments, { metadata, spec, ...change }).causes.map((cause) => cause.split(": ")[0]), fields));
}

test("stay with their Node", () => {
  const old = admit(enrollments, { metadata, spec }).object;
  assert.equal(admit(enrollments, { metadata, spec: { ...spec, nodeName: "pi-2" } }, old).causes, [
    'spec.nodeName: Invalid value: "pi-2": field is immutable',
  ]);
});
test("NodeLinks show how old the truth is", () => {
  const link = {
    metadata: { name: "pi-1" },
    nodeId: metadata.name,
    connected: true,
    link: "cellular",
    metered: true,
    lastPacketTime: "2026-01-01T00:00:00.000000Z",
  };
  const { Connected, Link, "Last Packet": last, "Clock Error": clock } = cells(nodeLinks, link, Date.parse("2026-01-01T00:05:00Z"));
  assert.equal([Connected, Link, last, clock], [true, "cellular (metered)", "5m", "<unknown>"]);
});
