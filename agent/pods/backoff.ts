// How long a container that has ended stays down before it is started again: not at all the first time, then 10 s, 20 s … 300 s, and from the start again after a run
// of 10 minutes. Kubernetes' numbers. Without jitter: what restarts here loads this node alone. Pure.
import { crashBackoff } from "../../shared/limits.ts";

/** Ends in a row that came too soon. */
export interface Crashes {
  readonly count: number;
  /** Of the container that crashed: another one has its own chance. */
  readonly specHash: string;
}

export function afterEnd(
  before: Crashes | undefined,
  specHash: string,
  run: { readonly startedAt?: number; readonly finishedAt?: number },
): Crashes {
  const ranMs = run.startedAt === undefined || run.finishedAt === undefined ? 0 : run.finishedAt - run.startedAt;
  const isNew = before === undefined || before.specHash !== specHash || ranMs >= crashBackoff.resetMs;
  return { count: isNew ? 1 : before.count + 1, specHash };
}

/** Milliseconds from the end to the next start. */
export function restartDelayMs(crashes: Crashes | undefined, specHash: string): number {
  if (crashes === undefined || crashes.specHash !== specHash || crashes.count <= 1) return 0;
  return Math.min(crashBackoff.capMs, crashBackoff.baseMs * 2 ** (crashes.count - 2));
}

/** When a wait that began at `since` is over. A beginning in the future is a clock that has been set since: then nothing is left to wait for. */
export const dueAt = (since: number | undefined, delayMs: number, now: number): number =>
  since === undefined || since > now ? now : since + delayMs;
