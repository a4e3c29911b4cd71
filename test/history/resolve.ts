// Who wrote which revision. An acknowledged write says it itself; one with an unknown outcome is looked up in the committed log (without one: evidence.ts).
// What cannot be is said here: a write acknowledged and lost, made twice, refused and made all the same, or made by nobody.
import { Buffer } from "node:buffer";
import type { Transaction } from "../../master/store/store.ts";
import { type Committed, type History, nameOf, transactionText, type TxnCall } from "./history.ts";

/** One revision. */
export interface Write {
  readonly revision: number;
  readonly transaction: Transaction;
  /** Undefined: nobody in the history asked for it. */
  readonly call: TxnCall | undefined;
  readonly logged?: Committed;
}
export interface Resolved {
  /** In order, without a gap, unless there are violations. */
  readonly writes: readonly Write[];
  readonly violations: readonly string[];
}

/** Whether its answer claims to have written: then the revision it names is its own. */
export function claimsToWrite({ transaction, outcome }: TxnCall): boolean {
  if (outcome.is !== "done") return false;
  const { succeeded, results } = outcome.result;
  const branch = succeeded ? transaction.then : transaction.else ?? [];
  return branch.some((operation, at) => operation.do === "put" || operation.do === "delete" && results[at] !== undefined);
}

/** That it was acknowledged at; 0 if it was not. */
export const revisionOf = (call: TxnCall): number => call.outcome.is === "done" ? call.outcome.result.revision : 0;

/** @param base revision that the history begins behind */
export function resolveByLog(history: History, committed: readonly Committed[], base: number): Resolved {
  const violations: string[] = [], writes: Write[] = [], owning = new Map<TxnCall, number>();
  const calls = history.calls.filter((call) => call.kind === "txn");
  const byId = new Map(calls.map((call) => [call.id, call]));
  const pools = new Pools(calls);
  let before = base;
  for (const entry of committed) {
    const { revision, transaction, by } = entry;
    if (revision !== before && revision !== before + 1) violations.push(`The log goes from revision ${before} to ${revision}`);
    const wrote = revision !== before;
    before = revision;
    if (!wrote) continue;
    let call: TxnCall | undefined;
    if (typeof by === "number") {
      call = byId.get(by);
      if (!call) violations.push(`The log has at revision ${revision} a transaction of call #${by}, which the history does not know`);
      else if (contentOf(call.transaction) !== contentOf(transaction)) {
        violations.push(`The log has at revision ${revision} for ${nameOf(call)} another transaction: ${transactionText(transaction)}`);
      }
    } else if (by === undefined) {
      call = pools.take(transaction, revision);
      if (!call) violations.push(`The log has at revision ${revision} what nobody asked for: ${transactionText(transaction)}`);
    }
    if (call) {
      const earlier = owning.get(call);
      if (earlier !== undefined) violations.push(`The log has ${nameOf(call)} twice: at revision ${earlier} and at ${revision}`);
      else if (call.outcome.is === "refused") {
        violations.push(`${nameOf(call)} was refused (${call.outcome.reason}), and the log has it at revision ${revision}`);
      } else if (call.outcome.is === "done" && revisionOf(call) !== revision) {
        violations.push(`${nameOf(call)} was acknowledged at revision ${revisionOf(call)}, and the log has it at ${revision}`);
      }
      owning.set(call, revision);
    }
    writes.push({ revision, transaction, call, logged: entry });
  }
  const at = new Map(writes.map((write) => [write.revision, write]));
  for (const call of calls) {
    if (!claimsToWrite(call) || owning.has(call)) continue;
    const there = at.get(revisionOf(call));
    const instead = there ? `there ${transactionText(there.transaction)}` : `its last revision is ${before}`;
    violations.push(`${nameOf(call)} was acknowledged at revision ${revisionOf(call)}, and the log does not have it: ${instead}`);
  }
  return { writes, violations };
}

/** Calls by what they ask for: those acknowledged at a revision, those that may be at any, and those that must not be anywhere. */
class Pools {
  readonly #pools = new Map<string, TxnCall[]>();
  readonly #used = new Set<TxnCall>();
  constructor(calls: readonly TxnCall[]) {
    for (const call of [...calls].sort((a, b) => a.invoked - b.invoked)) {
      const content = contentOf(call.transaction), pool = this.#pools.get(content);
      if (pool) pool.push(call);
      else this.#pools.set(content, [call]);
    }
  }
  /**
   * The call that is meant. Among equal ones of unknown outcome the first that was invoked: an outcome without an end has no latest revision, so if any
   * assignment fits, this one does. When none fits, one that shows what is wrong.
   */
  take(transaction: Transaction, revision: number): TxnCall | undefined {
    const pool = this.#pools.get(contentOf(transaction)) ?? [], free = pool.filter((call) => !this.#used.has(call));
    const here = free.filter((call) => revisionOf(call) === revision);
    const found = here.find(claimsToWrite) ?? free.find((call) => call.outcome.is === "unknown") ?? here[0] ??
      pool.find((call) => call.outcome.is === "refused") ?? pool.find(claimsToWrite);
    if (found) this.#used.add(found);
    return found;
  }
}

/** Equal for equal transactions. */
function contentOf({ compares, then, else: otherwise = [] }: Transaction): string {
  const bytes = (value: Uint8Array): string =>
    `${value.length}:${Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1")}`;
  let text = "";
  for (const compare of compares) {
    text += `${compare.target} ${compare.key.length}:${compare.key} ${compare.target === "value" ? bytes(compare.is) : compare.is};`;
  }
  for (const branch of [then, otherwise]) {
    text += "|";
    for (const operation of branch) {
      text += `${operation.do} ${operation.key.length}:${operation.key} `;
      text += operation.do === "put" ? `${operation.lease ?? 0} ${bytes(operation.value)};` : ";";
    }
  }
  return text;
}
