// OpenAPI documents, read from the kinds: what `kubectl explain`, generators and patches made by clients go by. One document per group and version.
import { createHash } from "node:crypto";
import { customSchema } from "./custom/describe.ts";
import { ListMeta, ObjectMeta } from "./meta.ts";
import { pathsOf } from "./openapi_paths.ts";
import { type Kind, pathOf } from "./resource.ts";
import { type Field, field, type Json, kind as topLevel, list, type Message, required, type Type } from "./schema.ts";

/** "k8s.io.api.apps.v1.Deployment" is named io.k8s.api.apps.v1.Deployment: a domain, written backwards as in Java. */
export const componentName = (proto: string): string => proto.replace(/^k8s\.io\./, "io.k8s.").replaceAll("_", "-");
/** Where references point: "#/components/schemas/", or in version 2 "#/definitions/". */
export type Reference = (name: string) => string;

/** A message as a schema. In version 3, a reference with company stands in `allOf`. */
function messageSchema(message: Message, refer: Reference, version: 2 | 3): Json {
  if (message.schema) return { ...customSchema(message, refer, version), "x-kubernetes-group-version-kind": [groupVersionKind(message)] };
  const properties: Json = {};
  for (const [key, field] of Object.entries<Field>(message.fields)) {
    const type = typeSchema(field.type, refer);
    properties[key] = {
      ...version === 3 && "$ref" in type ? { allOf: [type], ...isMessage(field.type) && { default: {} } } : type,
      description: field.doc,
      ...version === 3 && field.default !== undefined && { default: field.default },
      ...field.list && { "x-kubernetes-list-type": field.list },
      ...field.keys && { "x-kubernetes-list-map-keys": field.keys },
      ...field.map && { "x-kubernetes-map-type": field.map },
      ...field.patch && { "x-kubernetes-patch-strategy": field.patch.strategy },
      ...field.patch?.key && { "x-kubernetes-patch-merge-key": field.patch.key },
    };
  }
  const needed = Object.keys(message.fields).filter((key) => message.fields[key]!.required);
  return {
    type: "object",
    description: message.doc,
    properties,
    ...needed.length > 0 && { required: needed },
    ...message.map && { "x-kubernetes-map-type": message.map },
    ...message.apiVersion && { "x-kubernetes-group-version-kind": [groupVersionKind(message)] },
  };
}
function groupVersionKind({ apiVersion, id }: Message): Json {
  const [version, group = ""] = apiVersion!.split("/").reverse();
  return { group, kind: id.slice(id.lastIndexOf(".") + 1), version };
}
function typeSchema(type: Type<unknown>, refer: Reference): Json {
  if (type.type === "map") return { type: "object", additionalProperties: typeSchema(type.item!, refer) };
  if (type.type === "array") return { type: "array", items: typeSchema(type.item!, refer) };
  // Quantity, Time and their like have a name, by which explain shows them; but not a value that may be anything.
  return type.proto.includes(".") && (isMessage(type) || Object.keys(type.openapi).length > 0)
    ? { $ref: refer(componentName(type.proto)) }
    : type.openapi;
}
const isMessage = (type: Type<unknown>): type is Message => type.type === "message";

/** Schemas of these messages and of all that they refer to, by name. */
export function schemas(messages: readonly Message[], refer: Reference, version: 2 | 3): Record<string, Json> {
  const found: Record<string, Json> = {};
  const visit = (type: Type<unknown>): void => {
    if (type.item) return visit(type.item);
    const name = componentName(type.proto);
    if (!name.includes(".") || Object.hasOwn(found, name)) return;
    if (!isMessage(type)) {
      if (Object.keys(type.openapi).length > 0) found[name] = scalarSchema(type.openapi, version);
      return;
    }
    found[name] = {}; // its place, should it contain itself
    found[name] = messageSchema(type, refer, version);
    if (type.schema) visit(ObjectMeta);
    else for (const { type: inner } of Object.values(type.fields)) visit(inner);
  };
  messages.forEach(visit);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => a < b ? -1 : 1));
}
/** Version 2 knows no alternatives. */
const scalarSchema = ({ oneOf, ...rest }: Json, version: 2 | 3): Json =>
  version === 3 ? { ...rest, ...oneOf !== undefined && { oneOf } } : oneOf === undefined ? rest : { type: "string", ...rest };

/** The list of a kind's objects, as a message. */
const listMessage = ({ schema, plural }: Pick<Kind, "schema" | "plural">): Message =>
  topLevel(schema.apiVersion!, `${schema.id}List`, `A list of ${plural}.`, {
    metadata: field(1, ListMeta, "About the list."),
    items: required(2, list(schema), "The objects."),
  });

export interface OpenApiDocument {
  readonly text: string;
  /** Of the content: clients keep a document for as long as this stays. */
  readonly hash: string;
}
/**
 * The documents of version 3, by "api/v1", "apis/apps/v1" …
 * @param bodies what subresources take that is no kind of its own
 * @param version of the server
 */
export function openapiDocuments(kinds: readonly Kind[], bodies: readonly Message[], version: string): Map<string, OpenApiDocument> {
  const paths = [...new Set(kinds.map((kind) => pathOf(kind).slice(1)))];
  return new Map(paths.map((path) => {
    const members = kinds.filter((kind) => pathOf(kind).slice(1) === path);
    return [path, documentOf(members, bodies, version)];
  }));
}
/** Beside the first of its kinds. When one definition comes, the documents of all others stay as they are. */
const known = new WeakMap<Kind, { readonly members: readonly Kind[]; readonly document: OpenApiDocument }>();
function documentOf(members: readonly Kind[], bodies: readonly Message[], version: string): OpenApiDocument {
  const before = known.get(members[0]!);
  if (before?.members.length === members.length && before.members.every((kind, i) => kind === members[i])) return before.document;
  const document = written(openapiDocument(members, bodies, version));
  known.set(members[0]!, { members, document });
  return document;
}
function written(document: Json): OpenApiDocument {
  const text = JSON.stringify(document);
  return { text, hash: createHash("sha256").update(text).digest("hex").slice(0, 32).toUpperCase() };
}
/** What /openapi/v3 says: where the documents are. */
export const openapiIndex = (documents: ReadonlyMap<string, OpenApiDocument>): Json => ({
  paths: Object.fromEntries([...documents].map(([path, { hash }]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }])),
});

function openapiDocument(kinds: readonly Kind[], bodies: readonly Message[], version: string): Json {
  const refer: Reference = (name) => `#/components/schemas/${name}`;
  const used = new Set<Message>(
    kinds.flatMap((kind) => [kind.schema, ...(kind.verbs?.includes("list") ?? true) ? [listMessage(kind)] : []]),
  );
  const reference = (name: string): Json | undefined => {
    const message = [...used, ...bodies].find(({ id }) => id === name || id.endsWith(`.${name}`));
    if (message) used.add(message);
    return message && { $ref: refer(componentName(message.id)) };
  };
  const paths = pathsOf(kinds, reference);
  return { openapi: "3.0.0", info: { title: "Kubernetes", version }, paths, components: { schemas: schemas([...used], refer, 3) } };
}
