// What a schema may say of how two writers' lists and maps merge (apiextensions' validation.go).
import type { Cause } from "../decode.ts";
import { forbidden, invalid, missing, unsupported } from "../resource.ts";
import { itemsOf, type Schema } from "./structural.ts";

export function checkLists(schema: Schema, path: string, causes: Cause[]): void {
  const { "x-kubernetes-list-type": list, "x-kubernetes-map-type": map, "x-kubernetes-list-map-keys": keys = [], type = "" } = schema;
  const mustBe = (wanted: string, words: string) =>
    type !== wanted && causes.push(type ? invalid(`${path}.type`, type, words) : missing(`${path}.type`, words));
  if (map !== undefined) {
    mustBe("object", "must be object if x-kubernetes-map-type is specified");
    if (map !== "atomic" && map !== "granular") causes.push(unsupported(`${path}.x-kubernetes-map-type`, map, ["atomic", "granular"]));
  }
  if (keys.length > 0 && list !== "map") {
    const at = `${path}.x-kubernetes-list-type`, words = "must be map if x-kubernetes-list-map-keys is non-empty";
    causes.push(list === undefined ? missing(at, words) : invalid(at, list, words));
  }
  if (list === undefined) return;
  mustBe("array", "must be array if x-kubernetes-list-type is specified");
  const items = itemsOf(schema);
  if (!["atomic", "set", "map"].includes(list)) causes.push(unsupported(`${path}.x-kubernetes-list-type`, list, ["atomic", "set", "map"]));
  if (list === "map") checkKeys(schema, items, keys, path, causes);
  if (list === "set" && items) {
    const inner = items.type === "array" ? "x-kubernetes-list-type" : items.type === "object" ? "x-kubernetes-map-type" : undefined;
    const is = inner && items[inner];
    if (inner && (is ?? (inner === "x-kubernetes-list-type" ? "atomic" : "")) !== "atomic") {
      causes.push(invalid(`${path}.items.${inner}`, is ?? "", "must be atomic as item of a list with x-kubernetes-list-type=set"));
    }
  }
  if (list !== "atomic" && items?.nullable) {
    causes.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${list}`));
  }
}

function checkKeys(schema: Schema, items: Schema | undefined, keys: readonly string[], path: string, causes: Cause[]): void {
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) causes.push(missing(at, "must not be empty if x-kubernetes-list-type is map"));
  if (!schema.items) causes.push(missing(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
  if (!items) return;
  if (items.type !== "object") {
    return void causes.push(
      invalid(`${path}.items.type`, items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map"),
    );
  }
  if (new Set(keys).size < keys.length) causes.push(invalid(at, keys, "must not contain duplicate entries"));
  for (const key of keys) {
    const field = Object.hasOwn(items.properties ?? {}, key) ? items.properties![key] : undefined,
      there = `${path}.items.properties[${key}]`;
    if (!field) causes.push(invalid(at, keys, "entries must all be names of item properties"));
    else if (field.type === "array" || field.type === "object") {
      causes.push(invalid(`${there}.type`, field.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    } else if (field.nullable) {
      causes.push(forbidden(`${there}.nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"));
    } else if (!items.required?.includes(key) && field.default === undefined) {
      const words = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      causes.push(missing(`${there}.default`, words));
    }
  }
}
