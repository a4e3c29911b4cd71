// Patches in the four languages, between objects that are valid: what they make is often valid, too.
import type { Kind } from "../../shared/api/resource.ts";
import type { Json } from "../../shared/api/schema.ts";
import type { Random } from "../../shared/util/clock.ts";
import { oneIn, pick, some, upTo } from "../kit/chance.ts";
import { oddValue } from "./mutate.ts";

export interface Patch {
  readonly type: string;
  readonly body: unknown;
}
/** `object`: what is patched, perhaps; `other`: what it could be. */
export function patchOf(random: Random, kind: Kind, object: Json, other: Json): Patch {
  switch (upTo(random, 4)) {
    case 0:
      return { type: "application/json-patch+json", body: Array.from({ length: 1 + upTo(random, 4) }, () => operation(random, object)) };
    case 1:
      return { type: "application/merge-patch+json", body: part(random, other) };
    case 2:
      return { type: "application/strategic-merge-patch+json", body: directed(random, part(random, other)) };
    default: {
      const config = part(random, object) as Json, { name, namespace } = object.metadata as Json;
      const metadata = {
        name,
        ...(namespace !== undefined && { namespace }),
        labels: { [pick(random, ["a", "b"])]: pick(random, ["1", "2"]) },
      };
      return { type: "application/apply-patch+yaml", body: { ...config, apiVersion: object.apiVersion, kind: kind.kind, metadata } };
    }
  }
}

/** Some of it. */
function part(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const kept = some(random, Object.entries(value), 0.7).filter(([key]) => !["apiVersion", "kind", "metadata"].includes(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, oneIn(random, 12) ? null : part(random, item)]));
}

/** With a directive here and there. */
function directed(random: Random, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => directed(random, item));
    if (oneIn(random, 4)) items.push({ name: "a", $patch: pick(random, ["delete", "replace", "merge", "x"]) });
    return items;
  }
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.entries(value).map(([key, item]): [string, unknown] => [key, directed(random, item)]);
  for (const [key, item] of [...inner]) {
    if (Array.isArray(item) && oneIn(random, 3)) {
      inner.push([`$setElementOrder/${key}`, oneIn(random, 4) ? oddValue(random) : [...item].reverse()]);
    }
    if (Array.isArray(item) && oneIn(random, 5)) inner.push([`$deleteFromPrimitiveList/${key}`, item.slice(0, 1)]);
  }
  if (oneIn(random, 12)) inner.push(["$patch", pick(random, ["replace", "delete", "x"])]);
  if (oneIn(random, 12)) inner.push(["$retainKeys", inner.map(([key]) => key)]);
  return Object.fromEntries(inner);
}

function operation(random: Random, object: Json): Json {
  const op = pick(random, ["add", "remove", "replace", "move", "copy", "test"]);
  const pointer = () => oneIn(random, 8) ? String(oddValue(random)) : pointerInto(random, object);
  return { op, path: pointer(), from: pointer(), value: oneIn(random, 2) ? oddValue(random) : object.spec ?? {} };
}
function pointerInto(random: Random, root: unknown): string {
  let at = root, path = "";
  while (typeof at === "object" && at !== null && Object.keys(at).length > 0 && !oneIn(random, 4)) {
    const key = pick(random, Object.keys(at));
    path += `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    at = (at as Json)[key];
  }
  return oneIn(random, 8) ? `${path}/-` : path;
}
