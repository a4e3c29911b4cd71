// What Kubernetes adds to CEL: libraries of texts, lists, regular expressions, addresses and amounts (apiserver's cel/library, and cel-go's strings and sets).
import { Environment, EvaluationError, Optional } from "@marcbachmann/cel-js";
import { compilePattern, findAll } from "../custom/patterns.ts";
import { addressFunctions } from "./addresses.ts";
import { format } from "./format.ts";
import { equal } from "./equal.ts";
import { quantityFunctions } from "./quantities.ts";
import { re2Matches } from "./program.ts";

export const fail = (message: string): never => {
  throw new EvaluationError(message);
};
const pattern = (text: string) => {
  try {
    return compilePattern(text);
  } catch (error) {
    return fail(`invalid regular expression: ${(error as Error).message}`);
  }
};

function textFunctions(environment: Environment): void {
  environment
    .registerFunction(`string.${re2Matches}(string): bool`, (text: string, re: string) => pattern(re).test(text))
    .registerFunction(`${re2Matches}(string, string): bool`, (text: string, re: string) => pattern(re).test(text))
    .registerFunction("string.find(string): string", (text: string, re: string) => (pattern(re), findAll(re, text, 1)[0] ?? ""))
    .registerFunction("string.findAll(string): list<string>", (text: string, re: string) => (pattern(re), findAll(re, text)))
    .registerFunction(
      "string.findAll(string, int): list<string>",
      (text: string, re: string, most: bigint) => (pattern(re), findAll(re, text, most < 0n ? undefined : Number(most))),
    )
    .registerFunction("string.charAt(int): string", (text: string, at: bigint) => {
      const characters = [...text], index = Number(at);
      return index < 0 || index > characters.length ? fail(`index out of range: ${at}`) : characters[index] ?? "";
    })
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) => text.replaceAll(from, () => to))
    .registerFunction("string.replace(string, string, int): string", (text: string, from: string, to: string, most: bigint) => {
      if (most < 0n) return text.replaceAll(from, () => to);
      const parts = text.split(from), count = Math.min(Number(most), parts.length - 1);
      return parts.slice(0, count + 1).join(to) + parts.slice(count + 1).map((part) => from + part).join("");
    })
    .registerFunction("string.reverse(): string", (text: string) => [...text].reverse().join(""))
    .registerFunction("string.format(list): string", (text: string, values: unknown[]) => format(text, values));
}

const ordered = ["int", "double", "string", "bool"] as const;
function listFunctions(environment: Environment): void {
  type Value = bigint | number | string | boolean;
  const extreme = (name: string, better: (a: Value, b: Value) => boolean) => (list: Value[]): Value =>
    list.length === 0 ? fail(`${name} called on empty list`) as never : list.reduce((best, one) => better(one, best) ? one : best);
  for (const type of ordered) {
    environment
      .registerFunction(`list<${type}>.min(): ${type}`, extreme("min", (a, b) => a < b))
      .registerFunction(`list<${type}>.max(): ${type}`, extreme("max", (a, b) => a > b))
      .registerFunction(`list<${type}>.isSorted(): bool`, (list: Value[]) => list.every((one, i) => i === 0 || list[i - 1]! <= one));
  }
  const at = (list: readonly unknown[], value: unknown) => list.findIndex((one) => equal(one, value));
  const within = (all: readonly unknown[], some: readonly unknown[]): boolean => some.every((one) => at(all, one) >= 0);
  environment
    .registerFunction("list<int>.sum(): int", (list: bigint[]) => list.reduce((a, b) => a + b, 0n))
    .registerFunction("list<double>.sum(): double", (list: number[]) => list.reduce((a, b) => a + b, 0))
    .registerFunction("list.indexOf(dyn): int", (list: unknown[], value: unknown) => BigInt(at(list, value)))
    .registerFunction(
      "list.lastIndexOf(dyn): int",
      (list: unknown[], value: unknown) => BigInt(list.findLastIndex((one) => equal(one, value))),
    );
  class Sets {}
  environment.registerType("Sets", { ctor: Sets, fields: {} });
  environment.registerConstant("sets", "Sets", new Sets());
  environment
    .registerFunction("Sets.contains(list, list): bool", (_: unknown, all: unknown[], some: unknown[]) => within(all, some))
    .registerFunction("Sets.equivalent(list, list): bool", (_: unknown, a: unknown[], b: unknown[]) => within(a, b) && within(b, a))
    .registerFunction("Sets.intersects(list, list): bool", (_: unknown, a: unknown[], b: unknown[]) => a.some((one) => at(b, one) >= 0));
}

const base = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 10_000, maxDepth: 100, maxListElements: 5_000, maxMapEntries: 5_000, maxCallArguments: 32 },
});
for (const library of [textFunctions, listFunctions, addressFunctions, quantityFunctions]) library(base);

/** An environment of one's own, to declare types and variables in. */
export const newEnvironment = (): Environment => base.clone();
/** "1h30m" @throws EvaluationError */
export const durationOf = (text: string): unknown => base.evaluate("duration(" + JSON.stringify(text) + ")");
export const some = (value: unknown): unknown => Optional.of(value);
export const none = (): unknown => Optional.none();
