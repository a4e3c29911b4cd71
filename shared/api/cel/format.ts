// `"%s has %d".format([…])`: the clauses of cel-go's strings library.
import { EvaluationError } from "@marcbachmann/cel-js";

export function format(text: string, values: readonly unknown[]): string {
  let at = 0;
  return text.replace(/%(?:\.(\d{1,3}))?(.?)/g, (_, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (at >= values.length) throw new EvaluationError(`index ${at} out of range`);
    return clause(verb, values[at++], precision === undefined ? 6 : Number(precision));
  });
}
function clause(verb: string, value: unknown, precision: number): string {
  const number = typeof value === "bigint" || typeof value === "number",
    wrong = () => new EvaluationError(`error during formatting: %${verb} cannot show this value`);
  switch (verb) {
    case "s":
      return textOf(value);
    case "d":
      if (!number) throw wrong();
      return String(value);
    case "f":
    case "e":
      if (!number) throw wrong();
      return verb === "f" ? Number(value).toFixed(precision) : Number(value).toExponential(precision);
    case "b":
      if (typeof value !== "bigint" && typeof value !== "boolean") throw wrong();
      return typeof value === "boolean" ? (value ? "1" : "0") : value.toString(2);
    case "o":
      if (typeof value !== "bigint") throw wrong();
      return value.toString(8);
    case "x":
    case "X": {
      if (typeof value !== "bigint" && typeof value !== "string") throw wrong();
      const hex = typeof value === "bigint"
        ? value.toString(16)
        : [...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    default:
      throw new EvaluationError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}
/** What `%s` shows. */
export function textOf(value: unknown): string {
  if (value === null) return "null";
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (value instanceof Map) return `{${[...value].map(([key, inner]) => `${textOf(key)}: ${textOf(inner)}`).join(", ")}}`;
  return String(value);
}
