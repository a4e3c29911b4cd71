import * as assert from "uvu/assert";
import { nodes } from "../../../../shared/api/kinds/node.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("nodes");
const metadata = { name: "pi-1" };
const status = (object: object) => cells(nodes, object).Status;
const ready = (status: string) => ({ status: { conditions: [{ type: "Ready", status }] } });

test("are NotReady when nobody knows", () => {
  assert.is(status(ready("True")), "Ready");
  assert.is(status(ready("False")), "NotReady");
  assert.is(status({ status: { conditions: [{ type: "Ready", status: "Unknown", reason: "Sleeping" }] } }), "NotReady");
  assert.is(status({}), "Unknown");
  assert.is(status({ ...ready("True"), spec: { unschedulable: true } }), "Ready,SchedulingDisabled");
});
test("show age and version before the wide columns", () => {
  const labels = { "node-role.kubernetes.io/edge": "", "node-role.kubernetes.io/camera": "", "kubernetes.io/role": "edge" };
  const object = {
    metadata: { ...metadata, labels, creationTimestamp: "2026-01-01T00:00:00Z" },
    status: {
      addresses: [{ type: "InternalIP", address: "192.0.2.7" }],
      nodeInfo: { kubeletVersion: "v1.36.0-skerry", osImage: "Debian 13" },
    },
  };
  assert.equal(Object.entries(cells(nodes, object, Date.parse("2026-01-03T01:00:00Z"))), [
    ["Name", "pi-1"],
    ["Status", "Unknown"],
    ["Roles", "camera,edge"],
    ["Age", "2d1h"],
    ["Version", "v1.36.0-skerry"],
    ["Internal-IP", "192.0.2.7"],
    ["External-IP", "<none>"],
    ["OS-Image", "Debian 13"],
    ["Kernel-Version", "<unknown>"],
    ["Container-Runtime", "<unknown>"],
  ]);
});

const taint = { key: "a", effect: "NoSchedule" };
const wrong: readonly [title: string, spec: object, ...causes: string[]][] = [
  ["a taint without an effect", { taints: [{ key: "a" }] }, "spec.taints[0].effect: Required value"],
  ["a taint without a key", { taints: [{ effect: "NoSchedule" }] }, "spec.taints[0].key: Required value"],
  [
    "an unknown effect",
    { taints: [{ ...taint, effect: "No" }] },
    'spec.taints[0].effect: Unsupported value: "No": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
  ],
  ["a taint twice", { taints: [taint, taint] }, 'spec.taints[1].key: Duplicate value: {"key":"a","value":"","effect":"NoSchedule"}'],
  [
    "a podCIDR that is none",
    { podCIDR: "x", podCIDRs: ["x"] },
    'spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  ],
];
for (const [title, spec, ...causes] of wrong) test(`refuse ${title}`, () => assert.equal(admit(nodes, { metadata, spec }).causes, causes));

test("keep the pod network they were given", () => {
  const old = admit(nodes, { metadata, spec: { podCIDR: "10.1.0.0/24", podCIDRs: ["10.1.0.0/24"] } }).object;
  const { causes } = admit(nodes, { metadata, spec: { podCIDR: "10.2.0.0/24", podCIDRs: ["10.2.0.0/24"] } }, old);
  assert.equal(causes, ['spec.podCIDR: Forbidden: node updates may not change podCIDR except from "" to valid']);
});
