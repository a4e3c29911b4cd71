// Histories that are right by construction: clients, members that lag, watchers, lost answers and writes that take effect long after their client has given up,
// all around one list of everything that ever happened (kit/naive_store.ts). Nothing here is shared with the checkers but the types.
import type { Compare, KeyValue, Operation, StoreEvent, Transaction } from "../../master/store/store.ts";
import { type Random, seeded } from "../../shared/util/clock.ts";
import { NaiveStore } from "../kit/naive_store.ts";
import type { Call, Committed, Compaction, Delivery, History, Initial, Outcome, Watch, WatchStream } from "./history.ts";

export interface Sample {
  readonly history: History;
  readonly committed: readonly Committed[];
  readonly compactions: readonly Compaction[];
  readonly initial: Initial;
  readonly caughtUp: number;
}
export interface Shape {
  readonly clients: number;
  readonly calls: number;
  readonly keys: number;
  readonly watchers: number;
  /** Only what registers.ts can read. */
  readonly registers: boolean;
  /** Nothing is compacted, and one watcher of everything is never cut: then nobody needs the log. */
  readonly isOpenBook: boolean;
  /** Share of writes with an unknown outcome. */
  readonly unknown: number;
}
export const usual: Shape = { clients: 5, calls: 80, keys: 8, watchers: 3, registers: false, isOpenBook: false, unknown: 0.1 };

export const generate = (seed: number, shape: Partial<Shape> = {}): Sample => new Generator(seeded(seed), { ...usual, ...shape }).run();

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

class Generator {
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #store = new NaiveStore();
  readonly #calls: Call[] = [];
  readonly #committed: Committed[] = [];
  readonly #compactions: Compaction[] = [];
  readonly #watchers: Watcher[] = [];
  /** What will happen, the latest first. */
  readonly #agenda: { readonly at: number; readonly task: () => void }[] = [];
  readonly #seen: KeyValue[] = [];
  /** Half the logs say who asked, the others leave it to be found. */
  readonly #logNames: boolean;
  #time = 0;
  #moment = 0;
  #logTime = 1_000;
  #asked = 0;
  #values = 0;

  constructor(random: Random, shape: Shape) {
    this.#random = random;
    this.#shape = shape;
    this.#logNames = random() < 0.5;
  }

  run(): Sample {
    if (!this.#shape.registers && !this.#shape.isOpenBook && this.#random() < 0.3) {
      for (let i = 0; i < 10; i++) this.#store.txn(this.#transaction());
    }
    const initial: Initial = { revision: this.#store.revision, items: this.#store.now() }, before = this.#store.events.length;
    for (let client = 1; client <= this.#shape.clients; client++) this.#later(() => this.#call(client));
    for (let i = 0; i < this.#shape.watchers; i++) {
      const prefix = this.#shape.isOpenBook && i === 0 ? "" : this.#pick(["", "/", "/0/", "/1/", "/1/1"]);
      const watcher = new Watcher(100 + i, prefix, initial.revision + this.#pick([1, 1, this.#shape.isOpenBook ? 1 : 4]));
      this.#watchers.push(watcher);
      this.#later(() => this.#watch(watcher, this.#shape.isOpenBook && i === 0));
    }
    for (let next = this.#agenda.pop(); next; next = this.#agenda.pop()) {
      this.#time = next.at;
      next.task();
    }
    const { revision, compactRevision, events } = this.#store;
    for (const watcher of this.#watchers) {
      if (watcher.isOpen && watcher.at <= compactRevision) watcher.compacted(this.#now(), compactRevision, revision + 1);
      watcher.deliver(events.slice(before), revision, this.#now);
    }
    const history = { calls: this.#calls.sort((a, b) => a.id - b.id), watches: this.#watchers.map((watcher) => watcher.recorded()) };
    return { history, committed: this.#committed, compactions: this.#compactions, initial, caughtUp: revision };
  }

  readonly #now = (): number => ++this.#moment;
  #under(end: number): number {
    return Math.floor(this.#random() * end);
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#under(list.length)]!;
  }
  /** Most things are quick, some are not. */
  #later(task: () => void, slowness = 1): void {
    const at = this.#time + this.#random() * slowness * (this.#random() < 0.1 ? 10 : 1);
    let place = this.#agenda.length;
    while (place > 0 && this.#agenda[place - 1]!.at < at) place--;
    this.#agenda.splice(place, 0, { at, task });
  }

  #call(client: number): void {
    if (this.#asked >= this.#shape.calls) return;
    const id = ++this.#asked, invoked = this.#now(), choice = this.#random();
    const end = (call: object, outcome: Outcome<never>): void => {
      this.#later(() => {
        this.#calls.push({ id, client, invoked, completed: this.#now(), ...call, outcome } as unknown as Call);
        if (outcome.is === "done") this.#remember(outcome.result);
        this.#later(() => this.#call(client), 0.3);
      });
    };
    if (choice < 0.5) return this.#write(id, end);
    this.#later(() => {
      const refused = this.#random();
      const call = choice < 0.75 || this.#shape.registers ? this.#get() : this.#list();
      if (refused < 0.02) end(call.call, { is: "refused", reason: "NoQuorum", revision: 0 });
      else if (refused < 0.03) end(call.call, { is: "unknown" });
      else end(call.call, call.outcome);
    });
  }

  #write(id: number, end: (call: object, outcome: Outcome<never>) => void): void {
    const transaction = this.#transaction(), call = { kind: "txn", transaction }, fate = this.#random();
    if (fate < 0.04) return end(call, { is: "refused", reason: "NotLeader", revision: 0 });
    const apply = (answer: (outcome: Outcome<never>) => void): void => {
      const { succeeded, revision, results } = this.#store.txn(transaction);
      const result = { succeeded, revision, results, time: this.#logTime += 1 + this.#under(5) };
      const by = this.#logNames ? { by: id } : {};
      this.#committed.push({ revision, transaction, result, at: this.#now(), ...by });
      answer({ is: "done", result: result as never });
      this.#compact();
    };
    if (fate >= 0.04 + this.#shape.unknown) return this.#later(() => apply((outcome) => end(call, outcome)));
    end(call, { is: "unknown" });
    if (this.#random() < 0.7) this.#later(() => apply(() => {}), this.#random() < 0.5 ? 1 : 20);
  }

  #get(): { call: object; outcome: Outcome<never> } {
    const key = this.#key(), serializable = !this.#shape.registers && this.#random() < 0.3;
    const revision = serializable ? this.#lagging() : this.#store.revision;
    const item = this.#state(revision).find((item) => item.key === key);
    return { call: { kind: "get", key, serializable }, outcome: { is: "done", result: { item, revision } as never } };
  }

  #list(): { call: object; outcome: Outcome<never> } {
    const prefix = this.#pick(["", "/0/", "/1/", "/1/1"]), { compactRevision } = this.#store;
    const serializable = this.#random() < 0.3, applied = serializable ? this.#lagging() : this.#store.revision;
    const wanted = this.#random() < 0.3 ? Math.max(this.#base, this.#store.revision - 12 + this.#under(15)) : undefined;
    const limit = this.#random() < 0.5 ? 1 + this.#under(4) : undefined, after = this.#random() < 0.3 ? this.#key() : undefined;
    const options = {
      ...(serializable && { serializable }),
      ...(wanted !== undefined && { revision: wanted }),
      ...(limit !== undefined && { limit }),
      ...(after !== undefined && { after }),
    };
    const call = { kind: "list", prefix, options }, revision = wanted ?? applied;
    if (revision > applied) return { call, outcome: { is: "refused", reason: "Future", revision: applied } };
    if (revision < compactRevision) return { call, outcome: { is: "refused", reason: "Compacted", revision: compactRevision } };
    const all = this.#state(revision).filter((item) => item.key.startsWith(prefix) && (after === undefined || item.key > after));
    const items = all.slice(0, limit ?? all.length);
    return { call, outcome: { is: "done", result: { items, revision, remaining: all.length - items.length } as never } };
  }

  get #base(): number {
    return this.#committed[0]?.revision ?? this.#store.revision;
  }
  /** Revision of a member that may be behind. */
  #lagging(): number {
    return Math.max(this.#base, this.#store.compactRevision, this.#store.revision - this.#under(5));
  }
  #state(revision: number): KeyValue[] {
    if (revision < this.#store.revision) return this.#store.at(revision);
    return this.#store.now().sort((a, b) => a.key < b.key ? -1 : 1);
  }
  #remember(result: { item?: KeyValue; items?: KeyValue[]; results?: KeyValue[] }): void {
    for (const item of [result.item, ...result.items ?? [], ...result.results ?? []]) if (item) this.#seen.push(item);
    this.#seen.splice(0, this.#seen.length - 10);
  }
  #key(): string {
    const number = this.#under(this.#shape.keys);
    return `/${number % 2}/${number >> 1}`;
  }
  #put(key: string): Operation {
    const value = bytes(`v${++this.#values}`);
    return this.#random() < 0.1 && !this.#shape.registers ? { do: "put", key, value, lease: 7 } : { do: "put", key, value };
  }

  #transaction(): Transaction {
    const choice = this.#random(), seen = this.#pick(this.#seen);
    if (choice < 0.3 || !seen) return { compares: [], then: [this.#put(this.#key())] };
    if (choice < 0.45) return { compares: [], then: [{ do: "delete", key: this.#key() }] };
    const { key, value } = seen;
    if (choice < 0.65) return { compares: [{ key, target: "value", is: value }], then: [this.#put(key)], else: [{ do: "get", key }] };
    if (this.#shape.registers) return { compares: [{ key, target: "modRevision", is: 0 }], then: [this.#put(key)] };
    const compare: Compare = { key, target: this.#pick(["modRevision", "createRevision", "version"] as const), is: seen.modRevision };
    if (choice < 0.85) return { compares: [{ ...compare, is: seen[compare.target] }], then: [this.#put(key)], else: [{ do: "get", key }] };
    const many = (): Operation[] =>
      [...new Set([this.#key(), this.#key(), this.#key()])].map((key) => {
        const kind = this.#pick(["put", "put", "delete", "get"] as const);
        return kind === "put" ? this.#put(key) : { do: kind, key };
      });
    return { compares: this.#random() < 0.5 ? [] : [{ ...compare, is: seen[compare.target] }], then: many(), else: many() };
  }

  #compact(): void {
    const revision = this.#store.revision - this.#under(15);
    if (this.#shape.isOpenBook || this.#random() >= 0.04 || revision <= Math.max(this.#base, this.#store.compactRevision)) return;
    this.#store.compactRevision = revision;
    this.#compactions.push({ revision, at: this.#now() });
  }

  #watch(watcher: Watcher, isSteady: boolean): void {
    const { compactRevision, revision } = this.#store, choice = this.#random();
    if (!watcher.isOpen) watcher.open(this.#now(), compactRevision);
    else if (watcher.at <= compactRevision) watcher.compacted(this.#now(), compactRevision, revision + 1);
    else if (choice < 0.12 && !isSteady) watcher.cut();
    else watcher.deliver(this.#store.events, revision - this.#under(4), this.#now, choice < 0.6);
    if (this.#asked < this.#shape.calls) this.#later(() => this.#watch(watcher, isSteady), 4);
  }
}

class Watcher {
  isOpen = false;
  /** What this member has looked at is before this. */
  at: number;
  #told: number;
  readonly #client: number;
  readonly #prefix: string;
  readonly #streams: (Omit<WatchStream, "deliveries"> & { deliveries: Delivery[] })[] = [];

  constructor(client: number, prefix: string, from: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.at = from;
    this.#told = from - 1;
  }
  open(opened: number, compactedAtOpen: number): void {
    this.isOpen = true;
    this.at = this.#told + 1;
    this.#streams.push({ from: this.at, opened, compactedAtOpen, deliveries: [], end: { is: "open" } });
  }
  cut(end: WatchStream["end"] = { is: "cut" }): void {
    this.isOpen = false;
    this.#streams.push({ ...this.#streams.pop()!, end });
  }
  compacted(at: number, revision: number, next: number): void {
    this.cut({ is: "compacted", at, revision });
    this.#told = next - 1;
  }
  deliver(events: readonly (StoreEvent & { revision: number })[], until: number, now: () => number, mark = false): void {
    if (!this.isOpen) return;
    const { deliveries } = this.#streams.at(-1)!, batches = new Map<number, StoreEvent[]>();
    for (const { revision, ...event } of events.slice(events.findLastIndex((event) => event.revision < this.at) + 1)) {
      if (revision > until || !event.key.startsWith(this.#prefix)) continue;
      batches.set(revision, [...batches.get(revision) ?? [], event]);
    }
    for (const [revision, events] of batches) deliveries.push({ at: now(), batch: { revision, events } });
    this.#told = Math.max(this.#told, ...batches.keys());
    this.at = Math.max(this.at, until + 1);
    if (!mark || until < this.at - 1) return;
    deliveries.push({ at: now(), batch: { revision: until, events: [] } });
    this.#told = until;
  }
  recorded(): Watch {
    return { client: this.#client, prefix: this.#prefix, streams: this.#streams };
  }
}
