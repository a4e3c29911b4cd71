// Segments before they have a name: written full of zeros in the background, so that an append changes no metadata and needs no journal of the file system. Also
// where torn tails go.
import { quarantineFiles } from "../../shared/limits.ts";
import type { Files, OpenFile } from "./files.ts";
import type { Log } from "../../shared/util/log.ts";

const fillBytes = 256 * 1024;

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

  constructor(needs: { files: Files; log: Log }, directory: string, segmentBytes: number) {
    this.#files = needs.files;
    this.#log = needs.log;
    this.#directory = directory;
    this.#bytes = segmentBytes;
  }

  get #spare(): string {
    return `${this.#directory}/spare`;
  }
  get #next(): string {
    return `${this.#directory}/next.tmp`;
  }

  /** A file of zeros, not yet under the name of a segment. */
  async take(): Promise<OpenFile> {
    await this.#filling;
    await this.#files.remove(this.#next);
    if ((await this.#files.list(this.#directory)).includes("spare")) {
      await this.#files.rename(this.#spare, this.#next);
      // Or, after a power cut, a spare that is not zero any more would be taken for one.
      await this.#files.syncDirectory(this.#directory);
      const file = await this.#files.open(this.#next);
      if (await file.size() === this.#bytes) return file;
      await file.close();
      await this.#files.remove(this.#next);
    }
    const file = await this.#files.create(this.#next);
    await fill(file, this.#bytes);
    return file;
  }

  /** Makes the content durable and gives it its name; the caller syncs the directory. */
  async place(file: OpenFile, path: string): Promise<void> {
    await file.datasync();
    await this.#files.rename(this.#next, path);
  }

  /** Prepares the next spare in the background. If the disk is full or fails, the next take() tries again, and that error counts. */
  refill(): void {
    if (this.#filling || this.#closed) return;
    this.#filling = this.#fillSpare().catch((error) => this.#log.warn("No spare segment could be prepared", { error })).then(() => {
      this.#filling = undefined;
    });
  }

  async #fillSpare(): Promise<void> {
    if ((await this.#files.list(this.#directory)).includes("spare")) return;
    const temporary = `${this.#spare}.tmp`;
    await this.#files.remove(temporary);
    const file = await this.#files.create(temporary);
    try {
      await fill(file, this.#bytes, () => this.#closed);
    } finally {
      await file.close();
    }
    if (this.#closed) await this.#files.remove(temporary);
    else await this.#files.rename(temporary, this.#spare);
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
