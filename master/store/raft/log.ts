// The log in memory: everything from shortly before the newest snapshot on. It knows how far it is durable, committed, and applied.
//
//   first          applied    durable   commit      taken      last
//     |───────────────|──────────|────────|───────────|──────────|
//
// Commit may be ahead of what is durable here (others hold it already), but an entry is applied only when both are past it. A truncation starts a new
// generation: the completion of an append that was handed out before it says nothing about the entries that replaced the old ones.
import { assert } from "../../../shared/util/assert.ts";
import type { LogEntry } from "./message.ts";
import { entrySize } from "./message.ts";

export interface LogStart {
  /** Index and term of the entry just before `entries`: the snapshot, or where the log was cut. 0, 0 for a new log. */
  readonly base: { readonly index: number; readonly term: number };
  readonly entries: readonly LogEntry[];
  readonly commit: number;
  readonly applied: number;
}

export class RaftLog {
  #base: { index: number; term: number };
  #entries: LogEntry[];
  #commit: number;
  #applied: number;
  #applying: number;
  #durable: number;
  #taken: number;
  #truncateAfter: number | undefined;
  #generation = 0;
  /** The lowest truncation since entries were last handed out. */
  #cutSince = Infinity;
  #lastTime = 0;

  constructor(start: LogStart) {
    this.#base = { ...start.base };
    this.#entries = [...start.entries];
    this.#commit = start.commit;
    this.#applied = this.#applying = start.applied;
    this.#durable = this.#taken = this.lastIndex;
    assert(
      start.commit <= this.lastIndex && start.applied <= start.commit,
      `log starts with applied ${start.applied}, commit ${start.commit}, last ${this.lastIndex}`,
    );
    for (const entry of start.entries) this.#lastTime = Math.max(this.#lastTime, entry.time);
  }

  get firstIndex(): number {
    return this.#base.index + 1;
  }
  get lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }
  get lastTerm(): number {
    return this.#entries.length > 0 ? this.#entries[this.#entries.length - 1]!.term : this.#base.term;
  }
  get commit(): number {
    return this.#commit;
  }
  get applied(): number {
    return this.#applied;
  }
  get durable(): number {
    return this.#durable;
  }
  get generation(): number {
    return this.#generation;
  }
  /** Time of the newest entry, ms since 1970. */
  get lastTime(): number {
    return this.#lastTime;
  }

  /** Undefined where this log has nothing any more, or not yet. */
  term(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term;
  }
  entry(index: number): LogEntry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }
  /** Holds the bytes of an entry in another place; messages on their way keep theirs. */
  movePayload(index: number, payload: Uint8Array): void {
    const at = index - this.#base.index - 1, entry = this.#entries[at];
    assert(entry?.payload.length === payload.length, `entry ${index} cannot be held in ${payload.length} bytes`);
    this.#entries[at] = { ...entry, payload };
  }
  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }
  /** Raft §5.4.1: a higher last term wins, then the longer log. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Entries from `from` on, at least one if there is one, together at most `maxBytes`. */
  slice(from: number, maxBytes: number): LogEntry[] {
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (let at = from - this.#base.index - 1; at < this.#entries.length; at++) {
      const entry = this.#entries[at]!;
      bytes += entrySize(entry);
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    return entries;
  }

  append(entry: LogEntry): void {
    assert(entry.index === this.lastIndex + 1, `entry ${entry.index} appended behind ${this.lastIndex}`);
    assert(entry.term >= this.lastTerm, `entry of term ${entry.term} appended behind term ${this.lastTerm}`);
    this.#entries.push(entry);
    if (entry.time > this.#lastTime) this.#lastTime = entry.time;
  }

  /** Appends what a leader sent and this log lacks; an entry that contradicts the leader's goes, with all behind it (Raft §5.3). What is only a repetition or a prefix removes nothing. */
  merge(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const term = this.term(entry.index);
      if (term === entry.term || entry.index <= this.#base.index) continue;
      if (term !== undefined) this.#truncate(entry.index - 1);
      this.append(entry);
    }
  }

  #truncate(after: number): void {
    assert(after >= this.#commit, `truncation after ${after} would remove committed entries up to ${this.#commit}`);
    this.#entries.length = after - this.#base.index;
    this.#generation++;
    this.#durable = Math.min(this.#durable, after);
    this.#cutSince = Math.min(this.#cutSince, after);
    if (this.#taken > after) {
      this.#taken = after;
      this.#truncateAfter = Math.min(this.#truncateAfter ?? after, after);
    }
  }

  commitTo(index: number): boolean {
    if (index <= this.#commit) return false;
    assert(index <= this.lastIndex, `commit ${index} is beyond the last entry ${this.lastIndex}`);
    this.#commit = index;
    return true;
  }

  /** What has to be written next, in log order; undefined when all has been handed out. */
  takeUnwritten(maxBytes: number): { entries: LogEntry[]; truncate: { index: number; term: number } | undefined } | undefined {
    if (!this.hasUnwritten) return undefined;
    const entries = this.slice(this.#taken + 1, maxBytes), after = this.#truncateAfter;
    const truncate = after === undefined ? undefined : { index: after, term: this.term(after)! };
    this.#taken += entries.length;
    this.#truncateAfter = undefined;
    this.#cutSince = Infinity;
    return { entries, truncate };
  }
  get hasUnwritten(): boolean {
    return this.#taken < this.lastIndex || this.#truncateAfter !== undefined;
  }
  get takenIndex(): number {
    return this.#taken;
  }
  /** Everything up to `index` of that generation is on disk; of an older one, what was not cut away meanwhile. */
  written(index: number, generation: number): void {
    const held = generation === this.#generation ? index : Math.min(index, this.#cutSince);
    if (held > this.#durable) this.#durable = held;
  }

  /** Entries that may be applied and were not handed out yet. */
  takeCommitted(maxEntries: number): LogEntry[] {
    const until = Math.min(this.#commit, this.#durable, this.#applying + maxEntries);
    if (until <= this.#applying) return [];
    const from = this.#applying - this.#base.index;
    this.#applying = until;
    return this.#entries.slice(from, until - this.#base.index);
  }
  appliedTo(index: number): void {
    assert(index >= this.#applied && index <= this.#applying, `applied ${index}, but ${this.#applied}…${this.#applying} were handed out`);
    this.#applied = index;
  }

  /** Forgets entries up to `index`, which a durable snapshot covers. */
  compact(index: number): void {
    assert(index <= this.#applied, `compaction up to ${index} is beyond the applied ${this.#applied}`);
    if (index <= this.#base.index) return;
    const term = this.term(index)!;
    this.#entries.splice(0, index - this.#base.index);
    this.#base = { index, term };
  }

  /**
   * Continues behind a snapshot from the leader: the state is that of `index`, whatever had been applied or committed before. The entries behind it stay only if
   * this log has the very entry at which it was taken.
   */
  restore(index: number, term: number): void {
    assert(index > this.#applied, `the state at ${index} replaces that at ${this.#applied}`);
    if (this.matches(index, term)) {
      this.#commit = Math.max(this.#commit, index); // more may have come while the state was being replaced
      this.#durable = Math.max(this.#durable, index);
      this.#taken = Math.max(this.#taken, index);
      if (this.#truncateAfter !== undefined && this.#truncateAfter < index) this.#truncateAfter = undefined;
      this.#applied = this.#applying = index;
      return this.compact(index);
    }
    assert(index > this.#commit, `the snapshot at ${index} contradicts what was committed up to ${this.#commit}`);
    this.#entries = [];
    this.#base = { index, term };
    this.#commit =
      this.#applied =
      this.#applying =
      this.#durable =
      this.#taken =
        index;
    this.#truncateAfter = undefined;
    this.#generation++;
  }

  /** The highest index ≤ `index` whose term is ≤ `term`: where two logs may agree at best. */
  agreement(index: number, term: number): { index: number; term: number } {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#base.index && this.term(at)! > term) at--;
    return { index: at, term: this.term(at) ?? 0 };
  }
}
