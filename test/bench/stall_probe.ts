// How long an event loop keeps its timers waiting, looked at from inside.
import { quantile } from "./figures.ts";

/** Milliseconds between looks. */
const everyMs = 5;

export interface Stalls {
  readonly looks: number;
  /** Milliseconds that a timer came late. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Looks until it is stopped. `take` tells about the time since it was last asked. */
export function stallProbe(): { take(): Stalls; stop(): Stalls } {
  let late: number[] = [], timer: ReturnType<typeof setTimeout> | undefined;
  const look = (due: number): void => {
    const now = performance.now();
    late.push(now - due);
    if (late.length > 1_000_000) late = late.slice(late.length / 2);
    timer = setTimeout(look, everyMs, now + everyMs);
  };
  look(performance.now());
  const take = (): Stalls => {
    const taken = late.length > 0 ? late : [0];
    late = [];
    return {
      looks: taken.length,
      p50: quantile(taken, 0.5),
      p99: quantile(taken, 0.99),
      p999: quantile(taken, 0.999),
      max: quantile(taken, 1),
    };
  };
  return {
    take,
    stop() {
      clearTimeout(timer);
      return take();
    },
  };
}
