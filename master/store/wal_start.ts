// With what a process begins to write the log: a new one, or the one that it has found, its last segment copied.
import type { Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Files, OpenFile } from "./files.ts";
import { encodeConf, nobody } from "./raft/membership.ts";
import type { HardState, LogEntry } from "./raft/message.ts";
import { segmentName, type SegmentStock } from "./segment_stock.ts";
import { isDiskFull } from "./storage_error.ts";
import {
  encodeSegmentHeader,
  FrameEncoder,
  type Identity,
  recordType,
  type Segment,
  segmentHeaderBytes,
  type SnapshotMarker,
} from "./wal_format.ts";
import type { OpenedWal } from "./wal_open.ts";

export interface WalNeeds {
  readonly files: Files;
  readonly random: Random;
  readonly log: Log;
}

/** Segments, the last one open, and what its records add up to. */
export interface WalStart {
  readonly identity: Identity;
  readonly segments: Segment[];
  readonly file: OpenFile;
  readonly position: number;
  readonly chain: number;
  readonly salt: number;
  readonly last: { readonly index: number; readonly term: number };
  readonly hardState: HardState;
  readonly marker: SnapshotMarker | undefined;
}

export const newSalt = (random: Random): number => Math.floor(random() * 0xffff_ffff) + 1;

/** @param first the entry that begins a cluster; undefined: a member joins one, and has nothing of it yet */
export async function beginLog(
  { files, random }: WalNeeds,
  stock: SegmentStock,
  directory: string,
  identity: Identity,
  first: LogEntry | undefined,
): Promise<WalStart> {
  const last = { index: first?.index ?? 0, term: first?.term ?? 0 }, hardState = { term: last.term, vote: 0, commit: last.index };
  const path = `${directory}/${segmentName(1)}`, salt = newSalt(random), encoder = new FrameEncoder();
  const file = await stock.take();
  await file.write(encodeSegmentHeader({ ...identity, sequence: 1, firstIndex: 1, baseTerm: 0, copy: 0, previousChain: 0, salt }), 0);
  encoder.begin();
  encoder.add(recordType.confState, 0, 0, [], encodeConf(nobody));
  if (first) encoder.add(recordType.configuration, first.term, first.index, [first.time, first.proposer, first.sequence], first.payload);
  encoder.add(recordType.hardState, hardState.term, hardState.commit, [hardState.vote]);
  const frame = encoder.finish({ position: segmentHeaderBytes, syncedUpTo: 0, previousChain: salt, salt });
  await file.write(frame.bytes, segmentHeaderBytes);
  await stock.place(file, path);
  await files.syncDirectory(directory);
  const position = segmentHeaderBytes + frame.bytes.length, segments = [{ path, sequence: 1, lastIndex: last.index, bytes: position }];
  return { identity, segments, file, position, chain: frame.chain, salt, last, hardState, marker: undefined };
}

/**
 * Copies the surviving records of the last segment into a new one, and only what is durable there counts: a process that starts after a failed fsync may
 * read pages that never reached the disk. Then the old one goes, its torn tail into quarantine.
 */
export async function rewriteLast(
  { files, random, log }: WalNeeds,
  stock: SegmentStock,
  directory: string,
  opened: OpenedWal,
): Promise<WalStart> {
  const { last, replayed } = opened, { sequence } = last.header, copy = last.header.copy + 1, salt = newSalt(random);
  const path = `${directory}/${segmentName(sequence, copy)}`, encoder = new FrameEncoder();
  const file = await stock.take();
  await file.write(encodeSegmentHeader({ ...last.header, copy, salt }), 0);
  let position = segmentHeaderBytes, chain = salt;
  const flush = async () => {
    const frame = encoder.finish({ position, syncedUpTo: 0, previousChain: chain, salt });
    await file.write(frame.bytes, position);
    position += frame.bytes.length;
    chain = frame.chain;
  };
  encoder.begin();
  for (const record of last.scan.records) {
    if (record.type === recordType.seal) continue;
    encoder.copy(record);
    if (encoder.bytes < 1024 * 1024) continue;
    await flush();
    encoder.begin();
  }
  await flush();
  await stock.place(file, path);
  await files.syncDirectory(directory);
  if (last.scan.ending === "torn") {
    const kept = await stock.quarantine(last.bytes, last.scan.end, last.header).catch((error) => {
      if (!isDiskFull(error)) throw error;
      return "nothing: the disk is full";
    });
    log.warn("The end of the log was torn by a crash; nothing in it had been acknowledged", {
      path: last.path,
      position: last.scan.end,
      kept,
    });
  }
  for (const remains of [last.path, ...opened.remains]) await files.remove(remains);
  await files.syncDirectory(directory);
  return {
    identity: last.header,
    segments: [...opened.earlier, { path, sequence, lastIndex: last.lastIndex, bytes: position }],
    file,
    position,
    chain,
    salt,
    last: replayed.entries[replayed.entries.length - 1] ?? replayed.base,
    hardState: replayed.hardState,
    marker: opened.marker,
  };
}
