// Single edits that make a right history wrong: what a broken store would have answered, or a broken log would hold. Each is made only where it must be wrong.
//
// Not made, because they are harmless by construction:
//   - an answer turned into an unknown outcome, or a refused or lost call left out: less is claimed;
//   - a call made longer, or moved within what real time allows: more orders are possible;
//   - a read moved to a neighbouring revision that shows the same, still inside its interval: it may have been there;
//   - the last batches of a watch that was cut or compacted left out: they may have been under way;
//   - a progress mark left out, or moved back as far as the last thing told: it promises less;
//   - `previous` left out of an event that has been compacted by then: the store may have forgotten it;
//   - log times changed so that they still do not run backwards, where the log does not repeat them.
import type { KeyValue, Transaction, TransactionResult } from "../../master/store/store.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { Sample } from "./generate.ts";
import type { Call, Committed, GetCall, ListCall, TxnCall } from "./history.ts";
import { Keyspace } from "./keyspace.ts";
import { claimsToWrite } from "./resolve.ts";

/** @returns undefined where the edit cannot be made */
export type Edit = (sample: Sample, random: Random) => Sample | undefined;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const chosen = <T>(list: readonly T[], random: Random): T | undefined => list[Math.floor(random() * list.length)];
const replaced = <T>(list: readonly T[], old: T, ...by: T[]): T[] => list.flatMap((one) => one === old ? by : [one]);

type Done<C> = C extends Call ? C & { readonly outcome: { readonly is: "done" } } : never;
const writes = (sample: Sample): Done<TxnCall>[] =>
  sample.history.calls.filter((call): call is Done<TxnCall> => call.kind === "txn" && claimsToWrite(call));
const gets = (sample: Sample): Done<GetCall>[] =>
  sample.history.calls.filter((call): call is Done<GetCall> => call.kind === "get" && call.outcome.is === "done");
const lists = (sample: Sample): Done<ListCall>[] =>
  sample.history.calls.filter((call): call is Done<ListCall> => call.kind === "list" && call.outcome.is === "done");
const head = ({ committed, initial }: Sample): number => committed.at(-1)?.revision ?? initial.revision;

const withCall = (sample: Sample, old: Call, by: Call): Sample => ({
  ...sample,
  history: { ...sample.history, calls: replaced(sample.history.calls, old, by) },
});
const withResult = <C extends Done<Call>>(sample: Sample, call: C, result: Partial<C["outcome"]["result"]>): Sample =>
  withCall(sample, call, { ...call, outcome: { is: "done", result: { ...call.outcome.result, ...result } } } as Call);
const withLog = (sample: Sample, committed: readonly Committed[]): Sample => ({ ...sample, committed });

function stateAt({ committed, initial }: Sample, revision: number): Keyspace {
  const keyspace = new Keyspace(initial);
  for (const { transaction } of committed) if (keyspace.revision < revision) keyspace.run(transaction);
  return keyspace;
}

/** The entries that wrote. */
function written({ committed, initial }: Sample): Committed[] {
  return committed.filter((entry, at) => entry.revision !== (committed[at - 1]?.revision ?? initial.revision));
}
/** What an entry has written. */
const keysOf = ({ transaction, result }: Committed): string[] =>
  (result?.succeeded ? transaction.then : transaction.else ?? []).filter((operation) => operation.do !== "get").map(({ key }) => key);
const hasPut = ({ transaction }: { readonly transaction: Transaction }): boolean =>
  transaction.then.some((operation) => operation.do === "put");
/** The call that asked for an entry. */
const askedFor = ({ history }: Sample, entry: Committed): Call | undefined =>
  history.calls.find((call) => call.kind === "txn" && call.transaction === entry.transaction);

/** The newest revision shown before `call` was invoked. */
function shownBefore({ history, initial }: Sample, call: Call): number {
  let revision = initial.revision;
  for (const { completed, outcome } of history.calls) {
    if (completed < call.invoked && outcome.is === "done") revision = Math.max(revision, outcome.result.revision);
  }
  return revision;
}

export function otherItem(item: KeyValue, random: Random): KeyValue {
  const edits: Partial<KeyValue>[] = [
    { value: bytes("never written") },
    { modRevision: item.modRevision + 1 },
    { createRevision: item.createRevision - 1 },
    { version: item.version + 1 },
    { lease: item.lease + 1 },
    { key: `${item.key}x` },
  ];
  return { ...item, ...chosen(edits, random) };
}
const invented = (key: string, revision: number): KeyValue => ({
  key,
  value: bytes("never written"),
  createRevision: revision,
  modRevision: revision,
  version: 1,
  lease: 0,
});

function resultEdit(sample: Sample, random: Random, change: (item: KeyValue | undefined, call: Done<TxnCall>) => KeyValue | undefined) {
  const call = chosen(writes(sample), random);
  if (!call) return undefined;
  const at = Math.floor(random() * call.outcome.result.results.length);
  return withResult(sample, call, { results: call.outcome.result.results.map((item, i) => i === at ? change(item, call) : item) });
}

export const callEdits: Readonly<Record<string, Edit>> = {
  "stale read"(sample, random) {
    const call = chosen(gets(sample).filter((call) => !call.serializable && shownBefore(sample, call) > sample.initial.revision), random);
    if (!call) return undefined;
    const before = shownBefore(sample, call),
      revision = sample.initial.revision + Math.floor(random() * (before - sample.initial.revision));
    return withResult(sample, call, { item: stateAt(sample, revision).get(call.key), revision });
  },
  "read from the future"(sample, random) {
    const call = chosen(gets(sample), random);
    const later = call && chosen(written(sample).filter((entry) => (askedFor(sample, entry)?.invoked ?? 0) > call.completed), random);
    if (!later) return undefined;
    const forget = ({ at: _, ...entry }: Committed): Committed => entry; // or the log would tell
    return withResult(withLog(sample, sample.committed.map(forget)), call, {
      item: stateAt(sample, later.revision).get(call.key),
      revision: later.revision,
    });
  },
  "read of what is not committed yet"(sample, random) {
    const call = chosen(gets(sample), random),
      entry = call && chosen(written(sample).filter((entry) => entry.at! > call.completed), random);
    return entry && withResult(sample, call, { item: stateAt(sample, entry.revision).get(call.key), revision: entry.revision });
  },
  "dirty read"(sample, random) {
    const call = chosen(gets(sample), random), value = bytes(`dirty ${random()}`);
    const item = call && { ...invented(call.key, call.outcome.result.revision), value };
    return call && withResult(sample, call, { item });
  },
  "a get that finds another item"(sample, random) {
    const call = chosen(gets(sample).filter((call) => call.outcome.result.item), random);
    return call && withResult(sample, call, { item: otherItem(call.outcome.result.item!, random) });
  },
  "a get that misses what is there"(sample, random) {
    const call = chosen(gets(sample).filter((call) => call.outcome.result.item), random);
    return call && withResult(sample, call, { item: undefined });
  },
  "a list that leaves out an item"(sample, random) {
    const call = chosen(lists(sample).filter((call) => call.outcome.result.items.length > 0), random);
    return call && withResult(sample, call, { items: replaced(call.outcome.result.items, chosen(call.outcome.result.items, random)!) });
  },
  "a list that shows an item twice"(sample, random) {
    const call = chosen(lists(sample).filter((call) => call.outcome.result.items.length > 0), random);
    const item = call && chosen(call.outcome.result.items, random)!;
    return item && withResult(sample, call, { items: replaced(call.outcome.result.items, item, item, item) });
  },
  "a list out of order"(sample, random) {
    const call = chosen(lists(sample).filter((call) => call.outcome.result.items.length > 1), random);
    return call && withResult(sample, call, { items: call.outcome.result.items.toReversed() });
  },
  "a list with another item"(sample, random) {
    const call = chosen(lists(sample).filter((call) => call.outcome.result.items.length > 0), random);
    const item = call && chosen(call.outcome.result.items, random)!;
    return item && withResult(sample, call, { items: replaced(call.outcome.result.items, item, otherItem(item, random)) });
  },
  "a list that counts wrong"(sample, random) {
    const call = chosen(lists(sample), random);
    return call && withResult(sample, call, { remaining: call.outcome.result.remaining + 1 });
  },
  "a list of another revision than asked"(sample, random) {
    const call = chosen(lists(sample).filter((call) => call.options.revision !== undefined), random);
    return call && withResult(sample, call, { revision: call.outcome.result.revision - 1 });
  },
  "a compare decided wrongly"(sample, random) {
    const call = chosen(writes(sample), random);
    return call && withResult(sample, call, { succeeded: !call.outcome.result.succeeded });
  },
  "a write told the next revision"(sample, random) {
    const call = chosen(writes(sample), random);
    return call && withResult(sample, call, { revision: call.outcome.result.revision + 1 });
  },
  "a write told the revision before"(sample, random) {
    const call = chosen(writes(sample), random);
    return call && withResult(sample, call, { revision: call.outcome.result.revision - 1 });
  },
  "a result with another item": (sample, random) =>
    resultEdit(sample, random, (item, call) => item ? otherItem(item, random) : invented(call.transaction.then[0]!.key, 2)),
  "a result left out"(sample, random) {
    const call = chosen(writes(sample), random);
    return call && withResult(sample, call, { results: call.outcome.result.results.slice(1) });
  },
  "log time that runs backwards"(sample, random) {
    const call = chosen(writes(sample).slice(1), random), first = writes(sample)[0];
    if (!call || !first || call.outcome.result.revision <= first.outcome.result.revision) return undefined;
    const time = first.outcome.result.time - 1, forget = ({ result: _, ...entry }: Committed): Committed => entry;
    return withResult(withLog(sample, sample.committed.map(forget)), call, { time });
  },
  "a write refused and made"(sample, random) {
    const call = chosen(writes(sample).filter(hasPut), random); // of a delete without a name another one may be meant
    return call && withCall(sample, call, { ...call, outcome: { is: "refused", reason: "NotLeader", revision: 0 } });
  },
  "a write that its successors knew before it was asked for"(sample, random) {
    const call = chosen(writes(sample), random), { revision = 0 } = call?.outcome.result ?? {};
    const witness = sample.history.calls.find((other) =>
      other !== call && other.outcome.is === "done" && other.outcome.result.revision >= revision
    );
    return call && witness && withCall(sample, call, { ...call, invoked: witness.completed + 0.5, completed: witness.completed + 0.7 });
  },
  "a read that ended before what it shows was asked for"(sample, random) {
    const writer = new Map(writes(sample).map((call) => [call.outcome.result.revision, call]));
    const call = chosen(gets(sample).filter((call) => writer.has(call.outcome.result.revision)), random);
    const before = call && writer.get(call.outcome.result.revision)!.invoked;
    return call && before !== undefined ? withCall(sample, call, { ...call, invoked: before - 0.7, completed: before - 0.5 }) : undefined;
  },
  "a future revision that was there"(sample, random) {
    const isFuture = (call: Call): call is ListCall =>
      call.kind === "list" && call.outcome.is === "refused" && call.outcome.reason === "Future";
    const call = chosen(sample.history.calls.filter(isFuture), random), revision = call?.options.revision ?? 0;
    return call && withCall(sample, call, { ...call, outcome: { is: "refused", reason: "Future", revision } });
  },
  "a compacted revision that nobody compacted"(sample, random) {
    const call = chosen(lists(sample).filter((call) => call.outcome.result.revision < head(sample)), random);
    const compacted = new Set(sample.compactions.map(({ revision }) => revision));
    const revision = call && Array.from({ length: head(sample) }, (_, i) => i + 1).findLast((revision) => !compacted.has(revision));
    if (!call || !revision) return undefined;
    return withCall(sample, call, { ...call, outcome: { is: "refused", reason: "Compacted", revision } });
  },
};

export const logEdits: Readonly<Record<string, Edit>> = {
  "an acknowledged write lost with the end of the log"(sample) {
    const last = written(sample).at(-1);
    const isAcknowledged = writes(sample).some((call) => call.outcome.result.revision === last?.revision);
    return last && isAcknowledged ? withLog(sample, sample.committed.slice(0, sample.committed.indexOf(last))) : undefined;
  },
  "a hole in the log"(sample, random) {
    const entry = chosen(written(sample).slice(0, -1), random);
    return entry && withLog(sample, replaced(sample.committed, entry));
  },
  "an entry applied twice"(sample, random) {
    const entry = chosen(written(sample).filter(hasPut), random);
    return entry && withLog(sample, [...sample.committed, { ...entry, revision: head(sample) + 1 }]);
  },
  "two entries that changed places"(sample, random) {
    const entries = written(sample), at = 1 + Math.floor(random() * (entries.length - 1)), [a, b] = [entries[at - 1], entries[at]];
    // What writes no common key may come in either order.
    if (!a || !b || !keysOf(a).some((key) => keysOf(b).includes(key))) return undefined;
    const [first, second] = [{ ...b, revision: a.revision }, { ...a, revision: b.revision }];
    return withLog(sample, sample.committed.map((entry) => entry === a ? first : entry === b ? second : entry));
  },
  "an entry that nobody asked for"(sample) {
    const transaction = { compares: [], then: [{ do: "put" as const, key: "/1/0", value: bytes("nobody") }] };
    return withLog(sample, [...sample.committed, { revision: head(sample) + 1, transaction }]);
  },
  "an entry with another value"(sample, random) {
    const entry = chosen(written(sample).filter(hasPut), random);
    if (!entry) return undefined;
    const then = entry.transaction.then.map((operation) =>
      operation.do === "put" ? { ...operation, value: bytes("corrupted") } : operation
    );
    return withLog(sample, replaced(sample.committed, entry, { ...entry, transaction: { ...entry.transaction, then } }));
  },
  "a state machine that answered wrongly"(sample, random) {
    const entry = chosen(written(sample).filter(({ result }) => result), random);
    const result: TransactionResult | undefined = entry?.result && { ...entry.result, succeeded: !entry.result.succeeded };
    return entry && result && withLog(sample, replaced(sample.committed, entry, { ...entry, result }));
  },
  "a commit before it was asked for"(sample, random) {
    const entry = chosen(written(sample), random);
    const call = entry && askedFor(sample, entry);
    return call && withLog(sample, replaced(sample.committed, entry, { ...entry, at: call.invoked - 0.5 }));
  },
};
