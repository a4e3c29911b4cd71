// Everything that reads a text or bytes by itself: JSON, YAML, protobuf, selectors, quantities, schedules. What they take is compared with a naive reader, and with
// itself after having been written again.
import { isDeepStrictEqual } from "node:util";
import { Buffer } from "node:buffer";
import { stringify } from "yaml";
import { parseCron } from "../../../shared/api/cron.ts";
import { decode } from "../../../shared/api/decode.ts";
import { parseJson, wholeCharacters } from "../../../shared/api/json.ts";
import { bodies, kinds } from "../../../shared/api/kinds/mod.ts";
import { decodeWire, encodeWire } from "../../../shared/api/protobuf.ts";
import { canonicalQuantity, isQuantity } from "../../../shared/api/quantity.ts";
import { parseFields, parseLabels, toText } from "../../../shared/api/selector.ts";
import type { Json, Message } from "../../../shared/api/schema.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { WireError } from "../../../shared/api/wire.ts";
import { parseYaml } from "../../../shared/api/yaml.ts";
import type { Random } from "../../../shared/util/clock.ts";
import { pick, upTo } from "../../kit/chance.ts";
import { randomValue } from "../../kit/random_value.ts";
import { mutateBytes, mutateJson } from "../mutate.ts";
import { likely } from "../objects.ts";
import { target } from "../target.ts";

interface Text {
  readonly reader: keyof typeof readers;
  readonly bytes: Uint8Array;
  /** Of those that protobuf is read by. */
  readonly schema: number;
}
const schemas: readonly Message[] = [...kinds.map(({ schema }) => schema as Message), ...bodies];
const words: Readonly<Record<string, readonly string[]>> = {
  labels: ["app=web", "a in (b, c),!d,e notin (f)", "x>1,y<2", "a!=b", "sea.example/a==b"],
  fields: ["metadata.name=a,spec.nodeName!=b", "a=b\\,c"],
  quantity: ["1.5Gi", "500m", "1e3", "-0.1", "9223372036854775807", "1E-3"],
  schedule: ["*/5 * * * *", "@daily", "0 0 1,15 1-6/2 MON-FRI", "TZ=Europe/Berlin 1 2 3 4 5"],
};

export const textsTarget = target<Text>({
  name: "texts",
  casesPerLife: 8_000,
  make(random) {
    const reader = pick(random, ["json", "json", "yaml", "protobuf", "protobuf", "labels", "fields", "quantity", "schedule"] as const);
    const schema = upTo(random, schemas.length);
    let bytes = begin(random, reader, schemas[schema]!);
    for (let changes = upTo(random, 6); changes > 0; changes--) bytes = mutateBytes(random, bytes);
    return { reader, bytes, schema };
  },
  show: ({ reader, bytes, schema }) =>
    `${reader}${reader === "protobuf" ? ` of ${schemas[schema]!.id}` : ""}: ${Buffer.from(bytes).toString("base64")}`,
  open: () =>
    Promise.resolve({
      run: ({ reader, bytes, schema }) => Promise.resolve(readers[reader](bytes, schemas[schema]!)),
      close: () => Promise.resolve(),
    }),
});

function begin(random: Random, reader: Text["reader"], schema: Message): Uint8Array {
  if (words[reader]) return Buffer.from(pick(random, words[reader]));
  const value = mutateJson(random, randomValue(random, { type: schema }, likely));
  if (reader === "json") return Buffer.from(JSON.stringify(value) ?? "");
  if (reader === "yaml") return Buffer.from(stringify(JSON.parse(JSON.stringify(value) ?? "0")));
  const { value: object, unreadable, causes } = decode(schema, randomValue(random, { type: schema }, likely));
  return unreadable.length + causes.length > 0 ? new Uint8Array() : encodeWire(schema, object as Json);
}

/** What `read` says, or undefined if it refuses in one of the ways in which it may. */
function taken<T>(read: () => T, ...mayThrow: (new (...args: never[]) => Error)[]): { value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (mayThrow.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const readers = {
  json(bytes) {
    const ours = taken(() => parseJson(text(bytes)), SyntaxError),
      naive = taken(() => wholeCharacters(JSON.parse(text(bytes))), SyntaxError);
    if (ours && !naive) return "is no JSON, and was taken";
    return ours && !isDeepStrictEqual(ours.value.value, naive!.value) ? "was read as something else" : undefined;
  },
  yaml(bytes) {
    const read = taken(() => parseYaml(text(bytes)), SyntaxError);
    if (read) JSON.stringify(read.value.value); // of whatever it is made, it must not hold itself
    return undefined;
  },
  protobuf(bytes, schema) {
    const read = taken(() => decodeWire(schema, bytes), WireError);
    if (!read) return undefined;
    const { value, unreadable, causes } = decode(schema, read.value);
    if (unreadable.length + causes.length > 0) return undefined;
    const again = decode(schema, decodeWire(schema, encodeWire(schema, value as Json))).value;
    return isDeepStrictEqual(again, value) ? undefined : `${JSON.stringify(value)} became ${JSON.stringify(again)}`;
  },
  labels(bytes) {
    const read = taken(() => toText(parseLabels(text(bytes))), ApiError);
    return read && toText(parseLabels(read.value)) !== read.value ? `became ${read.value}, and then something else` : undefined;
  },
  fields: (bytes) => void taken(() => parseFields(text(bytes)), ApiError),
  quantity(bytes) {
    if (!isQuantity(text(bytes))) return undefined;
    const once = canonicalQuantity(text(bytes));
    return isQuantity(once) && canonicalQuantity(once) === once ? undefined : `became ${once}, and then something else`;
  },
  schedule: (bytes) => void taken(() => parseCron(text(bytes)), RangeError),
} satisfies Record<string, (bytes: Uint8Array, schema: Message) => string | undefined | void>;
