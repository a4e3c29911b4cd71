// What runs on the leader and nowhere else: scheduler and controllers, once a term, with that term's signal.
import { reconcileBackoff } from "../shared/limits.ts";
import { nextDelay } from "../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../shared/util/clock.ts";
import type { Log } from "../shared/util/log.ts";
import { prepareCluster } from "./registry/bootstrap.ts";
import { type QueueMetrics, runController } from "./controllers/controller.ts";
import { createRecorder } from "./controllers/events.ts";
import { type ControllerConfig, controllers } from "./controllers/mod.ts";
import type { Presence } from "./controllers/node_lifecycle.ts";
import { prepareRoles } from "./rbac/bootstrap.ts";
import type { Cache } from "./registry/cache.ts";
import type { Registry } from "./registry/face.ts";
import { named } from "./registry/named.ts";
import { daemonFit } from "./scheduler/filters.ts";
import { runScheduler } from "./scheduler/scheduler.ts";
import type { Store } from "./store/store.ts";

export interface LeaderNeeds {
  readonly store: Store;
  readonly registry: Registry;
  readonly cache: Cache;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly queues?: QueueMetrics | undefined;
}

/** Resolves when the signal has aborted and everything of the last term has stopped. */
export function runLeaderGroup(needs: LeaderNeeds, config: ControllerConfig, signal: AbortSignal): Promise<void> {
  const { store, cache, clock, random, log } = needs;
  const registry = named(needs.registry, "kube-controller-manager"), scheduling = named(needs.registry, "kube-scheduler");
  return store.lead("controllers", async (term) => {
    await begin(needs, term.signal);
    // Decide nothing over a view from before this term.
    await cache.waitFor(registry.revision(), term.signal);
    const recorder = createRecorder({ registry, clock, log }, "skerry-controllers"),
      scheduled = createRecorder({ registry: scheduling, clock, log }, "default-scheduler");
    log.info("Leading: scheduler and controllers run here", { revision: cache.revision });
    await Promise.all([
      runScheduler(
        { registry: scheduling, cache, clock, random, log, record: (about, ...what) => scheduled.record(about, ...what) },
        term.signal,
      ),
      ...controllers({ ...needs, daemonFit }, config).map((controller) =>
        runController(controller, { registry, cache, clock, random, log, recorder, queues: needs.queues }, term.signal)
      ),
    ]);
    await Promise.all([recorder.idle(), scheduled.idle()]);
  }, signal);
}

/** The first writes of a term wait for whatever keeps the store from taking them: a quorum that has just been lost is no reason to end. */
async function begin({ registry, store, clock, random, log }: LeaderNeeds, signal: AbortSignal): Promise<void> {
  for (let delayMs = 0;;) {
    try {
      const system = named(registry, "kube-apiserver");
      await prepareCluster({ registry: system, store, log });
      return await prepareRoles({ registry: system, log });
    } catch (error) {
      signal.throwIfAborted();
      delayMs = nextDelay(reconcileBackoff, delayMs, random);
      log.info("Cannot prepare the cluster; will try again", { delayMs: Math.round(delayMs), error });
      await sleep(clock, delayMs, signal);
    }
  }
}
