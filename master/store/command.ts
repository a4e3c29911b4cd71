// The entries of the log, as bytes. This is an on-disk format: a field is never given a new meaning, a new command gets a new kind, and a change of an old
// one a new format number. All numbers are little-endian.
//
//   command     = format u8 (1) · kind u8 · body
//   transaction = quota f64 · compares u16 · compare* · then u16 · operation* · else u16 · operation*
//   compare     = target u8 · key · (revision or version f64 | value)
//   operation   = kind u8 · key · (put: lease f64 · value)
//   compact     = revision f64        grant = ttl f64, ms        keepAlive, revoke = lease f64
//   expire      = lease f64 · renewals f64, which was added: it may be missing
//   attest      = nothing             vouch = index f64 · member f64 · digest, a value
//   key         = length u16 · UTF-8  value = length u32 · bytes
import { Buffer } from "node:buffer";
import { assert } from "../../shared/util/assert.ts";
import type { Vouch } from "./agreement.ts";
import type { Expiry } from "./lease.ts";
import type { Compare, Operation, Transaction } from "./store.ts";

export type Command =
  /** The quota (live bytes) is the proposer's: it travels along so that all members judge alike, whatever their own configuration says. */
  | { readonly do: "transact"; readonly transaction: Transaction; readonly quotaBytes: number }
  | { readonly do: "compact"; readonly revision: number }
  | { readonly do: "grant"; readonly ttlMs: number }
  | { readonly do: "keepAlive" | "revoke"; readonly lease: number }
  | { readonly do: "expire" } & Expiry
  /** Every member is to say what its state is at this entry; and what one says. Neither changes the state. */
  | { readonly do: "attest" }
  | { readonly do: "vouch"; readonly vouch: Vouch };

const format = 1;
// Positions in these lists are the numbers on disk: append only.
const kinds = ["transact", "compact", "grant", "keepAlive", "revoke", "expire", "attest", "vouch"] as const;
const targets = ["modRevision", "createRevision", "version", "value"] as const;
const operations = ["get", "put", "delete"] as const;

/** The longest UTF-8 form of a key. */
const keyBound = (key: string): number => 2 + key.length * 3;

export function encodeCommand(command: Command): Uint8Array {
  const writer = new Writer(command.do === "transact" ? transactionBound(command.transaction) : 64);
  writer.u8(format);
  writer.u8(kinds.indexOf(command.do));
  switch (command.do) {
    case "transact": {
      writer.f64(command.quotaBytes);
      writer.u16(command.transaction.compares.length);
      for (const compare of command.transaction.compares) {
        writer.u8(targets.indexOf(compare.target));
        writer.key(compare.key);
        if (compare.target === "value") writer.value(compare.is);
        else writer.f64(compare.is);
      }
      for (const branch of [command.transaction.then, command.transaction.else ?? []]) {
        writer.u16(branch.length);
        for (const operation of branch) {
          writer.u8(operations.indexOf(operation.do));
          writer.key(operation.key);
          if (operation.do !== "put") continue;
          writer.f64(operation.lease ?? 0);
          writer.value(operation.value);
        }
      }
      break;
    }
    case "compact":
      writer.f64(command.revision);
      break;
    case "grant":
      writer.f64(command.ttlMs);
      break;
    case "keepAlive":
    case "revoke":
      writer.f64(command.lease);
      break;
    case "expire":
      writer.f64(command.lease);
      if (command.renewals !== undefined) writer.f64(command.renewals);
      break;
    case "attest":
      break;
    case "vouch":
      writer.f64(command.vouch.index);
      writer.f64(command.vouch.member);
      writer.value(command.vouch.digest);
      break;
    default:
      command satisfies never;
  }
  return writer.bytes();
}

/** Values in the result are views into `bytes`. @throws InvariantError when this is no command that we know: an entry that cannot be applied cannot be skipped */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new Reader(bytes);
  const found = reader.u8();
  assert(found === format, `a log entry has command format ${found}, and this release knows ${format}`);
  const kind = reader.oneOf(kinds);
  switch (kind) {
    case "transact": {
      const quotaBytes = reader.f64();
      const compares = reader.many(readCompare), then = reader.many(readOperation), otherwise = reader.many(readOperation);
      return { do: kind, transaction: { compares, then, else: otherwise }, quotaBytes };
    }
    case "compact":
      return { do: kind, revision: reader.f64() };
    case "grant":
      return { do: kind, ttlMs: reader.f64() };
    case "expire":
      return { do: kind, lease: reader.f64(), ...(!reader.isAtEnd && { renewals: reader.f64() }) };
    case "attest":
      return { do: kind };
    case "vouch":
      return { do: kind, vouch: { index: reader.f64(), member: reader.f64(), digest: reader.value() } };
    default:
      return { do: kind, lease: reader.f64() };
  }
}

/** Whether a full disk is no reason to refuse it: it takes away more than it adds, or keeps a lease from ending because of that disk. @throws InvariantError as decodeCommand() */
export function mayOverfill(bytes: Uint8Array): boolean {
  const command = decodeCommand(bytes);
  if (command.do !== "transact") return command.do !== "grant";
  const { then, else: otherwise = [] } = command.transaction;
  return ![...then, ...otherwise].some((operation) => operation.do === "put");
}

function readCompare(reader: Reader): Compare {
  const target = reader.oneOf(targets), key = reader.key();
  return target === "value" ? { key, target, is: reader.value() } : { key, target, is: reader.f64() };
}

function readOperation(reader: Reader): Operation {
  const kind = reader.oneOf(operations), key = reader.key();
  if (kind !== "put") return { do: kind, key };
  const lease = reader.f64(), value = reader.value();
  return lease ? { do: kind, key, value, lease } : { do: kind, key, value };
}

function transactionBound(transaction: Transaction): number {
  let bound = 32;
  for (const compare of transaction.compares) {
    bound += 1 + keyBound(compare.key) + (compare.target === "value" ? 4 + compare.is.length : 8);
  }
  for (const branch of [transaction.then, transaction.else ?? []]) {
    for (const operation of branch) bound += 1 + keyBound(operation.key) + (operation.do === "put" ? 12 + operation.value.length : 0);
  }
  return bound;
}

class Writer {
  readonly #buffer: Buffer;
  #at = 0;
  constructor(bound: number) {
    this.#buffer = Buffer.allocUnsafe(bound);
  }
  u8(number: number): void {
    this.#at = this.#buffer.writeUInt8(number, this.#at);
  }
  u16(number: number): void {
    this.#at = this.#buffer.writeUInt16LE(number, this.#at);
  }
  f64(number: number): void {
    this.#at = this.#buffer.writeDoubleLE(number, this.#at);
  }
  key(key: string): void {
    const length = this.#buffer.write(key, this.#at + 2);
    this.u16(length);
    this.#at += length;
  }
  value(value: Uint8Array): void {
    this.#at = this.#buffer.writeUInt32LE(value.length, this.#at);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }
}

class Reader {
  readonly #buffer: Buffer;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  get isAtEnd(): boolean {
    return this.#at === this.#buffer.length;
  }
  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }
  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }
  f64(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }
  oneOf<T>(list: readonly T[]): T {
    const number = this.u8(), found = list[number];
    assert(found !== undefined, `a log entry has the number ${number} where this release knows ${list.length}`);
    return found;
  }
  many<T>(read: (reader: Reader) => T): T[] {
    return Array.from({ length: this.u16() }, () => read(this));
  }
  key(): string {
    const length = this.u16(), at = this.#take(length);
    return this.#buffer.toString("utf8", at, at + length);
  }
  value(): Uint8Array {
    const length = this.#buffer.readUInt32LE(this.#take(4)), at = this.#take(length);
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + at, length);
  }
  #take(length: number): number {
    const at = this.#at;
    assert(at + length <= this.#buffer.length, `a log entry ends after ${this.#buffer.length} bytes, inside a field`);
    this.#at += length;
    return at;
  }
}
