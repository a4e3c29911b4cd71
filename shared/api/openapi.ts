import type { Field, Json, Message, Type } from "./schema.ts";

/** One message as an OpenAPI v3 component. */
export function component(message: Message, name: (proto: string) => string): Json {
  const properties: Json = {};
  for (const [key, field] of Object.entries<Field>(message.fields)) {
    const type = openapi(field.type, name);
    properties[key] = {
      ..."$ref" in type ? { allOf: [type], default: {} } : type,
      description: field.doc,
      ...field.default === undefined ? {} : { default: field.default },
      ...field.list && { "x-kubernetes-list-type": field.list },
      ...field.keys && { "x-kubernetes-list-map-keys": field.keys },
      ...field.map && { "x-kubernetes-map-type": field.map },
      ...field.patch && { "x-kubernetes-patch-strategy": field.patch.strategy },
      ...field.patch?.key && { "x-kubernetes-patch-merge-key": field.patch.key },
    };
  }
  const needed = Object.keys(message.fields).filter((key) => message.fields[key]!.required);
  const [version, group = ""] = (message.apiVersion ?? "").split("/").reverse();
  return {
    type: "object",
    description: message.doc,
    properties,
    ...message.map && { "x-kubernetes-map-type": message.map },
    ...needed.length > 0 && { required: needed },
    ...message.apiVersion && { "x-kubernetes-group-version-kind": [{ group, version, kind: message.id.split(".").pop() }] },
  };
}
function openapi(type: Type<unknown>, name: (proto: string) => string): Json {
  if (type.type === "message") return { $ref: `#/components/schemas/${name(type.proto)}` };
  if (type.type === "map") return { type: "object", additionalProperties: openapi(type.item!, name) };
  if (type.type === "array") return { type: "array", items: openapi(type.item!, name) };
  return type.openapi;
}
