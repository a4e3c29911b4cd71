// Schemas by chance, with every way in which fields are owned, objects of them, and the naive view of an object: each place in it, and what stands there.
import { type Kind, resource } from "../../shared/api/resource.ts";
import {
  type Field,
  int32,
  type Json,
  kind,
  list,
  map,
  type Message,
  message,
  optional,
  string,
  type Type,
} from "../../shared/api/schema.ts";
import { ObjectMeta } from "../../shared/api/meta.ts";
import { field } from "../../shared/api/schema.ts";
import type { Random } from "../../shared/util/clock.ts";

const upTo = (random: Random, n: number): number => Math.floor(random() * n);
const letters = ["a", "b", "c", "d"];
const optionsOf = <T>(type: Type<T>, options: object): Field => optional(0, type, "", options) as Field;

function randomField(random: Random, depth: number): Field {
  switch (upTo(random, depth === 0 ? 5 : 9)) {
    case 0:
      return optionsOf(string, {});
    case 1:
      return optionsOf(int32, {});
    case 2:
      return optionsOf(map(string), {});
    case 3:
      return optionsOf(map(string), { map: "atomic" });
    case 4:
      return optionsOf(list(string), { list: random() < 0.7 ? "set" : "atomic" });
    case 5:
      return optionsOf(randomMessage(random, depth - 1), random() < 0.2 ? { map: "atomic" } : {});
    case 6:
      return optionsOf(map(randomMessage(random, depth - 1)), {});
    default: {
      const more = Object.fromEntries(letters.slice(0, 2).map((name) => [name, randomField(random, depth - 1)]));
      const item = message("Item", "", { name: optional(0, string, ""), number: optional(0, int32, "", { default: 7 }), ...more });
      return optionsOf(list(item), { list: "map", keys: random() < 0.5 ? ["name"] : ["name", "number"] });
    }
  }
}
function randomMessage(random: Random, depth: number): Message {
  return message("Part", "", Object.fromEntries(letters.map((name) => [name, randomField(random, depth)]))) as Message;
}
export function randomKind(random: Random): Kind {
  const metadata = field(1, ObjectMeta, "");
  const schema = kind("sea.example/v1", "example.Thing", "", { metadata, spec: optional(2, randomMessage(random, 3), "") });
  return resource(schema as never, { plural: "things", namespaced: false });
}

/** A value of a field, without the defaults of what it leaves out. */
export function randomValue(random: Random, { type, list: way, keys }: Partial<Field> & { type: Type<unknown> }): unknown {
  const some = <T>(make: (name: string) => T): [string, T][] => letters.filter(() => random() < 0.5).map((name) => [name, make(name)]);
  if (type === string) return `s${1 + upTo(random, 2)}`;
  if (type === int32) return 1 + upTo(random, 2);
  if (type.type === "message") {
    const fields = Object.entries((type as Message).fields).filter(() => random() < 0.6);
    return Object.fromEntries(fields.map(([name, field]) => [name, randomValue(random, field)]));
  }
  if (type.type === "map") return Object.fromEntries(some(() => randomValue(random, { type: type.item! })));
  const names = some((name) => name).map(([name]) => name).sort(() => random() - 0.5);
  // An empty list of items that are owned one by one is owned by nobody, so it may go and come.
  if (names.length === 0 && (way === "map" || way === "set")) names.push("a");
  if (way !== "map") return names;
  return names.map((name) => {
    const item = randomValue(random, { type: type.item! }) as Json;
    if (keys!.includes("number")) item.number = 1 + upTo(random, 2);
    return { ...item, name };
  });
}

/** Every place of a value by its path, in the words of FieldsV1. Of what is owned as a whole, the value's text; of the rest "". */
export type Places = Map<string, string>;
export function placesOf(field: Partial<Field> & { type: Type<unknown> }, value: unknown, path = "", places: Places = new Map()): Places {
  const { type, list: way, keys } = field, whole = (field.map ?? (type as Message).map) === "atomic";
  const into = (element: string, within: Partial<Field> & { type: Type<unknown> }, item: unknown) =>
    placesOf(within, item, path === "" ? element : `${path}/${element}`, places);
  const leafList = type.type === "array" && way !== "set" && way !== "map";
  if (whole || leafList || typeof value !== "object") {
    places.set(path, JSON.stringify(value));
    return places;
  }
  places.set(path, "");
  if (type.type === "message") {
    for (const [key, item] of Object.entries(value as Json)) into(`f:${key}`, (type as Message).fields[key]!, item);
  } else if (type.type === "map") { for (const [key, item] of Object.entries(value as Json)) into(`f:${key}`, { type: type.item! }, item); }
  else if (way === "set") { for (const item of value as string[]) into(`v:${JSON.stringify(item)}`, { type: type.item! }, item); }
  else {
    for (const item of value as Json[]) {
      const key = Object.fromEntries([...keys!].sort().map((name) => [name, item[name] ?? (name === "number" ? 7 : undefined)]));
      into(`k:${JSON.stringify(key)}`, { type: type.item! }, item);
    }
  }
  return places;
}
