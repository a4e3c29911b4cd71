// What must hold of a request besides rules and selectors, that a webhook be asked about it: expressions in CEL over the request (KEP-3716).
import { celBudget, matchConditions as most, patternsRemembered } from "../../limits.ts";
import { newEnvironment } from "../cel/functions.ts";
import { CompilationFailed, compile, EvaluationFailed, type Program } from "../cel/program.ts";
import { untypedValue } from "../custom/cel_types.ts";
import type { Cause } from "../decode.ts";
import { qualifiedName } from "../names.ts";
import { duplicate, invalid, missing, tooMany } from "../resource.ts";
import { each, obeysSyntax, unique } from "./pod/check.ts";

interface Condition {
  readonly name: string;
  readonly expression: string;
}
/** What is known of a request: of one that creates, there is no old object; of one that deletes, no new one. */
export interface Variables {
  readonly object: object | null;
  readonly oldObject: object | null;
  readonly request: object;
}

const environment = newEnvironment();
for (const name of ["object", "oldObject", "request"] satisfies (keyof Variables)[]) environment.registerVariable(name, "dyn");
const known = new Map<string, Program>();
/** @throws CompilationFailed */
function program(expression: string): Program {
  let compiled = known.get(expression);
  if (compiled) return compiled;
  compiled = compile(environment, expression);
  if (known.size >= patternsRemembered) known.delete(known.keys().next().value!);
  known.set(expression, compiled);
  return compiled;
}

export function validateConditions(conditions: readonly Condition[], at: string): Cause[] {
  if (conditions.length > most) return [tooMany(at, conditions.length, most)];
  return [
    ...unique(conditions, at, ({ name }) => name, (here, name) => duplicate(`${here}.name`, name)),
    ...each(conditions, at, ({ name, expression }, here) => [
      ...name ? obeysSyntax(`${here}.name`, name, qualifiedName) : [missing(`${here}.name`)],
      ...validateExpression(expression, `${here}.expression`),
    ]),
  ];
}
function validateExpression(expression: string, at: string): Cause[] {
  if (!expression.trim()) return [missing(at)];
  try {
    return program(expression).type === "bool" ? [] : [invalid(at, expression, "must evaluate to bool")];
  } catch (error) {
    if (!(error instanceof CompilationFailed)) throw error;
    return [invalid(at, expression, `compilation failed: ${error.message}`)];
  }
}

/** All hold: true. One does not: false, whatever else is wrong. Else what is wrong. */
export function hold(conditions: readonly Condition[], { object, oldObject, request }: Variables): boolean | { readonly error: string } {
  const budget = { left: celBudget }, made = new Map(), errors: string[] = [];
  const variables = Object.fromEntries(
    Object.entries({ object, oldObject, request }).map(([name, value]) => [name, untypedValue(value, made)]),
  );
  for (const { name, expression } of conditions) {
    try {
      if (program(expression).evaluate(variables, budget) !== true) return false;
    } catch (error) {
      if (!(error instanceof EvaluationFailed || error instanceof CompilationFailed)) throw error;
      errors.push(`matchCondition ${JSON.stringify(name)}: ${error.message}`);
    }
  }
  return errors.length === 0 || { error: errors.join("; ") };
}
