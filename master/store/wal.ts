// The write-ahead log: segments written in advance with zeros, one write and one fdatasync for each group commit. The first error of the disk is the last word: nothing
// is retried, because after a failed fsync the page cache may show what the disk does not have (fsyncgate; "Can Applications Recover from fsync Failures?", ATC'20).
// But one: where a full disk has no room for the next segment, nothing has been written yet, and the append waits until there is.
import { walSegmentBytes, walStockSegments } from "../../shared/limits.ts";
import { assert } from "../../shared/util/assert.ts";
import type { OpenFile } from "./files.ts";
import { entrySize, type HardState, type LogEntry } from "./raft/message.ts";
import { openSegments } from "./wal_open.ts";
import {
  encodeSegmentHeader,
  FrameEncoder,
  type Identity,
  recordType,
  type Segment,
  segmentHeaderBytes,
  type SnapshotMarker,
} from "./wal_format.ts";
import { segmentName, SegmentStock } from "./segment_stock.ts";
import type { Replayed } from "./wal_recovery.ts";
import { beginLog, newSalt, rewriteLast, type WalNeeds, type WalStart } from "./wal_start.ts";

export interface WalBatch {
  /** Nothing behind the entry of this index and term stays. */
  readonly truncate?: { readonly index: number; readonly term: number };
  readonly entries?: readonly LogEntry[];
  readonly hardState?: HardState;
  /** A snapshot that is durable. */
  readonly marker?: SnapshotMarker;
  /** The marker's snapshot replaces the log, which did not contain its entry: the next entry is the one behind it. */
  readonly restart?: boolean;
}

export interface WalOptions {
  readonly directory: string;
  /** Bytes of a segment. */
  readonly segmentBytes?: number;
}

const recordTypes = { command: recordType.command, noop: recordType.noop, configuration: recordType.configuration } as const;

export class Wal {
  readonly identity: Identity;
  readonly #needs: WalNeeds;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #stock: SegmentStock;
  readonly #encoder = new FrameEncoder();
  #segments: Segment[];
  #file: OpenFile;
  #position = segmentHeaderBytes;
  #synced = segmentHeaderBytes;
  #chain: number;
  #salt: number;
  #lastIndex: number;
  #lastTerm: number;
  #hardState: HardState;
  #marker: SnapshotMarker | undefined;
  #sealed = true;
  #failure: unknown;
  #failed = false;
  /** Appends run one after the other. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(needs: WalNeeds, options: WalOptions, stock: SegmentStock, start: WalStart) {
    this.#needs = needs;
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes ?? walSegmentBytes;
    this.#stock = stock;
    this.identity = start.identity;
    this.#segments = start.segments;
    this.#file = start.file;
    this.#position = this.#synced = start.position;
    this.#chain = start.chain;
    this.#salt = start.salt;
    this.#lastIndex = start.last.index;
    this.#lastTerm = start.last.term;
    this.#hardState = start.hardState;
    this.#marker = start.marker;
  }

  /** The log of a member that has none yet: of one that begins a cluster with the first entry, of one that joins a cluster empty. */
  static async create(needs: WalNeeds, options: WalOptions, identity: Identity, first: LogEntry | undefined): Promise<Wal> {
    const stock = new SegmentStock(needs, options.directory, options.segmentBytes ?? walSegmentBytes);
    const start = await beginLog(needs, stock, options.directory, identity, first);
    stock.refill();
    return new Wal(needs, options, stock, start);
  }

  /**
   * Undefined when the directory holds no log. Entries up to `keepAfter` are not kept. Nothing is changed before `check` has agreed.
   * @throws StorageError, and what `check` throws
   */
  static async open(
    needs: WalNeeds,
    options: WalOptions,
    keepAfter: number,
    check: (replayed: Replayed, identity: Identity) => void = () => {},
  ): Promise<{ wal: Wal; replayed: Replayed } | undefined> {
    const { directory, segmentBytes = walSegmentBytes } = options;
    const opened = await openSegments(needs.files, directory, keepAfter, segmentBytes);
    if (!opened) return undefined;
    check(opened.replayed, opened.last.header);
    const stock = new SegmentStock(needs, directory, segmentBytes);
    const start = await rewriteLast(needs, stock, directory, opened);
    stock.refill();
    return { wal: new Wal(needs, options, stock, start), replayed: opened.replayed };
  }

  /** Bytes of all segments, as far as they are written. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }
  get sealed(): boolean {
    return this.#sealed;
  }

  /** Whether there are segments with nothing behind `index`, which dropBefore() would remove. */
  reachesBehind(index: number): boolean {
    return this.#segments.length > 1 && this.#segments[0]!.lastIndex <= index;
  }
  get segments(): number {
    return this.#segments.length;
  }
  /** The disk is full: what is in stock will do for votes and for what makes room, and not for much more. */
  get isShort(): boolean {
    return this.#stock.isShort;
  }

  get path(): string {
    return this.#directory;
  }
  /** That are needed to have everything in stock, at most. */
  get missingBytes(): number {
    return walStockSegments * this.#segmentBytes;
  }

  /** Time to see whether a full disk has room again. */
  lookForRoom(): void {
    this.#stock.lookForRoom();
  }
  /** Gives up the reserve for a snapshot that will free more, until settle(). @returns false when there is none */
  async lend(): Promise<boolean> {
    let isLent = false;
    // Not while an append waits: it has found the stock empty.
    if (!this.#stock.isAwaited) await this.#inTurn(async () => void (isLent = await this.#stock.lend()));
    return isLent;
  }
  settle(): void {
    this.#stock.settle();
  }
  /** An append that waits for room rejects with NoRoom: this process ends, and the next one will find the log without it. */
  stopWaiting(): void {
    this.#stock.stopWaiting();
  }

  /** Durable when it resolves. After the first rejection every later one rejects alike: the process has to end. */
  append(batch: WalBatch): Promise<void> {
    return this.#inTurn(() => this.#write(batch));
  }

  /** Marks the end of a batch as seen, so that damage to it cannot pass for a torn write. Worth a write when nothing else is to be written. */
  seal(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#sealed) return;
      this.#encoder.begin();
      this.#encoder.add(recordType.seal, 0, 0);
      if (this.#position + this.#encoder.bytes + 64 > this.#segmentBytes) return; // the next segment's header will be the witness
      await this.#writeFrame();
      this.#sealed = true;
    });
  }

  /** Removes segments all of whose entries are before `index`. Only for what a durable snapshot covers. */
  dropBefore(index: number): Promise<void> {
    return this.#inTurn(async () => {
      let dropped = 0;
      while (dropped < this.#segments.length - 1 && this.#segments[dropped]!.lastIndex < index) dropped++;
      if (dropped === 0) return;
      for (const segment of this.#segments.splice(0, dropped)) await this.#needs.files.remove(segment.path);
      await this.#needs.files.syncDirectory(this.#directory);
      if (this.isShort) this.#stock.refill();
    });
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => {});
    await this.#stock.close();
    await this.#file.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.#failed) throw this.#failure;
      try {
        await work();
      } catch (error) {
        this.#failed = true;
        this.#failure = error;
        throw error;
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #write(batch: WalBatch): Promise<void> {
    const entries = batch.entries ?? [];
    let bytes = 4 * 64;
    for (const entry of entries) bytes += entrySize(entry);
    this.#encoder.begin();
    if (this.#position + bytes > this.#segmentBytes && this.#position > segmentHeaderBytes) {
      await this.#nextSegment();
      // Every segment begins with what the dropped ones before it said.
      if (!batch.hardState) this.#addHardState(this.#hardState);
      if (!batch.marker && this.#marker) this.#addMarker(this.#marker);
    }
    if (batch.truncate) {
      this.#encoder.add(recordType.truncate, batch.truncate.term, batch.truncate.index);
      this.#lastIndex = batch.truncate.index;
      this.#lastTerm = batch.truncate.term;
    }
    for (const entry of entries) {
      assert(entry.index === this.#lastIndex + 1, `entry ${entry.index} is written behind entry ${this.#lastIndex}`);
      this.#encoder.add(recordTypes[entry.type], entry.term, entry.index, [entry.time, entry.proposer, entry.sequence], entry.payload);
      this.#lastIndex = entry.index;
      this.#lastTerm = entry.term;
    }
    if (batch.hardState) this.#addHardState(this.#hardState = batch.hardState);
    if (batch.marker) {
      this.#addMarker(this.#marker = batch.marker);
      if (batch.restart) {
        this.#lastIndex = batch.marker.index;
        this.#lastTerm = batch.marker.term;
      }
    }
    const segment = this.#segments[this.#segments.length - 1]!;
    segment.lastIndex = Math.max(segment.lastIndex, this.#lastIndex);
    await this.#writeFrame();
    this.#sealed = false;
  }

  #addHardState(state: HardState): void {
    this.#encoder.add(recordType.hardState, state.term, state.commit, [state.vote]);
  }
  #addMarker(marker: SnapshotMarker): void {
    this.#encoder.add(recordType.snapshotMarker, marker.term, marker.index, [], marker.sha256);
  }

  async #writeFrame(): Promise<void> {
    const place = { position: this.#position, syncedUpTo: this.#synced, previousChain: this.#chain, salt: this.#salt };
    const frame = this.#encoder.finish(place);
    await this.#file.write(frame.bytes, this.#position);
    await this.#file.datasync();
    this.#position += frame.bytes.length;
    this.#synced = this.#position;
    this.#chain = frame.chain;
    this.#segments[this.#segments.length - 1]!.bytes = this.#position;
  }

  async #nextSegment(): Promise<void> {
    const sequence = this.#segments[this.#segments.length - 1]!.sequence + 1, salt = newSalt(this.#needs.random);
    const segment = { path: `${this.#directory}/${segmentName(sequence)}`, sequence, lastIndex: 0, bytes: segmentHeaderBytes };
    const file = await this.#stock.takeWaiting();
    const header = {
      ...this.identity,
      sequence,
      firstIndex: this.#lastIndex + 1,
      baseTerm: this.#lastTerm,
      copy: 0,
      previousChain: this.#chain,
      salt,
    };
    await file.write(encodeSegmentHeader(header), 0);
    await this.#stock.place(file, segment.path);
    await this.#needs.files.syncDirectory(this.#directory);
    const full = this.#file;
    this.#file = file;
    this.#segments.push(segment);
    this.#position = this.#synced = segmentHeaderBytes;
    this.#chain = this.#salt = salt;
    await full.close();
    this.#stock.refill();
  }
}
