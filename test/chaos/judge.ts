// The verdict over what clients of the API have seen: by revisions (exact, test/history/linearize.ts), and by a search that knows of no revision, as a second
// opinion on the reads and writes of single objects (test/history/wgl.ts).
import { Buffer } from "node:buffer";
import { type Call, type History, type Initial, nameOf, type TxnCall } from "../history/history.ts";
import { checkHistory } from "../history/linearize.ts";
import { registersOf } from "../history/registers.ts";
import { searchOrder } from "../history/wgl.ts";
import { complete } from "./completed.ts";
import type { SeenLog } from "./seen_log.ts";

export interface Verdict {
  /** A sentence each. */
  readonly violations: readonly string[];
  /** Whether the search came to an end. */
  readonly isSearched: boolean;
  /** What the next history begins with. */
  readonly after: Initial;
  /** Writes that may still be made. */
  readonly open: readonly TxnCall[];
}
/** Steps of the search: some seconds. */
const searchSteps = 2_000_000;

/** @param caughtUp revision that every watch has had time to show */
export function judge(recorded: History, initial: Initial, isOurs: (key: string) => boolean, caughtUp?: number): Verdict {
  const { history, committed, violations: plain, log } = complete(recorded, initial, isOurs);
  const violations = plain.length > 0 ? [...plain] : checkHistory(history, { committed, initial, caughtUp });
  const search = violations.length > 0 ? undefined : searchOrder(...registers(recorded.calls, initial, log));
  if (search?.verdict === "violation") violations.push(`By search: ${search.because}`);
  const made = new Set(committed.map(({ by }) => by));
  return {
    violations,
    isSearched: search?.verdict === "ok",
    after: { revision: log.head, items: log.keyspace.all() },
    open: recorded.calls.flatMap((call) => call.kind === "txn" && call.outcome.is === "unknown" && !made.has(call.id) ? [call] : []),
  };
}

/** Without revisions: what a client saw at one is compared by its value, which is unique. */
function registers(calls: readonly Call[], initial: Initial, log: SeenLog): Parameters<typeof searchOrder> {
  const plain = calls.filter((call) => call.kind !== "list").filter((call) =>
    call.kind === "get" || call.outcome.is !== "done" || call.outcome.result.succeeded || call.transaction.compares.length > 0
  );
  const byValue = plain.map((call): Call => {
    const compare = call.kind === "txn" ? call.transaction.compares[0] : undefined;
    if (call.kind !== "txn" || compare?.target !== "modRevision" || compare.is === 0) return call;
    const { key } = compare, is = log.written(key, compare.is)?.value ?? Buffer.from(`never seen: ${nameOf(call)}`);
    return { ...call, transaction: { ...call.transaction, compares: [{ key, target: "value", is }] } };
  });
  const text = (value: Uint8Array): string => Buffer.from(value).toString("latin1");
  return [registersOf(byValue), searchSteps, new Map(initial.items.map(({ key, value }) => [key, text(value)]))];
}
