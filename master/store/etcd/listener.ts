// Hears everything that happens under our prefix, once for all watches of this master: what is recent they get from the window, what is older each asks etcd for.
import { etcdWatchBackoff, storeWatchers } from "../../../shared/limits.ts";
import { nextDelay } from "../../../shared/util/backoff.ts";
import { sleep } from "../../../shared/util/clock.ts";
import { StoreError, type StoreEvent, type WatchBatch } from "../store.ts";
import { WatchHub, type WatchOptions } from "../watch.ts";
import { type FeedNeeds, follow, type Happening, type Happenings } from "./feed.ts";
import { Window } from "./window.ts";

interface ListenerNeeds extends FeedNeeds {
  /** A note of the adapter has changed. */
  noted(happening: Happening, revision: number): void;
  /** Writes one, and returns its revision. */
  mark(): Promise<number>;
}

export class Listener {
  readonly window: Window;
  readonly #needs: ListenerNeeds;
  readonly #hub: WatchHub;
  /** Watches under way: those in the hub, and those that etcd tells of what is older than the window. */
  #watches = 0;
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>();

  /** @param revision behind which it listens; everything up to there is etcd's to tell */
  constructor(needs: ListenerNeeds, revision: number) {
    this.#needs = needs;
    this.window = new Window(revision);
    this.#hub = new WatchHub({ mvcc: this.window }, () => sleep(needs.clock, 0));
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const happenings of follow(this.#needs, this.window.revision + 1, signal)) this.#hear(happenings);
      } catch (error) {
        if (!isCompacted(error)) throw error;
        const before = this.window.revision;
        this.#needs.log.warn("etcd has been compacted faster than this master listens; watches begin anew", { error, revision: before });
        // Everybody has to list again. What we write now is where we listen from.
        const revision = await this.#marked(signal);
        if (revision === undefined) return;
        this.window.skipTo(revision);
        this.#hub.replaced(before);
      }
    }
  }
  /** etcd may be away just now; that is no reason to end. Undefined: the signal has aborted. */
  async #marked(signal: AbortSignal): Promise<number | undefined> {
    const { clock, random, log, mark } = this.#needs;
    for (let delayMs = 0; !signal.aborted;) {
      try {
        return await mark();
      } catch (error) {
        delayMs = nextDelay(etcdWatchBackoff, delayMs, random);
        log.info("Cannot write to etcd from where to listen; trying again", { error, delayMs });
        await sleep(clock, delayMs, signal).catch(() => {});
      }
    }
    return undefined;
  }

  /** See Store.watch. @throws StoreError Overloaded */
  watch(prefix: string, from: number, options: WatchOptions): AsyncIterable<WatchBatch> {
    if (this.#watches >= storeWatchers) {
      throw new StoreError("Overloaded", `Cannot watch: there are ${storeWatchers} watches, which is the limit`);
    }
    return this.#counted(prefix, from, options);
  }

  async *#counted(prefix: string, from: number, options: WatchOptions): AsyncGenerator<WatchBatch> {
    this.#watches++;
    try {
      yield* this.#watch(prefix, from, options);
    } finally {
      this.#watches--;
    }
  }
  /** What lies before the window, etcd tells; then the window goes on, and if a watcher falls out of it, etcd again. */
  async *#watch(prefix: string, from: number, options: WatchOptions): AsyncGenerator<WatchBatch> {
    for (let next = from; !options.signal.aborted;) {
      try {
        for await (const batch of this.#hub.watch(prefix, next, options)) {
          next = batch.revision + 1;
          yield batch;
        }
        return;
      } catch (error) {
        if (!isCompacted(error)) throw error;
      }
      for await (const happenings of follow(this.#needs, next, options.signal)) {
        next = happenings.revision + 1;
        const events = eventsOf(happenings).filter(({ key }) => key.startsWith(prefix));
        if (events.length > 0) yield { revision: happenings.revision, events };
        if (next > this.window.compactRevision) break;
      }
    }
  }

  /** Tells the watchers that asked for it how far they are. */
  progress(): void {
    this.#hub.progress();
  }

  /** Resolves when everything up to that revision has been heard. @throws the signal's reason */
  caughtUp(revision: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.window.revision >= revision) return resolve();
      const stop = (): void => {
        this.#waiting.delete(entry);
        reject(signal.reason);
      };
      const entry = {
        revision,
        resolve: () => {
          signal.removeEventListener("abort", stop);
          resolve();
        },
      };
      if (signal.aborted) return stop();
      this.#waiting.add(entry);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** Ends all watches as if their signals had aborted. */
  close(): void {
    this.#hub.close();
  }

  #hear(happenings: Happenings): void {
    const { revision } = happenings, events = eventsOf(happenings);
    this.window.add(revision, events);
    if (events.length > 0) this.#hub.written(events.length);
    for (const happening of happenings.events) if (happening.note) this.#needs.noted(happening, revision);
    for (const entry of this.#waiting) {
      if (entry.revision > revision) continue;
      this.#waiting.delete(entry);
      entry.resolve();
    }
  }
}

const isCompacted = (error: unknown): boolean => error instanceof StoreError && error.reason === "Compacted";

function eventsOf({ events }: Happenings): StoreEvent[] {
  return events.filter(({ current }) => current.key !== "").map(({ type, current, previous }) => ({
    ...{ type, key: current.key, current },
    ...(previous && { previous }),
  }));
}
