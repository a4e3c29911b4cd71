// How OpenAPI documents describe a custom resource: as its definition does, and with what every object has.
import type { Reference } from "../openapi.ts";
import type { Json, Message } from "../schema.ts";
import { isObject, type Schema } from "./structural.ts";

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** @param version 2 knows no alternatives, and no null */
export function customSchema(message: Message, refer: Reference, version: 2 | 3): Json {
  const schema = message.schema as Schema, own = version === 3 ? schema as Json : plain(schema), reference = { $ref: refer(objectMeta) };
  const { apiVersion, kind, metadata } = message.fields;
  return {
    description: message.doc,
    ...own,
    type: "object",
    properties: {
      ...own.properties as Json | undefined,
      apiVersion: { type: "string", description: apiVersion!.doc },
      kind: { type: "string", description: kind!.doc },
      metadata: { ...version === 3 ? { allOf: [reference], default: {} } : reference, description: metadata!.doc },
    },
  };
}

const sayable = new Set(["type", "format", "description", "title", "required", "enum"]);
function plain(schema: Schema): Json {
  const result: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties") {
      result[key] = Object.fromEntries(Object.entries(value as Record<string, Schema>).map(([name, one]) => [name, plain(one)]));
    } else if (key === "items" || key === "additionalProperties") result[key] = isObject(value) ? plain(value as unknown as Schema) : value;
    else if (sayable.has(key) || key.startsWith("x-kubernetes-")) result[key] = value;
  }
  return result;
}
