// Segments before they have a name: written full of zeros in the background, so that an append changes no metadata and needs no journal of the file system, and so
// that a full disk shows here, before any byte of a record is at risk. One more than the next is the reserve. Also where torn tails go.
import { quarantineFiles, walStockSegments } from "../../shared/limits.ts";
import type { Files, OpenFile } from "./files.ts";
import type { Log } from "../../shared/util/log.ts";
import { isDiskFull, NoRoom } from "./storage_error.ts";

const fillBytes = 256 * 1024;
const stockNames = Array.from({ length: walStockSegments }, (_, at) => at === 0 ? "spare" : `spare-${at}`);

/** Sixteen digits, so that names sort as numbers do; readers go by the header. */
export const segmentName = (sequence: number, copy = 0): string =>
  `${String(sequence).padStart(16, "0")}${copy === 0 ? "" : `-${copy}`}.seg`;

export class SegmentStock {
  readonly #files: Files;
  readonly #log: Log;
  readonly #directory: string;
  readonly #bytes: number;
  #filling: Promise<void> | undefined;
  #closed = false;
  #isShort = false;
  /** The reserve is given up for something else. */
  #isLent = false;
  /** Lets who waits for room look again. */
  #lookAgain: (() => void) | undefined;
  #isEnding = false;

  constructor(needs: { files: Files; log: Log }, directory: string, segmentBytes: number) {
    this.#files = needs.files;
    this.#log = needs.log;
    this.#directory = directory;
    this.#bytes = segmentBytes;
  }

  /** The disk is full: there is less in stock than there should be. */
  get isShort(): boolean {
    return this.#isShort;
  }
  get #next(): string {
    return `${this.#directory}/next.tmp`;
  }
  async #inStock(): Promise<string[]> {
    const names = await this.#files.list(this.#directory);
    return stockNames.filter((name) => names.includes(name));
  }

  /** A file of zeros, not yet under the name of a segment. @throws NoRoom; then it may be tried again */
  async take(): Promise<OpenFile> {
    await this.#files.remove(this.#next);
    if ((await this.#inStock()).length === 0) await this.#filling;
    for (const name of await this.#inStock()) {
      await this.#files.rename(`${this.#directory}/${name}`, this.#next);
      // Or, after a power cut, a spare that is not zero any more would be taken for one.
      await this.#files.syncDirectory(this.#directory);
      const file = await this.#files.open(this.#next);
      if (await file.size() === this.#bytes) return file;
      await file.close();
      await this.#files.remove(this.#next);
    }
    return await this.#create(this.#next);
  }

  /** The same, however long a full disk lets it wait: Raft goes on without this member meanwhile. @throws NoRoom once the process ends */
  async takeWaiting(): Promise<OpenFile> {
    for (;;) {
      try {
        return await this.take();
      } catch (error) {
        if (!(error instanceof NoRoom) || this.#isEnding) throw error;
      }
      await new Promise<void>((resolve) => this.#lookAgain = resolve);
      this.#lookAgain = undefined;
    }
  }
  /** Somebody waits for room. */
  get isAwaited(): boolean {
    return this.#lookAgain !== undefined;
  }
  lookForRoom(): void {
    if (this.#lookAgain) this.#lookAgain();
    else this.refill();
  }
  stopWaiting(): void {
    this.#isEnding = true;
    this.#lookAgain?.();
  }

  /** Gives up the reserve, to make room for what frees more. Until settle() nothing is put in stock. @returns false when there is none */
  async lend(): Promise<boolean> {
    await this.#filling;
    const names = await this.#inStock();
    if (names.length === 0 || this.#closed) return false;
    this.#isLent = this.#isShort = true;
    for (const name of names) await this.#files.remove(`${this.#directory}/${name}`);
    return true;
  }
  /** The reserve is wanted back. */
  settle(): void {
    this.#isLent = false;
    this.refill();
  }

  /** Makes the content durable and gives it its name; the caller syncs the directory. */
  async place(file: OpenFile, path: string): Promise<void> {
    await file.datasync();
    await this.#files.rename(this.#next, path);
  }

  /** Fills the stock up in the background. A full disk is seen by `isShort`; any other error the next take() meets again, and there it counts. */
  refill(): void {
    if (this.#filling || this.#closed || this.#isLent) return;
    this.#filling = this.#fillUp().catch((error) => {
      if (!(error instanceof NoRoom)) this.#log.warn("No spare segment could be prepared", { error });
    }).then(() => {
      this.#filling = undefined;
    });
  }

  async #fillUp(): Promise<void> {
    const temporary = `${this.#directory}/spare.tmp`;
    for (;;) {
      const present = await this.#inStock(), missing = stockNames.find((name) => !present.includes(name));
      if (missing === undefined) return void (this.#isShort = false);
      await this.#files.remove(temporary);
      await (await this.#create(temporary, () => this.#closed)).close();
      if (this.#closed) return await this.#files.remove(temporary);
      await this.#files.rename(temporary, `${this.#directory}/${missing}`);
    }
  }

  /** @throws NoRoom; then no part of it stays */
  async #create(path: string, stop?: () => boolean): Promise<OpenFile> {
    let file: OpenFile | undefined;
    try {
      file = await this.#files.create(path);
      await fill(file, this.#bytes, stop);
      return file;
    } catch (error) {
      await file?.close();
      if (!isDiskFull(error)) throw error;
      await this.#files.remove(path);
      this.#isShort = true;
      throw new NoRoom(path, this.#bytes, { cause: error });
    }
  }

  /** Keeps what is cut off at `from`, for whoever wants to look at it. @returns where */
  async quarantine(segment: Uint8Array, from: number, of: { sequence: number; copy: number }): Promise<string> {
    let end = segment.length;
    while (end > from && segment[end - 1] === 0) end--;
    const path = `${this.#directory}/${segmentName(of.sequence, of.copy).slice(0, -4)}@${from}.quarantine`;
    await this.#files.remove(path);
    const file = await this.#files.create(path);
    await file.write(segment.subarray(from, end), 0);
    await file.datasync();
    await file.close();
    const kept = (await this.#files.list(this.#directory)).filter((name) => name.endsWith(".quarantine")).sort();
    for (const name of kept.slice(0, -quarantineFiles)) await this.#files.remove(`${this.#directory}/${name}`);
    return path;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling;
  }
}

async function fill(file: OpenFile, bytes: number, stop: () => boolean = () => false): Promise<void> {
  const zeros = new Uint8Array(Math.min(fillBytes, bytes));
  for (let at = 0; at < bytes && !stop(); at += zeros.length) {
    await file.write(zeros.subarray(0, Math.min(zeros.length, bytes - at)), at);
    // Piece by piece: an append's own fdatasync beside it must not have to wait for all of it.
    await file.datasync();
  }
}
