// The node's own copy of its desired state: `state/set-<n>.log`, one log for the whole set. A header (magic, format, whose it is), then one checksummed
// record per accepted change; the set is the fold of all whole records, so a power cut at any byte leaves the set before or after a change, never a mix.
// Compaction writes the next file, syncs it, renames it, syncs the directory; the file before is kept. What is not understood is left untouched.
//
//   header  "SKST" | format u16 | length u16 | JSON {clusterId, nodeId} | CRC-32 u32 over all before
//   record  length u32 | CRC-32 u32 | JSON {epoch, gen, hash, full?, sets: [[uid, hash, body]…], deletes: [uid…]}      (little endian)
import { Buffer } from "node:buffer";
import { type FileHandle, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import * as v from "valibot";
import { setLogCompactBytes } from "../../shared/limits.ts";
import { writeAtomic } from "../../shared/platform/files.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { type DesiredSet, emptySet, type SetObject } from "../../shared/wire/desired.ts";

const magic = "SKST", format = 1;

export interface Owner {
  readonly clusterId: string;
  readonly nodeId: string;
}
/** From one set to the next. */
export interface SetChange {
  readonly epoch: string;
  readonly gen: number;
  readonly hash: string;
  /** Everything not among `sets` is dropped. */
  readonly full?: boolean;
  readonly sets: readonly SetObject[];
  readonly deletes: readonly string[];
}

const Record = v.object({
  epoch: v.string(),
  gen: v.number(),
  hash: v.string(),
  full: v.optional(v.boolean(), false),
  sets: v.array(v.tuple([v.string(), v.string(), v.string()])),
  deletes: v.array(v.string()),
});

/** The set after a change. Pure. */
export function changed(set: DesiredSet, change: SetChange): DesiredSet {
  const objects = new Map(change.full ? [] : set.objects);
  for (const uid of change.deletes) objects.delete(uid);
  for (const object of change.sets) objects.set(object.uid, object);
  return { epoch: change.epoch, gen: change.gen, hash: change.hash, objects };
}

export class SetLog {
  #set: DesiredSet;
  #file: FileHandle | undefined;
  #number: number;
  #bytes: number;
  #liveBytes: number;
  readonly #directory: string;
  readonly #owner: Owner;
  readonly #log: Log;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, owner: Owner, log: Log, found: { set: DesiredSet; number: number; bytes: number }) {
    this.#directory = directory;
    this.#owner = owner;
    this.#log = log;
    this.#set = found.set;
    this.#number = found.number;
    this.#bytes = found.bytes;
    this.#liveBytes = found.bytes;
  }

  /** @throws Error naming the file when the newest log is another node's or of a later format: it is not touched then */
  static async open(directory: string, owner: Owner, log: Log): Promise<SetLog> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const numbers = (await readdir(directory)).map((name) => Number(/^set-(\d+)\.log$/.exec(name)?.[1] ?? NaN)).filter(Number.isFinite)
      .sort((a, b) => b - a);
    const newest = numbers[0];
    if (newest === undefined) return new SetLog(directory, owner, log, { set: emptySet, number: 0, bytes: 0 });
    const path = `${directory}/set-${newest}.log`;
    const { set, wholeBytes, totalBytes } = replay(path, await readFile(path), owner);
    if (wholeBytes < totalBytes) {
      log.warn("The end of the stored set is torn; going on from the last whole record", {
        path,
        gen: set.gen,
        tornBytes: totalBytes - wholeBytes,
      });
    }
    const opened = new SetLog(directory, owner, log, { set, number: newest, bytes: wholeBytes });
    if (wholeBytes < totalBytes) await opened.#compact(set); // nothing may be appended behind a torn record
    else opened.#file = await open(path, "a");
    return opened;
  }

  get current(): DesiredSet {
    return this.#set;
  }

  /** Resolves when the change is on flash: only then may it be acknowledged as `stored`. One after the other. */
  apply(change: SetChange): Promise<DesiredSet> {
    const done = this.#queue.then(() => this.#apply(change));
    this.#queue = done.catch(() => {});
    return done;
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #apply(change: SetChange): Promise<DesiredSet> {
    const next = changed(this.#set, change);
    const record = encodeRecord(change);
    if (!this.#file || this.#bytes + record.length > setLogCompactBytes + 2 * this.#liveBytes) await this.#compact(next);
    else {
      try {
        await this.#file.appendFile(record);
        await this.#file.datasync();
        this.#bytes += record.length;
      } catch (cause) {
        // The record may be there in part: this file takes no more, the next change writes a new one.
        this.#log.warn("Cannot append to the stored set", { error: chain(cause) });
        await this.#file.close().catch(() => {});
        this.#file = undefined;
        throw cause;
      }
    }
    return this.#set = next;
  }

  async #compact(set: DesiredSet): Promise<void> {
    const number = this.#number + 1, path = `${this.#directory}/set-${number}.log`;
    const record = encodeRecord({
      epoch: set.epoch,
      gen: set.gen,
      hash: set.hash,
      full: true,
      sets: [...set.objects.values()],
      deletes: [],
    });
    const content = Buffer.concat([encodeHeader(this.#owner), record]);
    await writeAtomic(path, content);
    const file = await open(path, "a");
    await this.#file?.close();
    await rm(`${this.#directory}/set-${number - 2}.log`, { force: true });
    this.#file = file;
    this.#number = number;
    this.#bytes = this.#liveBytes = content.length;
  }
}

function replay(path: string, content: Buffer, owner: Owner): { set: DesiredSet; wholeBytes: number; totalBytes: number } {
  const start = readHeader(path, content, owner);
  let set = emptySet, at = start;
  while (at + 8 <= content.length) {
    const length = content.readUInt32LE(at), body = content.subarray(at + 8, at + 8 + length);
    if (body.length < length || crc32(body) !== content.readUInt32LE(at + 4)) break;
    const record = v.safeParse(Record, JSON.parse(body.toString()));
    if (!record.success) throw new Error(`Cannot read ${path}: the record at byte ${at} is whole, but not one this agent understands`);
    const { sets, ...rest } = record.output;
    set = changed(set, { ...rest, sets: sets.map(([uid, hash, body]) => ({ uid, hash, body })) });
    at += 8 + length;
  }
  return { set, wholeBytes: at, totalBytes: content.length };
}

function readHeader(path: string, content: Buffer, owner: Owner): number {
  const length = content.length >= 8 ? content.readUInt16LE(6) : 0, end = 8 + length;
  if (
    content.toString("latin1", 0, 4) !== magic || content.length < end + 4 || crc32(content.subarray(0, end)) !== content.readUInt32LE(end)
  ) {
    throw new Error(`Cannot read ${path}: it is not a stored set`);
  }
  const found = content.readUInt16LE(4);
  if (found !== format) throw new Error(`Cannot read ${path}: its format is ${found}, this agent reads ${format}`);
  const { clusterId, nodeId } = JSON.parse(content.toString("utf8", 8, end)) as Owner;
  if (clusterId !== owner.clusterId || nodeId !== owner.nodeId) {
    throw new Error(
      `Cannot read ${path}: it belongs to node ${nodeId} of cluster ${clusterId}, this is node ${owner.nodeId} of cluster ${owner.clusterId}`,
    );
  }
  return end + 4;
}

function encodeHeader({ clusterId, nodeId }: Owner): Buffer {
  const json = Buffer.from(JSON.stringify({ clusterId, nodeId })), header = Buffer.alloc(8 + json.length + 4);
  header.write(magic, 0, "latin1");
  header.writeUInt16LE(format, 4);
  header.writeUInt16LE(json.length, 6);
  json.copy(header, 8);
  header.writeUInt32LE(crc32(header.subarray(0, -4)), 8 + json.length);
  return header;
}

function encodeRecord({ epoch, gen, hash, full, sets, deletes }: SetChange): Buffer {
  const json = JSON.stringify({
    epoch,
    gen,
    hash,
    ...(full && { full }),
    sets: sets.map(({ uid, hash, body }) => [uid, hash, body]),
    deletes,
  });
  const body = Buffer.from(json), record = Buffer.alloc(8 + body.length);
  record.writeUInt32LE(body.length, 0);
  record.writeUInt32LE(crc32(body), 4);
  body.copy(record, 8);
  return record;
}
