// What a watch must be, against the log of all events: ordered, whole revisions, none missing and none twice, resumable, its marks true, nothing that was not
// committed yet, and ended with Compacted only where history was given up.
import type { StoreEvent, Transaction, WatchBatch } from "../../master/store/store.ts";
import { type Compaction, empty, type Initial, itemText, type Moment, type Watch, type WatchStream } from "./history.ts";
import { isSameItem, Keyspace } from "./keyspace.ts";

/** All events of one revision, in order. */
export interface LoggedRevision {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
  /** It was not to be seen before this. */
  readonly since: Moment;
}

/** Everything that happened, revision by revision. */
export interface EventLog {
  /** Revision before the first. */
  readonly base: number;
  readonly revisions: readonly LoggedRevision[];
}

/** What the committed transactions did, in their order; those that wrote nothing are left out. */
export function eventLog(
  committed: Iterable<{ readonly transaction: Transaction; readonly at?: Moment | undefined }>,
  initial: Initial = empty,
): EventLog {
  const keyspace = new Keyspace(initial), revisions: LoggedRevision[] = [];
  for (const { transaction, at } of committed) {
    const { events } = keyspace.run(transaction);
    if (events.length > 0) revisions.push({ revision: keyspace.revision, events, since: at ?? -Infinity });
  }
  return { base: initial.revision, revisions };
}

export interface WatchKnowledge {
  /** All there were, by whomever. Absent: what a watch says of them is believed. */
  readonly compactions?: readonly Compaction[] | undefined;
  /** Revision up to which every watch that still runs has had time to deliver. */
  readonly caughtUp?: number | undefined;
}

/** @returns what is wrong, a sentence each */
export function checkWatches(watches: readonly Watch[], log: EventLog, known: WatchKnowledge = {}): string[] {
  const violations: string[] = [];
  for (const { client, prefix, streams } of watches) {
    let resume: number | undefined;
    for (const stream of streams) {
      const check = new StreamCheck(
        `The watch of client ${client} on ${JSON.stringify(prefix)} from ${stream.from}`,
        prefix,
        stream,
        log,
        known,
      );
      violations.push(...check.run(resume, stream === streams.at(-1)));
      resume = stream.end.is === "compacted" ? undefined : check.next;
    }
  }
  return violations;
}

class StreamCheck {
  /** The first revision that has not been accounted for. */
  next: number;
  readonly #name: string;
  readonly #prefix: string;
  readonly #stream: WatchStream;
  readonly #log: EventLog;
  readonly #known: WatchKnowledge;
  readonly #violations: string[] = [];

  constructor(name: string, prefix: string, stream: WatchStream, log: EventLog, known: WatchKnowledge) {
    this.#name = name;
    this.#prefix = prefix;
    this.#stream = stream;
    this.#log = log;
    this.#known = known;
    this.next = stream.from;
  }

  run(resume: number | undefined, isLast: boolean): readonly string[] {
    const { from, opened, deliveries, end, compactedAtOpen = -1 } = this.#stream, { compactions, caughtUp } = this.#known;
    if (resume !== undefined && from > resume) this.#complain(`leaves out what lies behind ${resume - 1}, where the one before it stopped`);
    if (from <= compactedAtOpen && deliveries.length > 0) {
      this.#complain(
        `delivers revision ${deliveries[0]!.batch.revision}, and everything up to ${compactedAtOpen} was compacted when it opened`,
      );
    }
    let last = opened;
    for (const { at, batch } of deliveries) {
      if (at < last) this.#complain(`has revision ${batch.revision} recorded at ${at}, behind what came at ${last}`);
      last = Math.max(last, at);
      this.#notFromFuture(batch.revision, at);
      if (batch.events.length === 0) this.#mark(batch.revision);
      else this.#batch(batch, at);
    }
    if (end.is === "compacted") {
      const { revision, at } = end;
      if (this.next > revision) this.#complain(`ended as compacted at ${revision}, and had already told everything before ${this.next}`);
      if (compactions && !compactions.some((compaction) => compaction.revision === revision && compaction.at <= at)) {
        this.#complain(`ended as compacted at ${revision}, and nobody had compacted there`);
      }
    }
    if (isLast && end.is === "open" && caughtUp !== undefined) {
      const missed = this.#missed(caughtUp);
      if (missed !== undefined) this.#complain(`still runs, and has never delivered revision ${missed}`);
    }
    return this.#violations;
  }

  #mark(revision: number): void {
    if (revision < this.next - 1) {
      return this.#complain(
        `marks progress at ${revision}, ${this.next === this.#stream.from ? "before its start" : `behind ${this.next - 1}`}`,
      );
    }
    const missed = this.#missed(revision);
    if (missed !== undefined) this.#complain(`marks progress at ${revision}, and has not delivered ${missed}`);
    this.next = revision + 1;
  }

  #batch({ revision, events }: WatchBatch, at: Moment): void {
    if (revision < this.#stream.from) return this.#complain(`delivers revision ${revision}`);
    if (revision < this.next) return this.#complain(`delivers revision ${revision}, and had told everything up to ${this.next - 1}`);
    const missed = this.#missed(revision - 1);
    if (missed !== undefined) this.#complain(`delivers revision ${revision}, and has left out ${missed}`);
    this.next = revision + 1;
    const logged = this.#at(revision)?.events.filter(({ key }) => key.startsWith(this.#prefix)) ?? [];
    if (events.length !== logged.length) {
      return this.#complain(`delivers ${events.length} events of revision ${revision}, which has ${logged.length}`);
    }
    for (const [i, event] of events.entries()) this.#event(revision, event, logged[i]!, at);
  }

  #event(revision: number, event: StoreEvent, logged: StoreEvent, at: Moment): void {
    if (event.type !== logged.type || event.key !== logged.key || !isSameItem(event.current, logged.current)) {
      const shown = `${event.type} ${event.key}: ${itemText(event.current)}`;
      return this.#complain(`delivers at revision ${revision} "${shown}" instead of "${logged.type} ${itemText(logged.current)}"`);
    }
    if (isSameItem(event.previous, logged.previous)) return;
    // What came before a compacted event may be gone.
    const gone = this.#known.compactions?.some((compaction) => compaction.revision >= revision && compaction.at <= at);
    if (event.previous || !gone) {
      this.#complain(
        `says that ${event.key} was ${itemText(event.previous)} before revision ${revision}, and it was ${itemText(logged.previous)}`,
      );
    }
  }

  #notFromFuture(revision: number, at: Moment): void {
    const logged = this.#at(revision);
    if (!logged && revision > this.#log.base) return this.#complain(`tells revision ${revision}, which nobody wrote`);
    if (logged && at < logged.since) this.#complain(`tells revision ${revision} at ${at}, and it was committed at ${logged.since}`);
  }

  /** The first revision of interest from `next` to `until`. */
  #missed(until: number): number | undefined {
    const { base, revisions } = this.#log;
    for (let revision = Math.max(this.next, base + 1); revision <= Math.min(until, base + revisions.length); revision++) {
      if (this.#at(revision)?.events.some(({ key }) => key.startsWith(this.#prefix))) return revision;
    }
    return undefined;
  }
  #at(revision: number): LoggedRevision | undefined {
    return this.#log.revisions[revision - this.#log.base - 1];
  }
  #complain(what: string): void {
    this.#violations.push(`${this.#name} ${what}`);
  }
}
