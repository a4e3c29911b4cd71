// CEL, the language of rules: expressions that somebody else has written, compiled with types and evaluated within a budget, so that none of them can hold us.
// The language is @marcbachmann/cel-js; what Kubernetes adds to it is in functions.ts. Whole numbers are bigints, and `matches` is RE2's.
//
// The budget is the library's nodes: each that is evaluated costs 1, and more where it has a long text or list in hand, as a node that reads all of it would.
// This leans on how the library keeps a node's evaluation (meta.evaluate): pin its exact version, as package.json does, and let program_test.ts tell.
import { type Environment, EvaluationError, ParseError, TypeError as CheckError } from "@marcbachmann/cel-js";

export interface Program {
  /** "bool", "string" … */
  readonly type: string;
  /** Names of variables that it speaks of. */
  readonly uses: ReadonlySet<string>;
  /** @throws EvaluationFailed */
  evaluate(variables: Readonly<Record<string, unknown>>, budget: Budget): unknown;
}
/** What is left. Shared by all rules of one object. */
export interface Budget {
  left: number;
}
/** `spent`: not the rule failed, but the budget. */
export class EvaluationFailed extends Error {
  override name = "EvaluationFailed";
  readonly spent: boolean;
  constructor(message: string, spent = false) {
    super(message);
    this.spent = spent;
  }
}
/** It is no expression, or one whose types do not fit. The message has the place: `ERROR: <input>:1:6: …`, and below the line and an arrow. */
export class CompilationFailed extends Error {
  override name = "CompilationFailed";
}

/** A node of the library, as far as it is touched here. */
interface Node {
  readonly op: string;
  args: unknown;
  readonly meta: { evaluate?: Evaluate; alternate?: Node; macro?: Record<string, unknown> };
}
type Evaluate = (this: unknown, ev: unknown, ast: Node, ctx: unknown) => unknown;

/**
 * @param called what variables are called in the environment, where that is not what the expression calls them: so that many expressions share one, which
 * takes some 50 KB
 * @throws CompilationFailed
 */
export function compile(environment: Environment, expression: string, called: Readonly<Record<string, string>> = {}): Program {
  try {
    const parsed = environment.parse(expression), uses = new Set<string>(), meter: Meter = { budget: { left: 0 } };
    const nodes = everyNode(parsed.ast);
    for (const node of nodes) if (node.op === "id") uses.add(node.args as string);
    for (const node of nodes) {
      useRe2(node);
      rename(node, called);
    }
    const { valid, type = "", error } = parsed.check();
    if (!valid) throw error;
    // Checking may have put others in their place.
    for (const node of everyNode(parsed.ast)) metered(node, meter);
    return { type, uses, evaluate: (variables, budget) => evaluate(() => parsed(renamed(variables, called)), meter, budget) };
  } catch (error) {
    if (error instanceof ParseError || error instanceof CheckError) throw new CompilationFailed(placed(error, expression));
    throw error;
  }
}

function evaluate(run: () => unknown, meter: Meter, budget: Budget): unknown {
  meter.budget = budget;
  let failure: unknown, result: unknown;
  try {
    result = run();
  } catch (error) {
    failure = error;
  }
  // Some operators take an error for an answer; but not this one.
  if (budget.left < 0) throw new EvaluationFailed("call cost exceeds limit", true);
  if (failure === undefined) return result;
  if (failure instanceof EvaluationError) throw new EvaluationFailed(failure.summary);
  if (failure instanceof CheckError) throw new EvaluationFailed(failure.summary);
  if (failure instanceof RangeError) throw new EvaluationFailed(failure.message); // too deep, too long
  throw failure;
}

function everyNode(root: unknown): Node[] {
  const found = new Set<object>(), nodes: Node[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || found.has(value)) return;
    found.add(value);
    if (Array.isArray(value)) return value.forEach(visit);
    const { op, args, meta } = value as Node;
    if (typeof op === "string" && meta) {
      nodes.push(value as Node);
      visit(args);
      visit(meta.alternate);
      visit(meta.macro);
    } else if (Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(visit);
  };
  visit(root);
  return nodes;
}

/** The library's own `matches` backtracks. */
function useRe2({ op, args }: Node): void {
  if ((op === "rcall" || op === "call") && (args as unknown[])[0] === "matches") (args as unknown[])[0] = re2Matches;
}
/** Also where the expression uses the name for one of its own: then that hides the variable, as it did. */
function rename(node: Node, called: Readonly<Record<string, string>>): void {
  const args = node.args as { iterVarName?: string };
  if (node.op === "id" && Object.hasOwn(called, node.args as string)) node.args = called[node.args as string];
  else if (node.op === "comprehension" && Object.hasOwn(called, args.iterVarName ?? "")) args.iterVarName = called[args.iterVarName!]!;
}
const renamed = (variables: Readonly<Record<string, unknown>>, called: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [called[name] ?? name, value]));
export const re2Matches = "matchesRe2";

interface Meter {
  budget: Budget;
}
const exhausted = new EvaluationError("out of budget");
function metered({ meta }: Node, meter: Meter): void {
  const own = meta.evaluate;
  if (!own || own.name === "meteredNode") return;
  meta.evaluate = function meteredNode(ev, ast, ctx) {
    const { budget } = meter;
    if (--budget.left < 0) throw exhausted;
    const value = own.call(this, ev, ast, ctx);
    budget.left -= weight(value);
    return value;
  };
}
const deepWeights = new WeakMap<object, number>();
/** Of a value that a rule gets to see: how long it takes to read all of it, by tens. */
function weight(value: unknown): number {
  if (typeof value === "string") return value.length >>> 6;
  if (typeof value !== "object" || value === null) return 0;
  return deepWeights.get(value) ?? (Array.isArray(value) ? value.length >>> 3 : 0);
}
/** Says how much there is in a value that is made for rules. */
export const weigh = (value: object, values: number): void => void deepWeights.set(value, values >>> 3);

/** As cel-go prints it. */
function placed(error: ParseError | CheckError, expression: string): string {
  const { start } = error.range ?? { start: 0 },
    before = expression.slice(0, start).split("\n"),
    line = expression.split("\n")[before.length - 1] ?? "";
  const column = before.at(-1)!.length;
  return `ERROR: <input>:${before.length}:${column + 1}: ${words(error)}\n | ${line}\n | ${".".repeat(column)}^`;
}
const words = ({ code, summary }: ParseError | CheckError): string => {
  const key = /^No such key: (.*)$/.exec(summary)?.[1];
  if (code === "no_such_key" && key !== undefined) return `undefined field '${key}'`;
  const unknown = /^Unknown variable: (.*)$/.exec(summary)?.[1];
  return unknown !== undefined ? `undeclared reference to '${unknown}' (in container '')` : summary;
};
