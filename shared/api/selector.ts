// Label and field selectors: parsed once, matched often.
import { labelValue, qualifiedName } from "./names.ts";
import { type ApiError, badRequest } from "./status.ts";
import type { LabelSelector } from "./meta.ts";

export type Requirement =
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" }
  | { readonly key: string; readonly operator: "Gt" | "Lt"; readonly value: bigint };
/** All of them must hold. */
export type Labels = readonly Requirement[];
/** `a=b` and `a!=b`, all of them. */
export type Fields = readonly { readonly field: string; readonly equal: boolean; readonly value: string }[];

export const everything: Labels = [];
export const nothing: Labels = [{ key: "", operator: "In", values: [] }];

export const matchLabels = (selector: Labels, labels: Readonly<Record<string, string>> = {}): boolean =>
  selector.every((requirement) => holds(requirement, Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined));

function holds(requirement: Requirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    default: {
      const number = value === undefined ? undefined : int64(value);
      if (number === undefined) return false;
      return requirement.operator === "Gt" ? number > requirement.value : number < requirement.value;
    }
  }
}
/** As strconv.ParseInt reads it. */
function int64(text: string): bigint | undefined {
  const number = /^[+-]?\d{1,64}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
  return number !== undefined && BigInt.asIntN(64, number) === number ? number : undefined;
}

/** A field that `lookup` does not know counts as empty. */
export const matchFields = (selector: Fields, lookup: (field: string) => string | undefined): boolean =>
  selector.every(({ field, equal, value }) => ((lookup(field) ?? "") === value) === equal);

/**
 * `app in (web,api),!canary,tier=front`. Spaces are free; an absent label satisfies `!=` and `notin`.
 * @throws ApiError BadRequest
 */
export function parseLabels(text: string): Labels {
  const tokens = text.match(/[(),]|[=!<>]=?|[^\s(),=!<>]+/g) ?? [];
  let at = 0;
  const requirements: Requirement[] = [];
  while (at < tokens.length) {
    requirements.push(requirement());
    if (at === tokens.length) break;
    if (tokens[at] !== ",") throw found("',' or 'end of string'");
    if (++at === tokens.length) throw found("identifier after ','");
  }
  return requirements;

  function requirement(): Requirement {
    const absent = tokens[at] === "!" && ++at > 0;
    const key = word();
    const problem = qualifiedName(key)[0];
    if (problem) throw unparsed(`Invalid value: ${JSON.stringify(key)}: ${problem}`);
    if (absent) return { key, operator: "DoesNotExist" };
    const operator = tokens[at];
    if (operator === undefined || operator === ",") return { key, operator: "Exists" };
    at++;
    switch (operator) {
      case "=":
      case "==":
        return { key, operator: "In", values: [exact()] };
      case "!=":
        return { key, operator: "NotIn", values: [exact()] };
      case "in":
        return { key, operator: "In", values: several() };
      case "notin":
        return { key, operator: "NotIn", values: several() };
      case "<":
      case ">": {
        const value = exact();
        const number = int64(value);
        if (number === undefined) {
          throw unparsed(`Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
        }
        return { key, operator: operator === ">" ? "Gt" : "Lt", value: number };
      }
      default:
        at--;
        throw found("in, notin, =, ==, !=, gt, lt");
    }
  }
  /** What stands behind `=`: nothing is the empty value. */
  function exact(): string {
    return at === tokens.length || tokens[at] === "," ? "" : checked(word());
  }
  /** `(a,b)`; between two commas stands the empty value. */
  function several(): string[] {
    if (tokens[at++] !== "(") throw at--, found("'('");
    const values: string[] = [];
    for (;;) {
      values.push(tokens[at] === "," || tokens[at] === ")" ? "" : checked(word()));
      if (tokens[at] === ")") break;
      if (tokens[at] !== ",") throw found("',' or ')'");
      at++;
    }
    at++;
    return [...new Set(values)];
  }
  function word(): string {
    const token = tokens[at] ?? "";
    if (token === "" || /^[(),=!<>]/.test(token)) throw found("identifier");
    at++;
    return token;
  }
  function checked(value: string): string {
    const problem = labelValue(value)[0];
    if (problem) throw unparsed(`Invalid value: ${JSON.stringify(value)}: ${problem}`);
    return value;
  }
  function found(expected: string): ApiError {
    return unparsed(`found '${tokens[at] ?? ""}', expected: ${expected}`);
  }
  function unparsed(why: string): ApiError {
    return badRequest(`unable to parse requirement: ${why}`);
  }
}

/**
 * `status.phase!=Running,spec.nodeName=pi-7`. In a value, `\,`, `\=` and `\\` stand for the character itself.
 * @throws ApiError BadRequest, also for a field that `supported` denies
 */
export function parseFields(text: string, supported: (field: string) => boolean = () => true): Fields {
  return terms(text).filter((term) => term !== "").map((term) => {
    const operator = /!=|==?/.exec(term);
    if (!operator) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const field = term.slice(0, operator.index), value = unescape(term.slice(operator.index + operator[0].length));
    if (!supported(field)) throw badRequest(`field label not supported: ${field}`);
    return { field, equal: operator[0] !== "!=", value };
  });
}
/** Split at the commas that no backslash escapes. */
const terms = (text: string): string[] => text.match(/(?:[^\\,]|\\[^]?)+/g) ?? [];
function unescape(value: string): string {
  return value.replace(/\\([^]?)|[,=]/g, (match, escaped?: string) => {
    if (escaped === undefined) throw badRequest(`invalid field selector: unescaped character in value: ${match}`);
    if (!["\\", ",", "="].includes(escaped)) throw badRequest(`invalid field selector: invalid escape sequence: ${match}`);
    return escaped;
  });
}

/** The selector of an object's spec. None at all selects nothing; one without rules selects everything. */
export function fromLabelSelector(selector: LabelSelector | undefined): Labels {
  if (!selector) return nothing;
  return [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({ key, operator: "In", values: [value] })),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values = [] }): Requirement =>
      operator === "Exists" || operator === "DoesNotExist"
        ? { key, operator }
        : { key, operator: operator === "NotIn" ? "NotIn" : "In", values }
    ),
  ];
}
/** A plain map, as Services and ReplicationControllers have. None, or an empty one, selects nothing. */
export const fromMap = (map: Readonly<Record<string, string>> = {}): Labels =>
  Object.keys(map).length === 0 ? nothing : fromLabelSelector({ matchLabels: map });

/** As kubectl writes it: `app=web,tier in (back,front),!canary`. `parseLabels` reads it back. */
export const toText = (selector: Labels): string => selector.map(requirementText).join(",");
function requirementText(requirement: Requirement): string {
  const { key, operator } = requirement;
  switch (operator) {
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "Gt":
    case "Lt":
      return `${key}${operator === "Gt" ? ">" : "<"}${requirement.value}`;
    default: {
      const { values } = requirement;
      if (values.length === 1) return `${key}${operator === "In" ? "=" : "!="}${values[0]}`;
      return `${key} ${operator === "In" ? "in" : "notin"} (${values.toSorted().join(",")})`;
    }
  }
}
