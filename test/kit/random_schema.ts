// Schemas by chance, with every way in which fields are owned, objects of them, and the naive view of an object: each place in it, and what stands there.
import { type Kind, resource } from "../../shared/api/resource.ts";
import * as schema from "../../shared/api/schema.ts";
import type { Field, Json, Message, Type } from "../../shared/api/schema.ts";
import { ObjectMeta } from "../../shared/api/meta.ts";
import type { Random } from "../../shared/util/clock.ts";
import { upTo } from "./chance.ts";
import { letters, type Typed } from "./random_value.ts";

const { field, int32, kind, list, map, message, optional, string } = schema;
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
  const thing = kind("sea.example/v1", "example.Thing", "", { metadata, spec: optional(2, randomMessage(random, 3), "") });
  return resource(thing as never, { plural: "things", namespaced: false });
}

/** Every place of a value by its path, in the words of FieldsV1. Of what is owned as a whole, the value's text; of the rest "". */
export type Places = Map<string, string>;
export function placesOf(field: Typed, value: unknown, path = "", places: Places = new Map()): Places {
  const { type, list: way, keys } = field, whole = (field.map ?? (type as Message).map) === "atomic";
  const into = (element: string, within: Typed, item: unknown) =>
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
