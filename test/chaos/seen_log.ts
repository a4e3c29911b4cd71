// What was committed, as far as anybody outside can know: every revision that a watch or a read has shown or a write was told, with the call that asked for it, and
// for every other revision something that somebody else wrote elsewhere. Values are unique, and a delete names the revision that it deletes, so that each event finds its call.
import { Buffer } from "node:buffer";
import type { KeyValue, Transaction } from "../../master/store/store.ts";
import { type Call, type Committed, type History, type Initial, itemText, nameOf, type TxnCall } from "../history/history.ts";
import { Keyspace } from "../history/keyspace.ts";

/** One state of a key: from this revision on. */
export interface Version {
  readonly revision: number;
  readonly item: KeyValue | undefined;
}
/** What somebody saw happen to a key. Without a value: it was deleted. */
interface Fact {
  readonly key: string;
  readonly value?: Uint8Array;
}
/** Where the writes of others are thought to have gone. */
const elsewhere = "/elsewhere";

export class SeenLog {
  readonly committed: Committed[] = [];
  readonly violations: string[] = [];
  /** The newest revision that anybody has heard of. */
  readonly head: number;
  /** The state at `head`. */
  readonly keyspace: Keyspace;
  readonly #base: number;
  readonly #versions = new Map<string, Version[]>();
  readonly #writers = new Map<number, TxnCall>();
  readonly #deletions = new Map<TxnCall, number>();
  readonly #puts = new Map<string, TxnCall>();
  readonly #deletes = new Map<string, TxnCall[]>();

  /** @param isOurs whether nobody but the clients of this history writes the key */
  constructor(history: History, initial: Initial, isOurs: (key: string) => boolean) {
    this.#base = initial.revision;
    this.keyspace = new Keyspace(initial);
    for (const item of initial.items) this.#versions.set(item.key, [{ revision: initial.revision, item }]);
    for (const call of history.calls) if (call.kind === "txn") this.#expect(call);
    const events = this.#events(history);
    this.head = headOf(history, initial.revision);
    for (let revision = initial.revision + 1; revision <= this.head && this.violations.length === 0; revision++) {
      this.#commit(revision, events.get(revision), isOurs);
    }
    this.#missDeletes(history);
  }

  /** Oldest first, without those before the history. */
  versions(key: string): readonly Version[] {
    const all = this.#versions.get(key) ?? [];
    return all[0]?.revision === this.#base ? all : [{ revision: this.#base, item: undefined }, ...all];
  }
  itemAt(key: string, revision: number): KeyValue | undefined {
    return this.versions(key).findLast((version) => version.revision <= revision)?.item;
  }
  /** The item that was written at just this revision. */
  written(key: string, revision: number): KeyValue | undefined {
    return this.versions(key).find(({ item }) => item?.modRevision === revision)?.item;
  }
  writer(revision: number): TxnCall | undefined {
    return this.#writers.get(revision);
  }
  /** At which an acknowledged delete was made, if anybody has seen it. */
  deletion(call: TxnCall): number | undefined {
    return this.#deletions.get(call);
  }

  #expect(call: TxnCall): void {
    const { then: [operation], compares: [compare] } = call.transaction;
    if (operation?.do === "put") this.#puts.set(textOf(operation), call);
    if (operation?.do !== "delete") return;
    const what = `${operation.key} ${compare?.is}`, others = this.#deletes.get(what);
    if (others) others.push(call);
    else this.#deletes.set(what, [call]);
  }

  /** What happened at each revision, by whoever has seen or done it. */
  #events({ calls, watches }: History): Map<number, Fact> {
    const facts = new Map<number, Fact>();
    const note = (revision: number, fact: Fact, who: string): void => {
      const known = facts.get(revision);
      if (!known) facts.set(revision, fact);
      else if (textOf(fact) !== textOf(known)) {
        this.violations.push(`${who} has at revision ${revision} ${textOf(fact)}, and others have ${textOf(known)}`);
      }
    };
    for (const { client, streams } of watches) {
      for (const { batch: { revision, events } } of streams.flatMap(({ deliveries }) => deliveries)) {
        for (const { type, key, current } of events) {
          note(revision, type === "put" ? { key, value: current.value } : { key }, `A watch of client ${client}`);
        }
      }
    }
    for (const call of calls) {
      if (call.outcome.is !== "done") continue;
      for (const { key, value, modRevision } of itemsOf(call)) {
        if (modRevision > this.#base) note(modRevision, { key, value }, nameOf(call));
      }
    }
    return facts;
  }

  #commit(revision: number, fact: Fact | undefined, isOurs: (key: string) => boolean): void {
    const call = fact && this.#callOf(fact, revision), transaction = call?.transaction ?? plain(fact ?? { key: elsewhere, value: noBytes });
    const others = fact === undefined || !isOurs(fact.key);
    this.committed.push({ revision, transaction, ...(call ? { by: call.id } : others && { by: "other" as const }) });
    const ran = this.keyspace.run(transaction);
    if (call) this.#writers.set(revision, call);
    if (call?.outcome.is === "done" && !isDone(call)) {
      this.violations.push(`${nameOf(call)} was refused, and revision ${revision} shows it`);
    }
    if (ran.events.length === 0) {
      const found = itemText(this.keyspace.get(fact!.key));
      this.violations.push(
        `Revision ${revision} shows ${call ? nameOf(call) : textOf(fact!)} carried out, whose condition did not hold: there was ${found}`,
      );
    }
    for (const { type, key, current } of ran.events) {
      const version = { revision, item: type === "put" ? current : undefined }, versions = this.#versions.get(key);
      if (key === elsewhere) continue;
      if (versions) versions.push(version);
      else this.#versions.set(key, [version]);
    }
  }

  #callOf({ key, value }: Fact, revision: number): TxnCall | undefined {
    if (value) return this.#puts.get(textOf({ key, value }));
    const calls = this.#deletes.get(`${key} ${this.keyspace.get(key)?.modRevision}`) ?? [];
    // Two that were told they had deleted the same thing: the other one is not in the log.
    for (const call of calls) if (isDone(call)) this.#deletions.set(call, revision);
    return calls.find(isDone) ?? calls.find(({ outcome }) => outcome.is === "unknown") ?? calls[0];
  }

  #missDeletes({ calls }: History): void {
    if (this.violations.length > 0) return;
    for (const call of calls) {
      if (call.kind !== "txn" || call.transaction.then[0]?.do !== "delete" || !isDone(call) || this.#deletions.has(call)) continue;
      this.violations.push(`${nameOf(call)} was acknowledged, and no watch up to revision ${this.head} has shown it`);
    }
  }
}

export const isDone = ({ outcome }: TxnCall): boolean => outcome.is === "done" && outcome.result.succeeded;
const noBytes = new Uint8Array(0);
/** The same for equal facts; values are told apart by how they begin. */
const textOf = ({ key, value }: Fact): string =>
  value ? `put ${key} = ${Buffer.from(value).toString("latin1").trimEnd().slice(0, 40)}` : `delete ${key}`;
const plain = ({ key, value }: Fact): Transaction => ({ compares: [], then: [value ? { do: "put", key, value } : { do: "delete", key }] });

/** That were there, or that it made. */
function itemsOf(call: Call): readonly Pick<KeyValue, "key" | "value" | "modRevision">[] {
  if (call.outcome.is !== "done") return [];
  if (call.kind === "list") return call.outcome.result.items;
  if (call.kind === "get") return call.outcome.result.item ? [call.outcome.result.item] : [];
  const { then: [operation] } = call.transaction, { revision } = call.outcome.result;
  return isDone(call) && operation?.do === "put" ? [{ key: operation.key, value: operation.value, modRevision: revision }] : [];
}

function headOf({ calls, watches }: History, base: number): number {
  let head = base;
  for (const { outcome } of calls) if (outcome.is === "done") head = Math.max(head, outcome.result.revision);
  for (const { streams } of watches) {
    for (const { deliveries } of streams) for (const { batch } of deliveries) head = Math.max(head, batch.revision);
  }
  return head;
}
