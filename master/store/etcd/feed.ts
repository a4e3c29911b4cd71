// Everything that happens under our prefix from a revision on, whichever member of etcd tells it: when a connection breaks, the next one goes on behind the last
// whole revision.
import type { ServiceError } from "@grpc/grpc-js";
import { etcdWatchBackoff } from "../../../shared/limits.ts";
import { nextDelay } from "../../../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import type { KeyValue } from "../store.ts";
import { compacted } from "../watch.ts";
import type { EtcdClient } from "./client.ts";
import type { Keys, Note } from "./keys.ts";
import type { Header, WatchEvent, WatchResponse } from "./protocol.ts";
import { itemOf } from "./transaction.ts";

export interface Happening {
  readonly type: "put" | "delete";
  /** Set when it is a note of the adapter; `current.key` is empty then. */
  readonly note?: Note | undefined;
  readonly current: KeyValue;
  readonly previous?: KeyValue | undefined;
}
/** One revision, whole. */
export interface Happenings {
  readonly revision: number;
  readonly events: readonly Happening[];
}
export interface FeedNeeds {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told of every answer. @throws when it is not from the etcd that we belong to */
  heard(header: Header): void;
}

/** Ends when the signal aborts. @throws StoreError Compacted when `from` ≤ the compact revision, which it carries as far as etcd says it */
export async function* follow(needs: FeedNeeds, from: number, signal: AbortSignal): AsyncGenerator<Happenings> {
  const { client, clock, random, log } = needs;
  for (let next = from, delayMs = 0; !signal.aborted;) {
    const opened = await client.open("watch", signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
    if (!opened) return;
    const { endpoint, stream } = opened, cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      stream.write({
        createRequest: {
          ...needs.keys.everything(),
          // etcd serves a watch that begins at the compact revision itself, though some of that revision is gone. One earlier, it refuses when we must.
          startRevision: Math.max(1, next - 1),
          prevKv: true,
          fragment: true,
        },
      });
      for await (const happenings of revisions(needs, stream, next)) {
        delayMs = 0;
        next = happenings.revision + 1;
        yield happenings;
      }
      if (!signal.aborted) throw new Error(ended);
    } catch (error) {
      if (signal.aborted) return;
      if (!isOfStream(error)) throw error;
      delayMs = nextDelay(etcdWatchBackoff, delayMs, random);
      log.info("The watch on etcd has broken; it goes on elsewhere", { url: endpoint.url, from: next, error });
      client.leave(endpoint);
    } finally {
      signal.removeEventListener("abort", cancel);
      cancel();
    }
    await sleep(clock, delayMs, signal).catch(() => {});
  }
}

/** What gRPC says, or the stream: both may be better elsewhere. What etcd itself has refused is not. */
const isOfStream = (error: unknown): boolean => typeof (error as ServiceError).code === "number" || (error as Error).message === ended;
const ended = "the watch has ended";

/** Whole revisions out of etcd's answers: one may be cut in fragments, and etcd may send again what we know. */
async function* revisions(needs: FeedNeeds, answers: AsyncIterable<WatchResponse>, from: number): AsyncGenerator<Happenings> {
  let held: WatchEvent[] = [], next = from;
  for await (const { header, canceled, compactRevision, cancelReason, fragment, events } of answers) {
    needs.heard(header);
    if (canceled && compactRevision > 0) throw compacted(from, compactRevision);
    if (canceled) throw Object.assign(new Error(`etcd has ended the watch: ${cancelReason}`), { code: -1 });
    for (const event of events) if (event.kv.modRevision >= next) held.push(event);
    if (fragment) continue;
    const whole = held;
    held = [];
    for (let first = 0; first < whole.length;) {
      const revision = whole[first]!.kv.modRevision;
      let end = first + 1;
      while (end < whole.length && whole[end]!.kv.modRevision === revision) end++;
      next = revision + 1;
      yield { revision, events: whole.slice(first, end).map((event) => happeningOf(needs.keys, event)) };
      first = end;
    }
  }
}

/** @throws StoreError Compacted when compaction has been faster than the watch and has taken what a delete deleted: nobody can say any more what it was */
function happeningOf(keys: Keys, { type, kv, prevKv }: WatchEvent): Happening {
  const previous = itemOf(keys, prevKv), note = keys.noteOf(kv.key);
  if (type === 0) return { type: "put", note, current: itemOf(keys, kv), previous };
  if (!previous) throw compacted(kv.modRevision, kv.modRevision);
  return { type: "delete", note, current: { ...previous, modRevision: kv.modRevision }, previous };
}
