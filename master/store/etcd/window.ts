// What happened in etcd lately, as this master has heard it: the last events in the order of their revisions, behind `compactRevision`. Watches are served from here
// (watch.ts sees it as history), so that ten thousand of them cost etcd one; older history is etcd's own.
import { etcdWindowBytes, etcdWindowEvents } from "../../../shared/limits.ts";
import type { StoreEvent } from "../store.ts";
import type { History } from "../watch.ts";

export class Window implements History {
  /** Everything up to here has been heard. */
  revision: number;
  /** What happened up to here is not in the window. */
  compactRevision: number;
  /** Events that have been dropped stand in front of `#first` until half of the array is such. */
  #events: StoreEvent[] = [];
  #first = 0;
  #bytes = 0;

  constructor(revision: number) {
    this.revision = this.compactRevision = revision;
  }

  get events(): number {
    return this.#events.length - this.#first;
  }
  event(position: number): StoreEvent {
    return this.#events[this.#first + position]!;
  }
  eventKey(position: number): string {
    return this.event(position).key;
  }
  eventRevision(position: number): number {
    return this.event(position).current.modRevision;
  }
  /** Position of the first event with revision ≥ `revision`; `events` when there is none. */
  findEvent(revision: number): number {
    let low = 0, high = this.events;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.eventRevision(middle) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** All events of one revision, newer than all before; none: the revision was not the store's. */
  add(revision: number, events: readonly StoreEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += bytesOf(event);
    }
    this.revision = revision;
    // Never what was just added: it is yet to be told.
    while (this.events > events.length && (this.events > etcdWindowEvents || this.#bytes > etcdWindowBytes)) {
      this.forget(this.eventRevision(0));
    }
  }

  /** Drops everything up to `revision`. */
  forget(revision: number): void {
    this.compactRevision = Math.max(this.compactRevision, revision);
    while (this.events > 0 && this.eventRevision(0) <= revision) this.#bytes -= bytesOf(this.#events[this.#first++]!);
    if (this.#first < 1024 || this.#first * 2 < this.#events.length) return;
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
  }

  /** What happened up to `revision` was missed. */
  skipTo(revision: number): void {
    this.revision = Math.max(this.revision, revision);
    this.forget(revision);
  }
}

const bytesOf = ({ key, current }: StoreEvent): number => key.length + current.value.length;
