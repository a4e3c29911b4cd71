// How messages and maps go through their input as valibot does: a value comes back as far as it can be made, with every issue and the path to it.
import type * as v from "valibot";

export type Json = Record<string, unknown>;
export type Issue = v.BaseIssue<unknown>;
/**
 * `room`: how many unknown fields and other issues are still wanted, and how many keys and items may still come. Whoever has more unknown ones than that hears
 * no more of them; of others, it ends.
 */
export type Config = v.Config<Issue> & { room?: { unknown: number; others: number; values: number }; abortEarly?: boolean | undefined };
/** A value on its way: first the input, then what became of it. `typed`: it has the type of its schema, though perhaps not by all of its rules. */
export type Result = { value: unknown; typed?: boolean; issues?: Issue[] };

/** What is wrong with a value, as that value's result. `schema`: it cannot be read; `validation`: it is not allowed. */
export const flaw = (kind: "schema" | "validation", type: string, input: unknown, message: string): Result => ({
  typed: true,
  value: input,
  issues: [{ kind, type, input, expected: null, received: typeof input, message }],
});

/** The end of a walk whose object has more in it than any may have, in `input`, which is as long as `count`; undefined while it has not. */
export function crowded(input: unknown, count: number, config: Config): Result | undefined {
  if (!config.room || (config.room.values -= count) >= 0) return undefined;
  config.abortEarly = true;
  return flaw("validation", "many", input, String(count));
}
/** Walks an object, if it is one, by its keys. */
export function inside(at: Result, config: Config, walk: (input: Json, keys: readonly string[]) => Json): Result {
  const input = at.value;
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return { ...flaw("schema", "object", input, "expected object"), typed: false };
  }
  const keys = Object.keys(input), end = crowded(input, keys.length, config);
  if (end) return end;
  at.typed = true;
  at.value = walk(input as Json, keys);
  return at;
}
/** Hands a child's value up, and its issues with one more step of path. */
export function step(
  at: Result,
  type: "object" | "map" | "array",
  input: Json,
  key: string | number,
  child: v.OutputDataset<unknown, Issue> | Result,
  config: Config,
): unknown {
  for (const issue of child.issues ?? []) {
    const path: unknown[] = (issue as { path?: unknown[] }).path ??= [];
    if (path.length === 0 && issue.type !== "unknown" && config.room && --config.room.others === 0) config.abortEarly = true;
    path.unshift({ type, origin: "value", input, key, value: input[key] });
    (at.issues ??= []).push(issue);
  }
  if (!child.typed) at.typed = false;
  return child.value;
}
