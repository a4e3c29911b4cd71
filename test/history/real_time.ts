// Real-time order: what had ended before a call was invoked must lie before it. Every answer, and every batch of a watch, shows a revision to exist; a
// linearizable read must not show an older one than was shown before it was invoked, and a write must not get an older one, nor the same. Together with the
// replay this is linearizability: order by revision, behind each write the reads that show it, those in the order of their invocations.
import { type Call, type History, type Moment, nameOf } from "./history.ts";
import type { Write } from "./resolve.ts";

/** At that moment the revision existed. */
interface Shown {
  readonly at: Moment;
  readonly revision: number;
  readonly by: Call | { readonly watcher: number };
}
const showed = ({ at, revision, by }: Shown): string =>
  `${"watcher" in by ? `a watch of client ${by.watcher}` : nameOf(by)} had shown revision ${revision} at ${at}`;

function shownBy({ outcome }: Call): number | undefined {
  if (outcome.is === "done") return outcome.result.revision;
  return outcome.is === "refused" && outcome.revision > 0 ? outcome.revision : undefined;
}

function allShown({ calls, watches }: History): Shown[] {
  const all: Shown[] = [];
  for (const call of calls) {
    const revision = shownBy(call);
    if (revision !== undefined) all.push({ at: call.completed, revision, by: call });
  }
  for (const { client, streams } of watches) {
    for (const { deliveries } of streams) {
      for (const { at, batch: { revision } } of deliveries) all.push({ at, revision, by: { watcher: client } });
    }
  }
  return all.sort((a, b) => a.at - b.at);
}

/** Whether the answer had to show the newest state. Of reads at a given revision only the refusal says what is newest: a state that is past is always right. */
function mustBeNew(call: Call): boolean {
  if (call.outcome.is === "unknown") return false;
  if (call.kind === "txn") return call.outcome.is === "done";
  if (call.kind === "get") return call.outcome.is === "done" && !call.serializable;
  if (call.options.serializable) return false;
  return call.outcome.is === "done" ? call.options.revision === undefined : call.outcome.reason === "Future";
}

export function checkRealTime(history: History, writes: readonly Write[]): string[] {
  const violations: string[] = [], shown = allShown(history);
  const writeOf = new Map<Call, Write>();
  for (const write of writes) if (write.call) writeOf.set(write.call, write);
  const begun = history.calls.filter((call) => writeOf.has(call) || mustBeNew(call)).sort((a, b) => a.invoked - b.invoked);
  let newest: Shown | undefined, next = 0;
  for (const call of begun) {
    for (; next < shown.length && shown[next]!.at < call.invoked; next++) {
      if (!newest || shown[next]!.revision > newest.revision) newest = shown[next]!;
    }
    if (!newest) continue;
    const write = writeOf.get(call);
    if (write && write.revision <= newest.revision) {
      violations.push(`${nameOf(call)} wrote revision ${write.revision}, and before it was invoked ${showed(newest)}`);
    } else if (!write && shownBy(call)! < newest.revision) {
      violations.push(`${nameOf(call)} is stale: it shows revision ${shownBy(call)}, and before it was invoked ${showed(newest)}`);
    }
  }
  return [...violations, ...checkCommits(shown, writes)];
}

/** Nothing is committed before it is asked for, and nothing is answered from before it is committed; where the log tells when. */
function checkCommits(shown: readonly Shown[], writes: readonly Write[]): string[] {
  const violations: string[] = [], committedAt = new Map<number, Moment>();
  for (const { revision, call, logged } of writes) {
    if (logged?.at === undefined) continue;
    committedAt.set(revision, logged.at);
    if (call && logged.at < call.invoked) violations.push(`${nameOf(call)} was committed at ${logged.at}, before it was invoked`);
  }
  for (const one of shown) {
    const at = committedAt.get(one.revision);
    // Batches of watches: checkWatches says it.
    if (at !== undefined && one.at < at && !("watcher" in one.by)) violations.push(`${showed(one)}, and it was committed at ${at}`);
  }
  return violations;
}
