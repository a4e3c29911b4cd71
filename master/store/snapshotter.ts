// When to take a snapshot, and what follows from one: the log may forget what two snapshots cover.
import {
  catchUpBytes,
  diskFullBackoff,
  snapshotIntervalMs,
  snapshotLeastEntries,
  snapshotLogBytes,
  snapshotRetryMs,
} from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { StateMachine } from "./machine.ts";
import { entrySize, type LogEntry, type SnapshotMeta } from "./raft/message.ts";
import type { Raft } from "./raft/raft.ts";
import type { Snapshots } from "./snapshot.ts";
import { installSnapshot } from "./snapshot_install.ts";
import { NoRoom } from "./storage_error.ts";
import type { Wal } from "./wal.ts";

export interface Since {
  readonly entries: number;
  readonly bytes: number;
  readonly elapsedMs: number;
}

/**
 * `entries` applied since the last snapshot, their bytes, and the time. What a snapshot costs grows with the state: where it is larger than what the log may hold
 * anyway, the log may grow as large, so that snapshots never write more than the log has. @param snapshotBytes of the last one; 0 while that is not known
 */
export function snapshotDue(since: Since, afterEntries: number, snapshotBytes = 0): boolean {
  const patience = Math.max(1, snapshotBytes / snapshotLogBytes);
  return since.entries >= patience * afterEntries || since.bytes >= patience * snapshotLogBytes ||
    (since.elapsedMs >= patience * snapshotIntervalMs && since.entries >= snapshotLeastEntries);
}

/** Up to where the log in memory may go: entries behind `index` stay, some thousand before it for members that lag, bounded in bytes. */
export function compactionIndex(
  log: { firstIndex: number; entryAt(index: number): LogEntry | undefined },
  index: number,
  keep: number,
): number {
  let at = index, bytes = 0;
  while (at >= log.firstIndex && index - at < keep) {
    const entry = log.entryAt(at);
    if (!entry) break;
    bytes += entrySize(entry);
    if (bytes > catchUpBytes) break;
    at--;
  }
  return at;
}

interface Parts {
  readonly raft: Raft;
  readonly snapshots: Snapshots;
  readonly wal: Wal;
}

export class Snapshotter {
  readonly #needs: { clock: Clock; log: Log; machine: StateMachine };
  readonly #parts: Parts;
  readonly #config: { afterEntries: number; catchUpEntries: number };
  readonly #stop = new AbortController();
  #index = 0;
  #lastAt: number;
  #bytes = 0;
  /** Bytes of the newest snapshot; 0 of one that this process has not taken. */
  #size = 0;
  /** After one that found the disk full: when the next may be taken, and fetched. */
  #notBefore = 0;
  #noFetchBefore = 0;
  /** Since when the log has given up its reserve for the next try. */
  #borrowedAt: number | undefined;
  /** One snapshot at a time is taken or installed. */
  #busy: Promise<unknown> | undefined;

  constructor(
    needs: { clock: Clock; log: Log; machine: StateMachine },
    parts: Parts,
    config: { afterEntries: number; catchUpEntries: number },
  ) {
    this.#needs = needs;
    this.#parts = parts;
    this.#config = config;
    this.#lastAt = needs.clock.monotonic();
  }

  /** Index of the newest snapshot; 0 = none. */
  get index(): number {
    return this.#index;
  }
  bytes(index: number, term: number): AsyncIterable<Uint8Array> {
    return this.#parts.snapshots.bytes(index, term);
  }

  /** The state machine was restored from `snapshot` at the start. */
  found(snapshot: SnapshotMeta): void {
    const { raft } = this.#parts;
    this.#index = snapshot.index;
    raft.snapshotTaken(snapshot, compactionIndex(raft, snapshot.index, this.#config.catchUpEntries));
  }

  applied(entry: LogEntry): void {
    this.#bytes += entrySize(entry);
  }

  isDue(appliedIndex: number): boolean {
    if (this.#busy || this.#stop.signal.aborted) return false;
    const now = this.#needs.clock.monotonic();
    if (now < this.#notBefore) return false;
    const { isShort, segments } = this.#parts.wal;
    if (isShort && segments > 1 && appliedIndex > this.#index) return true; // it may free some of them
    return snapshotDue(
      { entries: appliedIndex - this.#index, bytes: this.#bytes, elapsedMs: now - this.#lastAt },
      this.#config.afterEntries,
      this.#size,
    );
  }

  /**
   * Takes a snapshot of the state as it is at this moment, right after `last` was applied. Rejects on any error of the disk but a full one: that one leaves
   * everything as it was. @returns whether there is one now
   */
  take(last: LogEntry, time: number): Promise<boolean> {
    return this.#alone(() => this.#take({ index: last.index, term: last.term, conf: this.#parts.raft.conf }, time));
  }

  /**
   * A snapshot of everything that is applied when its turn has come: then, `now` is asked. The one that is there, if it is of that very entry. Undefined when there is
   * no room for it, or no time. Rejects like take().
   */
  fresh(now: () => { index: number; term: number; time: number }): Promise<SnapshotMeta | undefined> {
    return this.#alone(async () => {
      const { index, term, time } = now(), meta = { index, term, conf: this.#parts.raft.conf };
      return index === this.#index || await this.#take(meta, time) ? meta : undefined;
    });
  }
  size({ index, term }: SnapshotMeta): Promise<number> {
    return this.#parts.snapshots.size(index, term);
  }

  async #take(meta: SnapshotMeta, time: number): Promise<boolean> {
    const { clock, log, machine } = this.#needs, { raft, snapshots, wal } = this.#parts, { catchUpEntries } = this.#config;
    const started = clock.monotonic(), bytesBefore = this.#bytes, view = machine.snapshot(), { clusterId, clusterEpoch } = wal.identity;
    const { revision, compactRevision } = view;
    let written;
    try {
      const header = { clusterId, clusterEpoch, ...meta, time, revision, compactRevision, clusterVersion: 1 };
      written = await snapshots.write(header, view.bytes, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      if (!(error instanceof NoRoom)) throw error;
      await this.#lackedRoom(meta, error);
      return false;
    }
    await wal.append({ marker: { index: meta.index, term: meta.term, sha256: written.sha256 } });
    this.#index = meta.index;
    this.#lastAt = clock.monotonic();
    this.#bytes -= bytesBefore;
    this.#size = written.size;
    raft.snapshotTaken(meta, compactionIndex(raft, meta.index, catchUpEntries));
    const oldest = await snapshots.prune();
    // As far back as the older snapshot, so that it still leads to the present. What is kept for members that lag is in memory, too.
    if (oldest > 0 && wal.isShort) await wal.dropBefore(oldest + 1);
    else if (oldest > 0) await wal.dropBefore(Math.min(oldest, meta.index - catchUpEntries) + 1);
    // Under pressure, each entry would make the next one due.
    if (wal.isShort) this.#notBefore = clock.monotonic() + diskFullBackoff.capMs;
    this.#giveBack();
    log.info("Snapshot taken", { index: meta.index, revision, elapsedMs: Math.round(clock.monotonic() - started) });
    return true;
  }

  /** Tries again at once with the room that the log keeps in reserve, where that pays; else later. */
  async #lackedRoom({ index }: SnapshotMeta, error: NoRoom): Promise<void> {
    const { clock, log } = this.#needs, { wal } = this.#parts, isFirst = this.#borrowedAt === undefined;
    // What a new snapshot frees reaches back from the one before it.
    if (isFirst && wal.reachesBehind(this.#index) && await wal.lend()) {
      this.#borrowedAt = clock.monotonic();
      return;
    }
    if (!wal.isShort) log.error("No snapshot could be written: there is too little room on the disk", { index, error });
    this.#notBefore = clock.monotonic() + snapshotRetryMs;
    this.#giveBack();
  }
  /** Called now and then while the disk is full: what was to be tried with the log's reserve may not be wanted any more. */
  tidy(): void {
    const at = this.#borrowedAt;
    if (at !== undefined && !this.#busy && this.#needs.clock.monotonic() - at >= diskFullBackoff.capMs) this.#giveBack();
  }
  #giveBack(): void {
    if (this.#borrowedAt === undefined) return;
    this.#borrowedAt = undefined;
    this.#parts.wal.settle();
  }

  /**
   * Replaces the state by the leader's snapshot. `hold` is called when all of it has arrived; when that resolves, nothing may be applied or appended until this has
   * ended. @returns the log time of the new state, or undefined when the old one stays. Rejects only for errors of the disk
   */
  install(meta: SnapshotMeta, source: AsyncIterable<Uint8Array>, hold: () => Promise<void>): Promise<number | undefined> {
    return this.#alone(async () => {
      const { machine, log, clock } = this.#needs, { raft } = this.#parts;
      if (clock.monotonic() < this.#noFetchBefore) return void raft.installFailed(meta); // offered again and again, and not fetched each time
      const done = await installSnapshot({ machine, ...this.#parts }, {
        meta,
        source,
        signal: this.#stop.signal,
        hold: async () => {
          await hold();
          return raft.commitIndex < meta.index;
        },
        // On disk, too: what came since nothing may be written any more is only in memory.
        fitsLog: () => raft.durableIndex >= meta.index && raft.termAt(meta.index) === meta.term,
      });
      if ("failed" in done) {
        if (done.failed instanceof NoRoom) this.#noFetchBefore = clock.monotonic() + diskFullBackoff.capMs;
        log.warn("The leader's snapshot was not installed", { index: meta.index, error: done.failed });
        raft.installFailed(meta);
        return undefined;
      }
      raft.snapshotInstalled(meta);
      this.#index = meta.index;
      this.#lastAt = clock.monotonic();
      this.#bytes = this.#size = 0;
      log.info("The leader's snapshot is installed", { index: meta.index });
      return done.time;
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#busy;
    // Not one turn later when nothing is under way: a snapshot is of this very moment.
    const busy = before ? before.then(work, work) : work();
    this.#busy = busy;
    try {
      return await busy;
    } finally {
      if (this.#busy === busy) this.#busy = undefined;
    }
  }

  /** Abandons what is under way. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("the store is closing"));
    await this.#busy?.catch(() => {});
  }
}
