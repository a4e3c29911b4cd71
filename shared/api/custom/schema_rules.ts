// Is the schema of a definition structural, and one that can be acted on? Its rules, and their words, are those of apiextensions' ValidateStructural and
// ValidateCustomResourceDefinitionOpenAPISchema.
import { reportedProblems, schemaDepth, schemaNodes } from "../../limits.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { forbidden, invalid, missing, unsupported } from "../resource.ts";
import { checkLists } from "./list_rules.ts";
import { checkCompilation, checkRuleSyntax } from "./rule_rules.ts";
import { compilePattern } from "./patterns.ts";
import { defaulted, isObject, itemsOf, pruned, type Schema, valuesOf } from "./structural.ts";
import { newWalk, validateValue } from "./validate.ts";

const types = ["array", "boolean", "integer", "number", "object", "string"];
type Level = "root" | "item" | "field";
export interface Survey {
  readonly causes: Cause[];
  nodes: number;
  rules: number;
}
/** What is true of a schema by where it stands. */
interface Place {
  readonly level: Level;
  readonly depth: number;
  /** Under allOf, anyOf, oneOf or not: there it may only say which values there may be, not of what type they are. */
  readonly nested: boolean;
  /** Why no defaults may be given here. */
  readonly noDefaults?: string;
  /** Within apiVersion, kind or metadata. */
  readonly inMetadata: boolean;
}

/** @param path of the schema in the definition */
export function checkSchema(root: Schema, path: string): Cause[] {
  const survey: Survey = { causes: [], nodes: 0, rules: 0 };
  check(root, path, { level: "root", depth: 0, nested: false, inMetadata: false }, survey);
  if (root.nullable) survey.causes.push(forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  if (survey.causes.length === 0) checkDefaults(root, path, survey.causes);
  if (survey.causes.length === 0) checkRuleSyntax(root, path, undefined, survey);
  if (survey.causes.length === 0) checkCompilation(root, path, survey.causes);
  return survey.causes.slice(0, reportedProblems);
}

function check(schema: Schema, path: string, place: Place, survey: Survey): void {
  const { causes } = survey;
  if (causes.length >= reportedProblems) return;
  if (++survey.nodes > schemaNodes) {
    return void (survey.nodes === schemaNodes + 1 && causes.push(invalid(path, "", `may have at most ${schemaNodes} schemas in all`)));
  }
  if (place.depth > schemaDepth) return void causes.push(invalid(path, "", `may be at most ${schemaDepth} levels deep`));
  unsupportedParts(schema, path, causes);
  const { type, pattern } = schema,
    { level, nested } = place,
    resource = level === "root" || schema["x-kubernetes-embedded-resource"] === true;
  if (type && !types.includes(type)) causes.push(unsupported(`${path}.type`, type, types));
  if (pattern) {
    try {
      compilePattern(pattern);
    } catch (error) {
      causes.push(invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`));
    }
  }
  if (schema.default !== undefined && place.noDefaults) causes.push(forbidden(`${path}.default`, `must not be set ${place.noDefaults}`));
  if (nested) checkNested(schema, path, causes);
  else checkOwn(schema, path, place, resource, causes);
  checkExtensions(schema, path, causes);
  checkLists(schema, path, causes);

  const next = (over: Partial<Place>): Place => ({ ...place, depth: place.depth + 1, ...over });
  const values = valuesOf(schema), items = itemsOf(schema);
  if (schema.additionalProperties !== undefined) {
    if (Object.keys(schema.properties ?? {}).length > 0 && schema.additionalProperties !== true) {
      causes.push(forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"));
    }
    if (level === "root" && !nested) causes.push(forbidden(`${path}.additionalProperties`, "must not be used at the root"));
  }
  if (isObject(values)) {
    const noDefaults = place.inMetadata ? "inside additionalProperties applying to object metadata" : place.noDefaults;
    check(values, `${path}.additionalProperties`, next({ level: "field", ...noDefaults && { noDefaults } }), survey);
  }
  if (items) check(items, `${path}.items`, next({ level: "item" }), survey);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const meta = resource && ["metadata", "kind", "apiVersion"].includes(name);
    const noDefaults = meta && level === "root" ? `in top-level ${name}` : place.noDefaults;
    const inner = next({ level: "field", inMetadata: place.inMetadata || meta, ...noDefaults && { noDefaults } });
    check(property, `${path}.properties[${name}]`, inner, survey);
  }
  const junctor = (name: string, members: readonly Schema[] = [], skip: readonly Schema[] = []) => {
    members.forEach((one, i) => skip.includes(one) || check(one, `${path}.${name}[${i}]`, next({ nested: true }), survey));
  };
  const first = schema.allOf?.[0];
  junctor("anyOf", schema.anyOf, isIntOrString(schema.anyOf) ? schema.anyOf : []);
  junctor("allOf", schema.allOf, first && isIntOrString(first.anyOf) && sameJson(first, { anyOf: first.anyOf }) ? [first] : []);
  junctor("oneOf", schema.oneOf);
  if (schema.not) check(schema.not, `${path}.not`, next({ nested: true }), survey);
}
const isIntOrString = (members: readonly Schema[] | undefined): boolean => sameJson(members, [{ type: "integer" }, { type: "string" }]);

function unsupportedParts(schema: Schema, path: string, causes: Cause[]): void {
  const refuse = (name: string, there: unknown, words = `${name} is not supported`) =>
    there && causes.push(forbidden(`${path}.${name}`, words));
  refuse("id", schema.id);
  refuse("additionalItems", schema.additionalItems !== undefined);
  refuse("patternProperties", schema.patternProperties);
  refuse("definitions", schema.definitions);
  refuse("dependencies", schema.dependencies);
  refuse("$ref", schema.$ref !== undefined);
  refuse("uniqueItems", schema.uniqueItems, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  refuse("items", Array.isArray(schema.items), "items must be a schema object and not an array");
}

/** Outside of junctors every value has a type. */
function checkOwn(schema: Schema, path: string, { level, inMetadata }: Place, resource: boolean, causes: Cause[]): void {
  const { type = "", properties = {} } = schema, embedded = schema["x-kubernetes-embedded-resource"];
  const wrongType = (words: string) => causes.push(type ? invalid(`${path}.type`, type, words) : missing(`${path}.type`, words));
  if (embedded && type !== "object") wrongType("must be object if x-kubernetes-embedded-resource is true");
  else if (!type && !schema["x-kubernetes-int-or-string"] && !schema["x-kubernetes-preserve-unknown-fields"]) {
    wrongType(
      `must not be empty ${
        level === "root" ? "at the root" : level === "item" ? "for specified array items" : "for specified object fields"
      }`,
    );
  }
  if (level === "root" && type && type !== "object") wrongType("must be object at the root");
  if (type === "array" && !schema.items) causes.push(missing(`${path}.items`, "must be specified"));
  if (embedded && schema.additionalProperties !== undefined) {
    causes.push(forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"));
  }
  if (embedded && inMetadata) causes.push(forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta"));
  if (embedded && !schema["x-kubernetes-preserve-unknown-fields"] && Object.keys(properties).length === 0) {
    const words = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    causes.push(missing(`${path}.properties`, words));
  }
  if (!resource) return;
  for (const [name, wanted] of [["kind", "string"], ["apiVersion", "string"], ["metadata", "object"]] as const) {
    const found = Object.hasOwn(properties, name) ? properties[name]!.type ?? "" : wanted;
    if (found !== wanted) causes.push(invalid(`${path}.properties[${name}].type`, found, `must be ${wanted}`));
  }
  if (level !== "root" || !Object.hasOwn(properties, "metadata")) return;
  const { type: _, description: _1, default: _2, properties: named = {}, ...others } = properties.metadata!;
  if (Object.keys(others).length > 0 || Object.keys(named).some((name) => name !== "name" && name !== "generateName")) {
    const words = "must not specify anything other than name and generateName, but metadata is implicitly specified";
    causes.push(forbidden(`${path}.properties[metadata]`, words));
  }
}

function checkNested(schema: Schema, path: string, causes: Cause[]): void {
  const refuse = (name: keyof Schema, there: unknown, state: string) =>
    there && causes.push(forbidden(`${path}.${name}`, `must be ${state} to be structural`));
  refuse("type", schema.type, "empty");
  refuse("additionalProperties", schema.additionalProperties !== undefined, "undefined");
  refuse("default", schema.default !== undefined, "undefined");
  refuse("title", schema.title, "empty");
  refuse("description", schema.description, "empty");
  refuse("nullable", schema.nullable, "false");
  refuse("x-kubernetes-preserve-unknown-fields", schema["x-kubernetes-preserve-unknown-fields"], "false");
  refuse("x-kubernetes-embedded-resource", schema["x-kubernetes-embedded-resource"], "false");
  refuse("x-kubernetes-int-or-string", schema["x-kubernetes-int-or-string"], "false");
  refuse("x-kubernetes-list-map-keys", schema["x-kubernetes-list-map-keys"], "empty");
  refuse("x-kubernetes-list-type", schema["x-kubernetes-list-type"] !== undefined, "undefined");
  refuse("x-kubernetes-map-type", schema["x-kubernetes-map-type"] !== undefined, "undefined");
  refuse("x-kubernetes-validations", schema["x-kubernetes-validations"], "empty");
  if (Object.hasOwn(schema.properties ?? {}, "metadata")) {
    causes.push(forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"));
  }
}
function checkExtensions(schema: Schema, path: string, causes: Cause[]): void {
  const preserve = schema["x-kubernetes-preserve-unknown-fields"];
  if (preserve === false) causes.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  if (!schema["x-kubernetes-int-or-string"]) return;
  const words = "must be false if x-kubernetes-int-or-string is true";
  if (schema.type) causes.push(forbidden(`${path}.type`, "must be empty if x-kubernetes-int-or-string is true"));
  if (preserve) causes.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, words));
  if (schema["x-kubernetes-embedded-resource"]) causes.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, words));
}

/** A default must itself be what the schema wants. */
function checkDefaults(schema: Schema, path: string, causes: Cause[]): void {
  if (causes.length >= reportedProblems) return;
  const { default: value } = schema;
  if (value !== undefined) {
    const at = `${path}.default`, walk = newWalk(), resource = schema["x-kubernetes-embedded-resource"] === true;
    if (!sameJson(pruned(schema, value, resource), value)) causes.push(invalid(at, value, "must not have unknown fields"));
    validateValue(schema, defaulted(schema, value), "", walk);
    causes.push(...walk.causes.map((cause) => ({ ...cause, field: cause.field === "<nil>" ? at : `${at}.${cause.field}` })));
  }
  const items = itemsOf(schema), values = valuesOf(schema);
  if (items) checkDefaults(items, `${path}.items`, causes);
  if (isObject(values)) checkDefaults(values, `${path}.additionalProperties`, causes);
  for (const [name, property] of Object.entries(schema.properties ?? {})) checkDefaults(property, `${path}.properties[${name}]`, causes);
}
