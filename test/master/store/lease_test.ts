import * as assert from "uvu/assert";
import { Leases, LeaseWatch } from "../../../master/store/lease.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("LeaseWatch");

test("overdue() counts from the last renewal it has seen, also while log time stands still", () => {
  const leases = new Leases(), watch = new LeaseWatch();
  const lease = leases.grant(5_000, 1_000);
  assert.equal(watch.overdue(leases.all(), 100_000), [], "a new leader starts every lease afresh");
  assert.equal(watch.overdue(leases.all(), 104_999), []);
  leases.keepAlive(lease, 1_000);
  assert.equal(watch.overdue(leases.all(), 105_000), []);
  assert.equal(watch.overdue(leases.all(), 109_999), []);
  assert.equal(watch.overdue(leases.all(), 110_000), [{ lease, renewals: 1 }]);
});
