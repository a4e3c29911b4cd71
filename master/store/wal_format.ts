// The bytes of the write-ahead log, version 1. Little endian; f64 holds whole numbers below 2^53.
//
// Segment   header of 4096 bytes, then frames; the rest is zeros, written in advance. Names are a hint: the sequence number is in the header.
//   header  magic 8 | version u32 | checksumKind u32 | clusterId 32 hex | clusterEpoch 16 hex | memberId f64 | sequence f64 | firstIndex f64 | baseTerm f64
//           | copy f64 | previousChain u32 | salt u32 | zeros | crc u32 of all before it
// Frame     one group commit: length u32 | count u32 | syncedUpTo u32 | chain u32 | zeroSectors u32 | zeros | headerCrc u32, then records, padded to 32 bytes
//   chain        CRC over the frame and, by its seed, over all frames before it: a stale or misdirected frame does not fit
//   syncedUpTo   position known durable when this was written: damage before it is no torn write
//   zeroSectors  512-byte sectors of this frame that are rightly all zero: one more, and a sector never arrived
//   headerCrc    seeded with the segment's salt. The header lies on a 32-byte boundary, so a sector holds all of it: it is there, or it is zeros
// Record    length u32 of the payload | crc u32 of what follows | type u8 | flags u8 | zeros u16 | term f64 | index f64 | payload
import { crc32 } from "node:zlib";
import { Buffer } from "node:buffer";
import { StorageError } from "./storage_error.ts";

const walVersion = 1;
export const segmentHeaderBytes = 4096;
export const frameHeaderBytes = 32;
const recordHeaderBytes = 28;
export const sectorBytes = 512;
const frameAlignment = 32;
const magic = "SKERRYWL";
const checksumCrc32 = 1;

export const recordType = {
  command: 1,
  noop: 2,
  configuration: 3,
  hardState: 4,
  truncate: 5,
  snapshotMarker: 6,
  confState: 7,
  clusterVersion: 8,
  seal: 9,
} as const;
/** A reader that does not know the type of a record with this flag may skip it. */
export const ignorable = 1;

export interface Identity {
  /** 32 hex digits, drawn when the cluster was made. */
  readonly clusterId: string;
  /** 16 hex digits; new after a restore. */
  readonly clusterEpoch: string;
  /** Random, below 2^53, never used again. */
  readonly memberId: number;
}

export interface SegmentHeader extends Identity {
  readonly sequence: number;
  /** Index of the first entry that can be in here, and term of the entry before it. */
  readonly firstIndex: number;
  readonly baseTerm: number;
  /** How often the segment of this number was copied (at every start, the last one is); the highest copy counts. */
  readonly copy: number;
  /** Chain value at the end of the segment before this one. */
  readonly previousChain: number;
  readonly salt: number;
}

/** A segment that is in use. */
export interface Segment {
  readonly path: string;
  readonly sequence: number;
  /** Highest index of an entry that was ever written here; 0 = none. */
  lastIndex: number;
  bytes: number;
}

/** Says that a snapshot is durable. */
export interface SnapshotMarker {
  readonly index: number;
  readonly term: number;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
}

export interface WalRecord {
  readonly type: number;
  readonly flags: number;
  readonly term: number;
  readonly index: number;
  /** A view of the segment: copy what is kept. */
  readonly payload: Uint8Array;
  /** The whole record as it is on disk. */
  readonly bytes: Uint8Array;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  bytes.write(magic, 0, "latin1");
  bytes.writeUInt32LE(walVersion, 8);
  bytes.writeUInt32LE(checksumCrc32, 12);
  bytes.write(header.clusterId, 16, 32, "latin1");
  bytes.write(header.clusterEpoch, 48, 16, "latin1");
  bytes.writeDoubleLE(header.memberId, 64);
  bytes.writeDoubleLE(header.sequence, 72);
  bytes.writeDoubleLE(header.firstIndex, 80);
  bytes.writeDoubleLE(header.baseTerm, 88);
  bytes.writeDoubleLE(header.copy, 96);
  bytes.writeUInt32LE(header.previousChain, 104);
  bytes.writeUInt32LE(header.salt, 108);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, segmentHeaderBytes - 4)), segmentHeaderBytes - 4);
  return bytes;
}

/** @throws StorageError Format, Corrupt */
export function decodeSegmentHeader(path: string, source: Uint8Array): SegmentHeader {
  if (source.length < segmentHeaderBytes) throw new StorageError("Corrupt", path, `it has ${source.length} bytes, less than a header`);
  const bytes = Buffer.from(source.buffer, source.byteOffset, segmentHeaderBytes);
  const intact = crc32(bytes.subarray(0, segmentHeaderBytes - 4)) === bytes.readUInt32LE(segmentHeaderBytes - 4);
  const version = bytes.readUInt32LE(8), checksum = bytes.readUInt32LE(12);
  if (bytes.toString("latin1", 0, 8) !== magic) throw new StorageError("Corrupt", path, "it does not begin like a segment of the log");
  if (version !== walVersion && intact) {
    throw new StorageError(
      "Format",
      path,
      `it has format version ${version}, and this program reads version ${walVersion}; use the program that wrote it`,
    );
  }
  if (!intact) throw new StorageError("Corrupt", path, "the checksum of its header is wrong");
  if (checksum !== checksumCrc32) {
    throw new StorageError("Format", path, `it uses checksum kind ${checksum}, which this program does not know`);
  }
  return {
    clusterId: bytes.toString("latin1", 16, 48),
    clusterEpoch: bytes.toString("latin1", 48, 64),
    memberId: bytes.readDoubleLE(64),
    sequence: bytes.readDoubleLE(72),
    firstIndex: bytes.readDoubleLE(80),
    baseTerm: bytes.readDoubleLE(88),
    copy: bytes.readDoubleLE(96),
    previousChain: bytes.readUInt32LE(104),
    salt: bytes.readUInt32LE(108),
  };
}

/** Builds one frame after the other in one buffer: a frame is valid until the next begins. */
export class FrameEncoder {
  #buffer = Buffer.alloc(64 * 1024);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #count = 0;

  begin(): void {
    if (this.#buffer.length > 1024 * 1024) this.#resize(64 * 1024); // one large batch must not keep its memory for good
    this.#length = frameHeaderBytes;
    this.#count = 0;
  }

  get bytes(): number {
    return this.#length;
  }

  /** Adds a record; the payload is `numbers` (f64 each), then `bytes`. */
  add(type: number, term: number, index: number, numbers: readonly number[] = [], bytes?: Uint8Array): void {
    const payload = numbers.length * 8 + (bytes?.length ?? 0), at = this.#reserve(recordHeaderBytes + payload), view = this.#view;
    view.setUint32(at, payload, true);
    view.setUint32(at + 8, type, true); // and no flags
    view.setFloat64(at + 12, term, true);
    view.setFloat64(at + 20, index, true);
    let to = at + recordHeaderBytes;
    for (const number of numbers) {
      view.setFloat64(to, number, true);
      to += 8;
    }
    if (bytes) this.#buffer.set(bytes, to);
    view.setUint32(at + 4, crc32(this.#buffer.subarray(at + 8, this.#length)), true);
    this.#count++;
  }

  /** Adds a record as it was read. */
  copy(record: WalRecord): void {
    const at = this.#reserve(record.bytes.length); // may replace the buffer
    this.#buffer.set(record.bytes, at);
    this.#count++;
  }

  /** Completes the frame for `position` of its segment. */
  finish(place: { position: number; syncedUpTo: number; previousChain: number; salt: number }): { bytes: Uint8Array; chain: number } {
    const unpadded = this.#length, length = Math.ceil(unpadded / frameAlignment) * frameAlignment;
    this.#reserve(length - unpadded);
    this.#buffer.fill(0, unpadded, length);
    const bytes = this.#buffer.subarray(0, length), view = this.#view;
    view.setUint32(0, length, true);
    view.setUint32(4, this.#count, true);
    view.setUint32(8, place.syncedUpTo, true);
    const chain = chainOf(bytes, 0, length, place.previousChain);
    view.setUint32(12, chain, true);
    view.setUint32(16, zeroSectors(bytes, place.position), true);
    view.setUint32(20, 0, true);
    view.setUint32(24, 0, true);
    view.setUint32(28, crc32(bytes.subarray(0, 28), place.salt), true);
    return { bytes, chain };
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) this.#resize(Math.max(this.#length, this.#buffer.length * 2));
    return at;
  }
  #resize(bytes: number): void {
    const buffer = Buffer.alloc(bytes);
    this.#buffer.copy(buffer, 0, 0, Math.min(this.#length, bytes));
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }
}

/** Covers length, count, syncedUpTo and all records; the rest of the header has its own checksum. */
function chainOf(bytes: Uint8Array, at: number, length: number, previousChain: number): number {
  return crc32(bytes.subarray(at + frameHeaderBytes, at + length), crc32(bytes.subarray(at, at + 12), previousChain));
}

/** Sectors behind the first of a frame at `position` that are all zero; missing bytes count as zeros. */
export function zeroSectors(frame: Uint8Array, position: number, length = frame.length): number {
  let zeros = 0;
  for (let at = sectorBytes - position % sectorBytes; at < length; at += sectorBytes) {
    if (isZero(frame, at, Math.min(at + sectorBytes, length))) zeros++;
  }
  return zeros;
}

export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to && at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

export interface FrameHeader {
  readonly length: number;
  readonly count: number;
  readonly syncedUpTo: number;
  readonly chain: number;
  readonly zeroSectors: number;
}

/** "none": zeros, nothing was ever written here. "damaged": something that is no header. */
export function readFrameHeader(bytes: Uint8Array, at: number, salt: number): FrameHeader | "none" | "damaged" {
  if (at + frameHeaderBytes > bytes.length || isZero(bytes, at, at + frameHeaderBytes)) return "none";
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, frameHeaderBytes);
  if (crc32(bytes.subarray(at, at + 28), salt) !== view.getUint32(28, true)) return "damaged";
  const length = view.getUint32(0, true);
  if (length < frameHeaderBytes || length % frameAlignment !== 0) return "damaged";
  return {
    length,
    count: view.getUint32(4, true),
    syncedUpTo: view.getUint32(8, true),
    chain: view.getUint32(12, true),
    zeroSectors: view.getUint32(16, true),
  };
}

export const fitsChain = (bytes: Uint8Array, at: number, frame: FrameHeader, previousChain: number): boolean =>
  at + frame.length <= bytes.length && chainOf(bytes, at, frame.length, previousChain) === frame.chain;

/** The records of a frame, or undefined when one of them is damaged. */
export function readRecords(bytes: Uint8Array, at: number, frame: FrameHeader): WalRecord[] | undefined {
  const records: WalRecord[] = [], end = at + frame.length;
  if (end > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let from = at + frameHeaderBytes;
  for (let left = frame.count; left > 0; left--) {
    if (from + recordHeaderBytes > end) return undefined;
    const to = from + recordHeaderBytes + view.getUint32(from, true);
    if (to > end || crc32(bytes.subarray(from + 8, to)) !== view.getUint32(from + 4, true)) return undefined;
    records.push({
      type: view.getUint8(from + 8),
      flags: view.getUint8(from + 9),
      term: view.getFloat64(from + 12, true),
      index: view.getFloat64(from + 20, true),
      payload: bytes.subarray(from + recordHeaderBytes, to),
      bytes: bytes.subarray(from, to),
    });
    from = to;
  }
  return records;
}
