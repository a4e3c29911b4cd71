// Snapshot files: written beside everything else, visible only when whole. A temporary file is written and synced, renamed, and the directory synced; the log then
// says that it is there. The two newest are kept, in case the newest turns out unreadable.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { snapshotChunkBytes, snapshotsKept, storeSliceMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Files, OpenFile } from "./files.ts";
import {
  chunkHeaderBytes,
  decodeChunk,
  decodeSnapshotHeader,
  encodeChunk,
  encodeFooter,
  encodeSnapshotHeader,
  footerBytes,
  type SnapshotHeader,
} from "./snapshot_format.ts";
import { isDiskFull, NoRoom, StorageError } from "./storage_error.ts";

const suffix = ".snap";

/** A snapshot did not arrive; the disk is not to blame. */
export class SnapshotLost extends Error {
  override name = "SnapshotLost";
}

interface Written {
  readonly path: string;
  readonly sha256: Uint8Array;
  /** Bytes of the file. */
  readonly size: number;
}

export class Snapshots {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #directory: string;

  constructor(needs: { files: Files; clock: Clock }, directory: string) {
    this.#files = needs.files;
    this.#clock = needs.clock;
    this.#directory = directory;
  }

  /** Paths, the newest first. */
  async list(): Promise<string[]> {
    const names = (await this.#files.list(this.#directory)).filter((name) => name.endsWith(suffix));
    return names.sort().reverse().map((name) => `${this.#directory}/${name}`);
  }

  /**
   * Makes durable that the snapshots which were found are there: the process before this one may have been killed between rename and sync, and a log that goes on
   * behind such a snapshot would outlive it in a power cut.
   */
  async settle(): Promise<void> {
    await this.#files.syncDirectory(this.#directory);
  }

  /** Durable when it resolves. Holds the event loop for a few milliseconds at a time, however much there is. @throws NoRoom, the signal's reason; then nothing of it stays */
  async write(header: SnapshotHeader, pieces: Iterable<Uint8Array>, signal: AbortSignal): Promise<Written> {
    const path = this.#path(header.index, header.term), temporary = `${path}.tmp`;
    const { sha256, size } = await this.#temporary(temporary, (file) => this.#fill(file, header, pieces, signal));
    await this.#files.rename(temporary, path);
    await this.#files.syncDirectory(this.#directory);
    return { path, sha256, size };
  }

  /** Makes a file that is durable as a whole, or not there at all. @throws NoRoom, what `fill` throws */
  async #temporary<T>(path: string, fill: (file: OpenFile) => Promise<T>): Promise<T> {
    let file: OpenFile | undefined, result: T;
    try {
      await this.#files.makeDirectory(this.#directory);
      await this.#files.remove(path);
      file = await this.#files.create(path);
      result = await fill(file);
      await file.datasync();
    } catch (error) {
      await file?.close();
      await this.#files.remove(path);
      throw isDiskFull(error) ? new NoRoom(path, undefined, { cause: error }) : error;
    }
    await file.close();
    return result;
  }

  async #fill(file: OpenFile, header: SnapshotHeader, pieces: Iterable<Uint8Array>, signal: AbortSignal): Promise<Omit<Written, "path">> {
    const hash = createHash("sha256"), buffer = Buffer.alloc(chunkHeaderBytes + snapshotChunkBytes);
    let position = 0, chunks = 0, filled = chunkHeaderBytes, sliceEnd = this.#clock.monotonic() + storeSliceMs;
    const write = async (bytes: Uint8Array) => {
      hash.update(bytes);
      await file.write(bytes, position); // the event loop turns here
      position += bytes.length;
      signal.throwIfAborted();
      sliceEnd = this.#clock.monotonic() + storeSliceMs;
    };
    const flush = async () => {
      if (filled === chunkHeaderBytes) return;
      const framed = buffer.subarray(0, filled);
      encodeChunk(framed, chunks++);
      await write(framed);
      filled = chunkHeaderBytes;
    };
    await write(encodeSnapshotHeader(header));
    for (const piece of pieces) {
      for (let from = 0; from < piece.length;) {
        const part = piece.subarray(from, from + buffer.length - filled);
        buffer.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled === buffer.length) await flush();
      }
      if (this.#clock.monotonic() >= sliceEnd) await flush();
    }
    await flush();
    const sha256 = hash.digest();
    await file.write(encodeFooter(sha256, chunks), position);
    return { sha256, size: position + footerBytes };
  }

  /** Reads the header, then gives the pieces to `use`; the digest at the end has the last word, so `use` must not keep what a rejection took back. */
  async read(
    path: string,
    use: (header: SnapshotHeader, pieces: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<{ header: SnapshotHeader; sha256: Uint8Array }> {
    const file = await this.#files.open(path);
    try {
      const { header, bytes } = await decodeSnapshotHeader(path, (length) => file.read(0, length));
      const hash = createHash("sha256").update(bytes);
      let sha256: Uint8Array | undefined;
      await use(
        header,
        (async function* () {
          let position = bytes.length;
          for (let number = 0;; number++) {
            const decoded = decodeChunk(await file.read(position, chunkHeaderBytes + snapshotChunkBytes + footerBytes), number);
            if (decoded.kind === "damaged") throw new StorageError("Corrupt", path, `the chunk at byte ${position} is damaged`);
            if (decoded.kind === "footer") {
              if (decoded.chunks !== number || !hash.digest().equals(decoded.sha256)) {
                throw new StorageError("Corrupt", path, "its digest is wrong");
              }
              if ((await file.read(position + footerBytes, 1)).length > 0) {
                throw new StorageError("Corrupt", path, "something stands behind its end");
              }
              sha256 = Uint8Array.from(decoded.sha256);
              return;
            }
            hash.update(decoded.framed);
            position += decoded.framed.length;
            yield decoded.bytes;
          }
        })(),
      );
      if (!sha256) {
        throw new StorageError("Corrupt", path, "its reader did not read to the end");
      }
      return { header, sha256 };
    } finally {
      await file.close();
    }
  }

  /** Writes down what `source` gives, the bytes of a snapshot file from another member, under a temporary name. @throws SnapshotLost when the source fails, NoRoom */
  async fetch(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
    const temporary = `${this.#directory}/fetched.tmp`;
    const iterator = source[Symbol.asyncIterator]();
    try {
      await this.#temporary(temporary, async (file) => {
        for (let position = 0;;) {
          const next = await iterator.next().catch((cause) => {
            throw new SnapshotLost("the snapshot could not be fetched", { cause });
          });
          signal.throwIfAborted();
          if (next.done) break;
          await file.write(next.value, position);
          position += next.value.length;
        }
      });
    } finally {
      await iterator.return?.();
    }
    return temporary;
  }

  /** Gives a fetched snapshot its name; durable when it resolves. */
  async adopt(temporary: string, { index, term }: SnapshotHeader): Promise<void> {
    await this.#files.rename(temporary, this.#path(index, term));
    await this.#files.syncDirectory(this.#directory);
  }

  /** The bytes of a snapshot file, for another member to fetch. @throws SnapshotLost when it is not there any more */
  async *bytes(index: number, term: number): AsyncIterable<Uint8Array> {
    const path = this.#path(index, term);
    if (!(await this.list()).includes(path)) throw new SnapshotLost(`there is no snapshot at entry ${index}`);
    const file = await this.#files.open(path);
    try {
      for (let position = 0;;) {
        const bytes = await file.read(position, snapshotChunkBytes);
        if (bytes.length === 0) return;
        position += bytes.length;
        yield bytes;
      }
    } finally {
      await file.close();
    }
  }

  /** Bytes of a snapshot file. */
  async size(index: number, term: number): Promise<number> {
    const file = await this.#files.open(this.#path(index, term));
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  }

  #path(index: number, term: number): string {
    return `${this.#directory}/${digits(index)}-${digits(term)}${suffix}`;
  }

  /** Removes all but the newest few, and what unfinished writes left. @returns the index of the oldest that is kept; 0 = fewer than that are there */
  async prune(): Promise<number> {
    const paths = await this.list(), kept = paths.slice(0, snapshotsKept);
    const unfinished = (await this.#files.list(this.#directory)).filter((name) => name.endsWith(".tmp")).map((name) =>
      `${this.#directory}/${name}`
    );
    for (const path of [...paths.slice(snapshotsKept), ...unfinished]) await this.#files.remove(path);
    return kept.length === snapshotsKept ? indexOf(kept[kept.length - 1]!) : 0;
  }
}

const digits = (number: number): string => String(number).padStart(16, "0");
const indexOf = (path: string): number => Number(path.slice(path.lastIndexOf("/") + 1).split("-")[0]);
