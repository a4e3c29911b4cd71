import * as assert from "uvu/assert";
import { endpoints } from "../../../../shared/api/kinds/endpoints.ts";
import { endpointSlices } from "../../../../shared/api/kinds/endpoint_slice.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("endpoints");
const metadata = { name: "web" };
const addresses = ["10.0.0.1", "10.0.0.2"].map((ip) => ({ ip }));

test("Endpoints show three places", () => {
  const shown = (subsets: object[]) => cells(endpoints, { metadata, subsets }).Endpoints;
  assert.is(shown([]), "<none>");
  assert.is(shown([{ addresses, ports: [{ port: 80 }] }]), "10.0.0.1:80,10.0.0.2:80");
  assert.is(shown([{ addresses, ports: [{ port: 80 }, { port: 81 }] }]), "10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...");
  assert.is(shown([{ addresses: [{ ip: "2001:db8::1" }], ports: [{ port: 80 }] }]), "[2001:db8::1]:80");
});
for (
  const [title, subset, ...causes] of [
    ["no addresses", { ports: [{ port: 80 }] }, "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
    [
      "an address on the link",
      { addresses: [{ ip: "169.254.1.1" }] },
      'subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
    ["ports without names", { addresses, ports: [{ port: 80, name: "a" }, { port: 81 }] }, "subsets[0].ports[1].name: Required value"],
  ] as [string, object, ...string[]][]
) test(`Endpoints refuse ${title}`, () => assert.equal(admit(endpoints, { metadata, subsets: [subset] }).causes, causes));

const slice = (more: object) => ({ metadata, addressType: "IPv4", ...more });
test("slices always have both their lists", () => {
  assert.equal(admit(endpointSlices, slice({})).object, slice({ endpoints: [], ports: [] }));
  assert.equal(admit(endpointSlices, slice({ ports: [{ port: 80 }] })).object.ports, [{ name: "", protocol: "TCP", port: 80 }]);
});
for (
  const [title, object, ...causes] of [
    ["no address type", { metadata }, "addressType: Required value"],
    ["an endpoint without addresses", slice({ endpoints: [{ addresses: [] }] }), "endpoints[0].addresses: Required value"],
    [
      "an address of the other family",
      slice({ endpoints: [{ addresses: ["2001:db8::1"] }] }),
      'endpoints[0].addresses[0]: Invalid value: "2001:db8::1": must be an IPv4 address',
    ],
    ["a port's name twice", slice({ ports: [{ port: 80 }, { port: 81 }] }), 'ports[1].name: Duplicate value: ""'],
    [
      "too many endpoints",
      slice({ endpoints: Array(1001).fill({ addresses: ["10.0.0.1"] }) }),
      "endpoints: Too many: 1001: must have at most 1000 items",
    ],
  ] as [string, object, ...string[]][]
) test(`slices refuse ${title}`, () => assert.equal(admit(endpointSlices, object).causes, causes));

test("slices cannot change their address type", () => {
  const old = admit(endpointSlices, slice({})).object;
  assert.equal(admit(endpointSlices, { ...old, addressType: "IPv6" }, old).causes, [
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});
test("slices show their ports and addresses", () => {
  const { Ports, Endpoints } = cells(
    endpointSlices,
    slice({ ports: [{ port: 80 }], endpoints: [{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.2"] }] }),
  );
  assert.equal([Ports, Endpoints], ["80", "10.0.0.1,10.0.0.2"]);
});
