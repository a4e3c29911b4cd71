// From the entries of the replicated log, with what the state machine made of each, to the committed transactions that the checkers judge by. Ends of leases
// become the deletes that they must be; whether a lease may end is judged here, by log time, from the log alone.
import { decodeCommand } from "../../master/store/command.ts";
import { repeated } from "../../master/store/machine.ts";
import type { Operation, Transaction, TransactionResult } from "../../master/store/store.ts";
import { type Committed, type Compaction, empty, type Initial, type Moment } from "./history.ts";
import { Keyspace } from "./keyspace.ts";

export interface AppliedEntry {
  /** Log time, ms since 1970. */
  readonly time: number;
  readonly payload: Uint8Array;
  /** What `State.apply` returned. */
  readonly outcome: unknown;
  /** When the first member applied it. */
  readonly at?: Moment;
}

/** In the order of the log, all of it behind `initial`, entries of any kind. */
export function committedOf(
  entries: Iterable<AppliedEntry>,
  initial: Initial = empty,
): { committed: Committed[]; compactions: Compaction[] } {
  const keyspace = new Keyspace(initial), committed: Committed[] = [], compactions: Compaction[] = [];
  const leases = new Map<number, { readonly ttlMs: number; renewedAt: number; renewals: number }>();
  let time = 0;
  for (const { time: entryTime, payload, outcome, at } of entries) {
    time = Math.max(time, entryTime);
    if (payload.length === 0 || outcome === repeated) continue;
    const command = decodeCommand(payload), moment = at === undefined ? {} : { at };
    const end = (id: number): void => {
      leases.delete(id);
      const then = keyspace.all().filter((item) => item.lease === id).map(({ key }): Operation => ({ do: "delete", key }));
      if (then.length === 0) return;
      const transaction: Transaction = { compares: [], then };
      keyspace.run(transaction);
      committed.push({ revision: keyspace.revision, transaction, by: "other", ...moment });
    };
    switch (command.do) {
      case "transact": {
        if (!isResult(outcome)) break; // refused: it changed nothing
        keyspace.run(command.transaction);
        committed.push({ revision: outcome.revision, transaction: command.transaction, result: outcome, ...moment });
        break;
      }
      case "compact":
        // Refused when it lies in the future.
        if (command.revision <= keyspace.revision) compactions.push({ revision: command.revision, at: at ?? -Infinity });
        break;
      case "grant":
        if (isGranted(outcome)) leases.set(outcome.lease, { ttlMs: command.ttlMs, renewedAt: time, renewals: 0 });
        break;
      case "keepAlive": {
        const lease = leases.get(command.lease);
        if (!lease) break;
        lease.renewedAt = time;
        lease.renewals++;
        break;
      }
      case "revoke":
        end(command.lease);
        break;
      case "expire": {
        const lease = leases.get(command.lease);
        if (!lease || (command.renewals !== undefined && command.renewals !== lease.renewals)) break;
        if (time >= lease.renewedAt + lease.ttlMs) end(command.lease);
        break;
      }
      case "attest":
      case "vouch":
        break; // they change nothing
      default:
        command satisfies never;
    }
  }
  return { committed, compactions };
}

const isResult = (outcome: unknown): outcome is TransactionResult =>
  typeof outcome === "object" && outcome !== null && "results" in outcome;
const isGranted = (outcome: unknown): outcome is { lease: number } => typeof outcome === "object" && outcome !== null && "lease" in outcome;
