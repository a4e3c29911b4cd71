// Lines into a file that is exchanged for a new one when it is long. Nobody waits for the disk: what it does not take in time is dropped, counted, and told.
import { Buffer } from "node:buffer";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { auditQueueBytes, auditTroubleMs } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { Wake } from "../../../shared/util/signal.ts";

export interface AuditLogConfig {
  readonly path: string;
  readonly maxBytes: number;
  /** Full files that are kept beside it. */
  readonly backups: number;
}

export class AuditLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #config: AuditLogConfig;
  readonly #wake = new Wake();
  #lines: string[] = [];
  #queuedBytes = 0;
  #file: { readonly handle: FileHandle; bytes: number } | undefined;
  #toldMs = -Infinity;
  #untold = 0;
  /** Lines that were written, and that were lost. */
  written = 0;
  dropped = 0;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }, config: AuditLogConfig) {
    this.#clock = clock;
    this.#log = log;
    this.#config = config;
  }

  write(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#queuedBytes + size > auditQueueBytes) return this.#lost(1, "the disk is slower than the requests");
    this.#lines.push(line);
    this.#queuedBytes += size;
    this.#wake.set();
  }

  /** Resolves when the signal has aborted and the last line is written. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) if (await this.#wake.wait(this.#clock, signal)) await this.#flush();
    await this.#flush();
    await this.#file?.handle.close().catch(() => {});
  }

  async #flush(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines, bytes = Buffer.from(lines.join(""));
      this.#lines = [];
      try {
        await this.#append(bytes);
        this.written += lines.length;
      } catch (error) {
        this.#lost(lines.length, error instanceof Error ? error.message : String(error));
      } finally {
        this.#queuedBytes -= bytes.byteLength;
      }
    }
  }
  async #append(bytes: Uint8Array): Promise<void> {
    const { path, maxBytes } = this.#config;
    if (this.#file && this.#file.bytes > 0 && this.#file.bytes + bytes.byteLength > maxBytes) await this.#exchange();
    if (!this.#file) {
      const handle = await open(path, "a", 0o600);
      this.#file = { handle, bytes: (await handle.stat()).size };
    }
    try {
      await this.#file.handle.appendFile(bytes);
    } catch (error) {
      // Half a line may be there: the next one begins after it, in a file that is opened anew.
      const { handle } = this.#file;
      this.#file = undefined;
      await handle.close().catch(() => {});
      throw error;
    }
    this.#file.bytes += bytes.byteLength;
  }

  /** As upstream names them: audit-2026-11-22T03-39-12.000.log. The names sort by age. */
  async #exchange(): Promise<void> {
    const { path, backups } = this.#config, name = basename(path), directory = dirname(path);
    await this.#file!.handle.close();
    this.#file = undefined;
    const dot = name.lastIndexOf("."), stem = dot > 0 ? name.slice(0, dot) : name, end = dot > 0 ? name.slice(dot) : "";
    const time = new Date(this.#clock.now()).toISOString().replaceAll(":", "-").replace("Z", "");
    await rename(path, `${directory}/${stem}-${time}${end}`);
    const old = (await readdir(directory)).filter((one) => one.startsWith(`${stem}-2`) && one.endsWith(end)).sort();
    for (const one of old.slice(0, Math.max(0, old.length - backups))) await rm(`${directory}/${one}`, { force: true });
  }

  #lost(lines: number, reason: string): void {
    this.dropped += lines;
    this.#untold += lines;
    const now = this.#clock.monotonic();
    if (now - this.#toldMs < auditTroubleMs) return;
    this.#toldMs = now;
    this.#log.error("Lines of the audit log are lost", { path: this.#config.path, lines: this.#untold, reason });
    this.#untold = 0;
  }
}
