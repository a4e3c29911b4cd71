// What a member's log says on its disk, and nowhere else: what would be read if the power went at this moment and everything that was not synced were lost. The
// judge holds every promise against it. It is folded here once more, apart from the recovery of the store; only the layout of bytes is shared with it.
import {
  decodeSegmentHeader,
  fitsChain,
  readFrameHeader,
  readRecords,
  recordType,
  type SegmentHeader,
  segmentHeaderBytes,
  type WalRecord,
} from "../../master/store/wal_format.ts";
import type { CrashFiles } from "../kit/crash_files.ts";

interface Part {
  readonly path: string;
  readonly header: SegmentHeader;
}

export class DiskLog {
  /** As in Raft Fig. 2, "persistent state". */
  term = 0;
  vote = 0;
  /** Where the log begins. */
  #base = { index: 0, term: 0 };
  /** Terms of the entries behind it. */
  #terms: number[] = [];
  /** The newest snapshot that the log says was durable. */
  #marker = { index: 0, term: 0 };
  #files: CrashFiles | undefined;
  #namings = -1;
  #parts: readonly Part[] = [];
  /** How far it has been read: the part, its syncs then, the position and the chain value there. */
  #at = 0;
  #syncs = -1;
  #position = segmentHeaderBytes;
  #chain = 0;

  get firstIndex(): number {
    return this.#base.index + 1;
  }
  get lastIndex(): number {
    return this.#base.index + this.#terms.length;
  }
  /** Undefined where the log has nothing. */
  termAt(index: number): number | undefined {
    return index === this.#base.index ? this.#base.term : this.#terms[index - this.#base.index - 1];
  }
  /** Whether the entry is there, or something that stands for it: a snapshot. */
  holds(index: number, term: number | undefined): boolean {
    return index < this.#base.index || (index <= this.lastIndex && (term === undefined || this.termAt(index) === term));
  }

  /** Reads what has become durable since the last time. */
  refresh(files: CrashFiles): this {
    if (files !== this.#files || files.namings !== this.#namings) this.#look(files);
    this.#readOn();
    return this;
  }

  #look(files: CrashFiles): void {
    const parts = partsOf(files);
    const isSame = files === this.#files && this.#parts.length > 0 && this.#parts.every(({ path }, at) => parts[at]?.path === path);
    this.#files = files;
    this.#namings = files.namings;
    this.#parts = parts;
    if (isSame) return; // at most there are new ones behind
    this.term = this.vote = this.#at = 0;
    this.#syncs = -1;
    const first = parts[0]?.header;
    this.#base = { index: (first?.firstIndex ?? 1) - 1, term: first?.baseTerm ?? 0 };
    this.#terms = [];
    this.#marker = { index: 0, term: 0 };
    this.#position = segmentHeaderBytes;
    this.#chain = first?.salt ?? 0;
  }

  #readOn(): void {
    for (let part = this.#parts[this.#at]; part; part = this.#parts[this.#at]) {
      const { durable, syncs } = this.#files!.durable.get(part.path)!;
      if (syncs !== this.#syncs) this.#readFrames(durable, part.header.salt);
      this.#syncs = syncs;
      const next = this.#parts[this.#at + 1];
      if (next?.header.previousChain !== this.#chain) return;
      this.#at++;
      this.#syncs = -1;
      this.#position = segmentHeaderBytes;
      this.#chain = next.header.salt;
    }
  }
  #readFrames(bytes: Uint8Array, salt: number): void {
    for (;;) {
      const frame = readFrameHeader(bytes, this.#position, salt);
      if (typeof frame === "string" || !fitsChain(bytes, this.#position, frame, this.#chain)) return;
      for (const record of readRecords(bytes, this.#position, frame) ?? []) this.#fold(record);
      this.#position += frame.length;
      this.#chain = frame.chain;
    }
  }

  #fold({ type, term, index, payload }: WalRecord): void {
    if (type <= recordType.configuration) {
      // With a gap it is no log any more, and what is behind counts for nothing: unless a snapshot from the leader stands there, which has replaced entries that another
      // one has covered since.
      if (index !== this.lastIndex + 1) {
        if (this.#marker.index !== index - 1) return;
        this.#base = this.#marker;
        this.#terms = [];
      }
      this.#terms.push(term);
    } else if (type === recordType.hardState) {
      this.term = term;
      this.vote = new DataView(payload.buffer, payload.byteOffset, 8).getFloat64(0, true);
    } else if (type === recordType.truncate) {
      if (index < this.#base.index) this.#base = { index, term };
      this.#terms.length = Math.min(this.#terms.length, index - this.#base.index);
    } else if (type === recordType.snapshotMarker) {
      if (index > this.#marker.index) this.#marker = { index, term };
      if (index <= this.#base.index || this.termAt(index) === term) return;
      this.#base = { index, term };
      this.#terms = [];
    }
  }
}

/** The segments that count: of each number the highest copy, and of those the last ones without a gap. */
function partsOf(files: CrashFiles): Part[] {
  const newest = new Map<number, Part>();
  for (const [path, inode] of files.durable) {
    const header = path.endsWith(".seg") ? headerOf(path, inode) : undefined;
    if (header && header.copy >= (newest.get(header.sequence)?.header.copy ?? 0)) newest.set(header.sequence, { path, header });
  }
  const last = Math.max(...newest.keys()), parts: Part[] = [];
  for (let sequence = last; newest.has(sequence); sequence--) parts.unshift(newest.get(sequence)!);
  return parts;
}

/** By file: once a header is there, it stays as it is. */
const headers = new WeakMap<object, SegmentHeader>();
function headerOf(path: string, inode: { readonly durable: Uint8Array }): SegmentHeader | undefined {
  const known = headers.get(inode);
  if (known) return known;
  try {
    const header = decodeSegmentHeader(path, inode.durable);
    headers.set(inode, header);
    return header;
  } catch {
    return undefined; // damaged, or its content is not durable: then it is not there
  }
}
