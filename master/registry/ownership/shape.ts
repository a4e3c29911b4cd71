// What the schema says about a value's fields being owned one by one: which are one value (atomic), which are told apart by name, and which by a key.
import type { Kind } from "../../../shared/api/resource.ts";
import type { Field, Json, Message, Type } from "../../../shared/api/schema.ts";
import { keyElement, valueElement } from "./field_set.ts";

export type Shape =
  | { readonly is: "leaf" }
  | { readonly is: "struct"; child(name: string): Child | undefined; readonly always: readonly string[] }
  | { readonly is: "map"; readonly item: Shape }
  | { readonly is: "set" }
  | { readonly is: "keyed"; readonly keys: readonly Key[]; readonly item: Shape }
  /** No schema says: an object's keys are owned one by one, anything else is one value. */
  | { readonly is: "deduced" };
export type Concrete = Exclude<Shape, { is: "deduced" }>;
export interface Child {
  readonly shape: Shape;
  /** What upstream's object has where ours has nothing (Go: no pointer, or no omitempty): its coming and going is no change. */
  readonly empty?: Json | readonly unknown[];
}
export interface Key {
  readonly name: string;
  readonly default?: unknown;
}
const leaf: Concrete = { is: "leaf" }, deduced: Shape = { is: "deduced" }, anyMap: Concrete = { is: "map", item: deduced };

/** What these values are. One that does not fit its shape (null; in a custom resource that is still to be checked, anything) is one value. */
export function concrete(shape: Shape, a: unknown, b?: unknown): Concrete {
  if (shape.is === "leaf" || !(fits(shape, a) && fits(shape, b))) return leaf;
  return shape.is === "deduced" ? anyMap : shape;
}
const fits = ({ is }: Shape, value: unknown): boolean =>
  value === undefined || (typeof value === "object" && value !== null && Array.isArray(value) === (is === "set" || is === "keyed"));

/** What identifies an object and what the server counts belongs to nobody (apiserver's stripmeta.go). */
const ofNobody: readonly string[] = ["apiVersion", "kind"];
const metadataOfNobody: readonly string[] = [
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "generation",
  "managedFields",
  "resourceVersion",
];
const kinds = new WeakMap<Kind, Shape>(), messages = new WeakMap<Message, Shape>();

export function shapeOf(kind: Kind): Shape {
  let shape = kinds.get(kind);
  if (!shape) {
    const whole = structOf(kind.schema), metadata = struct(kind.schema.fields.metadata!.type as Message, metadataOfNobody);
    shape = {
      ...whole,
      child: (name) => name === "metadata" ? { shape: metadata, empty: {} } : ofNobody.includes(name) ? undefined : whole.child(name),
    };
    kinds.set(kind, shape);
  }
  return shape;
}

function structOf(message: Message): Shape & { is: "struct" } {
  let shape = messages.get(message);
  if (!shape) messages.set(message, shape = struct(message, []));
  return shape as Shape & { is: "struct" };
}
/** Fields are looked at when somebody asks: a schema may contain itself. */
function struct({ fields, open }: Message, without: readonly string[]): Shape & { is: "struct" } {
  const known = new Map<string, Child | undefined>();
  const child = (name: string): Child | undefined => {
    if (!known.has(name)) {
      known.set(
        name,
        without.includes(name) ? undefined : Object.hasOwn(fields, name) ? childOf(fields[name]!) : open ? { shape: deduced } : undefined,
      );
    }
    return known.get(name);
  };
  let always: string[] | undefined;
  return {
    is: "struct",
    child,
    get always() {
      return always ??= Object.keys(fields).filter((name) => child(name)?.empty !== undefined);
    },
  };
}
function childOf(field: Field): Child {
  const { type, required, zero } = field;
  if (type.type === "message" && (required || !zero)) return { shape: shapeOfType(type, field), empty: {} };
  if (type.type === "array" && required) return { shape: shapeOfType(type, field), empty: [] };
  return { shape: shapeOfType(type, field) };
}
function shapeOfType(type: Type<unknown>, { list, keys, map }: Partial<Field> = {}): Shape {
  if (type.type === "message") {
    const message = type as Message;
    return (map ?? message.map) === "atomic" ? leaf : structOf(message);
  }
  if (type.type === "map") return map === "atomic" ? leaf : { is: "map", item: shapeOfType(type.item!) };
  if (type.type === "deduced") return map === "atomic" ? leaf : deduced;
  if (type.type !== "array") return leaf;
  if (list === "set") return { is: "set" };
  if (list !== "map") return leaf; // as upstream: what says nothing is one value
  const { fields } = type.item as Message, names = [...keys!].sort();
  return { is: "keyed", keys: names.map((name) => ({ name, default: fields[name]?.default })), item: shapeOfType(type.item!) };
}

export type ListShape = Shape & { is: "set" | "keyed" };
/** The element of an item, or undefined if it lacks one of its keys. */
export function elementOf(shape: ListShape, item: unknown): string | undefined {
  if (shape.is === "set") return valueElement(item);
  const fields: Json = {};
  for (const { name, default: otherwise } of shape.keys) {
    const value = (item as Json | null)?.[name] ?? otherwise;
    if (value === undefined) return undefined;
    fields[name] = value;
  }
  return keyElement(fields);
}
/** Items by their elements. One element may have several: whoever wrote them did not apply them. */
export function itemsOf(shape: ListShape, list: readonly unknown[]): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const item of list) {
    const element = elementOf(shape, item) ?? "";
    const others = items.get(element);
    if (others) others.push(item);
    else items.set(element, [item]);
  }
  return items;
}
