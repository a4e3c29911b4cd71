// Finding and judging the segments of a directory. Reads only: whatever is refused here is left as it was.
import type { Files } from "./files.ts";
import { StorageError } from "./storage_error.ts";
import {
  decodeSegmentHeader,
  recordType,
  type Segment,
  type SegmentHeader,
  segmentHeaderBytes,
  type SnapshotMarker,
} from "./wal_format.ts";
import { emptyReplay, replay, type Replayed, type ScannedSegment, scanSegment } from "./wal_recovery.ts";

export interface OpenedWal {
  readonly replayed: Replayed;
  readonly earlier: Segment[];
  readonly last: {
    readonly path: string;
    readonly header: SegmentHeader;
    readonly bytes: Uint8Array;
    readonly scan: ScannedSegment;
    readonly lastIndex: number;
  };
  readonly marker: SnapshotMarker | undefined;
  /** Files that a crash left behind, to be removed. */
  readonly remains: readonly string[];
}

/** Undefined when there are no segments. @param segmentBytes what a segment was made with, where that is known @throws StorageError */
export async function openSegments(
  files: Files,
  directory: string,
  keepAfter: number,
  segmentBytes = 0,
): Promise<OpenedWal | undefined> {
  const headers = await readHeaders(files, directory);
  if (headers.length === 0) return undefined;
  const { chosen, remains } = withoutRemains(headers);
  const first = chosen[0]!;
  const replayed = emptyReplay({ index: first.header.firstIndex - 1, term: first.header.baseTerm });
  const earlier: Segment[] = [];
  let marker: SnapshotMarker | undefined;
  for (const [at, { path, header }] of chosen.entries()) {
    const bytes = await readWhole(files, path), scan = scanSegment(bytes, header), next = chosen[at + 1];
    // No crash makes a file shorter that was durable before it got its name.
    const isCut = !next && bytes.length < segmentBytes;
    if (isCut || (next ? scan.chain !== next.header.previousChain : typeof scan.ending === "object")) {
      const what = isCut
        ? `it has ${bytes.length} bytes of the ${segmentBytes} that it was made with`
        : typeof scan.ending === "object"
        ? scan.ending.corrupt
        : `its end at byte ${scan.end} is missing`;
      throw new StorageError(
        "Corrupt",
        path,
        `${what}. Acknowledged writes may be lost, so nothing was cut off: restore a snapshot, or remove this member and add it again`,
      );
    }
    let lastIndex = 0;
    for (const record of scan.records) {
      if (record.type <= recordType.configuration) lastIndex = Math.max(lastIndex, record.index);
      if (record.type === recordType.snapshotMarker) marker = { index: record.index, term: record.term, sha256: record.payload.slice() };
    }
    replay(replayed, path, scan.records, keepAfter);
    if (next) earlier.push({ path, sequence: header.sequence, lastIndex, bytes: scan.end });
    else return { replayed, earlier, last: { path, header, bytes, scan, lastIndex }, marker, remains };
  }
  return undefined;
}

interface Found {
  readonly path: string;
  readonly header: SegmentHeader;
}

async function readHeaders(files: Files, directory: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of await files.list(directory)) {
    if (!name.endsWith(".seg")) continue;
    const path = `${directory}/${name}`, file = await files.open(path);
    try {
      found.push({ path, header: decodeSegmentHeader(path, await file.read(0, segmentHeaderBytes)) });
    } finally {
      await file.close();
    }
  }
  found.sort((a, b) => a.header.sequence - b.header.sequence || a.header.copy - b.header.copy);
  for (const { path, header } of found) {
    const { clusterId, memberId } = found[0]!.header;
    if (header.clusterId !== clusterId || header.memberId !== memberId) {
      throw new StorageError(
        "Foreign",
        path,
        `it belongs to member ${header.memberId} of cluster ${header.clusterId}, the others to ${memberId} of ${clusterId}`,
      );
    }
  }
  return found;
}

/** Leaves out what a crash left behind: a segment whose copy is complete, and those whose removal had begun (a gap: all before it were to go). */
function withoutRemains(found: readonly Found[]): { chosen: Found[]; remains: string[] } {
  const live = found.filter(({ header }, at) => found[at + 1]?.header.sequence !== header.sequence);
  let start = live.length - 1;
  while (start > 0 && live[start - 1]!.header.sequence === live[start]!.header.sequence - 1) start--;
  const chosen = live.slice(start);
  return { chosen, remains: found.filter((segment) => !chosen.includes(segment)).map(({ path }) => path) };
}

async function readWhole(files: Files, path: string): Promise<Uint8Array> {
  const file = await files.open(path);
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}
