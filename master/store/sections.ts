// The state as bytes, for snapshots. An on-disk format, and canonical: equal states give equal bytes, so a digest of it compares members.
//
//   sections = header · lease* · proposer* · base* · event* · end            each a frame: length u32 (of what follows) · kind u8 · body; numbers little-endian
//   header   = format u16 (2; 1 had no proposers) · revision f64 · compactRevision f64 · log time f64 · next lease f64
//   lease    = id f64 · ttl f64, ms · renewed at f64, log time · renewals f64       in order of ids
//   proposer = id f64 · (first f64 · last f64)*                  what of it has been applied; the one with the oldest last entry first
//   base     = record                                            what a read at compactRevision sees, in order of keys
//   event    = record                                            all events behind compactRevision, in order
//   record   = put u8 (0: tombstone) · modRevision f64 · createRevision f64 · version f64 · lease f64 · key length u16 · key, UTF-8 · value
//   end      = frames before it f64
import { Buffer } from "node:buffer";
import { assert } from "../../shared/util/assert.ts";
import { storedKeyBytes, storedValueBytes } from "../../shared/limits.ts";
import { Leases } from "./lease.ts";
import { Proposers } from "./proposers.ts";
import { Mvcc, type SavedRecord } from "./mvcc.ts";

const format = 2, formats = [1, 2];
const kinds = { header: 1, lease: 2, base: 3, event: 4, end: 5, proposer: 6 } as const;
/** Bytes of a piece: what is made in one go, well below a millisecond. */
const pieceBytes = 256 * 1024;
const recordHeadBytes = 1 + 4 * 8 + 2;
const frameBytes = 1 + recordHeadBytes + storedKeyBytes + storedValueBytes;

/** The state as it is now, in pieces made on demand; they show this moment however late they are asked for. */
export function sections(mvcc: Mvcc, leases: Leases, proposers: Proposers, time: number): Iterable<Uint8Array> {
  const { revision, compactRevision } = mvcc;
  const release = mvcc.hold();
  const saved = [...leases.all()].sort((a, b) => a.id - b.id), nextId = leases.nextId, savedProposers = [...proposers.all()];
  // Not a bare generator: one that nobody has begun to read would never release its hold.
  const pieces = write();
  const iterator: Iterator<Uint8Array> = {
    next() {
      const result = pieces.next();
      if (result.done) release();
      return result;
    },
    return() {
      release();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.iterator]: () => iterator };

  function* write(): Generator<Uint8Array, undefined> {
    const writer = new FrameWriter();
    let frames = 0;
    writer.frame(kinds.header, 2 + 4 * 8);
    writer.u16(format);
    for (const number of [revision, compactRevision, time, nextId]) writer.f64(number);
    frames++;
    for (const lease of saved) {
      writer.frame(kinds.lease, 4 * 8);
      for (const number of [lease.id, lease.ttlMs, lease.renewedAt, lease.renewals]) writer.f64(number);
      frames++;
      if (writer.full) yield writer.take();
    }
    for (const { id, ranges } of savedProposers) {
      writer.frame(kinds.proposer, 8 + 8 * ranges.length);
      for (const number of [id, ...ranges]) writer.f64(number);
      frames++;
      if (writer.full) yield writer.take();
    }
    for (let after: string | undefined, more = true; more;) {
      more = false;
      mvcc.saveBase(after, compactRevision, (record) => {
        if (writer.full) return !(more = true);
        writer.record(kinds.base, record);
        after = record.key;
        frames++;
        return true;
      });
      if (more) yield writer.take();
    }
    // Later entries only add events behind these, and the hold keeps the positions.
    for (let position = mvcc.findEvent(compactRevision + 1), end = mvcc.findEvent(revision + 1); position < end; position++) {
      writer.record(kinds.event, mvcc.saveEvent(position));
      frames++;
      if (writer.full) yield writer.take();
    }
    writer.frame(kinds.end, 8);
    writer.f64(frames);
    yield writer.take();
  }
}

export interface Sections {
  readonly mvcc: Mvcc;
  readonly leases: Leases;
  readonly proposers: Proposers;
  readonly time: number;
}

/** @throws InvariantError when the bytes are not what `sections` writes */
export async function readSections(pieces: AsyncIterable<Uint8Array>): Promise<Sections> {
  const mvcc = new Mvcc(), leases = new Leases(), proposers = new Proposers();
  let time = 0, revision = 0, compactRevision = 0, frames = 0, ended = false;
  let rest = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.length) : Buffer.concat([rest, piece]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32LE(at);
      assert(length > 0 && length <= frameBytes, `a snapshot has a frame of ${length} bytes`);
      if (bytes.length - at - 4 < length) break;
      read(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    rest = Buffer.from(bytes.subarray(at));
  }
  assert(ended && rest.length === 0, "a snapshot's state ends early");
  mvcc.restoreRevisions(revision, compactRevision);
  if (leases.size > 0) {
    for (const item of mvcc.page("", undefined, revision, Infinity).items) if (item.lease) leases.attach(item.lease, item.key);
  }
  return { mvcc, leases, proposers, time };

  function read(frame: Buffer): void {
    const kind = frame[0];
    assert(!ended && (frames > 0) === (kind !== kinds.header), "a snapshot's frames are out of order");
    if (kind === kinds.header) {
      const found = frame.readUInt16LE(1);
      assert(formats.includes(found), `a snapshot has format ${found}, and this release knows ${formats.join(" and ")}`);
      revision = frame.readDoubleLE(3);
      compactRevision = frame.readDoubleLE(11);
      time = frame.readDoubleLE(19);
      leases.restoreNextId(frame.readDoubleLE(27));
    } else if (kind === kinds.lease) {
      const [id, ttlMs, renewedAt, renewals] = [1, 9, 17, 25].map((at) => frame.readDoubleLE(at)) as [number, number, number, number];
      leases.restore({ id, ttlMs, renewedAt, renewals });
    } else if (kind === kinds.proposer) {
      const numbers = Array.from({ length: (frame.length - 1) / 8 }, (_, at) => frame.readDoubleLE(1 + 8 * at)),
        [id = 0, ...ranges] = numbers;
      assert(ranges.length >= 2 && ranges.length % 2 === 0, "a snapshot has a proposer without ranges");
      proposers.restore({ id, ranges });
    } else if (kind === kinds.base) mvcc.restoreBase(readRecord(frame));
    else if (kind === kinds.event) mvcc.restoreEvent(readRecord(frame));
    else {
      assert(kind === kinds.end && frame.readDoubleLE(1) === frames, `a snapshot has ${frames} frames, which is not what it says`);
      ended = true;
    }
    frames++;
  }
}

function readRecord(frame: Buffer): SavedRecord {
  const valueAt = 1 + recordHeadBytes + frame.readUInt16LE(1 + 33);
  return {
    key: frame.toString("utf8", 1 + recordHeadBytes, valueAt),
    modRevision: frame.readDoubleLE(2),
    createRevision: frame.readDoubleLE(10),
    version: frame.readDoubleLE(18),
    lease: frame.readDoubleLE(26),
    value: frame[1] === 0 ? undefined : frame.subarray(valueAt),
  };
}

class FrameWriter {
  #buffer = Buffer.allocUnsafeSlow(pieceBytes);
  #at = 0;

  /** Whether the piece should go out before the next frame. */
  get full(): boolean {
    return this.#at >= pieceBytes / 2;
  }
  take(): Uint8Array {
    const piece = new Uint8Array(this.#buffer.buffer, 0, this.#at);
    this.#buffer = Buffer.allocUnsafeSlow(pieceBytes);
    this.#at = 0;
    return piece;
  }
  /** Begins a frame with a body of `bytes`. */
  frame(kind: number, bytes: number): void {
    const needed = this.#at + 5 + bytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(needed + 1024);
      larger.set(this.#buffer.subarray(0, this.#at));
      this.#buffer = larger;
    }
    this.#at = this.#buffer.writeUInt32LE(1 + bytes, this.#at);
    this.#at = this.#buffer.writeUInt8(kind, this.#at);
  }
  u16(number: number): void {
    this.#at = this.#buffer.writeUInt16LE(number, this.#at);
  }
  f64(number: number): void {
    this.#at = this.#buffer.writeDoubleLE(number, this.#at);
  }
  record(kind: number, record: SavedRecord): void {
    const keyBytes = Buffer.byteLength(record.key);
    this.frame(kind, recordHeadBytes + keyBytes + (record.value?.length ?? 0));
    this.#at = this.#buffer.writeUInt8(record.value ? 1 : 0, this.#at);
    for (const number of [record.modRevision, record.createRevision, record.version, record.lease]) this.f64(number);
    this.u16(keyBytes);
    this.#at += this.#buffer.write(record.key, this.#at);
    if (!record.value) return;
    this.#buffer.set(record.value, this.#at);
    this.#at += record.value.length;
  }
}
