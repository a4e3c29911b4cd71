// Who wrote which revision, when there is no committed log: gaps between acknowledged writes belong to calls of unknown outcome whose values, or deletes,
// somebody saw at that revision. Where nobody saw anything, nobody can tell; then the answer is a sentence that asks for the log.
import { Buffer } from "node:buffer";
import type { KeyValue, StoreEvent } from "../../master/store/store.ts";
import { type History, type Initial, nameOf, type TxnCall } from "./history.ts";
import { Keyspace } from "./keyspace.ts";
import { claimsToWrite, type Resolved, revisionOf, type Write } from "./resolve.ts";

export function resolveByEvidence(history: History, initial: Initial): Resolved {
  const base = initial.revision, violations: string[] = [], owner = new Map<number, TxnCall>(), unknown = new Set<TxnCall>();
  const { facts, head } = evidence(history, base);
  for (const call of [...history.calls].sort((a, b) => a.invoked - b.invoked)) {
    if (call.kind !== "txn") continue;
    if (call.outcome.is === "unknown") unknown.add(call);
    if (!claimsToWrite(call)) continue;
    const revision = revisionOf(call), other = owner.get(revision);
    if (other) violations.push(`${nameOf(call)} and ${nameOf(other)} were both acknowledged at revision ${revision}`);
    else if (revision <= base) violations.push(`${nameOf(call)} was acknowledged at revision ${revision}, before the history began`);
    else owner.set(revision, call);
  }
  const gaps = head - base - owner.size;
  if (gaps > unknown.size) {
    violations.push(`${gaps} revisions up to ${head} were acknowledged to nobody, and only ${unknown.size} writes have an unknown outcome`);
  }
  if (violations.length > 0) return { writes: [], violations };
  const keyspace = new Keyspace(initial), writes: Write[] = [];
  for (let revision = base + 1; revision <= head; revision++) {
    const seen = facts.at.get(revision);
    const call = owner.get(revision) ?? (seen ? whoExplains(seen, unknown, keyspace) : whoRemains(facts.all, unknown, keyspace));
    if (!call) {
      const what = seen
        ? `of which ${[...seen].join(", ")} was seen, and nothing explains it`
        : "and nobody saw it: pass the committed log";
      return { writes, violations: [`Nothing tells who wrote revision ${revision}, ${what}`] };
    }
    unknown.delete(call);
    keyspace.run(call.transaction);
    writes.push({ revision, transaction: call.transaction, call });
  }
  return { writes, violations };
}

/** The write that would have made there all that was seen, and the least beyond it. */
function whoExplains(seen: ReadonlySet<string>, unknown: Iterable<TxnCall>, keyspace: Keyspace): TxnCall | undefined {
  let best: TxnCall | undefined, least = Infinity;
  for (const call of unknown) {
    const made = keyspace.try(call.transaction).events.map(factOf);
    if (made.length >= least || [...seen].some((fact) => !made.includes(fact))) continue;
    [best, least] = [call, made.length];
  }
  return best;
}

/** The only write that may have been there, if there is one only. */
function whoRemains(seen: ReadonlySet<string>, unknown: Iterable<TxnCall>, keyspace: Keyspace): TxnCall | undefined {
  const possible = [...unknown].filter((call) => {
    const { events } = keyspace.try(call.transaction);
    return events.length > 0 && !events.some((event) => event.type === "put" && seen.has(factOf(event)));
  });
  return possible.length === 1 ? possible[0] : undefined;
}

const putFact = (key: string, value: Uint8Array): string => `${key} = ${Buffer.from(value).toString("latin1")}`;
const factOf = ({ type, key, current }: StoreEvent): string => type === "put" ? putFact(key, current.value) : `delete ${key}`;

/** What was seen of each revision, and the highest that anybody heard of. */
function evidence(history: History, base: number): { facts: { at: Map<number, Set<string>>; all: Set<string> }; head: number } {
  const facts = { at: new Map<number, Set<string>>(), all: new Set<string>() };
  let head = base;
  const note = (revision: number, fact: string): void => {
    facts.all.add(fact);
    const known = facts.at.get(revision);
    if (known) known.add(fact);
    else facts.at.set(revision, new Set([fact]));
  };
  const saw = (item: KeyValue | undefined): void => {
    if (item) note(item.modRevision, putFact(item.key, item.value));
  };
  for (const call of history.calls) {
    if (call.outcome.is === "refused") head = Math.max(head, call.outcome.revision);
    if (call.outcome.is !== "done") continue;
    head = Math.max(head, call.outcome.result.revision);
    if ("item" in call.outcome.result) saw(call.outcome.result.item);
    else for (const item of "items" in call.outcome.result ? call.outcome.result.items : call.outcome.result.results) saw(item);
  }
  for (const { streams } of history.watches) {
    for (const { deliveries } of streams) {
      for (const { batch: { revision, events } } of deliveries) {
        head = Math.max(head, revision);
        for (const event of events) note(revision, factOf(event));
      }
    }
  }
  return { facts, head };
}
