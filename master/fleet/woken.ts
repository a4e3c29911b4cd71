// The loop of whatever writes into the store when it is woken: what the store does not take now is written later, and nothing holds up the end.
import { intakeBackoff } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import type { Wake } from "../../shared/util/signal.ts";

/**
 * Works each time it is woken, and again after a while where that has failed. Until the signal aborts: then nothing is begun any more.
 * @param work throws what may go well later
 * @param failed is told of it before the pause
 */
export async function runWoken(
  { wake, clock, random }: { readonly wake: Wake; readonly clock: Clock; readonly random: Random },
  work: () => Promise<void>,
  failed: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  let delayMs = 0;
  while (await wake.wait(clock, signal) && !signal.aborted) {
    try {
      await work();
      delayMs = 0;
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
      delayMs = nextDelay(intakeBackoff, delayMs, random);
      await sleep(clock, delayMs, signal).catch(() => {});
      wake.set();
    }
  }
}
