// Where something is in an object: the JSON paths of definitions, `.spec.containers[0].image` or `.status.conditions[?(@.type=="Ready")].status`.
import { jsonPathSteps } from "../../limits.ts";
import { isObject, own } from "./structural.ts";

type Step =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly every: true }
  | { readonly where: readonly Step[]; readonly is: "==" | "!="; readonly value: unknown };
export type JsonPath = readonly Step[];

/** @throws SyntaxError */
export function parseJsonPath(text: string): JsonPath {
  const steps: Step[] = [];
  let at = 0;
  const bad = (why: string): SyntaxError => new SyntaxError(`${why} at ${at} of ${JSON.stringify(text)}`);
  while (at < text.length) {
    if (steps.length === jsonPathSteps) throw bad(`more than ${jsonPathSteps} steps`);
    const rest = text.slice(at);
    const name = /^\.((?:\\.|[^.[\]\\\s'"()])+)/.exec(rest), quoted = /^\.?\[(['"])((?:\\.|(?!\1)[^\\])*)\1\]/.exec(rest);
    const index = /^\.?\[(-?\d{1,9})\]/.exec(rest), every = /^(?:\.?\[\*\]|\.\*)/.exec(rest);
    const filter = /^\.?\[\?\(\s*@((?:\\.|[^=!\s\\])*)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|(true|false|-?\d+(?:\.\d+)?))\s*\)\]/.exec(rest);
    const found = every ?? quoted ?? index ?? filter ?? name;
    if (!found) throw bad("unexpected text");
    if (every) steps.push({ every: true });
    else if (quoted) steps.push({ field: unescaped(quoted[2]!) });
    else if (index) steps.push({ index: Number(index[1]) });
    else if (filter) {
      const [, path, is, double, single, literal] = filter;
      steps.push({ where: parseJsonPath(path!), is: is as "==", value: double ?? single ?? JSON.parse(literal!) });
    } else steps.push({ field: unescaped(name![1]!) });
    at += found[0].length;
  }
  return steps;
}
const unescaped = (text: string): string => text.replace(/\\(.)/g, "$1");

/** Everything that it leads to. */
export function valuesAt(path: JsonPath, value: unknown): unknown[] {
  let found: unknown[] = [value];
  for (const step of path) found = found.flatMap((one) => next(step, one));
  return found;
}
function next(step: Step, value: unknown): unknown[] {
  if ("field" in step) {
    const inner = isObject(value) ? own(value, step.field) : undefined;
    return inner === undefined ? [] : [inner];
  }
  const items = Array.isArray(value) ? value : "every" in step && isObject(value) ? Object.values(value) : [];
  if ("every" in step) return items;
  if ("index" in step) return items.slice(step.index).slice(0, 1);
  return items.filter((item) => valuesAt(step.where, item).some((one) => one === step.value) === (step.is === "=="));
}
/** A value as text, as a column shows it. */
export const textOf = (value: unknown): string => typeof value === "object" ? JSON.stringify(value) : String(value);
