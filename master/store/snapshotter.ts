// When to take a snapshot, and what follows from one: the log may forget what two snapshots cover.
import {
  catchUpBytes,
  snapshotEntries,
  snapshotIntervalMs,
  snapshotLeastEntries,
  snapshotLogBytes,
  snapshotRetryMs,
} from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { StateMachine } from "./machine.ts";
import { entrySize, type LogEntry, type SnapshotMeta } from "./raft/message.ts";
import type { Snapshots } from "./snapshot.ts";
import type { Wal } from "./wal.ts";

export interface Since {
  readonly entries: number;
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** `entries` applied since the last snapshot, their bytes, and the time. */
export const snapshotDue = (since: Since, afterEntries = snapshotEntries): boolean =>
  since.entries >= afterEntries || since.bytes >= snapshotLogBytes ||
  (since.elapsedMs >= snapshotIntervalMs && since.entries >= snapshotLeastEntries);

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

export class Snapshotter {
  readonly #needs: { clock: Clock; log: Log; machine: StateMachine };
  readonly #snapshots: Snapshots;
  readonly #wal: Wal;
  readonly #afterEntries: number | undefined;
  readonly #catchUpEntries: number;
  readonly #stop = new AbortController();
  #lastIndex: number;
  #lastAt: number;
  #bytes = 0;
  #notBefore = 0;
  #running: Promise<void> | undefined;

  constructor(
    needs: { clock: Clock; log: Log; machine: StateMachine },
    parts: { snapshots: Snapshots; wal: Wal },
    start: { index: number; afterEntries: number | undefined; catchUpEntries: number },
  ) {
    this.#needs = needs;
    this.#snapshots = parts.snapshots;
    this.#wal = parts.wal;
    this.#lastIndex = start.index;
    this.#afterEntries = start.afterEntries;
    this.#catchUpEntries = start.catchUpEntries;
    this.#lastAt = needs.clock.monotonic();
  }

  /** Index of the newest snapshot; 0 = none. */
  get index(): number {
    return this.#lastIndex;
  }

  applied(entry: LogEntry): void {
    this.#bytes += entrySize(entry);
  }

  isDue(appliedIndex: number): boolean {
    if (this.#running || this.#stop.signal.aborted) return false;
    const now = this.#needs.clock.monotonic();
    if (now < this.#notBefore) return false;
    return snapshotDue({ entries: appliedIndex - this.#lastIndex, bytes: this.#bytes, elapsedMs: now - this.#lastAt }, this.#afterEntries);
  }

  /**
   * Takes a snapshot of the state as it is at this moment, which is after the entry `at.index`. `taken` hears of it once it is durable and the log says so.
   * Rejects on any error of the disk but a full one: that one leaves everything as it was.
   */
  async run(at: SnapshotMeta & { time: number }, taken: () => void): Promise<void> {
    this.#running = this.#take(at, taken);
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  async #take(at: SnapshotMeta & { time: number }, taken: () => void): Promise<void> {
    const { clock, log, machine } = this.#needs, started = clock.monotonic(), bytesBefore = this.#bytes;
    const { clusterId, clusterEpoch } = this.#wal.identity, view = machine.snapshot();
    const header = { clusterId, clusterEpoch, ...at, revision: view.revision, compactRevision: view.compactRevision, clusterVersion: 1 };
    let written;
    try {
      written = await this.#snapshots.write(header, view.bytes, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      this.#notBefore = clock.monotonic() + snapshotRetryMs;
      return log.error("No snapshot could be written: the disk is full", { index: at.index, error });
    }
    await this.#wal.append({ marker: { index: at.index, term: at.term, sha256: written.sha256 } });
    this.#lastIndex = at.index;
    this.#lastAt = clock.monotonic();
    this.#bytes -= bytesBefore;
    taken();
    const oldest = await this.#snapshots.prune();
    // As far back as the older snapshot, so that it still leads to the present.
    if (oldest > 0) await this.#wal.dropBefore(Math.min(oldest, at.index - this.#catchUpEntries) + 1);
    log.info("Snapshot taken", { index: at.index, revision: view.revision, elapsedMs: Math.round(clock.monotonic() - started) });
  }

  /** The leader's snapshot at `index` has replaced the state. */
  installed(index: number): void {
    this.#lastIndex = index;
    this.#lastAt = this.#needs.clock.monotonic();
    this.#bytes = 0;
  }

  /** Abandons a snapshot under way. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("the store is closing"));
    await this.#running?.catch(() => {});
  }
}
