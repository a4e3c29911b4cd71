// What a caller hears when the state machine does not take a proposal.
import type { Refusal } from "./raft/core.ts";
import type { ConfRefusal } from "./raft/reconfiguration.ts";
import { StoreError } from "./store.ts";

export function refused(refusal: Refusal | ConfRefusal): StoreError {
  switch (refusal) {
    case "NotLeader":
      return new StoreError("NotLeader", "Cannot write: this member knows no leader");
    case "Transferring":
      return new StoreError("NotLeader", "Cannot write: leadership is being handed over");
    case "Pending":
      return new StoreError("Overloaded", "Cannot change the members: another change is under way");
    case "NoRoom":
      return new StoreError(
        "NoSpace",
        "Cannot write: the disk of the leading master is full. Free space on it, and writing goes on by itself; reads and deletions work",
      );
    case "Overloaded":
      return new StoreError("Overloaded", "Cannot write: too many writes wait to be made durable");
    case "Unchanged":
      return new StoreError("Invalid", "Cannot change the members so: it changes nothing");
    case "NoQuorum":
      return new StoreError("Invalid", "Cannot change the members so: of those who would decide then, too few answer now");
    case "Behind":
      return new StoreError("Invalid", "Cannot promote a member that has not caught up");
  }
}
