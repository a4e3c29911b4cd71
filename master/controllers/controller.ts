// A controller looks at one key at a time and makes what is into what is wanted. It is told that something about a key has changed, never what: it reads
// the world from the cache and decides anew. What it wrote it waits to see before it looks at the same key again, so it needs no bookkeeping of expectations:
// the cache and the writes share one revision counter.
import { controllerParallel, keysRemembered, reconcileBackoff } from "../../shared/limits.ts";
import { ApiError, reasons } from "../../shared/api/status.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Registry } from "../registry/face.ts";
import type { Recorder } from "./events.ts";
import { KeyQueue } from "./key_queue.ts";
import { tracked } from "./tracked.ts";

/** Where a controller's queue is counted. */
export interface QueueMetrics {
  /** @returns what is called when the queue is no more */
  opened(name: string, size: () => number): () => void;
  worked(name: string, tookMs: number, failed: boolean): void;
}
export interface Needs {
  readonly registry: Registry;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly recorder: Recorder;
  readonly queues?: QueueMetrics | undefined;
}
/** What one reconcile may use. Its registry remembers what it wrote. */
export interface Context extends Needs {
  readonly signal: AbortSignal;
}

export interface Controller {
  readonly name: string;
  /** Keys that a change touches. Called for every change of every object: cheap, and without waiting. */
  keysOf(change: Change, cache: Cache): Iterable<string>;
  /** Every key there is: what a new leader looks at. */
  allKeys(cache: Cache): Iterable<string>;
  /** Wakes keys for reasons that stand in no object. Returns how to stop that. */
  wakes?(add: (key: string) => void): () => void;
  /** Level-based and idempotent. A returned number asks for another look after so many milliseconds. */
  reconcile(key: string, context: Context): Promise<number | void>;
}

/** Resolves when the signal has aborted and the last reconcile has ended. */
export async function runController(controller: Controller, needs: Needs, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return; // it will not say so again
  const { cache, clock, random } = needs, log = needs.log.with({ controller: controller.name });
  const queue = new KeyQueue(clock), lastWrite = new Map<string, number>(), delays = new Map<string, number>();
  const unsubscribe = cache.subscribe((change) => {
    for (const key of controller.keysOf(change, cache)) queue.add(key);
  });
  const uncount = needs.queues?.opened(controller.name, () => queue.size);
  const unwake = controller.wakes?.((key) => queue.add(key));
  const stop = () => queue.close();
  signal.addEventListener("abort", stop, { once: true });
  for (const key of controller.allKeys(cache)) queue.add(key);

  let count = 0;
  const worker = async (): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      const reconcileId = `${controller.name}-${++count}`, registry = tracked(needs.registry), began = clock.monotonic();
      let failed = false;
      try {
        const seen = lastWrite.get(key) ?? 0;
        if (cache.revision < seen) await cache.waitFor(seen, signal);
        lastWrite.delete(key);
        const againMs = await controller.reconcile(key, { ...needs, registry, log: log.with({ reconcileId, key }), signal });
        delays.delete(key);
        if (againMs !== undefined) queue.addAfter(key, againMs);
      } catch (error) {
        if (signal.aborted) break;
        failed = true;
        const delayMs = nextDelay(reconcileBackoff, delays.get(key) ?? 0, random);
        delays.set(key, delayMs);
        // NotFound: it has just been deleted, and the cache does not show that yet.
        const expected = error instanceof ApiError && (reasons[error.reason].retryable || error.reason === "NotFound");
        log[expected ? "info" : "warn"]("Cannot reconcile; will try again", { reconcileId, key, delayMs: Math.round(delayMs), error });
        queue.addAfter(key, delayMs);
      } finally {
        needs.queues?.worked(controller.name, clock.monotonic() - began, failed);
        if (registry.written > cache.revision) lastWrite.set(key, registry.written);
        if (lastWrite.size > keysRemembered) {
          for (const [other, revision] of lastWrite) if (revision <= cache.revision) lastWrite.delete(other);
        }
        queue.done(key);
      }
    }
  };
  await Promise.all(Array.from({ length: controllerParallel }, worker));
  unsubscribe();
  unwake?.();
  uncount?.();
  signal.removeEventListener("abort", stop);
}

/** `namespace/name`, the key of most controllers. */
export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string => `${namespace}/${name}`;
export function splitKey(key: string): { namespace: string; name: string } {
  const at = key.indexOf("/");
  return { namespace: key.slice(0, at), name: key.slice(at + 1) };
}
