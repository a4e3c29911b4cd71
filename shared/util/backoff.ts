import type { Random } from "./clock.ts";

export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Decorrelated jitter: each delay is drawn between the base and three times the last one. A fleet that restarts together spreads out. */
export function nextDelay(limits: BackoffLimits, lastMs: number, random: Random): number {
  const high = Math.max(limits.baseMs, lastMs * 3);
  return Math.min(limits.capMs, limits.baseMs + random() * (high - limits.baseMs));
}
