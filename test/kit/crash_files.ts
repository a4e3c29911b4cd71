// A disk in memory that can be cut off at any call. It knows what is durable and what is only in the page cache: unsynced writes by sector, names by
// directory. At the n-th call that changes something it loses power, or fails with EIO or ENOSPC; then restart() (page cache kept: another process) or powerCut()
// (only the disk's own content, with or without some of what was under way) gives the disk that the next process finds.
import type { Files, OpenFile } from "../../master/store/files.ts";
import type { Random } from "../../shared/util/clock.ts";

/** What happens at the call with number `at` (1 = the first). */
export interface Fault {
  readonly at: number;
  readonly kind: "power" | "EIO" | "ENOSPC";
}

const sectorBytes = 512;

interface Inode {
  /** What every process sees. */
  cached: Uint8Array;
  durable: Uint8Array;
  /** Writes that no sync has covered. */
  pending: { position: number; bytes: Uint8Array }[];
  /** Times that something has become durable. */
  syncs: number;
}

interface NameChange {
  readonly directory: string;
  readonly name: string;
  /** Undefined: the name goes. */
  readonly inode: Inode | undefined;
  /** A rename takes away the old name in the same stroke. */
  readonly from?: string;
}

export class CrashFiles implements Files {
  readonly #cached: Map<string, Inode>;
  readonly #durable: Map<string, Inode>;
  #changes: NameChange[] = [];
  readonly #locks = new Set<string>();
  #fault: Fault | undefined;
  /** Bytes that files may still grow by; what is written in place fits always, and what is removed gives its own back. */
  room = Infinity;
  #calls = 0;
  #dead = false;
  #synced = 0;
  #namings = 0;

  constructor(names: Iterable<[string, Inode]> = [], fault?: Fault) {
    this.#durable = new Map(names);
    this.#cached = new Map(this.#durable);
    this.#fault = fault;
  }

  /** Calls so far that change something. */
  get calls(): number {
    return this.#calls;
  }
  get syncs(): number {
    return this.#synced;
  }
  /** True once the fault has happened. */
  get struck(): boolean {
    return this.#fault !== undefined && this.#calls >= this.#fault.at;
  }

  /** The next call that changes something fails so. */
  failNext(kind: "EIO" | "ENOSPC"): void {
    this.#fault = { at: this.#calls + 1, kind };
  }

  /** The same machine, another process: everything written is there, synced or not. Failing calls are over. */
  restart(): CrashFiles {
    this.#dead = true;
    const next = new CrashFiles();
    for (const [path, inode] of this.#durable) next.#durable.set(path, inode);
    next.#cached.clear();
    for (const [path, inode] of this.#cached) next.#cached.set(path, inode);
    next.#changes = this.#changes;
    next.room = this.room;
    return next;
  }

  /** What the disk holds after a power cut: all that was synced, and with `random` any part of the rest. */
  powerCut(random?: Random): CrashFiles {
    this.#dead = true;
    const names = new Map(this.#durable), survives = () => random !== undefined && random() < 0.5;
    for (const change of this.#changes) if (survives()) applyChange(names, change);
    for (const inode of new Set(names.values())) {
      let content = inode.durable;
      for (const { position, bytes } of inode.pending) {
        for (let at = 0; at < bytes.length;) {
          const end = Math.min(bytes.length, at + sectorBytes - (position + at) % sectorBytes);
          if (survives()) content = written(content, position + at, bytes.subarray(at, end));
          at = end;
        }
      }
      inode.cached = inode.durable = content;
      inode.pending = [];
    }
    const next = new CrashFiles(names);
    next.room = this.room;
    return next;
  }

  /** Changes bytes at rest, behind everybody's back. */
  damage(path: string, change: (bytes: Uint8Array) => void): void {
    const inode = this.#cached.get(path)!;
    inode.cached = inode.cached.slice();
    change(inode.cached);
    inode.durable = inode.cached;
  }
  content(path: string): Uint8Array {
    return this.#cached.get(path)!.cached.slice();
  }
  paths(): string[] {
    return [...this.#cached.keys()].sort();
  }
  /** What a power cut leaves at least: synced content under synced names. */
  get durable(): ReadonlyMap<string, { readonly durable: Uint8Array; readonly syncs: number }> {
    return this.#durable;
  }
  /** Grows whenever the names in `durable` may have changed. */
  get namings(): number {
    return this.#namings;
  }

  create(path: string): Promise<OpenFile> {
    return this.#call("create", () => {
      if (this.#cached.has(path)) throw Object.assign(new Error(`${path} is there`), { code: "EEXIST" });
      const inode: Inode = { cached: new Uint8Array(0), durable: new Uint8Array(0), pending: [], syncs: 0 };
      this.#cached.set(path, inode);
      this.#changes.push({ ...split(path), inode });
      return this.#handle(inode);
    });
  }
  open(path: string): Promise<OpenFile> {
    return this.#read(() => {
      const inode = this.#cached.get(path);
      if (!inode) throw Object.assign(new Error(`${path} is not there`), { code: "ENOENT" });
      return this.#handle(inode);
    });
  }
  list(directory: string): Promise<string[]> {
    return this.#read(() => [...this.#cached.keys()].map(split).filter((name) => name.directory === directory).map(({ name }) => name));
  }
  rename(from: string, to: string): Promise<void> {
    return this.#call("rename", () => {
      const change = { ...split(to), inode: this.#cached.get(from)!, from };
      applyChange(this.#cached, change);
      this.#changes.push(change);
    });
  }
  remove(path: string): Promise<void> {
    if (!this.#cached.has(path)) return this.#read(() => {});
    return this.#call("remove", () => {
      this.room += this.#cached.get(path)?.cached.length ?? 0;
      this.#cached.delete(path);
      this.#changes.push({ ...split(path), inode: undefined });
    });
  }
  makeDirectory(): Promise<void> {
    return this.#read(() => {});
  }
  syncDirectory(path: string): Promise<void> {
    return this.#call("sync", () => {
      this.#namings++;
      for (const change of this.#changes) if (change.directory === path) applyChange(this.#durable, change);
      this.#changes = this.#changes.filter((change) => change.directory !== path);
    });
  }
  lock(path: string): Promise<() => Promise<void>> {
    return this.#read(() => {
      if (this.#locks.has(path)) throw new Error(`Cannot use ${path}: process 1 holds it; stop that process first`);
      this.#locks.add(path);
      return () => Promise.resolve(void this.#locks.delete(path));
    });
  }

  #handle(inode: Inode): OpenFile {
    return {
      write: (bytes, position) =>
        this.#call("write", () => {
          const growth = Math.max(0, position + bytes.length - inode.cached.length), fits = Math.min(growth, this.room);
          const piece = bytes.slice(0, bytes.length - growth + fits); // as write(2) does: the rest is refused
          this.room -= fits;
          // In place, unless both are one after a power cut.
          inode.cached = written(inode.cached, position, piece, inode.cached !== inode.durable);
          inode.pending.push({ position, bytes: piece });
          if (fits < growth) throw Object.assign(new Error("no space is left on the disk in memory"), { code: "ENOSPC" });
        }),
      read: (position, length) => this.#read(() => inode.cached.slice(position, position + length)),
      datasync: () =>
        this.#call("sync", () => {
          this.#synced++;
          for (const { position, bytes } of inode.pending) inode.durable = written(inode.durable, position, bytes, true);
          if (inode.pending.length > 0) inode.syncs++;
          inode.pending = [];
        }, () => inode.pending = []), // a failed fsync marks the pages clean: they are seen, and never written again
      size: () => this.#read(() => inode.cached.length),
      close: () => Promise.resolve(),
    };
  }

  // deno-lint-ignore require-await -- so that what is thrown rejects
  async #read<T>(work: () => T): Promise<T> {
    if (this.#dead) throw new Error("the power is off");
    return work();
  }

  // deno-lint-ignore require-await
  async #call<T>(kind: "create" | "write" | "rename" | "remove" | "sync", work: () => T, failed = () => {}): Promise<T> {
    if (this.#dead) throw new Error("the power is off");
    const fault = this.#fault;
    if (++this.#calls === fault?.at) {
      if (fault.kind === "power") {
        if (kind !== "sync") work(); // it was under way, and may or may not be found
        this.#dead = true;
        throw new Error("the power is off");
      }
      if (fault.kind === "EIO" || kind === "write" || kind === "create") {
        failed();
        throw Object.assign(new Error(`${fault.kind} at call ${fault.at} (${kind})`), { code: fault.kind });
      }
    }
    return work();
  }
}

/** The content with `bytes` at `position`, in place if it may be and they fit; else a copy. */
function written(content: Uint8Array, position: number, bytes: Uint8Array, inPlace = false): Uint8Array {
  if (inPlace && position + bytes.length <= content.length) {
    content.set(bytes, position);
    return content;
  }
  const next = new Uint8Array(Math.max(content.length, position + bytes.length));
  next.set(content);
  next.set(bytes, position);
  return next;
}

function applyChange(names: Map<string, Inode>, change: NameChange): void {
  if (change.from !== undefined) names.delete(change.from);
  const path = `${change.directory}/${change.name}`;
  if (change.inode) names.set(path, change.inode);
  else names.delete(path);
}

function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf("/");
  return { directory: path.slice(0, slash), name: path.slice(slash + 1) };
}
