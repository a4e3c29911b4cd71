// How long ago, in the short form of `kubectl get`.

const units = { y: 365 * 86_400, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
/** Below `until` seconds: the largest unit, and with it the next smaller one, which is dropped when it is 0. */
const steps = [
  { until: 2 * units.m, large: "s" },
  { until: 10 * units.m, large: "m", small: "s" },
  { until: 3 * units.h, large: "m" },
  { until: 8 * units.h, large: "h", small: "m" },
  { until: 48 * units.h, large: "h" },
  { until: 8 * units.d, large: "d", small: "h" },
  { until: 2 * units.y, large: "d" },
  { until: 8 * units.y, large: "y", small: "d" },
  { until: Infinity, large: "y" },
] as const satisfies readonly { until: number; large: keyof typeof units; small?: keyof typeof units }[];

/** "90s", "3m20s", "26h", "2y11d". A clock may run ahead by a second; more than that is "<invalid>". */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (!(seconds >= -1)) return "<invalid>";
  if (seconds < 0) return "0s";
  const step = steps.find(({ until }) => seconds < until)!;
  const large = `${Math.floor(seconds / units[step.large])}${step.large}`;
  const rest = "small" in step ? Math.floor(seconds % units[step.large] / units[step.small]) : 0;
  return "small" in step && rest > 0 ? `${large}${rest}${step.small}` : large;
}

/** The AGE of something that happened at `timestamp` (RFC 3339), seen at `now` (milliseconds since 1970). */
export const age = (timestamp: string | undefined, now: number): string =>
  timestamp ? humanDuration(now - Date.parse(timestamp)) : "<unknown>";
/** The Age column, for kinds that show it before others. */
export const ageOf = (object: { metadata?: { creationTimestamp?: string } }, now: number): string =>
  age(object.metadata?.creationTimestamp, now);
