// A member as text, and back: all of it, private fields included, so that two members with the same text do the same from now on whatever comes. What a field is called
// does not matter: a new one is part of the text by itself. The exceptions are in two short lists: names of fields that hold a member's id, so that a text can be
// made of the member that would be there if the ids were dealt otherwise; and what can be told apart and makes no difference.
import { Buffer } from "node:buffer";

/** What member `id` is called. */
export type Renaming = (id: number) => number;
export const unchanged: Renaming = (id) => id;

/** Fields that hold an id (0 = nobody), or a list of them. Keys of maps and what sets hold are ids, too: this state machine has no other maps and sets. */
const ids = new Set(["id", "vote", "leader", "transferee", "from", "to", "voters", "outgoing", "learners"]);
/** Lists of what is to be sent: the order cannot be seen, and what is sent twice is sent once, for messages arrive as often as they like. */
const unordered = new Set(["messages", "messagesAfterAppend"]);
/** What belongs to the process and not to the state. */
const outside = new Set(["config", "token"]);

/** JSON of `value`; instances of classes carry their class's name. */
export function freeze(value: unknown, renaming: Renaming = unchanged, name = ""): string {
  if (typeof value === "number") {
    const renamed = value !== 0 && ids.has(name) ? renaming(value) : value;
    return renamed === Infinity ? "1e999" : String(renamed);
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => freeze(item, renaming, name));
    if (unordered.has(name)) return `[${[...new Set(items)].sort().join(",")}]`;
    return `[${(ids.has(name) ? items.sort() : items).join(",")}]`;
  }
  if (value instanceof Uint8Array) return `{"$bytes":${JSON.stringify(Buffer.from(value).toString("latin1"))}}`;
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => [renaming(key), freeze(item, renaming)] as const).sort(([a], [b]) => a - b);
    return `{"$map":[${pairs.map(([key, text]) => `[${key},${text}]`).join(",")}]}`;
  }
  if (value instanceof Set) return `{"$set":[${[...value].map(renaming).sort((a, b) => a - b).join(",")}]}`;
  const type = value.constructor.name, fields = type === "Object" ? [] : [`"$class":"${type}"`];
  for (const [key, item] of Object.entries(value)) {
    // What is undefined keeps its place, so that the order of the fields is always the same.
    if (!outside.has(key)) fields.push(`"${key}":${item === undefined ? "null" : freeze(item, renaming, key)}`);
  }
  return `{${fields.join(",")}}`;
}

/** What freeze() made a text of, but for what is outside the state. */
export function thaw(text: string, prototypes: ReadonlyMap<string, object>): unknown {
  return JSON.parse(text, (_, value) => {
    if (typeof value !== "object" || value === null) return value;
    if ("$bytes" in value) return Buffer.from(value.$bytes, "latin1");
    if ("$map" in value) return new Map(value.$map);
    if ("$set" in value) return new Set(value.$set);
    if (Array.isArray(value)) return value;
    const { $class, ...fields } = value;
    for (const key of Object.keys(fields)) if (fields[key] === null) fields[key] = undefined;
    return $class === undefined ? fields : Object.assign(Object.create(prototypes.get($class)!), fields);
  });
}
