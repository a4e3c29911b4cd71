// Can the rules of a schema be asked? Each is compiled when its definition comes: what fails then, fails there (apiextensions' validation.go).
import { definitionRules, reportedProblems } from "../../limits.ts";
import type { Cause } from "../decode.ts";
import type { ValidationRule } from "../kinds/definition/json_schema.ts";
import { invalid, missing, tooMany } from "../resource.ts";
import { leadsToField, rulesOf } from "./rules.ts";
import { isObject, itemsOf, type Schema, valuesOf } from "./structural.ts";

type Survey = { readonly causes: Cause[]; rules: number };

/** @param uncorrelated path of the list in which the value before cannot be found again */
export function checkRuleSyntax(schema: Schema, path: string, uncorrelated: string | undefined, survey: Survey): void {
  const rules = schema["x-kubernetes-validations"] ?? [], { causes } = survey;
  if (causes.length >= reportedProblems) return;
  survey.rules += rules.length;
  if (survey.rules > definitionRules) return void causes.push(tooMany(`${path}.x-kubernetes-validations`, survey.rules, definitionRules));
  rules.forEach((rule, i) => checkOne(rule, schema, `${path}.x-kubernetes-validations[${i}]`, uncorrelated, causes));
  const items = itemsOf(schema),
    values = valuesOf(schema),
    below = uncorrelated ?? (schema["x-kubernetes-map-type"] === "atomic" ? path : undefined);
  if (items) {
    checkRuleSyntax(items, `${path}.items`, uncorrelated ?? (schema["x-kubernetes-list-type"] === "map" ? undefined : path), survey);
  }
  if (isObject(values)) checkRuleSyntax(values as Schema, `${path}.additionalProperties`, below, survey);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkRuleSyntax(property, `${path}.properties[${name}]`, below, survey);
  }
}
const lines = /[\r\n]/;
function checkOne(rule: ValidationRule, schema: Schema, at: string, uncorrelated: string | undefined, causes: Cause[]): void {
  const { message = "", messageExpression = "", fieldPath = "", optionalOldSelf } = rule, text = rule.rule.trim(), said = message.trim();
  if (text === "") causes.push(missing(`${at}.rule`, "rule is not specified"));
  else if (message !== "" && said === "") causes.push(invalid(`${at}.message`, message, "message must be non-empty if specified"));
  else if (lines.test(said)) causes.push(invalid(`${at}.message`, message, "message must not contain line breaks"));
  else if (lines.test(text) && said === "") causes.push(missing(`${at}.message`, "message must be specified if rule contains line breaks"));
  if (messageExpression !== "" && messageExpression.trim() === "") {
    causes.push(missing(`${at}.messageExpression`, "messageExpression must be non-empty if specified"));
  }
  if (fieldPath !== "" && !leadsToField(fieldPath.trim(), schema)) {
    causes.push(invalid(`${at}.fieldPath`, fieldPath, "fieldPath must be a valid path"));
  }
  const comparing = /\boldSelf\b/.test(rule.rule);
  if (comparing && uncorrelated) {
    causes.push(
      invalid(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`),
    );
  } else if (!comparing && optionalOldSelf !== undefined) {
    causes.push(invalid(`${at}.optionalOldSelf`, optionalOldSelf, "may not be set if oldSelf is not used in rule"));
  }
}

export function checkCompilation(root: Schema, path: string, causes: Cause[]): void {
  const rules = rulesOf(root);
  if (!rules) return;
  const visit = (schema: Schema, at: string): void => {
    if (causes.length >= reportedProblems) return;
    for (const [i, { rule, flaws }] of (rules.get(schema) ?? []).entries()) {
      for (const { field, message } of flaws) causes.push(invalid(`${at}.x-kubernetes-validations[${i}].${field}`, rule, message));
    }
    const items = itemsOf(schema), values = valuesOf(schema);
    if (items) visit(items, `${at}.items`);
    if (isObject(values)) visit(values as Schema, `${at}.additionalProperties`);
    for (const [name, property] of Object.entries(schema.properties ?? {})) visit(property, `${at}.properties[${name}]`);
  };
  visit(root, path);
}
