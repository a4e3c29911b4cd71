// From a request to an object of a kind, and how it is to be written: the part of every write that does not depend on the verb.
import { type Cause, decode } from "../../shared/api/decode.ts";
import type { Message } from "../../shared/api/schema.ts";
import { decodeProtobuf } from "../../shared/api/protobuf.ts";
import { apiVersionOf, type Kind, type KubernetesObject, unsupported } from "../../shared/api/resource.ts";
import type { Json } from "../../shared/api/schema.ts";
import { ApiError, badRequest, invalidObject } from "../../shared/api/status.ts";
import { fieldManagerCharacters } from "../../shared/limits.ts";
import { forbiddenSubject, unauthorizedDecision } from "../rbac/certificates.ts";
import { escalation } from "../rbac/escalation.ts";
import { isManager } from "../registry/ownership/managers.ts";
import type { WriteOptions } from "../registry/registry.ts";
import { contentType, type Document, noBody, objectIn, parseText, readBody, unsupportedMediaType } from "./body.ts";
import type { HttpContext } from "./context.ts";

/** What a body must be: a stored kind, or one that only travels (Scale, Binding, DeleteOptions …). */
export type BodyKind<T> = Pick<Kind<T>, "group" | "version" | "kind" | "plural" | "definition"> & { readonly schema: Message<T> };
export const protobufType = "application/vnd.kubernetes.protobuf";

interface Read<T> {
  readonly value: T;
  readonly causes: Cause[];
}

/** The body as an object that will be stored. What is invalid about it, admission says, all at once. @throws ApiError BadRequest, UnsupportedMediaType */
export async function readObject<T>(c: HttpContext, kind: BodyKind<T>): Promise<T> {
  return (await read(c, kind)).value;
}
/** The body as something that only travels. @throws ApiError also Invalid */
export async function readValue<T>(c: HttpContext, kind: BodyKind<T>): Promise<T> {
  return checked(kind, await read(c, kind));
}
export function checked<T>(kind: BodyKind<T>, { value, causes }: Read<T>): T {
  if (causes.length > 0) throw invalidObject(kind, nameOf(value), causes);
  return value;
}
async function read<T>(c: HttpContext, kind: BodyKind<T>): Promise<Read<T>> {
  const bytes = await readBody(c), type = contentType(c.req.raw);
  return decodeBody(c, kind, bytes, type);
}
export function decodeBody<T>(c: HttpContext, kind: BodyKind<T>, bytes: Uint8Array, type: string): Read<T> {
  if (type !== protobufType) return decodeDocument(c, kind, objectIn(parseText(bytes, type)));
  if (kind.definition !== undefined) throw unsupportedMediaType(["application/json", "application/yaml"]);
  if (bytes.byteLength === 0) throw noBody();
  const value = decodeProtobuf(kind.schema, bytes);
  c.get("audit")?.decoded(value);
  return decodeDocument(c, kind, { value, duplicates: [] });
}

/** Strictness as ?fieldValidation says; without it, unknown fields are dropped with a warning. Fills in defaults. */
export function decodeDocument<T>(c: HttpContext, kind: BodyKind<T>, { value: body, duplicates }: Document): Read<T> {
  const { value, unreadable, unknown, causes, cut } = decode(kind.schema, withType(kind, body));
  const cannot = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
  if (unreadable.length > 0) throw badRequest(`${cannot}: ${unreadable.join(", ")}`);
  if (cut) throw invalidObject(kind, nameOf(value), causes);
  const flaws = [...unknown, ...duplicates.map((field) => `duplicate field "${field}"`)];
  const validation = fieldValidation(c);
  if (flaws.length > 0 && validation === "Strict") throw badRequest(`${cannot}: strict decoding error: ${flaws.join(", ")}`);
  if (validation === "Warn") { for (const flaw of flaws) c.get("warnings").add(flaw); }
  return { value, causes };
}
const nameOf = (object: unknown): string => {
  const { name, generateName } = (object as KubernetesObject).metadata ?? {};
  return name || generateName || "";
};

/** A body without apiVersion and kind is of the kind that its path says; any other must agree with it. */
function withType(kind: BodyKind<unknown>, body: Json): Json {
  const expected = apiVersionOf(kind), { apiVersion, kind: name } = body;
  if (name !== undefined && name !== null && name !== "" && name !== kind.kind) {
    throw badRequest(
      `${JSON.stringify(name)} in version "${
        apiVersion ?? expected
      }" cannot be handled as a ${kind.kind}: the path is that of ${kind.plural}`,
    );
  }
  if (apiVersion !== undefined && apiVersion !== null && apiVersion !== "" && apiVersion !== expected) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected})`);
  }
  return { ...body, apiVersion: expected, kind: kind.kind };
}

type FieldValidation = "Ignore" | "Warn" | "Strict";
function fieldValidation(c: HttpContext): FieldValidation {
  const asked = c.get("query").get("fieldValidation") || "Warn";
  if (asked === "Ignore" || asked === "Warn" || asked === "Strict") return asked;
  throw invalidOptions(c, unsupported("fieldValidation", asked, ["Ignore", "Warn", "Strict"]));
}

/** dryRun, fieldManager and the writer, from the query and the headers. @throws ApiError Invalid */
export function writeOptions(c: HttpContext, subresource?: string): WriteOptions {
  const { query, user, authorizer, once } = c.var;
  const manager = query.get("fieldManager");
  if (manager !== null && (!isManager(manager))) {
    const message = `Invalid value: ${JSON.stringify(manager)}: must be at most ${fieldManagerCharacters} printable characters`;
    throw invalidOptions(c, { reason: "FieldValueInvalid", field: "fieldManager", message });
  }
  return {
    dryRun: dryRun(c, query.getAll("dryRun")),
    fieldManager: manager || managerIn(c.req.header("user-agent") ?? "unknown"),
    ...(subresource !== undefined && { subresource }),
    user,
    ...(once && { once }),
    warn: (words) => void c.get("warnings").add(words),
    vet: (change) => escalation(authorizer, user, change) ?? unauthorizedDecision(authorizer, user, change) ?? forbiddenSubject(change),
  };
}

/** The program's name, as far as it may be one. */
const managerIn = (userAgent: string): string => userAgent.split("/", 1)[0]!.replace(/[^\x20-\x7e]/g, "").slice(0, fieldManagerCharacters);

export function dryRun(c: HttpContext, asked: readonly string[]): boolean {
  const wrong = asked.find((value) => value !== "All");
  if (wrong !== undefined) throw invalidOptions(c, unsupported("dryRun", wrong, ["All"]));
  return asked.length > 0;
}

/** 422 about the request's options rather than about an object. */
export function invalidOptions(c: HttpContext, ...causes: Cause[]): ApiError {
  const names: Readonly<Record<string, string>> = {
    create: "CreateOptions",
    update: "UpdateOptions",
    patch: "PatchOptions",
    list: "ListOptions",
    watch: "ListOptions",
  };
  return invalidObject({ kind: names[c.get("info").verb] ?? "DeleteOptions", group: "meta.k8s.io", plural: "" }, "", causes);
}

/** Name and namespace of the body must be those of the path; where the body is silent, the path speaks. @throws ApiError BadRequest */
export function placeObject(c: HttpContext, kind: Pick<Kind, "namespaced">, object: KubernetesObject): void {
  const { namespace, name } = c.get("info").resource!;
  const metadata = object.metadata ??= {};
  if (!kind.namespaced) {
    if (metadata.namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  } else if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  } else metadata.namespace = namespace;
  if (name === "") return;
  if (metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  metadata.name = name;
}
