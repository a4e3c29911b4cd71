import type { Field, Message, Type } from "./schema.ts";

/** The field a path such as "spec.containers.ports" names: through lists and maps. What explain and strategic merge both ask. */
export function find(message: Message, path: string): Field | undefined {
  let at: Message | undefined = message, found: Field | undefined;
  for (const key of path.split(".")) {
    found = at && Object.hasOwn(at.fields, key) ? at.fields[key] : undefined;
    at = found && leaf(found.type);
  }
  return found;
}
export function leaf(type: Type<unknown>): Message | undefined {
  while (type.item) type = type.item;
  return type.type === "message" ? type as Message : undefined;
}
const shown = (type: Type<unknown>): string =>
  type.item ? (type.type === "map" ? `map[string]${shown(type.item)}` : `[]${shown(type.item)}`) : type.proto.split(".").pop()!;

export function explain(message: Message, path: string): string {
  const field = find(message, path);
  if (!field) throw new Error(`field "${path}" does not exist`);
  const inner = leaf(field.type);
  const head = `FIELD: ${path.split(".").pop()} <${shown(field.type)}>${
    field.required ? " -required-" : ""
  }\n\nDESCRIPTION:\n    ${field.doc}\n`;
  if (!inner) return head;
  return `${head}    ${inner.doc}\n\nFIELDS:\n` + Object.entries<Field>(inner.fields)
    .map(([key, f]) => `  ${key}\t<${shown(f.type)}>${f.required ? " -required-" : ""}\n    ${f.doc}\n`).join("\n");
}
