// Every answer against what a model of the keyspace says at its revision.
import type { KeyValue, TransactionResult } from "../../master/store/store.ts";
import {
  type Call,
  type Compaction,
  type GetCall,
  type History,
  type Initial,
  itemText,
  type ListCall,
  nameOf,
  type TxnCall,
} from "./history.ts";
import { isSameItem, Keyspace, type Ran } from "./keyspace.ts";
import type { Write } from "./resolve.ts";

type Done<C> = C extends Call ? C & { readonly outcome: { readonly is: "done" } } : never;
type DoneCall = Done<TxnCall> | Done<GetCall> | Done<ListCall>;
const isDone = (call: Call): call is DoneCall => call.outcome.is === "done";
const revisionOf = (call: DoneCall): number => call.outcome.result.revision;

/** @param writes all of them, in order, without a gap */
export function replay(history: History, writes: readonly Write[], initial: Initial): string[] {
  const keyspace = new Keyspace(initial), violations: string[] = [];
  const complain = (call: Call, what: string): void => void violations.push(`${nameOf(call)} ${what}`);
  const owners = new Set<Call | undefined>(writes.map(({ call }) => call));
  const reads = history.calls.filter(isDone).filter((call) => !owners.has(call)).sort((a, b) => revisionOf(a) - revisionOf(b));
  let next = 0;
  /** Log time of all that came before: it never runs backwards. */
  let time = -Infinity;
  const mustNotBeBefore = (then: number, name: () => string): void => {
    if (then < time) violations.push(`${name()} has log time ${then}, and an entry before it has ${time}`);
  };
  const readAt = (revision: number): void => {
    let latest = time;
    for (; next < reads.length && revisionOf(reads[next]!) <= revision; next++) {
      const call = reads[next]!;
      if (revisionOf(call) < revision) complain(call, `shows revision ${revisionOf(call)}, which was before the history began`);
      else if (call.kind === "get") checkGet(call, keyspace, complain);
      else if (call.kind === "list") checkList(call, keyspace, complain);
      else {
        const { result } = call.outcome;
        checkRead(call, keyspace.try(call.transaction), complain);
        mustNotBeBefore(result.time, () => nameOf(call));
        latest = Math.max(latest, result.time);
      }
    }
    time = latest;
  };
  readAt(keyspace.revision);
  for (const { revision, transaction, call, logged } of writes) {
    const ran = keyspace.run(transaction);
    const answer = call?.outcome.is === "done" ? call.outcome.result : undefined;
    if (call && answer) checkTxn(answer, ran, (what) => complain(call, what));
    if (logged?.result) checkTxn(logged.result, ran, (what) => violations.push(`The log's revision ${revision} ${what}`));
    if (ran.events.length === 0) {
      // Behind this, model and store count differently.
      violations.push(`Revision ${revision} was given to ${call ? nameOf(call) : "a transaction"}, which writes nothing there`);
      return violations;
    }
    if (call && answer && logged?.result && answer.time !== logged.result.time) {
      complain(call, `was told log time ${answer.time}, and the log has ${logged.result.time}`);
    }
    const then = (logged?.result ?? answer)?.time ?? time;
    mustNotBeBefore(then, () => `Revision ${revision}`);
    time = Math.max(time, then);
    readAt(revision);
  }
  for (const call of reads.slice(next)) {
    complain(call, `shows revision ${revisionOf(call)}, which nobody wrote: the newest is ${keyspace.revision}`);
  }
  return violations;
}

type Complain = (call: Call, what: string) => void;

function checkTxn(result: TransactionResult, ran: Ran, complain: (what: string) => void): void {
  if (result.succeeded !== ran.succeeded) complain(`${result.succeeded ? "succeeded" : "failed"}, and its compares say the opposite`);
  else if (result.results.length !== ran.results.length) complain(`has ${result.results.length} results, not ${ran.results.length}`);
  else {
    for (const [at, item] of result.results.entries()) {
      if (!isSameItem(item, ran.results[at])) complain(`found ${itemText(item)} where there was ${itemText(ran.results[at])}`);
    }
  }
}

function checkRead(call: Done<TxnCall>, ran: Ran, complain: Complain): void {
  const { result } = call.outcome;
  if (ran.events.length === 0) return checkTxn(result, ran, (what) => complain(call, what));
  complain(call, `was acknowledged at revision ${result.revision} as if it wrote nothing, and would have written`);
}

function checkGet(call: Done<GetCall>, keyspace: Keyspace, complain: Complain): void {
  const { item, revision } = call.outcome.result, there: KeyValue | undefined = keyspace.get(call.key);
  if (!isSameItem(item, there)) complain(call, `found ${itemText(item)} at revision ${revision}, where there was ${itemText(there)}`);
}

function checkList(call: Done<ListCall>, keyspace: Keyspace, complain: Complain): void {
  const { revision: wanted, limit = 0, after } = call.options, { items, remaining, revision } = call.outcome.result;
  if (wanted !== undefined && revision !== wanted) return complain(call, `shows revision ${revision}`);
  const there = keyspace.list(call.prefix, after, limit > 0 ? limit : Infinity);
  for (let at = 0; at < Math.max(items.length, there.items.length); at++) {
    if (isSameItem(items[at], there.items[at])) continue;
    return complain(
      call,
      `shows at revision ${revision} as item ${at} ${itemText(items[at])}, where there was ${itemText(there.items[at])}`,
    );
  }
  if (remaining !== there.remaining) {
    complain(call, `says at revision ${revision} that ${remaining} remain, and there were ${there.remaining}`);
  }
}

/** Lists that were refused for the revision they asked for. */
export function checkRefusals(history: History, compactions: readonly Compaction[] | undefined): string[] {
  const violations: string[] = [];
  for (const call of history.calls) {
    if (call.kind !== "list" || call.outcome.is !== "refused") continue;
    const { reason, revision } = call.outcome, wanted = call.options.revision ?? Infinity;
    if (reason === "Future" && wanted <= revision) {
      violations.push(`${nameOf(call)} was refused as future, and revision ${revision} was there`);
    }
    if (reason !== "Compacted") continue;
    if (wanted >= revision) violations.push(`${nameOf(call)} was refused as compacted, and history began at ${revision}`);
    if (compactions && !compactions.some((compaction) => compaction.revision === revision && compaction.at <= call.completed)) {
      violations.push(`${nameOf(call)} was refused as compacted at ${revision}, and nobody had compacted there`);
    }
  }
  return violations;
}
