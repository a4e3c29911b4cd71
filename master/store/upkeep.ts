// What must be done again and again: memory given back on every member; compaction, the end of leases and comparing the members by proposals of the one that leads.
import { compactionPeriodMs, keptRevisions, storeHistoryBytes, storeSliceItems } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Command } from "./command.ts";
import { LeaseWatch } from "./lease.ts";
import type { State } from "./state.ts";

/** Milliseconds between rounds: what a lease may end late, and how long removed records may linger. */
const roundMs = 1_000;

interface Upkeep {
  readonly clock: Clock;
  readonly log: Log;
  readonly state: State;
}

/** Gives memory back in slices, until the signal aborts. */
export async function tidyMemory({ clock, state }: Upkeep, { signal }: { signal: AbortSignal }): Promise<void> {
  await rounds(clock, signal, () => tidyOnce(clock, state, signal));
}

/** Proposes compactions and the ends of leases, for as long as this member leads. */
export async function leadStore(
  { clock, log, state, propose, attestMs = Infinity }: Upkeep & {
    propose(command: Command): Promise<unknown>;
    attestMs: number | undefined;
  },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const leases = new LeaseWatch();
  let sampledAt = clock.monotonic(), sample = 0, attestedAt = sampledAt, attested = 0;
  await rounds(clock, signal, async () => {
    for (const expiry of leases.overdue(state.leases.all(), clock.monotonic())) {
      log.info("Lease has ended", { lease: expiry.lease });
      await propose({ do: "expire", ...expiry });
    }
    // What nobody has written to since is what it was.
    if (clock.monotonic() - attestedAt >= attestMs && state.mvcc.revision !== attested) {
      attested = state.mvcc.revision;
      attestedAt = clock.monotonic();
      await propose({ do: "attest" });
    }
    // Under pressure of memory, what the last compaction gave up must be gone before another one is judged necessary.
    if (state.mvcc.historyBytes > storeHistoryBytes) await tidyOnce(clock, state, signal);
    const { revision, compactRevision, historyBytes, tidy } = state.mvcc;
    const due = clock.monotonic() - sampledAt >= compactionPeriodMs;
    const target = planCompaction({ revision, compactRevision, historyBytes, tidy, agedRevision: due ? sample : 0 });
    if (due) {
      sample = revision;
      sampledAt = clock.monotonic();
    }
    if (target === undefined) return;
    log.info("Compacting", { revision: target, newest: revision, historyBytes });
    await propose({ do: "compact", revision: target });
  }, (error) => log.info("Upkeep of the store has to wait", { error }));
}

/**
 * The revision to compact at: the newest of a period ago (`agedRevision`; 0 = no period has ended), but never one of the last 10,000. When history takes
 * more memory than it may, the older half of it goes at once. Undefined: nothing to do.
 */
export function planCompaction(view: {
  readonly revision: number;
  readonly compactRevision: number;
  readonly historyBytes: number;
  /** Whether the memory of the last compaction has been given back. */
  readonly tidy: boolean;
  readonly agedRevision: number;
}): number | undefined {
  const { revision, compactRevision, historyBytes, tidy, agedRevision } = view;
  const pressed = historyBytes > storeHistoryBytes && tidy;
  const target = pressed ? Math.ceil((compactRevision + revision) / 2) : Math.min(agedRevision, revision - keptRevisions);
  return target > compactRevision ? target : undefined;
}

async function tidyOnce(clock: Clock, state: State, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && state.mvcc.tidyUp(storeSliceItems)) await sleep(clock, 0, signal);
}

/** Calls `round` every second until the signal aborts; a round that fails is followed by the next. */
async function rounds(clock: Clock, signal: AbortSignal, round: () => Promise<void>, failed?: (error: unknown) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(clock, roundMs, signal);
      await round();
    } catch (error) {
      if (signal.aborted) return;
      if (!failed) throw error;
      failed(error);
    }
  }
}
