// Our schemas against a table of the Kubernetes API: names, types, protobuf numbers, what is required or told from zero, and how lists merge.
import { componentName } from "../../shared/api/openapi.ts";
import type { Field, Message, Type } from "../../shared/api/schema.ts";

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
export interface Facts {
  readonly gvk?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
  readonly mapType?: string;
  readonly json?: string;
  readonly fields: Readonly<Record<string, Fact>>;
}

/** By OpenAPI name. */
export type Table = Readonly<Record<string, Facts>>;

export interface KindCoverage {
  readonly apiVersion: string;
  readonly kind: string;
  /** Fields of all messages that it reaches, and how many of them are as the table says; undefined where the table does not know the kind. */
  readonly fields: { readonly total: number; readonly good: number } | undefined;
}
export interface Coverage {
  readonly kinds: readonly KindCoverage[];
  readonly messages: number;
  readonly total: number;
  readonly good: number;
  /** Each with its message and field. */
  readonly differences: readonly string[];
  /** Kinds of the table that are not among ours, as "apps/v1 StatefulSet". */
  readonly absent: readonly string[];
}

/** @param served the messages of all kinds, and what travels in bodies */
export function compare(table: Table, served: readonly Message[]): Coverage {
  const ours = new Map<string, Message>(), roots = new Map(served.map((message) => [componentName(message.proto), message]));
  for (const message of served) collect(message, ours);
  const compared = new Map<string, Comparison>();
  const of = (name: string): Comparison => {
    const known = compared.get(name) ?? compareMessage(table, name, ours.get(name));
    compared.set(name, known);
    return known;
  };
  const count = (names: readonly string[]) => {
    const total = names.reduce((sum, name) => sum + of(name).total, 0);
    return { total, good: total - names.reduce((sum, name) => sum + broken(of(name)), 0) };
  };
  const reachable = (name: string, found = new Set<string>()): Set<string> => {
    if (found.has(name) || !Object.hasOwn(table, name)) return found;
    found.add(name);
    for (const to of of(name).refers) reachable(to, found);
    return found;
  };
  const all = new Set<string>();
  const kinds = [...roots].filter(([, { apiVersion }]) => apiVersion !== undefined).map(([name, { apiVersion }]): KindCoverage => {
    const names = [...reachable(name)];
    for (const one of names) all.add(one);
    return { apiVersion: apiVersion!, kind: name.split(".").at(-1)!, fields: names.length > 0 ? count(names) : undefined };
  });
  const absent = Object.entries(table).filter(([name, { gvk }]) => gvk && !roots.has(name) && !/List$|Options$/.test(name));
  return {
    kinds,
    messages: all.size,
    ...count([...all]),
    differences: [...all].sort().flatMap((name) => of(name).differences.map((text) => `${name} ${text}`)),
    absent: absent.map(([, { gvk }]) => gvk![0]!).map(({ group, version, kind }) => `${group ? `${group}/` : ""}${version} ${kind}`).sort(),
  };
}

interface Comparison {
  readonly total: number;
  readonly differences: readonly string[];
  /** Names of the messages it refers to. */
  readonly refers: readonly string[];
}
/** What is in our message and not in the table counts as no field of the table: it makes a difference, but not less than nothing good. */
const broken = ({ total, differences }: Comparison): number =>
  Math.min(total, new Set(differences.map((text) => text.split(":", 1)[0])).size);

function collect(type: Type<unknown>, ours: Map<string, Message>): void {
  if (type.item) return collect(type.item, ours);
  const name = componentName(type.proto);
  if (type.type !== "message" || ours.has(name)) return;
  ours.set(name, type as Message);
  for (const { type: inner, within } of Object.values((type as Message).fields)) {
    collect(inner, ours);
    if (within) collect(within.message, ours);
  }
}

/** Where an inlined message stands in protobuf. */
type Within = { readonly no: number; readonly name: string };
/** The facts that stand in the JSON of a message. */
function flat(table: Table, facts: Facts): [name: string, fact: Fact, within?: Within][] {
  return Object.entries(facts.fields).flatMap(([name, fact]): [string, Fact, Within?][] => {
    if (!fact.inline) return [[name, fact]];
    return flat(table, table[fact.type.slice("ref ".length)]!).map(([key, inner]) => [key, inner, { no: fact.no!, name }]);
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
function compareMessage(table: Table, name: string, message: Message | undefined): Comparison {
  const facts = table[name]!, fields: Readonly<Record<string, Field>> = message?.fields ?? {};
  const theirs = facts.json === undefined || facts.json === "none" ? flat(table, facts) : [];
  const extra = message ? Object.keys(fields).filter((key) => !theirs.some(([name]) => name === key)) : [];
  return {
    total: theirs.length,
    differences: [
      ...theirs.flatMap(([key, fact, within]) => differences(key, fact, within, Object.hasOwn(fields, key) ? fields[key] : undefined)),
      ...extra.map((key) => `${key}: not in the table`),
      ...message && message.map !== facts.mapType ? [`map type is ${message.map ?? "none"}, not ${facts.mapType ?? "none"}`] : [],
    ],
    refers: theirs.flatMap(([, fact]) => [...(fact.pb ?? fact.type).matchAll(/ref ([^,>]+)/g)].map(([, to]) => to!)),
  };
}
