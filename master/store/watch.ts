// Watches of this member. A watcher is in one of two conditions:
//
//   synced    it has been offered everything up to the newest revision; new events go straight into its queue, which is bounded;
//   lagging   its queue was full, or it began in the past; `#next` is the first revision it has not been offered. A writer passes it by at the cost of one
//             comparison. When the consumer has emptied the queue it is filled again from the event log, whole revisions at a time, until it has caught up;
//             should compaction overtake it, the watch ends with Compacted.
//
// So the writer never waits, nobody buffers without bound, and the order in the queue is always that of the revisions: progress marks travel in the same
// queue and cannot overtake an event. One StoreEvent object, with views of the store's own bytes, serves all watchers.
import { storeSliceItems, watchBufferBytes, watchBufferEvents } from "../../shared/limits.ts";
import type { Mvcc } from "./mvcc.ts";
import { PrefixIndex } from "./prefix_index.ts";
import type { Audience } from "./state.ts";
import { StoreError, type StoreEvent, type WatchBatch } from "./store.ts";

/** What watches are served from: the events behind `compactRevision`. */
export type History = Pick<
  Mvcc,
  "revision" | "compactRevision" | "events" | "event" | "eventKey" | "eventRevision" | "findEvent"
>;

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** Also deliver progress marks. */
  readonly progress?: boolean;
}

/** What a watcher may lag behind before it is served from history. */
export interface WatchBounds {
  readonly events: number;
  readonly bytes: number;
}
const usual: WatchBounds = { events: watchBufferEvents, bytes: watchBufferBytes };

export class WatchHub implements Audience {
  readonly #state: { readonly mvcc: History };
  /** Lets other work run. */
  readonly #pause: () => Promise<void>;
  readonly #bounds: WatchBounds;
  readonly #watchers = new PrefixIndex<Watcher>();

  constructor(state: { readonly mvcc: History }, pause: () => Promise<void>, bounds = usual) {
    this.#state = state;
    this.#pause = pause;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** The watch begins when the iteration does; each iteration is a watch of its own. See Store.watch. */
  watch(prefix: string, from: number, options: WatchOptions): AsyncIterable<WatchBatch> {
    return {
      [Symbol.asyncIterator]: () => {
        const leave = () => this.#watchers.remove(prefix, watcher);
        const watcher = new Watcher({ state: this.#state, pause: this.#pause, bounds: this.#bounds, leave }, prefix, from, options);
        if (!options.signal.aborted) this.#watchers.add(prefix, watcher);
        return watcher;
      },
    };
  }

  written(events: number): void {
    if (this.#watchers.size === 0) return;
    const { mvcc } = this.#state, { revision } = mvcc;
    if (events === 1) { // nearly always, and then one batch serves all
      let batch: WatchBatch | undefined;
      for (const watcher of this.#watchers.of(mvcc.eventKey(mvcc.events - 1))) {
        if (watcher.wants(revision)) watcher.offer(batch ??= { revision, events: [mvcc.event(mvcc.events - 1)] });
      }
      return;
    }
    const offers = new Map<Watcher, StoreEvent[]>();
    for (let position = mvcc.events - events; position < mvcc.events; position++) {
      let event: StoreEvent | undefined;
      for (const watcher of this.#watchers.of(mvcc.eventKey(position))) {
        if (!watcher.wants(revision)) continue;
        event ??= mvcc.event(position);
        const list = offers.get(watcher);
        if (list) list.push(event);
        else offers.set(watcher, [event]);
      }
    }
    for (const [watcher, list] of offers) watcher.offer({ revision, events: list });
  }

  /** A snapshot took the state's place: what happened in between is in its event log, or compacted. */
  replaced(lastRevision: number): void {
    for (const watcher of this.#watchers.all()) watcher.replaced(lastRevision);
  }

  /** Gives the watchers that asked for it a mark, if there is anything to tell. */
  progress(): void {
    for (const watcher of this.#watchers.all()) watcher.mark();
  }

  /** Ends all watches as if their signals had aborted. */
  close(): void {
    for (const watcher of [...this.#watchers.all()]) watcher.end();
  }
}

interface WatcherNeeds {
  readonly state: { readonly mvcc: History };
  readonly bounds: WatchBounds;
  pause(): Promise<void>;
  leave(): void;
}

class Watcher implements AsyncIterator<WatchBatch> {
  readonly #needs: WatcherNeeds;
  readonly #prefix: string;
  readonly #from: number;
  readonly #options: WatchOptions;
  #queue: WatchBatch[] = [];
  #queuedEvents = 0;
  #queuedBytes = 0;
  #lagging: boolean;
  /** While lagging, the first revision that has not been offered yet. */
  #next: number;
  /** Revision of the newest batch or mark that was queued. */
  #told = 0;
  #ended = false;
  /** Pending while the consumer has nothing to fetch. */
  #idle: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(needs: WatcherNeeds, prefix: string, from: number, options: WatchOptions) {
    this.#needs = needs;
    this.#prefix = prefix;
    this.#from = this.#next = from;
    this.#options = options;
    this.#lagging = from <= needs.state.mvcc.revision;
    if (options.signal.aborted) this.#ended = true;
    else options.signal.addEventListener("abort", this.end, { once: true });
  }

  wants(revision: number): boolean {
    return !this.#lagging && revision >= this.#from;
  }

  /** The writer's side; returns at once, whatever the consumer does. */
  offer(batch: WatchBatch): void {
    const { bounds } = this.#needs;
    if (this.#queuedEvents + batch.events.length > bounds.events || this.#queuedBytes + bytesOf(batch) > bounds.bytes) {
      this.#lagging = true;
      this.#next = batch.revision;
      this.#wakeUp();
      return;
    }
    this.#push(batch);
  }

  mark(): void {
    const { revision } = this.#needs.state.mvcc;
    if (!this.#options.progress || this.#lagging || revision <= this.#told || revision < this.#from - 1) return;
    // A mark that nobody has fetched yet says less than this one.
    if (this.#queue.at(-1)?.events.length === 0) this.#queue.pop();
    this.#push({ revision, events: [] });
  }

  replaced(lastRevision: number): void {
    if (this.#lagging) return;
    this.#next = Math.max(this.#from, lastRevision + 1);
    this.#lagging = this.#next <= this.#needs.state.mvcc.revision;
    this.#wakeUp();
  }

  end = (): void => {
    this.#ended = true;
    this.#queue = [];
    this.#options.signal.removeEventListener("abort", this.end);
    this.#needs.leave();
    this.#wakeUp();
  };

  async next(): Promise<IteratorResult<WatchBatch>> {
    for (;;) {
      const batch = this.#queue.shift();
      if (batch) {
        this.#queuedEvents -= batch.events.length;
        this.#queuedBytes -= bytesOf(batch);
        return { done: false, value: batch };
      }
      if (this.#ended) return { done: true, value: undefined };
      if (this.#lagging) {
        this.#refill();
        if (this.#queue.length === 0 && this.#lagging) await this.#needs.pause();
      } else await (this.#idle ??= new Promise<void>((resolve) => this.#wake = resolve));
    }
  }

  async return(): Promise<IteratorResult<WatchBatch>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Fills the empty queue from the event log, as far as its bounds and one slice of work go. @throws StoreError Compacted */
  #refill(): void {
    const { bounds, state: { mvcc } } = this.#needs;
    if (this.#next <= mvcc.compactRevision) {
      this.end();
      throw compacted(this.#next, mvcc.compactRevision);
    }
    let position = mvcc.findEvent(this.#next);
    const end = Math.min(mvcc.events, position + storeSliceItems);
    while (position < end && this.#queuedEvents < bounds.events && this.#queuedBytes < bounds.bytes) {
      const revision = mvcc.eventRevision(position), events: StoreEvent[] = [];
      for (; position < mvcc.events && mvcc.eventRevision(position) === revision; position++) {
        if (mvcc.eventKey(position).startsWith(this.#prefix)) events.push(mvcc.event(position));
      }
      if (events.length > 0) this.#push({ revision, events });
      this.#next = revision + 1;
    }
    if (position < mvcc.events) return;
    this.#lagging = false;
    this.mark();
  }

  #push(batch: WatchBatch): void {
    this.#queue.push(batch);
    this.#queuedEvents += batch.events.length;
    this.#queuedBytes += bytesOf(batch);
    this.#told = batch.revision;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#idle = this.#wake = undefined;
  }
}

/** What a watch ends with that was to begin at, or has come to, what is compacted. */
export const compacted = (from: number, compactRevision: number): StoreError =>
  new StoreError("Compacted", `Cannot watch from revision ${from}: history begins behind revision ${compactRevision}`, {
    revision: compactRevision,
  });

/** What a batch keeps in memory, about: values are shared, but a waiting event may be the last to need one. */
function bytesOf(batch: WatchBatch): number {
  let bytes = 0;
  for (const { key, current } of batch.events) bytes += key.length + current.value.length;
  return bytes;
}
