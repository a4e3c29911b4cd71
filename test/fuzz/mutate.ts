// Small damage to bytes and to trees of JSON, of the kind that parsers and validators are not made for.
import { Buffer } from "node:buffer";
import type { Json } from "../../shared/api/schema.ts";
import type { Random } from "../../shared/util/clock.ts";
import { oneIn, pick, upTo } from "../kit/chance.ts";

const nested = (levels: number, array: boolean): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = array ? [value] : { a: value };
  return value;
};
const oddValues: readonly (() => unknown)[] = [
  ...[null, true, false, 0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 31 - 1, -(2 ** 31) - 1, 2 ** 53, -(2 ** 53), 1e21, 1e308, 5e-324].map(
    (it) => () => it,
  ),
  ..."|a|0|-1|1Gi|1e3|1e999999999|0x10|9223372036854775808|-0|NaN|null|true|__proto__|constructor|..|/|~1|%00|a/b/c|a=b|(a)|*|☃".split("|")
    .map((it) => () => it),
  ...[
    "\u0000",
    "\ud800",
    "\r\n",
    "a\nb",
    "'",
    '"',
    "\\",
    "\u202e",
    "2026-02-30T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "*/0 * * * *",
    "256.1.1.1",
    "::1",
  ]
    .map((it) => () => it),
  () => "a".repeat(64),
  () => "a".repeat(254),
  () => "ü".repeat(5_000),
  () => [],
  () => ({}),
  () => [[]],
  () => [null],
  () => ({ "": "" }),
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  () => nested(95, true),
  () => nested(101, false),
  () => Array(300).fill(0),
  () => Array(300).fill({}),
];
export const oddValue = (random: Random): unknown => pick(random, oddValues)();
const oddKeys = [
  ...[
    "",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$setElementOrder/",
  ],
  ...[
    "$deleteFromPrimitiveList/finalizers",
    "$",
    "a/b",
    "~1",
    "0",
    "-1",
    "metadata",
    "spec",
    "status",
    "name",
    "kind",
    "apiVersion",
    "*",
    "ü",
  ],
  ...["managedFields", "ownerReferences", "resourceVersion", "uid", "deletionTimestamp", "generateName", "finalizers", "a".repeat(300)],
];

interface Place {
  readonly parent: Json;
  readonly key: string;
}
/** Everything in a tree, as far as it is worth walking. */
function places(root: unknown): Place[] {
  const found: Place[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null || found.length > 400) return;
    for (const key of Object.keys(value)) {
      found.push({ parent: value as Json, key });
      walk((value as Json)[key]);
    }
  };
  walk(root);
  return found;
}
const put = ({ parent, key }: Place, value: unknown): void =>
  void Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });

/** A tree with one thing in it changed. What is given stays as it is. */
export function mutateJson(random: Random, root: unknown): unknown {
  const holder = structuredClone({ root }) as Json, all = places(holder), place = pick(random, all), { parent, key } = place;
  const value = parent[key], isObject = typeof value === "object" && value !== null;
  switch (upTo(random, 9)) {
    case 0:
    case 1:
      put(place, oddValue(random));
      break;
    case 2:
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else if (parent !== holder) delete parent[key];
      break;
    case 3: // another name
      if (Array.isArray(parent) || parent === holder) break;
      delete parent[key];
      put({ parent, key: pick(random, oddKeys) }, value);
      break;
    case 4: // what stands elsewhere
      put(place, structuredClone(pick(random, all).parent));
      break;
    case 5: // again and again
      if (Array.isArray(value)) value.push(...Array.from({ length: oneIn(random, 20) ? 1000 : 3 }, () => structuredClone(value[0])));
      break;
    case 6:
      if (isObject && !Array.isArray(value)) put({ parent: value as Json, key: pick(random, oddKeys) }, oddValue(random));
      break;
    case 7:
      put(place, oneIn(random, 2) ? [value] : { [pick(random, oddKeys.slice(5))]: value });
      break;
    default:
      if (Array.isArray(value)) value.reverse();
      else put(place, isObject ? Object.values(value) : String(value));
  }
  return holder.root;
}

const tokens = [
  ..."{|}|[|]|,|:|\"|\\|\\u0000|\\ud800|null|-|1e9999|0x|'|&a|*a|!!binary |!!python/object:x |<<: *a|---\n|...\n|%YAML 1.1\n|? |- |#|\t|\r|~"
    .split("|"),
  ...[
    "\u0000",
    "\ufeff",
    "k8s\u0000",
    "\u00ff\u00ff\u00ff\u00ff\u007f",
    "\u0080\u0080\u0080\u0080\u0080\u0080\u0080\u0080\u0080\u0001",
    "  ",
    "\n",
  ],
].map((token) => Buffer.from(token, "latin1"));

/** Bytes with one place in them changed. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const at = upTo(random, bytes.length + 1), length = Math.min(bytes.length - at, 1 + upTo(random, oneIn(random, 4) ? 200 : 8));
  const around = (middle: Uint8Array, skipped: number) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + skipped)]);
  switch (upTo(random, 8)) {
    case 0: {
      const copy = Uint8Array.from(bytes);
      if (at < copy.length) copy[at]! ^= 1 << upTo(random, 8);
      return copy;
    }
    case 1:
      return around(Uint8Array.of(upTo(random, 256)), length > 0 ? 1 : 0);
    case 2:
      return around(new Uint8Array(), length);
    case 3:
      return around(bytes.subarray(at, at + length), 0);
    case 4:
      return around(Uint8Array.from({ length: 4 }, () => pick(random, [0, 1, 127, 128, 255])), Math.min(4, length));
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return around(Buffer.concat(Array(1 + upTo(random, oneIn(random, 10) ? 500 : 3)).fill(bytes.subarray(at, at + length))), length);
    default:
      return around(pick(random, tokens), 0);
  }
}
