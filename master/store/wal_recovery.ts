// Reading the log back. Replay is a fold over all records; what must be told apart is how a segment ends:
//   clean    zeros behind the last frame
//   torn     the last write before a power cut did not arrive whole: nobody was told that it was durable, so it goes
//   corrupt  something that was durable is damaged: nothing goes silently, the member does not start
// A torn frame shows a sector that never arrived; a later frame, or one that witnesses this place as synced, shows corruption.
import { StorageError } from "./storage_error.ts";
import {
  fitsChain,
  type FrameHeader,
  frameHeaderBytes,
  ignorable,
  isZero,
  readFrameHeader,
  readRecords,
  recordType,
  type SegmentHeader,
  segmentHeaderBytes,
  type WalRecord,
  zeroSectors,
} from "./wal_format.ts";
import { type ConfState, decodeConfState } from "./raft/membership.ts";
import type { EntryType, HardState, LogEntry } from "./raft/message.ts";

export interface ScannedSegment {
  readonly records: readonly WalRecord[];
  /** Chain value and position behind the last good frame. */
  readonly chain: number;
  readonly end: number;
  readonly ending: "clean" | "torn" | { readonly corrupt: string };
}

export function scanSegment(bytes: Uint8Array, header: SegmentHeader): ScannedSegment {
  const records: WalRecord[] = [];
  let at = segmentHeaderBytes, chain = header.salt;
  const ended = (ending: ScannedSegment["ending"]): ScannedSegment => ({ records, chain, end: at, ending });
  for (;;) {
    const frame = readFrameHeader(bytes, at, header.salt);
    if (frame === "damaged") return ended({ corrupt: `the frame header at byte ${at} is damaged` });
    if (frame === "none") {
      if (laterFrame(bytes, at, header.salt)) return ended({ corrupt: `a frame is missing at byte ${at}, and a later one is there` });
      return ended(isZero(bytes, at, bytes.length) ? "clean" : "torn");
    }
    if (!fitsChain(bytes, at, frame, chain)) {
      const later = laterFrame(bytes, at + frameHeaderBytes, header.salt);
      if (later) return ended({ corrupt: `the frame at byte ${at} is damaged, and a later one is whole` });
      return ended(isTorn(bytes, at, frame) ? "torn" : { corrupt: `the frame at byte ${at} is damaged though all of it was written` });
    }
    const found = readRecords(bytes, at, frame);
    if (!found) return ended({ corrupt: `a record of the frame at byte ${at} is damaged` });
    for (const record of found) records.push(record);
    chain = frame.chain;
    at += frame.length;
  }
}

const isTorn = (bytes: Uint8Array, at: number, frame: FrameHeader): boolean =>
  zeroSectors(bytes.subarray(at, at + frame.length), at, frame.length) > frame.zeroSectors;

/** One write is under way at a time, so a whole frame behind a damaged one means that the damaged one had been durable. */
function laterFrame(bytes: Uint8Array, from: number, salt: number): boolean {
  for (let at = from; at + frameHeaderBytes <= bytes.length; at += 32) {
    if (isZero(bytes, at, at + 4)) continue;
    const frame = readFrameHeader(bytes, at, salt);
    if (typeof frame === "object" && readRecords(bytes, at, frame)) return true;
  }
  return false;
}

/** What the records add up to. */
export interface Replayed {
  base: { index: number; term: number };
  entries: LogEntry[];
  hardState: HardState;
  /** Members of a new cluster: how the log begins when there is no snapshot. */
  conf: ConfState | undefined;
  /** The newest snapshot that the log says was durable. */
  marker: { index: number; term: number } | undefined;
}

export const emptyReplay = (base: { index: number; term: number }): Replayed => ({
  base,
  entries: [],
  hardState: { term: 0, vote: 0, commit: 0 },
  conf: undefined,
  marker: undefined,
});

/** Adds the records of a segment. Payloads of entries up to `keepAfter`, which a snapshot covers, are not kept. @throws StorageError Corrupt, Format */
export function replay(into: Replayed, path: string, records: readonly WalRecord[], keepAfter: number): void {
  for (const record of records) {
    const { type, term, index, payload } = record;
    const last = into.base.index + into.entries.length;
    if (type === recordType.command || type === recordType.noop || type === recordType.configuration) {
      if (index !== last + 1) {
        // Only where a snapshot from the leader replaced entries that another one has covered since, and of which nobody knows any more whether it contained them.
        if (into.marker?.index !== index - 1) throw new StorageError("Corrupt", path, `entry ${index} follows entry ${last}`);
        into.base = into.marker;
        into.entries = [];
      }
      into.entries.push(decodeEntry(record, index > keepAfter));
    } else if (type === recordType.hardState) {
      into.hardState = { term, vote: readNumber(payload, 0), commit: index };
    } else if (type === recordType.truncate) {
      // What is cut may begin in a segment that a snapshot has covered since.
      if (index < into.base.index) into.base = { index, term };
      into.entries.length = Math.min(into.entries.length, index - into.base.index);
    } else if (type === recordType.snapshotMarker) {
      if (!into.marker || index > into.marker.index) into.marker = { index, term };
      const there = index === into.base.index ? into.base.term : into.entries[index - into.base.index - 1]?.term;
      if (index >= into.base.index && there !== term) {
        into.entries = []; // a snapshot from the leader replaced a log that did not contain it
        into.base = { index, term };
      }
    } else if (type === recordType.confState) into.conf = decodeConfState(payload);
    else if (type !== recordType.seal && type !== recordType.clusterVersion && (record.flags & ignorable) === 0) {
      throw new StorageError(
        "Format",
        path,
        `it has a record of type ${type}, which this program does not know; use the program that wrote it`,
      );
    }
  }
  const covered = Math.min(keepAfter - into.base.index, into.entries.length);
  if (covered > 0) {
    into.base = { index: into.base.index + covered, term: into.entries[covered - 1]!.term };
    into.entries = into.entries.slice(covered);
  }
}

const entryTypes: Record<number, EntryType> = { 1: "command", 2: "noop", 3: "configuration" };
/** Numbers before an entry's payload: time, proposer, sequence. */
const entryNumbers = 3;

function decodeEntry(record: WalRecord, keepPayload: boolean): LogEntry {
  const { type, term, index, payload } = record;
  return {
    index,
    term,
    type: entryTypes[type]!,
    time: readNumber(payload, 0),
    proposer: readNumber(payload, 1),
    sequence: readNumber(payload, 2),
    payload: keepPayload ? payload.slice(entryNumbers * 8) : new Uint8Array(0),
  };
}

const readNumber = (payload: Uint8Array, at: number): number =>
  new DataView(payload.buffer, payload.byteOffset, payload.length).getFloat64(at * 8, true);
