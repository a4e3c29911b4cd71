// The OpenAPI document of version 2, definitions only: kubectl up to 1.27 makes and checks its patches by it, and reads it as protobuf alone
// (openapi.v2.Document of gnostic's OpenAPIv2.proto). Paths are left to version 3.
import { type Reference, schemas } from "./openapi.ts";
import type { Kind } from "./resource.ts";
import type { Json, Message } from "./schema.ts";
import { Writer } from "./wire.ts";

const refer: Reference = (name) => `#/definitions/${name}`;

export function openapiV2(kinds: readonly Kind[], bodies: readonly Message[], version: string): Json {
  const definitions = schemas([...kinds.map(({ schema }) => schema), ...bodies], refer, 2);
  return { swagger: "2.0", info: { title: "Kubernetes", version }, paths: {}, definitions };
}

/** Such a document as `application/com.github.proto-openapi.spec.v2.v1.0+protobuf`. */
export function encodeOpenapiV2(document: Json): Uint8Array {
  const { title, version } = document.info as { title: string; version: string };
  return new Writer()
    .text(1, document.swagger as string)
    .message(2, (info) => info.text(1, title).text(2, version))
    .message(8, () => {}) // paths
    .message(9, (definitions) => writeNamed(definitions, document.definitions as Json))
    .finish();
}
/** A map of schemas is a list of NamedSchema. */
function writeNamed(writer: Writer, schemas: Json): void {
  for (const [name, schema] of Object.entries(schemas)) {
    writer.message(1, (named) => named.text(1, name).message(2, (value) => writeSchema(value, schema as Json)));
  }
}
function writeSchema(writer: Writer, schema: Json): void {
  for (const [key, value] of Object.entries(schema)) {
    if (key === "$ref") writer.text(1, value as string);
    else if (key === "format") writer.text(2, value as string);
    else if (key === "description") writer.text(4, value as string);
    else if (key === "required") (value as string[]).forEach((name) => writer.text(19, name));
    else if (key === "enum") (value as unknown[]).forEach((one) => writer.message(20, (any) => any.text(2, JSON.stringify(one))));
    else if (key === "additionalProperties") writer.message(21, (item) => item.message(1, (inner) => writeSchema(inner, value as Json)));
    else if (key === "type") writer.message(22, (type) => type.text(1, value as string));
    else if (key === "items") writer.message(23, (items) => items.message(1, (inner) => writeSchema(inner, value as Json)));
    else if (key === "properties") writer.message(25, (properties) => writeNamed(properties, value as Json));
    else if (key.startsWith("x-")) {
      // YAML, of which JSON is a part.
      writer.message(31, (named) => named.text(1, key).message(2, (any) => any.text(2, JSON.stringify(value))));
    }
  }
}
