// The three languages of PATCH, as functions of an object and a patch. Neither is changed; the result may share parts with both. What the result
// means is for the schema to say: it goes through decoding, defaults and validation like the body of a PUT.
// Every key is an own property, set as such: `__proto__` and `constructor` are keys of a ConfigMap like others.
import { countKeys } from "../../shared/api/json.ts";
import type { Json } from "../../shared/api/schema.ts";
import { ApiError, badRequest } from "../../shared/api/status.ts";
import { documentDepth, jsonPatchOperations, jsonPatchWork, requestBodyBytes, shownCharacters } from "../../shared/limits.ts";

export { strategicMergePatch } from "./strategic_merge.ts";

/** JSON merge patch (RFC 7396). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/**
 * JSON patch (RFC 6902). Written out, because fast-json-patch copies the whole document for each `move` and `copy`, and reads inherited properties.
 * @throws ApiError BadRequest (not a patch), Invalid (it does not fit this object, or a `test` failed), RequestEntityTooLarge
 */
export function jsonPatch(document: Json, operations: readonly unknown[]): Json {
  if (operations.length > jsonPatchOperations) {
    const why = `The allowed maximum operations in a JSON patch is ${jsonPatchOperations}, got ${operations.length}`;
    throw new ApiError("RequestEntityTooLarge", why);
  }
  const holder: Json = { "": structuredClone(document) }; // so that the pointer "" to the whole names a member, too
  const work: Work = { left: jsonPatchWork };
  let copiedBytes = 0;
  for (const operation of operations) {
    const { op, path, from, value } = checked(operation), place = () => locate(holder, path);
    if (op === "add") add(place(), structuredClone(value), work);
    else if (op === "remove") remove(place(), work);
    else if (op === "replace") replace(place(), structuredClone(value));
    else if (op === "move") {
      if (path.startsWith(`${from}/`)) throw unfit(`${from} cannot be moved into itself`);
      const moved = remove(locate(holder, from), work);
      add(place(), moved, work);
    } else if (op === "copy") {
      const copied = current(locate(holder, from));
      copiedBytes += JSON.stringify(copied).length;
      if (copiedBytes > requestBodyBytes) throw unfit(`its copies are larger than ${requestBodyBytes} bytes`);
      add(place(), structuredClone(copied), work);
    } else if (!equal(current(place()), value, work)) throw unfit(`testing value ${path} failed`);
  }
  const result = holder[""];
  if (!isObject(result)) throw unfit("the result is not an object");
  try {
    countKeys(result);
  } catch (error) {
    throw unfit((error as Error).message);
  }
  return result;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
}
const members: Readonly<Record<string, readonly string[]>> = {
  add: ["path", "value"],
  remove: ["path"],
  replace: ["path", "value"],
  move: ["path", "from"],
  copy: ["path", "from"],
  test: ["path", "value"],
};
function checked(operation: unknown): Operation {
  if (!isObject(operation)) throw badRequest("an operation of the JSON patch is not an object");
  const op = String(operation.op);
  if (!Object.hasOwn(members, op)) throw badRequest(`${JSON.stringify(op)} is not an operation of a JSON patch (RFC 6902)`);
  for (const member of members[op]!) {
    if (!Object.hasOwn(operation, member)) throw badRequest(`an operation "${op}" of the JSON patch has no ${member}`);
    const pointer = operation[member];
    if (member !== "value" && (typeof pointer !== "string" || !/^(\/|$)/.test(pointer))) {
      throw badRequest(`${JSON.stringify(pointer)} is not a JSON pointer (RFC 6901)`);
    }
  }
  return operation as unknown as Operation;
}

/** A member of an object, or an item of a list, that need not be there. */
interface Place {
  readonly parent: unknown;
  readonly key: string;
  readonly pointer: string;
}
function locate(holder: Json, pointer: string): Place {
  const parts = pointer.split("/", 2 * documentDepth);
  if (parts.length === 2 * documentDepth) throw nothingAt(pointer); // no document is as deep
  const keys = parts.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")), key = keys.pop()!;
  let parent: unknown = holder;
  for (const step of keys) parent = current({ parent, key: step, pointer });
  return { parent, key, pointer };
}
function exists({ parent, key }: Place): boolean {
  return Array.isArray(parent) ? /^(0|[1-9]\d*)$/.test(key) && Number(key) < parent.length : isObject(parent) && Object.hasOwn(parent, key);
}
function current(place: Place): unknown {
  if (!exists(place)) throw nothingAt(place.pointer);
  return (place.parent as Json)[place.key];
}
function add(place: Place, value: unknown, work: Work): void {
  const { parent, key, pointer } = place;
  if (!Array.isArray(parent)) {
    if (!isObject(parent)) throw nothingAt(pointer);
    return put(parent, key, value);
  }
  if (key !== "-" && key !== String(parent.length) && !exists(place)) throw unfit(`${pointer} is not a place in its list`);
  if (key !== "-") spend(work, parent.length);
  parent.splice(key === "-" ? parent.length : Number(key), 0, value);
}
function remove(place: Place, work: Work): unknown {
  const removed = current(place), { parent, key } = place;
  if (Array.isArray(parent)) {
    spend(work, parent.length);
    parent.splice(Number(key), 1);
  } else delete (parent as Json)[key];
  return removed;
}
function replace(place: Place, value: unknown): void {
  current(place);
  put(place.parent as Json, place.key, value);
}
const put = (object: Json, key: string, value: unknown): void =>
  void Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });

function equal(a: unknown, b: unknown, work: Work): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    spend(work, a.length);
    return a.every((item, i) => equal(item, b[i], work));
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  spend(work, keys.length);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key], work));
}
/** What the operations of one patch may still do together. */
interface Work {
  left: number;
}
function spend(work: Work, values: number): void {
  if ((work.left -= values) < 0) throw unfit(`its operations compare and move more than ${jsonPatchWork} keys and items`);
}
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

const nothingAt = (pointer: string): ApiError => unfit(`there is nothing at ${pointer.slice(0, shownCharacters)}`);
/** Upstream's answer: the reason stands among the causes. */
const unfit = (message: string): ApiError =>
  new ApiError("Invalid", "the server rejected our request due to an error in our request", {
    details: { causes: [{ reason: "UnexpectedServerResponse", field: "patch", message: `cannot be applied: ${message}` }] },
  });
