// Small tools around AbortSignal: the one way in which work is told to stop.
import type { Clock } from "./clock.ts";

/** A flag that a loop waits for. Set it as often as you like: the loop wakes once and looks at the world. */
export class Wake {
  #set = false;
  #resolve: (() => void) | undefined;

  set(): void {
    this.#set = true;
    this.#resolve?.();
  }
  /** Resolves true once set (and clears it), false once `timeoutMs` have passed or the signal has aborted. */
  wait(clock: Clock, signal: AbortSignal, timeoutMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (woken: boolean) => {
        this.#resolve = undefined;
        if (woken) this.#set = false;
        cancel?.();
        signal.removeEventListener("abort", stop);
        resolve(woken);
      };
      const stop = () => finish(false);
      let cancel: (() => void) | undefined;
      if (this.#set) return finish(true);
      if (signal.aborted) return finish(false);
      this.#resolve = () => finish(true);
      signal.addEventListener("abort", stop, { once: true });
      if (timeoutMs !== undefined) cancel = clock.after(timeoutMs, () => finish(false));
    });
  }
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true }));
