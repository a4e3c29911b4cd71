// The syntaxes of Kubernetes' names, labels and ports, with its own words for what is wrong (k8s.io/apimachinery/pkg/util/validation).
import * as v from "valibot";
import { shownCharacters } from "../limits.ts";

/** What is wrong with a text; nothing, if nothing. */
export type Syntax = (text: string) => string[];

const atMost = (length: number) => `must be no more than ${length} characters`;
/** `what (e.g. 'a',  or 'b', regex used for validation is '…')`, both spaces and all: clients compare. */
const mismatch = (what: string, regex: string, ...examples: string[]) => {
  const shown = examples.map((example, i) => `${i > 0 ? " or " : ""}'${example}', `).join("");
  return `${what} (${shown && `e.g. ${shown}`}regex used for validation is '${regex}')`;
};
function syntax(length: number, regex: string, what: string, ...examples: string[]): Syntax {
  const whole = new RegExp(`^(?:${regex})$`), message = mismatch(what, regex, ...examples);
  return (text) => {
    if (text.length > length + shownCharacters) return [atMost(length)]; // whatever else it is, nobody need read it
    return [...text.length > length ? [atMost(length)] : [], ...whole.test(text) ? [] : [message]];
  };
}

const label1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/** Namespaces, containers, and what becomes one part of a host name. */
export const dns1123Label = syntax(
  63,
  label1123,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  "my-name",
  "123-abc",
);
/** Most objects. */
export const dns1123Subdomain = syntax(
  253,
  subdomain1123,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  "example.com",
);
/** Hosts of an Ingress: `*.` may stand for the first part. */
export const wildcardSubdomain = syntax(
  253,
  `\\*\\.${subdomain1123}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  "*.example.com",
);
/** Services. */
export const dns1035Label = syntax(
  63,
  "[a-z]([-a-z0-9]*[a-z0-9])?",
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  "my-name",
  "abc-123",
);
export const labelValue = syntax(
  63,
  `(${qualified})?`,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  "MyValue",
  "my_value",
  "12345",
);
const baseName = syntax(
  63,
  qualified,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  "MyName",
  "my.name",
  "123-abc",
);
/** Keys of labels, annotations, taints, conditions; finalizers: `name` or `dns.prefix/name`. */
export function qualifiedName(text: string): string[] {
  const slash = text.indexOf("/"), prefix = text.slice(0, slash), name = text.slice(slash + 1);
  if (name.includes("/")) {
    return [`a qualified name ${baseName("/")[0]} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const problems: string[] = [];
  if (slash === 0) problems.push("prefix part must be non-empty");
  else if (slash > 0) problems.push(...dns1123Subdomain(prefix).map((problem) => `prefix part ${problem}`));
  if (name === "") problems.push("name part must be non-empty");
  return [...problems, ...baseName(name).map((problem) => `name part ${problem}`)];
}
/** Names of programs that look after something: `acme.io/foo`. */
export function domainPrefixedPath(text: string): string[] {
  const slash = text.indexOf("/"), domain = text.slice(0, slash), path = text.slice(slash + 1);
  if (slash <= 0 || path === "") return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  return [...dns1123Subdomain(domain), ...urlPath(path)];
}
const urlPath = syntax(Infinity, "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", "Invalid path");
/** Keys of ConfigMaps and Secrets: they become file names. */
export function configKey(text: string): string[] {
  const problems = anyConfigKey(text);
  if (text === "." || text === "..") problems.push(`must not be '${text}'`);
  else if (text.startsWith("..")) problems.push("must not start with '..'");
  return problems;
}
const anyConfigKey = syntax(
  253,
  "[-._a-zA-Z0-9]+",
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  "key.name",
  "KEY_NAME",
  "key-name",
);
/** Names of ports (RFC 6335 §5.1). */
export function portName(text: string): string[] {
  const problems: string[] = [];
  if (text.length > 15) problems.push(atMost(15));
  if (!/^[-a-z0-9]+$/.test(text)) problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(text)) problems.push("must contain at least one letter (a-z)");
  if (text.includes("--")) problems.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}
/** Names of environment variables, as of release 1.34. */
export const environmentName = syntax(
  Infinity,
  "[ -<>-~]+",
  "a valid environment variable name must consist only of printable ASCII characters other than '='",
);
/** Roles and their bindings, and all other names at the least: one segment of a URL. */
export function pathSegment(text: string): string[] {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"].filter((c) => text.includes(c)).map((c) => `may not contain '${c}'`);
}
export const portNumber = (port: number): string[] =>
  Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : ["must be between 1 and 65535, inclusive"];

/** The syntax of a kind's names, by `Resource.names`. */
export const nameSyntax = { subdomain: dns1123Subdomain, label: dns1123Label, dns1035: dns1035Label, path: pathSegment } as const;
/** May `prefix` be the beginning of a generated name? It may end in a hyphen, since a letter or digit follows. */
export const namePrefix = (syntax: Syntax, prefix: string): string[] => syntax(prefix.replace(/-$/, "a"));

/** A syntax as a valibot action for `refine(string, …)`: a value that breaks it makes the object invalid, not unreadable. */
export const obeys = (syntax: Syntax): v.RawCheckAction<string> =>
  v.rawCheck(({ dataset, addIssue }) => {
    if (dataset.typed) { for (const message of syntax(dataset.value)) addIssue({ message }); }
  });

const versionName = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/, stages = ["alpha", "beta", undefined];
/** Which version of an API comes first: v10, v2, v1, v2beta1, v1alpha2, and then whatever else it is called, by the alphabet. */
export function byVersionPriority(a: string, b: string): number {
  const [x, y] = [versionName.exec(a), versionName.exec(b)];
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : a > b ? 1 : 0;
  return stages.indexOf(y[2]) - stages.indexOf(x[2]) || Number(y[1]) - Number(x[1]) || Number(y[3] ?? 0) - Number(x[3] ?? 0);
}
