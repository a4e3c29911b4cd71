// A set of fields of one object, as a tree in the very form in which clients see it (FieldsV1), so that nothing is parsed or written out on the way:
//
//   { "f:spec": { "f:containers": { 'k:{"name":"a"}': { ".": {}, "f:image": {} } } } }
//
// An element is `f:` a field or key, `k:` an item of a list by the fields that tell its items apart, `v:` an item of a set, `i:` an index. A node without
// elements is a member of the set; one with elements is a member only if "." is among them. The empty set is undefined. No function changes what it is given;
// what stays the same is shared.
import type { Json } from "../../../shared/api/schema.ts";

export interface FieldSet {
  readonly [element: string]: FieldSet;
}
export const member: FieldSet = Object.freeze({});
const self = ".";

export const isMember = (node: FieldSet): boolean => {
  if (Object.hasOwn(node, self)) return true;
  for (const _ in node) return false;
  return true;
};
/** A node of these elements. `own`: it is itself a member. */
export function nodeOf(elements: Record<string, FieldSet> | undefined, own: boolean): FieldSet | undefined {
  if (!elements) return own ? member : undefined;
  if (own) elements[self] = member;
  return elements;
}
/** The node at an element, or undefined. */
export const at = (set: FieldSet | undefined, element: string): FieldSet | undefined =>
  set && Object.hasOwn(set, element) ? set[element] : undefined;

export function union(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (!a || !b || a === b) return a ?? b;
  let merged: Record<string, FieldSet> | undefined;
  for (const element in b) {
    const before = at(a, element), node = union(before, b[element])!;
    if (node !== before) (merged ??= { ...a })[element] = node;
  }
  const all = merged ?? a;
  return (isMember(a) || isMember(b)) && !isMember(all) ? { [self]: member, ...all } : all;
}

/** The members of `a` that are none of `b`. That a field is in `b` says nothing of the fields within it. */
export function difference(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  return a && b ? combine(a, b, false) : a;
}
export function intersection(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  return a && b ? combine(a, b, true) : undefined;
}
function combine(a: FieldSet, b: FieldSet, both: boolean): FieldSet | undefined {
  const own = isMember(a) && isMember(b) === both;
  let same = own === isMember(a), kept: Record<string, FieldSet> | undefined;
  for (const element in a) {
    if (element === self) continue;
    const mine = a[element]!, theirs = at(b, element);
    const node = theirs ? combine(mine, theirs, both) : both ? undefined : mine;
    if (node !== mine) same = false;
    if (node) (kept ??= {})[element] = node;
  }
  return same ? a : nodeOf(kept, own);
}

/** Every member, as upstream writes and orders paths: `.spec.containers[name="a"].image`. */
export function pathsOf(set: FieldSet | undefined): string[] {
  const paths: string[] = [];
  const walk = (node: FieldSet, path: string): void => {
    const elements = Object.keys(node).filter((element) => element !== self).sort(inOrder);
    for (const element of elements) if (isMember(node[element]!)) paths.push(path + written(element));
    for (const element of elements) walk(node[element]!, path + written(element));
  };
  if (set) walk(set, "");
  return paths;
}
const order = "fkvi";
const inOrder = (a: string, b: string): number => order.indexOf(a[0]!) - order.indexOf(b[0]!) || (a < b ? -1 : 1);
function written(element: string): string {
  const rest = element.slice(2);
  if (element[0] === "f") return `.${rest}`;
  if (element[0] === "i") return `[${rest}]`;
  if (element[0] === "v") return `[=${rest}]`;
  return `[${Object.entries(JSON.parse(rest) as Json).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}

/** `k:{"containerPort":80,"protocol":"TCP"}`: its fields in alphabetical order. */
export const keyElement = (fields: Json): string => `k:${JSON.stringify(fields)}`;
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;

/**
 * A set as a client has sent it. `room`: how many elements there may still be. @throws SyntaxError if it is none
 */
export function readFieldSet(value: unknown, room: { left: number }): FieldSet | undefined {
  const node = readNode(value, room);
  return node && Object.keys(node).length > 0 ? node : undefined;
}
function readNode(value: unknown, room: { left: number }): FieldSet {
  if (!isObject(value)) throw new SyntaxError("a node of a set of fields is not an object");
  let own = false, elements: Record<string, FieldSet> | undefined;
  for (const [element, node] of Object.entries(value)) {
    if (--room.left < 0) throw new SyntaxError("there are too many fields");
    if (element === self) own = true;
    else (elements ??= {})[readElement(element)] = readNode(node, room);
  }
  return nodeOf(elements, own || !elements)!;
}
function readElement(element: string): string {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case "f:":
      return element;
    case "i:":
      if (/^(0|[1-9]\d{0,9})$/.test(rest)) return element;
      break;
    case "v:":
      return valueElement(JSON.parse(rest));
    case "k:": {
      const key: unknown = JSON.parse(rest);
      if (!isObject(key) || Object.values(key).some((part) => typeof part === "object")) break;
      return keyElement(Object.fromEntries(Object.entries(key).sort(([a], [b]) => a < b ? -1 : 1)));
    }
  }
  throw new SyntaxError(`${JSON.stringify(element)} is not an element of a path`);
}
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
