// What is made of samples, and how it is printed.

/** The smallest of the samples that at least the share `q` of them does not exceed; NaN of none. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
export const median = (samples: readonly number[]): number => {
  const sorted = [...samples].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** One line of a table: a subject beside the bare thing, each a sample a round, compared within the round. */
export interface Compared {
  readonly what: string;
  readonly unit: string;
  readonly subject: readonly number[];
  readonly bare: readonly number[];
}
export const ratio = ({ subject, bare }: Pick<Compared, "subject" | "bare">): number =>
  median(subject.map((value, at) => value / bare[at]!));

export function printCompared(lines: readonly Compared[]): void {
  print([
    ["", "unit", "ours", "bare", "ratio", "ratios of the rounds"],
    ...lines.map((line) => [
      line.what,
      line.unit,
      figure(median(line.subject)),
      figure(median(line.bare)),
      `${ratio(line).toFixed(2)}×`,
      line.subject.map((value, at) => (value / line.bare[at]!).toFixed(2)).join(" "),
    ]),
  ]);
}

/** Columns as wide as their widest cell, as a Markdown table, so that it can be pasted where it is kept. */
export function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |\n`;
  const [head, ...body] = rows.map(line);
  say(`${head}${line(widths.map((width) => "-".repeat(width)))}${body.join("")}`);
}
export const say = (text: string): void => console.log(text.trimEnd());

export const figure = (value: number): string => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
