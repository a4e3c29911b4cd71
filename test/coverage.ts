// `npm run coverage -- --fields FILE [--strict]`: our kinds against a table of the Kubernetes API: names, types, protobuf numbers, what is required or told
// from zero, and how lists merge. FILE is JSON, `{ messages: { NAME: { gvk?, mapType?, json?, fields: { NAME: Fact } } } }`, by OpenAPI name.
// --strict: exit 1 unless every field of every kind we have is as the table says.
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { bodies, kinds } from "../shared/api/kinds/mod.ts";
import { componentName } from "../shared/api/openapi.ts";
import type { Field, Message, Type } from "../shared/api/schema.ts";

interface Fact {
  readonly type: string;
  /** The type in protobuf, where it is another. */
  readonly pb?: string;
  readonly no?: number;
  readonly opt?: boolean;
  readonly req?: boolean;
  /** The fields of `type` stand in its stead; in protobuf it is a message of this name. */
  readonly inline?: boolean;
  readonly mergeKey?: string;
  readonly patchStrategy?: string;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
}
interface Facts {
  readonly gvk?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
  readonly mapType?: string;
  readonly json?: string;
  readonly fields: Readonly<Record<string, Fact>>;
}

const { values } = parseArgs({ options: { fields: { type: "string" }, strict: { type: "boolean", default: false } } });
if (!values.fields) {
  process.stderr.write("Cannot compare without a table: say --fields FILE.\n");
  process.exit(2);
}
const table = (JSON.parse(readFileSync(values.fields, "utf8")) as { messages: Record<string, Facts> }).messages;

interface Comparison {
  readonly total: number;
  readonly differences: readonly string[];
  /** Names of the messages it refers to. */
  readonly refers: readonly string[];
}
const ours = new Map<string, Message>();
for (const message of [...kinds.map(({ schema }) => schema), ...bodies]) collect(message);
function collect(type: Type<unknown>): void {
  if (type.item) return collect(type.item);
  const name = componentName(type.proto);
  if (type.type !== "message" || ours.has(name)) return;
  ours.set(name, type as Message);
  for (const { type: inner, within } of Object.values((type as Message).fields)) {
    collect(inner);
    if (within) collect(within.message);
  }
}

/** Where an inlined message stands in protobuf. */
type Within = { readonly no: number; readonly name: string };
/** The facts that stand in the JSON of a message. */
function flat(facts: Facts): [name: string, fact: Fact, within?: Within][] {
  return Object.entries(facts.fields).flatMap(([name, fact]): [string, Fact, Within?][] => {
    if (!fact.inline) return [[name, fact]];
    return flat(table[fact.type.slice("ref ".length)]!).map(([key, inner]) => [key, inner, { no: fact.no!, name }]);
  });
}
const words: Readonly<Record<string, string>> = { int32: "integer", bool: "boolean", double: "number" };
function typeText(type: Type<unknown>): string {
  if (type.type === "map") return `map<string,${typeText(type.item!)}>`;
  if (type.type === "array" && type.proto === type.item!.proto) return `list<${typeText(type.item!)}>`;
  return type.proto.includes(".") ? `ref ${componentName(type.proto)}` : words[type.proto] ?? type.proto;
}
/** Only of these can a zero be told from none, in Go by a pointer. */
const hasZero = (type: Type<unknown>): boolean =>
  !type.item && (type.type !== "message") && !/\.(Time|MicroTime|Quantity|RawExtension|FieldsV1|JSON)$/.test(type.proto);

function differences(
  name: string,
  { type, no, req = false, opt = false, ...fact }: Fact,
  within: Within | undefined,
  field: Field | undefined,
): string[] {
  if (!field) return [`${name}: missing`];
  const found: string[] = [];
  const compare = (what: string, theirs: unknown, mine: unknown) => {
    if (JSON.stringify(theirs) !== JSON.stringify(mine)) {
      found.push(`${what} is ${JSON.stringify(mine) ?? "none"}, not ${JSON.stringify(theirs) ?? "none"}`);
    }
  };
  if (!(type === "any" && Object.keys(field.type.openapi).length === 0)) compare("type", fact.pb ?? type, typeText(field.type));
  compare("number", no ?? 0, field.no);
  compare("required", req, field.required);
  if (!req && hasZero(field.type)) compare("zero kept", opt, field.zero);
  compare("merge key", fact.mergeKey, field.patch?.key);
  compare("patch strategy", fact.patchStrategy, field.patch?.strategy);
  compare("list type", fact.listType, field.list);
  compare("list keys", fact.listMapKeys, field.keys);
  compare("map type", fact.mapType, field.map);
  compare("inlined in", within, field.within && { no: field.within.no, name: field.within.name });
  return found.map((text) => `${name}: ${text}`);
}
const compared = new Map<string, Comparison>();
function compareMessage(name: string): Comparison {
  const known = compared.get(name);
  if (known) return known;
  const facts = table[name]!, message = ours.get(name), fields: Readonly<Record<string, Field>> = message?.fields ?? {};
  const theirs = facts.json === undefined || facts.json === "none" ? flat(facts) : [];
  const extra = message ? Object.keys(fields).filter((key) => !theirs.some(([name]) => name === key)) : [];
  const result = {
    total: theirs.length,
    differences: [
      ...theirs.flatMap(([key, fact, within]) => differences(key, fact, within, Object.hasOwn(fields, key) ? fields[key] : undefined)),
      ...extra.map((key) => `${key}: not in the table`),
      ...message && message.map !== facts.mapType ? [`map type is ${message.map ?? "none"}, not ${facts.mapType ?? "none"}`] : [],
    ],
    refers: theirs.flatMap(([, fact]) => [...(fact.pb ?? fact.type).matchAll(/ref ([^,>]+)/g)].map(([, to]) => to!)),
  };
  compared.set(name, result);
  return result;
}
function reachable(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name) || !table[name]) return found;
  found.add(name);
  for (const to of compareMessage(name).refers) reachable(to, found);
  return found;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const percent = (good: number, total: number): string =>
  `${String(good).padStart(5)}/${String(total).padEnd(5)} ${(100 * good / total).toFixed(1).padStart(5)} %`;
const broken = (name: string): number => new Set(compareMessage(name).differences.map((text) => text.split(":", 1)[0])).size;
const all = new Set<string>();
for (const [name, message] of [...ours].filter(([, { apiVersion }]) => apiVersion !== undefined)) {
  if (!table[name]) {
    print(`          not in the table    ${message.apiVersion} ${name.split(".").at(-1)}`);
    continue;
  }
  const names = [...reachable(name)];
  names.forEach((name) => all.add(name));
  const total = names.reduce((sum, name) => sum + compareMessage(name).total, 0), bad = names.reduce((sum, name) => sum + broken(name), 0);
  print(`${percent(total - bad, total)}  ${message.apiVersion} ${name.split(".").at(-1)}`);
}
print("");
const total = [...all].reduce((sum, name) => sum + compareMessage(name).total, 0),
  bad = [...all].reduce((sum, name) => sum + broken(name), 0);
for (const name of [...all].sort()) for (const text of compareMessage(name).differences) print(`${name} ${text}`);
const absent = Object.entries(table).filter(([name, { gvk }]) => gvk && !ours.has(name) && !/List$|Options$/.test(name)).map((
  [, { gvk }],
) => gvk![0]!);
print(
  `\nKinds of the table that we have not: ${
    absent.map(({ group, version, kind }) => `${group ? `${group}/` : ""}${version} ${kind}`).sort().join(", ") || "none"
  }`,
);
print(`${percent(total - bad, total)} fields of ${all.size} messages`);
process.exit(values.strict && bad > 0 ? 1 : 0);
