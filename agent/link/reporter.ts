// Reports out. What the node sees of each object is a last-value map: a newer state replaces the older, however long the link was down, so nothing piles up.
// A PUBACK means only that the broker has it, so everything is said again until the cumulative acknowledgement, which the master sends after its commit.
import { createHash } from "node:crypto";
import { reportBytes, reportFlushMs, reportRepeatMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Cumulative, Report, ReportedObject } from "../../shared/wire/messages.ts";

export interface Reportable {
  readonly uid: string;
  readonly obsGen?: number;
  readonly gone?: boolean;
  readonly state?: Record<string, unknown>;
}
interface Entry {
  readonly object: ReportedObject;
  /** Hash of what is said, without when it was seen. */
  readonly hash: string;
  /** Number of the report that last carried it; 0: none of this session yet. */
  seq: number;
}

const sha = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

export class Reporter {
  readonly #clock: Clock;
  readonly #send: (report: Report) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<string>();
  #session: number | undefined;
  #seq = 0;
  #ackedSeq = 0;
  #flush: { dueMs: number; cancel: () => void } | undefined;
  #cancelRepeat: (() => void) | undefined;

  /** `send` is called only while there is a session. */
  constructor(clock: Clock, send: (report: Report) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** @param urgent a transition that somebody waits for: it goes out at once, the rest within the flush time */
  put({ uid, obsGen = 0, gone = false, state }: Reportable, urgent: boolean): void {
    const hash = sha(JSON.stringify([obsGen, gone, state ?? null])), known = this.#entries.get(uid);
    if (known?.hash === hash) return;
    const object: ReportedObject = { uid, obsGen, gone, ...(state && { state }), at: this.#clock.now() };
    this.#entries.set(uid, { object, hash, seq: 0 });
    this.#dirty.add(uid);
    this.#flushIn(urgent ? 0 : reportFlushMs);
  }
  /** Forgets what nobody asks about any more: it has left the set, so the master knows. */
  keepOnly(wanted: (uid: string) => boolean): void {
    for (const uid of this.#entries.keys()) {
      if (wanted(uid)) continue;
      this.#entries.delete(uid);
      this.#dirty.delete(uid);
    }
  }

  /** Over everything there is to say: when the master remembers the same, nothing needs to be said. */
  get stateHash(): string {
    return sha([...this.#entries].map(([uid, { hash }]) => `${uid} ${hash}\n`).sort().join(""));
  }

  /** A session has begun. Until the master asks for all of it, only what it has not acknowledged is said. */
  connected(session: number): void {
    this.#session = session;
    this.#seq = this.#ackedSeq = 0;
    for (const [uid, entry] of this.#entries) if (entry.seq !== acknowledged) this.#dirty.add(uid);
    if (this.#dirty.size > 0) this.#flushIn(0);
  }
  disconnected(): void {
    this.#session = undefined;
    this.#flush?.cancel();
    this.#flush = undefined;
    this.#cancelRepeat?.();
    for (const entry of this.#entries.values()) if (entry.seq !== acknowledged) entry.seq = 0;
  }

  cumulative({ repSeq, rebirth }: Cumulative): void {
    if (repSeq !== undefined && repSeq > this.#ackedSeq) {
      this.#ackedSeq = Math.min(repSeq, this.#seq);
      for (const [uid, entry] of this.#entries) {
        if (entry.seq === 0 || entry.seq === acknowledged || entry.seq > this.#ackedSeq || this.#dirty.has(uid)) continue;
        if (entry.object.gone) this.#entries.delete(uid);
        else entry.seq = acknowledged;
      }
      if (this.#ackedSeq >= this.#seq) this.#cancelRepeat?.();
    }
    if (rebirth) {
      for (const [uid, entry] of this.#entries) {
        entry.seq = 0;
        this.#dirty.add(uid);
      }
      this.#flushNow("full");
    }
  }

  #flushIn(delayMs: number): void {
    if (this.#session === undefined) return;
    const dueMs = this.#clock.monotonic() + delayMs;
    if (this.#flush && this.#flush.dueMs <= dueMs) return;
    this.#flush?.cancel();
    this.#flush = { dueMs, cancel: this.#clock.after(delayMs, () => this.#flushNow("delta")) };
  }

  /** In messages of bounded size. */
  #flushNow(kind: Report["kind"]): void {
    this.#flush?.cancel();
    this.#flush = undefined;
    if (this.#session === undefined || (this.#dirty.size === 0 && kind === "delta")) return;
    const batches: ReportedObject[][] = [[]];
    let bytes = 0;
    for (const uid of this.#dirty) {
      const { object } = this.#entries.get(uid)!, size = JSON.stringify(object).length;
      if (bytes + size > reportBytes && bytes > 0) {
        batches.push([]);
        bytes = 0;
      }
      batches.at(-1)!.push(object);
      bytes += size;
    }
    for (const [i, objs] of batches.entries()) {
      const seq = ++this.#seq, last = i === batches.length - 1;
      for (const { uid } of objs) this.#entries.get(uid)!.seq = seq;
      this.#send({ sess: this.#session, seq, kind, last, objs, ...(last && { stateHash: this.stateHash }) });
    }
    this.#dirty.clear();
    this.#repeatLater();
  }

  #repeatLater(): void {
    this.#cancelRepeat?.();
    this.#cancelRepeat = this.#clock.after(reportRepeatMs, () => {
      for (const [uid, entry] of this.#entries) if (entry.seq > this.#ackedSeq && entry.seq !== acknowledged) this.#dirty.add(uid);
      this.#flushNow("delta");
    });
  }
}

/** The cluster has this state: it is not said again unless everything is. */
const acknowledged = Infinity;
