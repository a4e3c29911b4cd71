// Puts into a history what HTTP has left out, so that the checkers can judge it: createRevision and version of items, what a write replaced, the revision of a
// delete; and of a read of one object, the revision that it showed.
//
// Such a read tells when its object was written, not how new the answer was. It is right if there was a moment between its invocation and its end at which this
// was what the key held: it gets the first revision that is not older than anything shown before it was invoked (linearizability, read by read, in order of
// time: a later choice would only make it harder for those behind it). Where there is none it gets the last before, and the checkers call it stale. What a
// refused write says of the key (it is there, it is not, it is at another revision) is such a read, too.
import type { KeyValue, StoreEvent, TransactionResult } from "../../master/store/store.ts";
import { type Call, type Committed, type GetCall, type History, type Initial, type Moment, nameOf } from "../history/history.ts";
import { type HttpResult, untold } from "./http_store.ts";
import { isDone, SeenLog, type Version } from "./seen_log.ts";

export interface Completed {
  readonly history: History;
  readonly committed: readonly Committed[];
  /** What needs no checker to be wrong. */
  readonly violations: readonly string[];
  readonly log: SeenLog;
}

export function complete(recorded: History, initial: Initial, isOurs: (key: string) => boolean): Completed {
  const log = new SeenLog(recorded, initial, isOurs), violations = [...log.violations];
  const watches = recorded.watches.map((watch) => ({
    ...watch,
    streams: watch.streams.map((stream) => ({
      ...stream,
      deliveries: stream.deliveries.map(({ at, batch }) => ({
        at,
        batch: { ...batch, events: batch.events.map((event) => whole(event, log)) },
      })),
    })),
  }));
  const told: Call[] = [], sightings: Sighting[] = [];
  for (const call of recorded.calls) {
    if (showsThePast(call, initial.revision)) continue;
    const sighting = sightingOf(call);
    if (sighting) sightings.push(sighting);
    else told.push(completed(call, log));
  }
  const reads = new Placing({ calls: told, watches }, log).place(sightings, violations);
  return { history: { calls: [...told, ...reads], watches }, committed: log.committed, violations, log };
}

/** What a member that lags may show where nobody asks the leader, and what an earlier history would have to judge. */
const showsThePast = (call: Call, base: number): boolean =>
  call.kind === "list" && call.options.serializable === true && call.outcome.is === "done" && call.outcome.result.revision < base;

/** As the log has it; one that the log does not have stays as it is, for the checkers to see. */
const filled = (item: KeyValue, log: SeenLog): KeyValue => {
  const { createRevision, version } = log.written(item.key, item.modRevision) ?? item;
  return { ...item, createRevision, version };
};

function whole(event: StoreEvent, log: SeenLog): StoreEvent {
  const { type, key, current } = event, before = log.itemAt(key, current.modRevision - 1);
  if (type === "put") {
    const item = filled(current, log);
    return event.previous ? { type, key, current: item, previous: before ?? untold } : { type, key, current: item };
  }
  const { createRevision = 0, version = 0 } = before ?? {};
  return { type, key, current: { ...current, createRevision, version }, previous: before ?? untold };
}

function completed(call: Call, log: SeenLog): Call {
  if (call.outcome.is !== "done") return call;
  if (call.kind === "list") {
    const { result } = call.outcome;
    return { ...call, outcome: { is: "done", result: { ...result, items: result.items.map((item) => filled(item, log)) } } };
  }
  if (call.kind === "get") return call;
  if (!call.outcome.result.succeeded) return { ...call, outcome: { is: "refused", reason: "Overloaded", revision: 0 } };
  const { result } = call.outcome, revision = result.revision || log.deletion(call), { key } = call.transaction.then[0]!;
  if (revision === undefined) return { ...call, outcome: { is: "unknown" } }; // a delete that nobody saw: the log has said so
  const filledIn: TransactionResult = { ...result, revision, results: [log.itemAt(key, revision - 1)] };
  return { ...call, outcome: { is: "done", result: filledIn } };
}

/** That somebody saw a key in some state, between two moments. */
interface Sighting {
  readonly call: Call;
  readonly key: string;
  readonly fits: (item: KeyValue | undefined) => boolean;
  /** What was shown, where that was an item. */
  readonly item?: KeyValue | undefined;
}

function sightingOf(call: Call): Sighting | undefined {
  if (call.outcome.is !== "done" || call.kind === "list") return undefined;
  if (call.kind === "get") {
    const { item } = call.outcome.result;
    return { call, key: call.key, item, fits: (there) => there?.modRevision === item?.modRevision };
  }
  const { compares: [compare], then: [operation] } = call.transaction;
  const { found } = call.outcome.result as HttpResult;
  if (isDone(call) || !compare && found !== "absent") return undefined;
  const fits = found === "absent"
    ? (there: KeyValue | undefined) => !there
    : found === "present"
    ? (there: KeyValue | undefined) => there !== undefined
    : (there: KeyValue | undefined) => there?.modRevision !== compare?.is;
  return { call, key: operation!.key, fits };
}

/** Walks through time and gives each sighting its revision. */
class Placing {
  readonly #log: SeenLog;
  /** Revisions that were shown, and when. */
  readonly #shown: { readonly at: Moment; readonly revision: number }[] = [];

  constructor({ calls, watches }: History, log: SeenLog) {
    this.#log = log;
    for (const { completed: at, outcome } of calls) if (outcome.is === "done") this.#shown.push({ at, revision: outcome.result.revision });
    for (const { deliveries } of watches.flatMap(({ streams }) => streams)) {
      for (const { at, batch: { revision } } of deliveries) this.#shown.push({ at, revision });
    }
  }

  place(sightings: readonly Sighting[], violations: string[]): GetCall[] {
    const placed = new Map<Sighting, number>(), reads: GetCall[] = [];
    let floor = 0;
    const moments: { readonly at: Moment; readonly do: () => void }[] = [
      ...this.#shown.map(({ at, revision }) => ({ at, do: () => void (floor = Math.max(floor, revision)) })),
      ...sightings.flatMap((sighting) => [
        { at: sighting.call.invoked, do: () => void placed.set(sighting, this.#choose(sighting, floor)) },
        { at: sighting.call.completed, do: () => void (floor = Math.max(floor, placed.get(sighting)!)) },
      ]),
    ];
    for (const moment of moments.sort((a, b) => a.at - b.at)) moment.do();
    for (const sighting of sightings) {
      const { call, key } = sighting, revision = placed.get(sighting)!, there = this.#log.itemAt(key, revision);
      if (call.kind === "txn" && !sighting.fits(there)) violations.push(`${nameOf(call)} was refused, and there never was a reason`);
      const item = call.kind === "txn" ? there : sighting.item && filled(sighting.item, this.#log);
      const { id, client, invoked, completed } = call;
      reads.push({
        id,
        client,
        invoked,
        completed,
        kind: "get",
        key,
        serializable: false,
        outcome: { is: "done", result: { item, revision } },
      });
    }
    return reads;
  }

  #choose({ call, key, fits }: Sighting, floor: number): number {
    const versions = this.#log.versions(key), newest = Math.max(floor, versions[0]!.revision);
    const now = versions.findLast(({ revision }) => revision <= newest)!;
    if (fits(now.item)) return newest;
    const later = versions.find(({ revision, item }) => revision > newest && fits(item));
    if (later && this.#isBefore(later, call.completed)) return later.revision;
    const earlier = versions.findLastIndex(({ revision, item }) => revision < now.revision && fits(item));
    return earlier >= 0 ? versions[earlier + 1]!.revision - 1 : later?.revision ?? newest;
  }
  /** Whether it can have been written before that moment. */
  #isBefore({ revision }: Version, moment: Moment): boolean {
    return (this.#log.writer(revision)?.invoked ?? -Infinity) < moment;
  }
}
