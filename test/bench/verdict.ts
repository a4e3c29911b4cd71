// A table of figures beside etcd's, with what they must reach and whether they do.
import type { Engine } from "./clusters.ts";
import { figure, median, print } from "./figures.ts";

/** Samples by round; ratios are of the same round where both were measured in rounds. */
export type Samples = Partial<Record<Engine, readonly number[]>>;

export interface Line {
  readonly what: string;
  readonly unit: string;
  readonly samples: Samples;
  /** Every bound that is given must hold. `times`: of etcd's figure. */
  readonly must?: { readonly atLeastTimes?: number; readonly atMostTimes?: number; readonly atMost?: number };
}

export interface Verdict {
  readonly figure: number;
  /** Of etcd's, median of the rounds; NaN where etcd has none. */
  readonly ratio: number;
  /** Undefined where nothing is asked. */
  readonly met: boolean | undefined;
}

export function judge({ samples, must = {} }: Pick<Line, "samples" | "must">, engine: Engine): Verdict {
  const own = samples[engine] ?? [], theirs = samples.etcd ?? [], figure = median(own);
  const rounds = Math.min(own.length, theirs.length);
  const ratio = rounds === 0 ? NaN : median(Array.from({ length: rounds }, (_, at) => own[at]! / theirs[at]!));
  const { atLeastTimes, atMostTimes, atMost } = must;
  const holds = [
    ...(atLeastTimes === undefined ? [] : [ratio >= atLeastTimes]),
    ...(atMostTimes === undefined ? [] : [ratio <= atMostTimes]),
    ...(atMost === undefined ? [] : [figure <= atMost]),
  ];
  return { figure, ratio, met: holds.length === 0 ? undefined : holds.every(Boolean) };
}

export function printVerdicts(lines: readonly Line[], ours: readonly Engine[]): void {
  const times = (ratio: number): string => Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}×`;
  const short: Readonly<Record<Engine, string>> = { etcd: "etcd", node: "Node", deno: "Deno" };
  print([
    ["", "unit", "etcd", ...ours.flatMap((engine) => [short[engine], "÷ etcd"]), "must", "verdict"],
    ...lines.map((line) => {
      const verdicts = ours.map((engine) => line.samples[engine] && judge(line, engine));
      const words = verdicts.flatMap((verdict, at) => verdict?.met === undefined ? [] : [{ engine: short[ours[at]!], met: verdict.met }]);
      return [
        line.what,
        line.unit,
        line.samples.etcd ? figure(median(line.samples.etcd)) : "",
        ...verdicts.flatMap((verdict) => verdict ? [figure(verdict.figure), times(verdict.ratio)] : ["", ""]),
        bounds(line),
        words.every(({ met }) => met === words[0]?.met)
          ? words[0] ? word(words[0].met) : ""
          : words.map(({ engine, met }) => `${engine} ${word(met)}`).join(", "),
      ];
    }),
  ]);
}

const word = (met: boolean): string => met ? "met" : "MISSED";
function bounds({ must: { atLeastTimes, atMostTimes, atMost } = {}, unit }: Line): string {
  return [
    ...(atLeastTimes === undefined ? [] : [`≥ ${atLeastTimes.toFixed(1)}×`]),
    ...(atMostTimes === undefined ? [] : [`≤ ${atMostTimes.toFixed(1)}×`]),
    ...(atMost === undefined ? [] : [`≤ ${atMost} ${unit}`]),
  ].join(", ");
}
