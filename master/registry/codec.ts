// How one object lies in the store. Keys: /r/<group|core>/<plural>/<namespace|->/<name>. A value is an envelope:
//
//   format u8 = 1 | flags u8 | headerLength u16, big endian | header | JSON
//
// The header is what lists, selectors, indexes and a restart need to know without parsing the object. The JSON starts with apiVersion, kind and metadata,
// and has no resourceVersion: that is the revision of the write, which nobody knows before it is done. It is spliced in on the way out, behind the brace
// that opens metadata. This is a format on disk: golden bytes in the test; a change is a new format number, and the old one stays readable.
import { Buffer } from "node:buffer";
import { assert } from "../../shared/util/assert.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { KeyValue } from "../store/store.ts";
import type { Mine } from "./face.ts";
import { Viewed } from "./viewed.ts";

const format = 1;
const fixedBytes = 4;
/** Bytes of a header: what its length field can say. Labels are the only part that a client can make long. */
export const headerBytes = 0xffff;

/** Short names, because there is one header per object. Absent means empty or false. */
interface Header {
  readonly u: string; // uid
  readonly v: string; // apiVersion it is stored in
  readonly l?: Record<string, string>; // labels
  readonly f?: Record<string, string>; // selectable fields that are not ""
  readonly o?: string[]; // uids of its owners
  readonly d?: 1; // has a deletionTimestamp
  /** Where the resourceVersion goes: bytes from the start of the JSON. Always last, so that writing an object out needs no parser. */
  readonly s: number;
}

/** Prefix of all objects of all kinds. */
export const objectsPrefix = "/r/";
/** Prefix of a kind's keys, or of those in one namespace. */
export const prefixOf = (kind: Place, namespace?: string): string =>
  `${objectsPrefix}${resourceOf(kind)}/${namespace === undefined ? "" : `${namespace || "-"}/`}`;
export const keyOf = (kind: Place, namespace: string, name: string): string => prefixOf(kind, namespace) + name;
/** `resource` is the `<group|core>/<plural>` by which kinds are found. */
export function parseKey(key: string): { resource: string; namespace: string; name: string } {
  const [, , group, plural, namespace, name] = key.split("/");
  assert(name !== undefined, `not the key of an object: ${key}`);
  return { resource: `${group}/${plural}`, namespace: namespace === "-" ? "" : namespace!, name };
}
/** A view's objects are those of the kind it views. */
export const resourceOf = ({ view, group, plural }: Place): string => view ? resourceOf(view.of) : `${group || "core"}/${plural}`;
type Place = Pick<Kind, "group" | "plural"> & { readonly view?: { readonly of: Kind } };
export const apiVersionOf = (kind: Pick<Kind, "group" | "version">): string => kind.group ? `${kind.group}/${kind.version}` : kind.version;

/** The envelope, or undefined if its labels and selectable fields are too long for a header. */
export function encode<T>(kind: Kind<T>, object: T): Uint8Array | undefined {
  const { apiVersion: _, kind: __, metadata = {}, ...rest } = object as KubernetesObject;
  const { resourceVersion: ___, ...stored } = metadata;
  const apiVersion = apiVersionOf(kind.kept ? { group: kind.group, version: kind.kept.version } : kind);
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind.kind)},"metadata":{`;
  const json = head + JSON.stringify(stored).slice(1) + (Object.keys(rest).length > 0 ? `,${JSON.stringify(rest).slice(1)}` : "}");
  const fields: Record<string, string> = {};
  for (const [field, select] of Object.entries(kind.selectable ?? {})) {
    const value = select(object);
    if (value !== "") fields[field] = value;
  }
  const { labels = {}, ownerReferences = [] } = metadata;
  const header: Header = {
    u: metadata.uid!,
    v: apiVersion,
    ...(Object.keys(labels).length > 0 && { l: labels }),
    ...(Object.keys(fields).length > 0 && { f: fields }),
    ...(ownerReferences.length > 0 && { o: ownerReferences.map((owner) => owner.uid) }),
    ...(metadata.deletionTimestamp && { d: 1 as const }),
    s: head.length,
  };
  const text = JSON.stringify(header);
  const headerLength = Buffer.byteLength(text);
  if (headerLength > headerBytes) return undefined;
  const value = Buffer.allocUnsafe(fixedBytes + headerLength + Buffer.byteLength(json));
  value[0] = format;
  value[1] = 0;
  value.writeUInt16BE(headerLength, 2);
  value.write(text, fixedBytes);
  value.write(json, fixedBytes + headerLength);
  return value;
}

/** The object's JSON as it is stored, for comparing: equal bytes are equal objects. */
export function storedJson(value: Uint8Array): Uint8Array {
  return value.subarray(fixedBytes + headerLengthOf(value));
}

function headerLengthOf(value: Uint8Array): number {
  assert(value[0] === format, `stored object has format ${value[0]}, this program reads ${format}`);
  assert(value[1] === 0, `stored object has flags ${value[1]}, this program knows none of them`);
  return value[2]! << 8 | value[3]!;
}
/** The decimal number that ends before `end`. */
function lastNumber(value: Uint8Array, end: number): number {
  let number = 0;
  for (let at = end - 1, unit = 1; value[at]! >= 48 && value[at]! <= 57; at--, unit *= 10) number += (value[at]! - 48) * unit;
  return number;
}
const textOf = (value: Uint8Array, from: number, to: number): string =>
  Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8", from, to);

/** A stored object over the store's own bytes. Header and object are parsed when somebody asks. */
class StoredObject<T> implements Mine<T> {
  readonly kind: Kind<T>;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly value: Uint8Array;
  readonly #jsonAt: number;
  #parsed: Header | undefined;
  // Weak: the collector may drop what can be made again from the value. Ten thousand parsed Pods are 150 MB, their bytes 35.
  #object: WeakRef<object> | undefined;
  #bytes: WeakRef<Uint8Array> | undefined;

  constructor(kind: Kind<T>, namespace: string, name: string, revision: number, value: Uint8Array) {
    this.kind = kind;
    this.namespace = namespace;
    this.name = name;
    this.revision = revision;
    this.value = value;
    this.#jsonAt = fixedBytes + headerLengthOf(value);
  }
  get #header(): Header {
    return this.#parsed ??= JSON.parse(textOf(this.value, fixedBytes, this.#jsonAt)) as Header;
  }
  get uid(): string {
    return this.#header.u;
  }
  get labels(): Readonly<Record<string, string>> {
    return this.#header.l ?? none;
  }
  get fields(): Readonly<Record<string, string>> {
    const { kept, selectable } = this.kind;
    if (!kept) return this.#header.f ?? none;
    // The version that was written may have had others.
    return selectable ? Object.fromEntries(Object.entries(selectable).map(([field, select]) => [field, select(this.object)])) : none;
  }
  get ownerUids(): readonly string[] {
    return this.#header.o ?? nobody;
  }
  get deleting(): boolean {
    return this.#header.d === 1;
  }
  get object(): T {
    const known = this.#object?.deref();
    if (known !== undefined) return known as T;
    const object = this.copy();
    this.#object = new WeakRef(object as object);
    return object;
  }
  copy(): T {
    const object = JSON.parse(textOf(this.value, this.#jsonAt, this.value.length));
    if (this.revision > 0) object.metadata.resourceVersion = String(this.revision);
    return this.kind.kept ? this.kind.kept.read(object) : object;
  }
  bytes(): Uint8Array {
    const known = this.#bytes?.deref();
    if (known !== undefined) return known;
    if (this.kind.kept) {
      const bytes = Buffer.from(JSON.stringify(this.object));
      this.#bytes = new WeakRef(bytes);
      return bytes;
    }
    const json = this.value.subarray(this.#jsonAt);
    if (this.revision === 0) return json;
    const splice = `"resourceVersion":"${this.revision}",`, at = lastNumber(this.value, this.#jsonAt - 1);
    const bytes = Buffer.allocUnsafeSlow(json.length + splice.length);
    bytes.set(json.subarray(0, at), 0);
    bytes.write(splice, at, "latin1");
    bytes.set(json.subarray(at), at + splice.length);
    this.#bytes = new WeakRef(bytes);
    return bytes;
  }
}
const none: Readonly<Record<string, string>> = Object.freeze({});
const nobody: readonly string[] = Object.freeze([]);

/** @throws InvariantError when the bytes are of a format that this program does not know */
export function decode<T>(kind: Kind<T>, item: Pick<KeyValue, "key" | "value" | "modRevision">): Mine<T> {
  if (kind.view) return new Viewed(kind, kind.view, decode(kind.view.of, item));
  const { namespace, name } = parseKey(item.key);
  return new StoredObject(kind, namespace, name, item.modRevision, item.value);
}
