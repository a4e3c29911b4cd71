// Multi-version concurrency control: every key at every revision since the last compaction. Everything here is synchronous and depends only on the calls
// made, so that the same log gives the same state on every member; slices of physical removal (`tidyUp`) change no answer, whenever they run.
//
// Kept, for compaction at C: of every key the newest record with revision ≤ C unless it is a tombstone (so that reads at exactly C succeed), and all
// records behind C, which are also the event log.
import { Buffer } from "node:buffer";
import { storeSliceItems } from "../../shared/limits.ts";
import { EventLog } from "./event_log.ts";
import { KeyIndex } from "./key_index.ts";
import { keyAfter, prefixEnd } from "./ordered.ts";
import { type Meta, none, Records } from "./records.ts";
import type { KeyValue, StoreEvent } from "./store.ts";

/** Revision of an empty store, as in etcd: 0 stays free to mean "any" to clients. */
const firstRevision = 1;

/** Bytes that can be copied in the time of one step of tidying. */
const bytesPerStep = 1024;

/** A record as it leaves for a snapshot; without a value it is a tombstone. */
export interface SavedRecord extends Meta {
  readonly key: string;
  readonly modRevision: number;
  readonly value: Uint8Array | undefined;
}

export class Mvcc {
  readonly #records = new Records();
  readonly #keys = new KeyIndex(this.#records);
  readonly #log = new EventLog(this.#records);
  #revision = firstRevision;
  #compactRevision = 0;
  #liveKeys = 0;
  #liveBytes = 0;
  #liveValueBytes = 0;
  /** Events written at #revision + 1. */
  #pending = 0;
  #holds = 0;
  #moving: { readonly leaving: ReadonlySet<number>; slot: number } | undefined;

  get revision(): number {
    return this.#revision;
  }
  get compactRevision(): number {
    return this.#compactRevision;
  }
  /** Keys alive. */
  get keys(): number {
    return this.#liveKeys;
  }
  /** Bytes of living keys and their values. */
  get liveBytes(): number {
    return this.#liveBytes;
  }
  /** Bytes of values that only history needs. */
  get historyBytes(): number {
    return this.#records.slabs.liveBytes - this.#liveValueBytes;
  }
  /** Bytes of memory that values take, holes included. */
  get allocatedBytes(): number {
    return this.#records.slabs.allocatedBytes;
  }

  // Reading. Revisions are the caller's to check against compactRevision and revision.

  /** The key now, what the open transaction has written included. */
  newest(key: string): KeyValue | undefined {
    const id = this.#keys.find(key);
    return id !== none && this.#keys.isAlive(id) ? this.#item(key, this.#keys.newestOf(id)) : undefined;
  }

  /** modRevision, createRevision and version of the key now: zeros when it is not there. */
  newestMeta(key: string): { modRevision: number; createRevision: number; version: number; bytes: number } {
    const id = this.#keys.find(key);
    if (id === none || !this.#keys.isAlive(id)) return { modRevision: 0, createRevision: 0, version: 0, bytes: 0 };
    const slot = this.#keys.newestOf(id);
    return {
      modRevision: this.#records.modRevisionOf(slot),
      createRevision: this.#records.createRevisionOf(slot),
      version: this.#records.versionOf(slot),
      bytes: Buffer.byteLength(key) + this.#records.lengthOf(slot),
    };
  }

  get(key: string, revision = this.#revision): KeyValue | undefined {
    const id = this.#keys.find(key);
    if (id === none) return undefined;
    const slot = this.#keys.at(id, revision);
    return slot === none ? undefined : this.#item(key, slot);
  }

  /** Up to `limit` items under `prefix` behind `after`, as `revision` shows them. */
  page(prefix: string, after: string | undefined, revision: number, limit: number): { items: KeyValue[]; more: boolean } {
    const items: KeyValue[] = [];
    let more = false;
    this.#keys.scan(begin(prefix, after), prefixEnd(prefix), revision, (key, slot) => {
      if (items.length === limit) {
        more = true;
        return false;
      }
      items.push(this.#item(key, slot));
      return true;
    });
    return { items, more };
  }

  /**
   * Items under `prefix` behind `after`, as `revision` shows them. Costs a step per 512 keys and one per event since; only where those are many a step per
   * key, so that paging through a large list stays cheap while others write.
   */
  count(prefix: string, after: string | undefined, revision: number): number {
    const from = begin(prefix, after), until = prefixEnd(prefix);
    const since = this.#log.find(revision + 1);
    let count = 0;
    if (this.#log.length - since > storeSliceItems) {
      this.#keys.scan(from, until, revision, () => ++count > 0);
      return count;
    }
    count = this.#keys.countAlive(from, until);
    const changed = new Set<number>();
    for (let position = since; position < this.#log.length; position++) changed.add(this.#records.keyOf(this.#log.at(position)));
    for (const key of changed) {
      const name = this.#keys.nameOf(key);
      if (name < from || until !== undefined && name >= until) continue;
      count += Number(this.#keys.at(key, revision) !== none) - Number(this.#keys.isAlive(key));
    }
    return count;
  }

  // Events.

  /** Position of the first event with revision ≥ `revision`, for `event`; `events` when there is none. Positions hold until the next `tidyUp`. */
  findEvent(revision: number): number {
    return this.#log.find(revision);
  }
  get events(): number {
    return this.#log.length;
  }
  eventRevision(position: number): number {
    return this.#records.modRevisionOf(this.#log.at(position));
  }
  eventKey(position: number): string {
    return this.#keys.nameOf(this.#records.keyOf(this.#log.at(position)));
  }
  event(position: number): StoreEvent {
    const slot = this.#log.at(position);
    const key = this.#keys.nameOf(this.#records.keyOf(slot));
    const before = this.#records.previousOf(slot);
    const previous = before !== none && this.#records.isPut(before) ? this.#item(key, before) : undefined;
    if (this.#records.isPut(slot)) {
      const current = this.#item(key, slot);
      return previous ? { type: "put", key, current, previous } : { type: "put", key, current };
    }
    const current = { ...this.#item(key, slot), value: previous ? previous.value : this.#records.valueOf(slot) };
    return previous ? { type: "delete", key, current, previous } : { type: "delete", key, current };
  }

  /** The same bytes, in the memory of values: a value out of what was kept last is not copied when it is put. */
  keep(command: Uint8Array): Uint8Array {
    return this.#records.slabs.keep(command);
  }

  // Writing: any number of puts and deletes of different keys, then `commit`. All of them get the one next revision, and an order within it.

  /** @returns what it replaces */
  put(key: string, value: Uint8Array, lease: number): KeyValue | undefined {
    const id = this.#keys.findOrAdd(key);
    const before = this.#keys.newestOf(id);
    const replaced = this.#keys.isAlive(id) ? this.#item(key, before) : undefined;
    const meta = replaced
      ? { createRevision: replaced.createRevision, version: replaced.version + 1, lease }
      : { createRevision: this.#revision + 1, version: 1, lease };
    this.#write(id, key, this.#revision + 1, meta, value);
    this.#pending++;
    return replaced;
  }

  /** @returns what it deletes; undefined, and nothing written, when the key is not there */
  delete(key: string): KeyValue | undefined {
    const id = this.#keys.find(key);
    if (id === none || !this.#keys.isAlive(id)) return undefined;
    const deleted = this.#item(key, this.#keys.newestOf(id));
    this.#write(id, key, this.#revision + 1, deleted, undefined);
    this.#pending++;
    return deleted;
  }

  /** Ends the transaction. @returns the events it made: the last ones of the log; without any, the revision stays */
  commit(): number {
    const events = this.#pending;
    if (events > 0) this.#revision++;
    this.#pending = 0;
    return events;
  }

  /** Gives up history before `revision`, which must be ≤ the newest. In effect at once; the memory comes back by `tidyUp`. */
  compact(revision: number): void {
    if (revision > this.#compactRevision) this.#compactRevision = revision;
  }

  // Memory.

  /** Whether everything that compaction gave up has been removed. */
  get tidy(): boolean {
    return this.#log.length === 0 || this.#records.modRevisionOf(this.#log.at(0)) > this.#compactRevision;
  }

  /** Keeps every record where it is until the returned function is called: for readers of one revision that work in slices. */
  hold(): () => void {
    let held = true;
    this.#holds++;
    return () => {
      if (held) this.#holds--;
      held = false;
    };
  }

  /** Removes up to `steps` records that compaction gave up, then moves values out of slabs with too many holes. @returns whether there is more to do */
  tidyUp(steps: number): boolean {
    if (this.#holds > 0) return false;
    let left = steps;
    for (; left > 0 && !this.tidy; left--) {
      const slot = this.#log.at(0);
      this.#log.shift();
      const before = this.#records.previousOf(slot);
      if (before !== none) {
        this.#records.remove(before);
        this.#records.forgetPrevious(slot); // no read goes there, but its slot will be somebody else's
      }
      const key = this.#records.keyOf(slot);
      if (!this.#records.isPut(slot) && this.#keys.newestOf(key) === slot) {
        this.#keys.remove(key);
        this.#records.remove(slot);
      }
    }
    if (left === 0) return true;
    if (!this.#moving) {
      const leaving = this.#records.slabs.sparse();
      if (!leaving) return false;
      this.#moving = { leaving, slot: 0 };
    }
    const { leaving } = this.#moving;
    let slot = this.#moving.slot;
    for (; left > 0 && slot < this.#records.slots; slot++) left -= 1 + this.#records.relocate(slot, leaving) / bytesPerStep;
    this.#moving.slot = slot;
    if (slot === this.#records.slots) this.#moving = undefined;
    return true;
  }

  // Snapshots.

  /** What a read at `revision` sees of keys behind `after`, in order: the base that events build on. */
  saveBase(after: string | undefined, revision: number, visit: (record: SavedRecord) => boolean): void {
    this.#keys.scan(begin("", after), undefined, revision, (key, slot) => visit(this.#saved(key, slot)));
  }
  /** The record behind an event. */
  saveEvent(position: number): SavedRecord {
    const slot = this.#log.at(position);
    return this.#saved(this.#keys.nameOf(this.#records.keyOf(slot)), slot);
  }
  /** Puts back a record of the base, in order of keys, before the events. */
  restoreBase(record: SavedRecord): void {
    this.#write(this.#keys.findOrAdd(record.key), record.key, record.modRevision, record, record.value, false);
  }
  /** Puts back an event, in order of revisions. */
  restoreEvent(record: SavedRecord): void {
    this.#write(this.#keys.findOrAdd(record.key), record.key, record.modRevision, record, record.value);
  }
  restoreRevisions(revision: number, compactRevision: number): void {
    this.#revision = revision;
    this.#compactRevision = compactRevision;
  }

  #write(id: number, key: string, modRevision: number, meta: Meta, value: Uint8Array | undefined, isEvent = true): void {
    const before = this.#keys.newestOf(id);
    const keyBytes = Buffer.byteLength(key);
    if (this.#keys.isAlive(id)) {
      this.#liveKeys--;
      this.#liveBytes -= keyBytes + this.#records.lengthOf(before);
      this.#liveValueBytes -= this.#records.lengthOf(before);
    }
    const slot = this.#records.add(id, before, modRevision, meta, value);
    this.#keys.push(id, slot);
    if (isEvent) this.#log.push(slot);
    if (!value) return;
    this.#liveKeys++;
    this.#liveBytes += keyBytes + value.length;
    this.#liveValueBytes += value.length;
  }

  #item(key: string, slot: number): KeyValue {
    const records = this.#records;
    return {
      key,
      value: records.valueOf(slot),
      createRevision: records.createRevisionOf(slot),
      modRevision: records.modRevisionOf(slot),
      version: records.versionOf(slot),
      lease: records.leaseOf(slot),
    };
  }

  #saved(key: string, slot: number): SavedRecord {
    const item = this.#item(key, slot);
    return this.#records.isPut(slot) ? item : { ...item, value: undefined };
  }
}

/** The first key that may answer. */
const begin = (prefix: string, after: string | undefined): string =>
  after === undefined || keyAfter(after) <= prefix ? prefix : keyAfter(after);
