// Rules in CEL (x-kubernetes-validations): compiled when a definition comes, asked of every object that is written. Words are those of apiextensions' cel package.
import { celBudget, messageCharacters } from "../../limits.ts";
import { newEnvironment, none, some } from "../cel/functions.ts";
import { type Budget, CompilationFailed, compile, EvaluationFailed, type Program } from "../cel/program.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import type { ValidationRule } from "../kinds/definition/json_schema.ts";
import { celValue, declareTypes, type Made } from "./cel_types.ts";
import { parseJsonPath } from "./json_path.ts";
import { isObject, itemsOf, own, type Schema, valuesOf } from "./structural.ts";
import { correlated, isFull, typeName, type Walk } from "./validate.ts";

export interface Rule {
  readonly rule: ValidationRule;
  readonly program?: Program;
  readonly message?: Program;
  /** It compares with the value before, and is asked only where there is one. */
  readonly transition: boolean;
  /** Why it cannot be asked. */
  readonly flaws: readonly { readonly field: string; readonly message: string }[];
}
/** Of each schema that has some. */
export type Rules = ReadonlyMap<Schema, readonly Rule[]>;

const known = new WeakMap<Schema, Rules>();
/** Compiled once a schema; undefined where there are none. */
export function rulesOf(root: Schema): Rules | undefined {
  if (!hasRules(root)) return undefined;
  let rules = known.get(root);
  if (!rules) known.set(root, rules = compileAll(root));
  return rules;
}
const having = new WeakMap<Schema, boolean>();
function hasRules(schema: Schema): boolean {
  let has = having.get(schema);
  if (has === undefined) having.set(schema, has = (schema["x-kubernetes-validations"]?.length ?? 0) > 0 || inner(schema).some(hasRules));
  return has;
}
function inner(schema: Schema): Schema[] {
  const items = itemsOf(schema), values = valuesOf(schema);
  return [...items ? [items] : [], ...isObject(values) ? [values as Schema] : [], ...Object.values(schema.properties ?? {})];
}

function compileAll(root: Schema): Rules {
  const environment = newEnvironment(), types = declareTypes(environment, root), rules = new Map<Schema, Rule[]>();
  /** The variable of the environment that stands for `self` or `oldSelf` where it has this type. */
  const variable = (name: string, type: string): string => {
    const called = `${name} of ${type}`;
    if (!environment.hasVariable(called)) environment.registerVariable(called, type);
    return called;
  };
  const visit = (schema: Schema): void => {
    if (!hasRules(schema)) return;
    const type = types.get(schema) ?? "dyn";
    const compiled = (schema["x-kubernetes-validations"] ?? []).map((rule) => {
      const oldSelf = variable("oldSelf", rule.optionalOldSelf ? `optional<${type}>` : type);
      return compileRule(environment, rule, { self: variable("self", type), oldSelf });
    });
    if (compiled.length > 0) rules.set(schema, compiled);
    inner(schema).forEach(visit);
  };
  visit(root);
  return rules;
}
type Environment = ReturnType<typeof newEnvironment>;
function compileRule(environment: Environment, rule: ValidationRule, called: Readonly<Record<string, string>>): Rule {
  const flaws: { field: string; message: string }[] = [];
  const compiled = (field: "rule" | "messageExpression", type: string, failed: string, other: string): Program | undefined => {
    const expression = rule[field]?.trim();
    if (!expression) return undefined;
    try {
      const program = compile(environment, expression, called);
      if (program.type === type) return program;
      flaws.push({ field, message: other });
    } catch (error) {
      if (!(error instanceof CompilationFailed)) throw error;
      flaws.push({ field, message: `${failed}: ${error.message}` });
    }
    return undefined;
  };
  const program = compiled("rule", "bool", "compilation failed", "cel expression must evaluate to a bool");
  const message = compiled(
    "messageExpression",
    "string",
    "messageExpression compilation failed",
    "messageExpression must evaluate to a string",
  );
  const transition = program?.uses.has("oldSelf") ?? false;
  return { rule, transition, flaws, ...program && { program }, ...message && { message } };
}

/** Errors that leave rules nothing to look at. */
const blocking: readonly Cause["reason"][] = ["FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];

/** After everything else: of an object whose schema is broken, rules can say nothing. */
export function checkRules(root: Schema, value: unknown, walk: Walk, old?: unknown): void {
  const rules = rulesOf(root);
  if (!rules) return;
  if (walk.causes.some(({ reason }) => blocking.includes(reason))) {
    const words =
      "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
    return void walk.causes.push({ reason: "FieldValueInvalid", field: "<nil>", message: `Invalid value: null: ${words}` });
  }
  const asking: Asking = { rules, walk, budget: { left: celBudget }, made: new Map(), madeBefore: new Map() };
  ask(asking, root, value, "", old, true);
}
interface Asking {
  readonly rules: Rules;
  readonly walk: Walk;
  readonly budget: Budget;
  readonly made: Made;
  readonly madeBefore: Made;
}
function ask(asking: Asking, schema: Schema, value: unknown, path: string, old: unknown, root = false): void {
  const { rules, walk, budget } = asking;
  if (!hasRules(schema) || value === null || value === undefined) return;
  const same = old !== undefined && sameJson(old, value);
  for (const rule of rules.get(schema) ?? []) {
    if (isFull(walk) || budget.left < 0) return;
    if (rule.transition ? old !== undefined || rule.rule.optionalOldSelf : !same) askOne(asking, rule, schema, value, path, old, root);
  }
  const below = (inner: Schema, item: unknown, at: string, before: unknown) => {
    if (!isFull(walk) && budget.left >= 0) ask(asking, inner, item, at, before);
  };
  if (Array.isArray(value)) {
    const items = itemsOf(schema), before = correlated(schema, value, old);
    if (items) { for (const [i, item] of value.entries()) below(items, item, `${path}[${i}]`, before?.(item)); }
  } else if (isObject(value)) {
    const values = valuesOf(schema), before = isObject(old) ? old : undefined;
    for (const [key, item] of Object.entries(value)) {
      const field = own(schema.properties, key) ?? (values === true ? undefined : values);
      if (field) below(field, item, path ? `${path}.${key}` : key, own(before, key));
    }
  }
}

function askOne(
  { walk, budget, made, madeBefore }: Asking,
  { rule, program, message, transition }: Rule,
  schema: Schema,
  value: unknown,
  path: string,
  old: unknown,
  root: boolean,
): void {
  if (!program) return; // of another release: whoever stored it could compile it
  const shown = typeof value === "object" ? typeName(value) : value, words = rule.message?.trim() || rule.rule.trim();
  const invalid = (text: string) =>
    void walk.causes.push({
      reason: "FieldValueInvalid",
      field: path || "<nil>",
      message: `Invalid value: ${JSON.stringify(shown)}: ${text}`,
    });
  try {
    const self = celValue(schema, value, made, root || undefined),
      before = transition && old !== undefined ? celValue(schema, old, madeBefore, root || undefined) : undefined;
    const variables = {
      self,
      ...transition && { oldSelf: rule.optionalOldSelf ? (before === undefined ? none() : some(before)) : before },
    };
    if (program.evaluate(variables, budget) === true) return;
    walk.causes.push(causeOf(rule, said(rule, message, variables, budget), path, shown));
  } catch (error) {
    if (!(error instanceof EvaluationFailed)) return invalid(`${(error as Error).message} evaluating rule: ${words}`);
    if (!error.spent) return invalid(`${error.message} evaluating rule: ${words}`);
    invalid(`validation failed due to running out of cost budget, no further validation rules will be run: ${words}`);
  }
}
/** What its message expression says, unless that fails, or says nothing that fits on a line. */
function said(rule: ValidationRule, message: Program | undefined, variables: object, budget: Budget): string {
  const otherwise = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
  if (!message) return otherwise;
  try {
    const text = String(message.evaluate(variables as never, budget)).trim();
    return text === "" || /[\r\n]/.test(text) || text.length > messageCharacters ? otherwise : text;
  } catch (error) {
    if (error instanceof EvaluationFailed) return otherwise;
    throw error;
  }
}
function causeOf({ reason = "FieldValueInvalid", fieldPath }: ValidationRule, text: string, path: string, shown: unknown): Cause {
  const below = fieldPath ? fieldPath.trim().replace(/\['([^']*)'\]/g, ".$1") : "", field = `${path}${below}`.replace(/^\./, "") || "<nil>";
  const value = JSON.stringify(shown);
  switch (reason) {
    case "FieldValueRequired":
      return { reason, field, message: `Required value: ${text}` };
    case "FieldValueForbidden":
      return { reason, field, message: `Forbidden: ${text}` };
    case "FieldValueDuplicate":
      return { reason, field, message: `Duplicate value: ${value}: ${text}` };
    default:
      return { reason, field, message: `Invalid value: ${value}: ${text}` };
  }
}

/** Does it lead to a field of this schema? */
export function leadsToField(path: string, schema: Schema): boolean {
  try {
    let found: Schema | undefined = schema;
    for (const step of parseJsonPath(path)) {
      if (!("field" in step) || !found) return false;
      const values = valuesOf(found);
      found = own(found.properties, step.field) ?? (values === true ? undefined : values);
    }
    return found !== undefined && found !== schema;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
