import { field, int32, kind, message, optional, string } from "../schema.ts";
import { microTime } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";

const coordination = "k8s.io.api.coordination.v1";

export class LeaseSpec extends message(`${coordination}.LeaseSpec`, "Who holds the lease, and until when.", {
  holderIdentity: optional(1, string, "Who holds it."),
  leaseDurationSeconds: optional(2, int32, "Seconds after the last renewal until others may take it."),
  acquireTime: optional(3, microTime, "When the holder took it."),
  renewTime: optional(4, microTime, "When the holder last renewed it."),
  leaseTransitions: optional(5, int32, "How often it changed hands."),
  strategy: optional(6, string, "How a holder is elected, for coordinated elections."),
  preferredHolder: optional(7, string, "Who should have it next: a sign to the holder to let go."),
}) {}

export class Lease extends kind("coordination.k8s.io/v1", `${coordination}.Lease`, "A right that one holder has for a while.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, LeaseSpec, "What is wanted."),
}) {}

export const leases = resource(Lease, {
  plural: "leases",
  namespaced: true,
  generation: false,
  conditionalUpdate: true,
  columns: { Holder: (lease) => lease.spec?.holderIdentity ?? "" },
});
