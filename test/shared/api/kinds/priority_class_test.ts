import * as assert from "uvu/assert";
import { leases } from "../../../../shared/api/kinds/lease.ts";
import { priorityClasses } from "../../../../shared/api/kinds/priority_class.ts";
import { runtimeClasses } from "../../../../shared/api/kinds/runtime_class.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("priorityClasses");
const metadata = { name: "a" };

test("show their columns with Age before the policy", () => {
  const { object } = admit(priorityClasses, { metadata, value: 1 });
  assert.equal(Object.entries(cells(priorityClasses, object)), [
    ["Name", "a"],
    ["Value", 1],
    ["Global-Default", false],
    ["Age", "<unknown>"],
    ["PreemptionPolicy", "PreemptLowerPriority"],
  ]);
});
test("leave the highest values and names to the system, and never change", () => {
  const old = admit(priorityClasses, { metadata, value: 1 }).object;
  assert.equal(admit(priorityClasses, { metadata, value: 1_000_000_001 }).causes, [
    "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
  ]);
  assert.equal(admit(priorityClasses, { metadata: { name: "system-a" } }).causes, [
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only",
  ]);
  assert.equal(admit(priorityClasses, { metadata, value: 2 }, old).causes, ["value: Forbidden: may not be changed in an update."]);
});
test("RuntimeClasses keep their handler", () => {
  const old = admit(runtimeClasses, { metadata, handler: "runc" }).object;
  assert.equal(admit(runtimeClasses, { metadata, handler: "crun" }, old).causes, ['handler: Invalid value: "crun": field is immutable']);
  assert.equal(admit(runtimeClasses, { metadata }).causes, ["handler: Required value"]);
});
test("Leases show their holder", () => {
  assert.is(cells(leases, { metadata, spec: { holderIdentity: "pi-1" } }).Holder, "pi-1");
});
