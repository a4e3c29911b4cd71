// What a transaction may be, and what it does to the state. The same rules are asked before proposing (so that a mistake costs no log entry) and when
// applying (so that no member depends on another's checking).
import { Buffer } from "node:buffer";
import { storedKeyBytes, storedValueBytes, transactionOperations } from "../../shared/limits.ts";
import type { Leases } from "./lease.ts";
import type { Mvcc } from "./mvcc.ts";
import type { Compare, KeyValue, Operation, StoreReason, Transaction } from "./store.ts";

/** Why a command was not carried out. It changed nothing. A value, because every member must come to it and go on. */
export class Refusal {
  readonly reason: StoreReason;
  readonly message: string;
  /** As in StoreError. */
  readonly revision: number;
  constructor(reason: StoreReason, message: string, revision = 0) {
    this.reason = reason;
    this.message = message;
    this.revision = revision;
  }
}

/** Says what is wrong with the form of a transaction: sizes, counts, a key written twice. */
export function refuseForm(transaction: Transaction): Refusal | undefined {
  const { compares, then, else: otherwise = [] } = transaction;
  for (const [word, length] of [["compares", compares.length], ["operations", then.length], ["operations", otherwise.length]] as const) {
    if (length > transactionOperations) {
      return new Refusal("TooLarge", `Cannot run a transaction of ${length} ${word}: the limit is ${transactionOperations}`);
    }
  }
  for (const compare of compares) {
    const refusal = refuseKey(compare.key);
    if (refusal) return refusal;
  }
  return refuseOperations(then) ?? refuseOperations(otherwise);
}

function refuseOperations(operations: readonly Operation[]): Refusal | undefined {
  const written = operations.length > 1 ? new Set<string>() : undefined;
  for (const operation of operations) {
    const refusal = refuseKey(operation.key);
    if (refusal) return refusal;
    if (operation.do === "get") continue;
    if (operation.do === "put" && operation.value.length > storedValueBytes) {
      const { key, value } = operation;
      return new Refusal(
        "TooLarge",
        `Cannot put ${JSON.stringify(key)}: its value is ${value.length} bytes, the limit is ${storedValueBytes}`,
      );
    }
    // One event a key and revision: watchers and compaction rely on it.
    if (written?.has(operation.key)) {
      return new Refusal("Invalid", `Cannot write ${JSON.stringify(operation.key)} twice in one transaction`);
    }
    written?.add(operation.key);
  }
  return undefined;
}

function refuseKey(key: string): Refusal | undefined {
  if (key === "") return new Refusal("Invalid", "Cannot use an empty key");
  if (key.length * 3 > storedKeyBytes && Buffer.byteLength(key) > storedKeyBytes) {
    return new Refusal("TooLarge", `Cannot use a key of ${Buffer.byteLength(key)} bytes: the limit is ${storedKeyBytes}`);
  }
  // Half a surrogate pair does not survive UTF-8.
  return /\p{Surrogate}/u.test(key)
    ? new Refusal("Invalid", `Cannot use the key ${JSON.stringify(key)}: it is not well-formed Unicode`)
    : undefined;
}

/**
 * Runs a well-formed transaction: compares, then all operations of one branch in order, each seeing the ones before it, or none of them.
 * The caller commits. @param quotaBytes live bytes above which the state may not grow
 */
export function run(
  mvcc: Mvcc,
  leases: Leases,
  transaction: Transaction,
  quotaBytes: number,
): Refusal | { succeeded: boolean; results: (KeyValue | undefined)[] } {
  const succeeded = transaction.compares.every((compare) => holds(mvcc, compare));
  const operations = succeeded ? transaction.then : transaction.else ?? [];
  const refusal = refuseEffect(mvcc, leases, operations, quotaBytes);
  if (refusal) return refusal;
  return { succeeded, results: operations.map((operation) => perform(mvcc, leases, operation)) };
}

function holds(mvcc: Mvcc, compare: Compare): boolean {
  if (compare.target !== "value") return mvcc.newestMeta(compare.key)[compare.target] === compare.is;
  const value = mvcc.newest(compare.key)?.value;
  return value !== undefined && Buffer.compare(value, compare.is) === 0;
}

/** What the form does not show: leases that are not there, and growth above the quota. */
function refuseEffect(mvcc: Mvcc, leases: Leases, operations: readonly Operation[], quotaBytes: number): Refusal | undefined {
  let growth = 0;
  for (const operation of operations) {
    if (operation.do === "get") continue;
    const bytes = mvcc.newestMeta(operation.key).bytes;
    if (operation.do === "delete") growth -= bytes;
    else {
      growth += Buffer.byteLength(operation.key) + operation.value.length - bytes;
      if (operation.lease && !leases.has(operation.lease)) {
        return new Refusal("Invalid", `Cannot put ${JSON.stringify(operation.key)}: there is no lease ${operation.lease}`);
      }
    }
  }
  if (growth <= 0 || mvcc.liveBytes + growth <= quotaBytes) return undefined;
  return new Refusal(
    "NoSpace",
    `Cannot put: the store holds ${mvcc.liveBytes} bytes, and ${growth} more would exceed its quota of ${quotaBytes}. Delete objects`,
  );
}

function perform(mvcc: Mvcc, leases: Leases, operation: Operation): KeyValue | undefined {
  if (operation.do === "get") return mvcc.newest(operation.key);
  const lease = operation.do === "put" ? operation.lease ?? 0 : 0;
  const replaced = operation.do === "put" ? mvcc.put(operation.key, operation.value, lease) : mvcc.delete(operation.key);
  if (replaced?.lease) leases.detach(replaced.lease, operation.key);
  if (lease) leases.attach(lease, operation.key);
  return replaced;
}
