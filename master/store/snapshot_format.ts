// The bytes of a snapshot file, version 1. Little endian.
//
//   magic 8 | version u32 | checksumKind u32 | length u32 | header as JSON | crc u32 of all before it
//   chunks: length u32 | crc u32 (seeded with the chunk's number) | bytes
//   footer: 0 u32 | crc u32 of what follows | sha256 32, of all before the footer | chunks u32
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { ConfState } from "./raft/membership.ts";
import { StorageError } from "./storage_error.ts";

const snapshotVersion = 1;
const magic = "SKERRYSN";
const checksumCrc32 = 1;
const preambleBytes = 20;
/** More than any header: members, addresses and numbers. */
const headerLimitBytes = 1024 * 1024;
export const chunkHeaderBytes = 8;
export const footerBytes = chunkHeaderBytes + 36;

export interface SnapshotHeader {
  readonly clusterId: string;
  readonly clusterEpoch: string;
  /** Of the last entry that the state contains. */
  readonly index: number;
  readonly term: number;
  /** Log time of that entry, ms since 1970. */
  readonly time: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly conf: ConfState;
  readonly clusterVersion: number;
}

export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  const json = Buffer.from(JSON.stringify(header)), bytes = Buffer.alloc(preambleBytes + json.length + 4);
  bytes.write(magic, 0, "latin1");
  bytes.writeUInt32LE(snapshotVersion, 8);
  bytes.writeUInt32LE(checksumCrc32, 12);
  bytes.writeUInt32LE(json.length, 16);
  bytes.set(json, preambleBytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, bytes.length - 4)), bytes.length - 4);
  return bytes;
}

/** `read` gives bytes from the beginning of the file on. @throws StorageError Corrupt, Format */
export async function decodeSnapshotHeader(
  path: string,
  read: (length: number) => Promise<Uint8Array>,
): Promise<{ header: SnapshotHeader; bytes: Uint8Array }> {
  const preamble = Buffer.from(await read(preambleBytes));
  if (preamble.length < preambleBytes || preamble.toString("latin1", 0, 8) !== magic) {
    throw new StorageError("Corrupt", path, "it does not begin like a snapshot");
  }
  const version = preamble.readUInt32LE(8), length = preamble.readUInt32LE(16);
  const all = length <= headerLimitBytes ? Buffer.from(await read(preambleBytes + length + 4)) : preamble;
  const end = preambleBytes + length;
  const intact = all.length === end + 4 && crc32(all.subarray(0, end)) === all.readUInt32LE(end);
  if (intact && version !== snapshotVersion) {
    throw new StorageError(
      "Format",
      path,
      `it has format version ${version}, and this program reads version ${snapshotVersion}; use the program that wrote it`,
    );
  }
  if (!intact) throw new StorageError("Corrupt", path, "the checksum of its header is wrong");
  if (preamble.readUInt32LE(12) !== checksumCrc32) {
    throw new StorageError("Format", path, "it uses a checksum that this program does not know");
  }
  return { header: JSON.parse(all.toString("utf8", preambleBytes, end)), bytes: all };
}

/** Fills in the header in front of a chunk: `framed` is 8 bytes and the chunk. */
export function encodeChunk(framed: Buffer, number: number): void {
  framed.writeUInt32LE(framed.length - chunkHeaderBytes, 0);
  framed.writeUInt32LE(crc32(framed.subarray(chunkHeaderBytes), number), 4);
}

export function encodeFooter(sha256: Uint8Array, chunks: number): Uint8Array {
  const bytes = Buffer.alloc(footerBytes);
  bytes.set(sha256, chunkHeaderBytes);
  bytes.writeUInt32LE(chunks, chunkHeaderBytes + 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(chunkHeaderBytes)), 4);
  return bytes;
}

export type Decoded =
  | { readonly kind: "chunk"; readonly bytes: Uint8Array; readonly framed: Uint8Array }
  | { readonly kind: "footer"; readonly sha256: Uint8Array; readonly chunks: number }
  | { readonly kind: "damaged" };

/** What `source` begins with: the chunk with this number, or the footer. */
export function decodeChunk(source: Uint8Array, number: number): Decoded {
  if (source.length < chunkHeaderBytes) return { kind: "damaged" };
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length), length = bytes.readUInt32LE(0), crc = bytes.readUInt32LE(4);
  const end = length === 0 ? footerBytes : chunkHeaderBytes + length, body = bytes.subarray(chunkHeaderBytes, end);
  if (bytes.length < end || crc32(body, length === 0 ? 0 : number) !== crc) return { kind: "damaged" };
  if (length > 0) return { kind: "chunk", bytes: body, framed: bytes.subarray(0, end) };
  return { kind: "footer", sha256: body.subarray(0, 32), chunks: body.readUInt32LE(32) };
}
