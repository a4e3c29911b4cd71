// Small words that the rules of pods are written in.
import type { Cause } from "../../decode.ts";
import type { Syntax } from "../../names.ts";
import { invalid } from "../../resource.ts";

export const obeysSyntax = (field: string, value: string, syntax: Syntax): Cause[] =>
  syntax(value).map((problem) => invalid(field, value, problem));
/** As `obeysSyntax`, of a value that may be left out. */
export const ifGiven = (field: string, value: string | undefined, syntax: Syntax): Cause[] =>
  value ? obeysSyntax(field, value, syntax) : [];

/** The rules of each item, told where it stands. */
export const each = <T>(items: readonly T[] | undefined, at: string, rules: (item: T, at: string) => Cause[]): Cause[] =>
  items?.flatMap((item, i) => rules(item, `${at}[${i}]`)) ?? [];

/** Causes for all but the first of equal keys; undefined is never equal. */
export function unique<T>(
  items: readonly T[] | undefined,
  at: string,
  key: (item: T) => string | undefined,
  cause: (at: string, key: string) => Cause,
): Cause[] {
  const seen = new Set<string>();
  return each(items, at, (item, here) => {
    const is = key(item);
    if (is === undefined) return [];
    if (seen.has(is)) return [cause(here, is)];
    seen.add(is);
    return [];
  });
}

export const atLeast = (field: string, value: number | undefined, least: 0 | 1): Cause[] =>
  value === undefined || value >= least
    ? []
    : [invalid(field, value, least === 0 ? "must be greater than or equal to 0" : "must be greater than 0")];

export const noBacksteps: Syntax = (path) => path.split("/").includes("..") ? ["must not contain '..'"] : [];
/** A path inside a volume: never up, never from the root. */
export const descending: Syntax = (path) => [...path.startsWith("/") ? ["must be a relative path"] : [], ...noBacksteps(path)];
/** As `descending`, and not where the agent keeps its own: names that begin with two dots. */
export const descendingFile: Syntax = (path) => [
  ...descending(path),
  ...path.startsWith("..") && !path.startsWith("../") ? ["must not start with '..'"] : [],
];
