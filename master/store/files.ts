// The dozen calls that the store makes to the disk, and the real ones. Everything durable goes through here, so that a test can own the disk: lose what was
// not synced, tear it, fail at any call.
import fs from "node:fs";
import { promisify } from "node:util";
import { takeLock } from "../../shared/platform/lock.ts";

/** An open file. Positions and sizes in bytes. */
export interface OpenFile {
  /** Writes all of `bytes`, or rejects. Not durable before datasync(). */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Fewer bytes than asked for only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Content and size are durable when it resolves; the name is not, before the directory is synced. */
  datasync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Files {
  /** A new, empty file, open for writing. Rejects when the name is taken. */
  create(path: string): Promise<OpenFile>;
  open(path: string): Promise<OpenFile>;
  /** Names in a directory, in no particular order; none when there is no such directory. */
  list(directory: string): Promise<string[]>;
  /** Replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file if it is there. */
  remove(path: string): Promise<void>;
  /** With its parents; no error when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Makes names created, renamed and removed in it durable. */
  syncDirectory(path: string): Promise<void>;
  /** Keeps other processes out until the returned function is called or this process ends. */
  lock(path: string): Promise<() => Promise<void>>;
}

const open = promisify(fs.open), close = promisify(fs.close), fdatasync = promisify(fs.fdatasync), fsync = promisify(fs.fsync);
const fstat = promisify(fs.fstat),
  readdir = promisify(fs.readdir),
  rename = promisify(fs.rename),
  rm = promisify(fs.rm),
  mkdir = promisify(fs.mkdir);

class NodeFile implements OpenFile {
  readonly #descriptor: number;
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }
  write(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, bytes, 0, bytes.length, position, (error, written) => {
        if (error) return reject(error);
        if (written === bytes.length) return resolve();
        if (written === 0) return reject(new Error(`wrote nothing of ${bytes.length} bytes`));
        this.write(bytes.subarray(written), position + written).then(resolve, reject);
      });
    });
  }
  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = await new Promise<number>((resolve, reject) => {
        fs.read(
          this.#descriptor,
          bytes,
          filled,
          length - filled,
          position + filled,
          (error, read) => error ? reject(error) : resolve(read),
        );
      });
      if (count === 0) break;
      filled += count;
    }
    return filled === length ? bytes : bytes.subarray(0, filled);
  }
  datasync(): Promise<void> {
    return fdatasync(this.#descriptor);
  }
  async size(): Promise<number> {
    return (await fstat(this.#descriptor)).size;
  }
  close(): Promise<void> {
    return close(this.#descriptor);
  }
}

export const nodeFiles: Files = {
  create: async (path) => new NodeFile(await open(path, "wx+", 0o600)),
  open: async (path) => new NodeFile(await open(path, "r+")),
  list: (directory) =>
    readdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    }),
  rename,
  remove: (path) => rm(path, { force: true }),
  makeDirectory: async (path) => void await mkdir(path, { recursive: true, mode: 0o700 }),
  async syncDirectory(path) {
    const descriptor = await open(path, "r");
    try {
      await fsync(descriptor);
    } finally {
      await close(descriptor);
    }
  },
  lock: takeLock,
};

/** The same, for what is only looked at: a backup on a medium that cannot be written. */
export const readingFiles: Files = { ...nodeFiles, open: async (path) => new NodeFile(await open(path, "r")) };

/** What is done to whole directories, by commands that no master is there to see. */
export interface Directories extends Pick<Files, "list" | "syncDirectory" | "makeDirectory"> {
  /** `to` must be absent, or an empty directory. */
  rename(from: string, to: string): Promise<void>;
  /** With all that is in it; no error when it is not there. */
  removeTree(path: string): Promise<void>;
}
export const nodeDirectories: Directories = { ...nodeFiles, removeTree: (path) => rm(path, { force: true, recursive: true }) };
