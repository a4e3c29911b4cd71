// A request's body: read within its bound, and parsed by its Content-Type. Which object it must be is for the reader of the object to say.
import { type Body, parseJson } from "../../shared/api/json.ts";
import type { Json } from "../../shared/api/schema.ts";
import { ApiError, badRequest } from "../../shared/api/status.ts";
import { parseYaml } from "../../shared/api/yaml.ts";
import { requestBodyBytes } from "../../shared/limits.ts";
import type { HttpContext } from "./context.ts";
import { mediaType } from "./negotiate.ts";

export interface Document {
  readonly value: Json;
  /** Paths of fields that stand twice; the last one counts. */
  readonly duplicates: readonly string[];
}

const readable = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** What writes with an Idempotency-Key are compared by, is noted here. @throws ApiError RequestEntityTooLarge */
export async function readBody(c: HttpContext): Promise<Uint8Array> {
  const bytes = await readWhole(c.req.raw);
  c.get("once")?.body(bytes);
  c.get("audit")?.body(bytes, contentType(c.req.raw));
  return bytes;
}
async function readWhole(request: Request): Promise<Uint8Array> {
  const tooLarge = () => new ApiError("RequestEntityTooLarge", `Request entity too large: limit is ${requestBodyBytes}`);
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > requestBodyBytes) throw tooLarge();
  if (announced !== null) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > requestBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return concat(chunks, size);
}

export function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** The type of a body: JSON where the client says nothing, as `kubectl scale` does. */
export const contentType = (request: Request): string => mediaType(request.headers.get("content-type") ?? "").type || "application/json";

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  new ApiError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );

/** JSON or YAML text to a value. @throws ApiError BadRequest, UnsupportedMediaType */
export function parseText(bytes: Uint8Array, type: string): Body {
  if (type !== "application/json" && type !== "application/yaml") throw unsupportedMediaType(readable);
  if (bytes.byteLength === 0) throw noBody();
  try {
    const text = utf8.decode(bytes);
    return type === "application/json" ? parseJson(text) : parseYaml(text);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error; // TypeError: not UTF-8
    throw badRequest(`the body of the request is not ${type === "application/json" ? "JSON" : "YAML"}: ${error.message}`);
  }
}
export const noBody = (): ApiError => badRequest("the request has no body, but an object is needed");

/** @throws ApiError BadRequest */
export function objectIn({ value, duplicates }: Body): Document {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { value: value as Json, duplicates };
  throw badRequest(
    `the body of the request is not an object, but ${Array.isArray(value) ? "a list" : value === null ? "null" : typeof value}`,
  );
}
