// "*/5 8-17 * * mon-fri": when a CronJob runs. Grammar and words of what is wrong are those of robfig/cron 3, which Kubernetes reads schedules with.
import * as v from "valibot";
import { duration } from "./scalars.ts";

export type Cron =
  | {
    readonly minutes: ReadonlySet<number>;
    readonly hours: ReadonlySet<number>;
    readonly days: ReadonlySet<number>;
    readonly months: ReadonlySet<number>;
    readonly weekdays: ReadonlySet<number>;
    /** Only where neither is `*` is either of day and weekday enough; else both must fit. */
    readonly eitherDay: boolean;
  }
  | { readonly every: string };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[]; // from min
}
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const bounds = {
  minutes: { min: 0, max: 59 },
  hours: { min: 0, max: 23 },
  days: { min: 1, max: 31 },
  months: { min: 1, max: 12, names: months },
  weekdays: { min: 0, max: 6, names: weekdays },
} as const satisfies Record<string, Bounds>;
const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const shownMost = 80;
const cut = (text: string): string => text.slice(0, shownMost);

/** @throws RangeError */
export function parseCron(text: string): Cron {
  if (text === "") throw new RangeError("empty spec string");
  const spec = text.replace(/^(CRON_)?TZ=\S*\s+/, "").trim();
  if (spec.startsWith("@every ")) {
    const every = spec.slice("@every ".length);
    if (!v.is(duration, every)) {
      throw new RangeError(`failed to parse duration ${cut(spec)}: time: invalid duration ${JSON.stringify(cut(every))}`);
    }
    return { every };
  }
  if (spec.startsWith("@") && !Object.hasOwn(descriptors, spec)) throw new RangeError(`unrecognized descriptor: ${cut(spec)}`);
  const fields = (descriptors[spec] ?? spec).split(/\s+/).filter((field) => field !== "");
  if (fields.length !== 5) throw new RangeError(`expected exactly 5 fields, found ${fields.length}: [${cut(fields.join(" "))}]`);
  const [minutes, hours, days, inMonths, onWeekdays] = Object.values(bounds).map((bounds, i) => parseField(fields[i]!, bounds)) as [
    Times,
    Times,
    Times,
    Times,
    Times,
  ];
  return {
    minutes: minutes.times,
    hours: hours.times,
    days: days.times,
    months: inMonths.times,
    weekdays: onWeekdays.times,
    eitherDay: !days.any && !onWeekdays.any,
  };
}

interface Times {
  readonly times: ReadonlySet<number>;
  readonly any: boolean;
}
function parseField(field: string, bounds: Bounds): Times {
  const times = new Set<number>();
  let any = false;
  for (const range of field.split(",").filter((range) => range !== "")) {
    const { from, to, step, star } = parseRange(range, bounds);
    for (let time = from; time <= to; time += step) times.add(time);
    any ||= star;
  }
  return { times, any };
}
function parseRange(text: string, { min, max, names }: Bounds) {
  const [range = "", every, ...moreSteps] = text.split("/"), [low = "", high, ...moreEnds] = range.split("-"), shown = cut(text);
  let star = low === "*" || low === "?", from = min, to = max, step = 1;
  if (!star) {
    from = to = numberOf(low, min, names);
    if (moreEnds.length > 0) throw new RangeError(`too many hyphens: ${shown}`);
    if (high !== undefined) to = numberOf(high, min, names);
  }
  if (moreSteps.length > 0) throw new RangeError(`too many slashes: ${shown}`);
  if (every !== undefined) {
    step = numberOf(every, 0);
    if (high === undefined) to = max; // "5/15" goes on to the end
    if (step > 1) star = false;
  }
  if (from < min) throw new RangeError(`beginning of range (${from}) below minimum (${min}): ${shown}`);
  if (to > max) throw new RangeError(`end of range (${to}) above maximum (${max}): ${shown}`);
  if (from > to) throw new RangeError(`beginning of range (${from}) beyond end of range (${to}): ${shown}`);
  if (step === 0) throw new RangeError(`step of range should be a positive number: ${shown}`);
  return { from, to, step, star };
}
function numberOf(text: string, min: number, names: readonly string[] = []): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return min + named;
  if (/^[+-]?\d{1,15}$/.test(text)) {
    const number = Number(text);
    if (number < 0) throw new RangeError(`negative number (${number}) not allowed: ${text}`);
    return number;
  }
  throw new RangeError(`failed to parse int from ${cut(text)}: strconv.Atoi: parsing ${JSON.stringify(cut(text))}: invalid syntax`);
}
