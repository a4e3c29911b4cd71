// A lease that is held for as long as that goes: what hangs on it shows that we are there.
//
// We stop believing in it `endsMs` after we asked for the last renewal that etcd has granted, on our monotonic clock. etcd counts `ttlSeconds` from when it granted
// that, which is later and longer: so here it is over before it is there.
import { etcdSessionRetryMs } from "../../../shared/limits.ts";
import { type Clock, type Random, sleep } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { StoreError } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import { grant, keepAlive, revoke } from "./leases.ts";

interface SessionNeeds {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
export interface Span {
  readonly ttlSeconds: number;
  readonly renewMs: number;
  readonly endsMs: number;
  /** What hangs on the lease stays for the rest of its time when we stop. */
  readonly outlives?: boolean;
}

/**
 * Runs `work` with a lease and a signal that aborts when the lease is no longer sure; then again with another, until `signal` aborts. Rejects with the work's error,
 * unless that is a StoreError: then it is tried again.
 */
export async function whileHeld(
  needs: SessionNeeds,
  span: Span,
  work: (lease: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await hold(needs, span, work, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StoreError)) throw error;
      needs.log.info("Cannot show others in etcd that this master is there; will try again", { error });
    }
    await sleep(needs.clock, etcdSessionRetryMs, signal).catch(() => {});
  }
}

async function hold(needs: SessionNeeds, span: Span, work: (lease: number, signal: AbortSignal) => Promise<void>, signal: AbortSignal) {
  const sinceMs = needs.clock.monotonic(), lease = await grant(needs.client, needs.random, span.ttlSeconds);
  const over = new AbortController(), both = AbortSignal.any([signal, over.signal]);
  const working = work(lease, both), renewing = renew(needs, span, lease, sinceMs, both);
  try {
    await Promise.race([working, renewing]);
  } finally {
    over.abort(new StoreError("NoQuorum", `Cannot go on with lease ${lease}: it is not renewed`));
    await Promise.allSettled([working, renewing]);
    if (!span.outlives) await revoke(needs.client, lease).catch(() => {}); // then it ends by itself
  }
  await working;
}

/** Resolves when the lease is not sure any more. */
async function renew(
  { client, clock, log }: SessionNeeds,
  { renewMs, endsMs }: Span,
  lease: number,
  grantedMs: number,
  signal: AbortSignal,
) {
  let sinceMs = grantedMs;
  for (;;) {
    const leftMs = endsMs - (clock.monotonic() - sinceMs);
    if (leftMs <= 0 || !await sleep(clock, Math.min(renewMs, leftMs), signal).then(() => true, () => false)) return;
    const askedMs = clock.monotonic(), late = new AbortController();
    const cancel = clock.after(Math.max(0, sinceMs + endsMs - askedMs), () => late.abort());
    try {
      await keepAlive(client, clock, lease, AbortSignal.any([signal, late.signal]));
      sinceMs = askedMs;
    } catch (error) {
      if (signal.aborted) return;
      log.info("Cannot renew a lease in etcd yet", { lease, error });
      if ((error as StoreError).reason === "Invalid") return;
      await sleep(clock, etcdSessionRetryMs, signal).catch(() => {});
    } finally {
      cancel();
    }
  }
}
