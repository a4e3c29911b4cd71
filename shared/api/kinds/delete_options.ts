// What may stand in the body, or the query, of a DELETE.
import { atomic, bool, field, int64, kind, list, message, optional, string } from "../schema.ts";

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1";

export class Preconditions extends message(`${meta}.Preconditions`, "What must be so, or nothing is done.", {
  uid: optional(1, string, "UID of the object."),
  resourceVersion: optional(2, string, "Its resourceVersion."),
}) {}

export class DeleteOptions extends kind("v1", `${meta}.DeleteOptions`, "How to delete.", {
  gracePeriodSeconds: optional(1, int64, "Seconds it may take to end; 0 for at once. Its own period, if left out."),
  preconditions: optional(2, Preconditions, "What must be so, or nothing is deleted."),
  orphanDependents: optional(3, bool, "The old form of `propagationPolicy`: true for Orphan, false for Background."),
  propagationPolicy: optional(4, string, "What becomes of the objects it owns: Orphan, Background or Foreground."),
  dryRun: field(5, list(string), "All: do everything but write.", atomic),
  ignoreStoreReadErrorWithClusterBreakingPotential: optional(
    6,
    bool,
    "Accepted and without effect: Skerry's store has no objects it cannot read.",
  ),
}) {}
