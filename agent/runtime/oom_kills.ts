// Whom the kernel's OOM killer took. With cgroup v1 neither conmon nor Podman learns of it (OOMKilled stays false); the kernel's log names the container's cgroup:
// `oom-kill:constraint=CONSTRAINT_MEMCG,…,task_memcg=/libpod_parent/<pod>/libpod-<64 hex>,task=…`. Best effort: without the right to read /dev/kmsg nothing is claimed.
import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { kernelLogRecords, rememberedOomKills } from "../../shared/limits.ts";

export interface OomKills {
  /** Ids of containers that lost a process. */
  readonly ids: ReadonlySet<string>;
  /** Reads what the kernel has said since the last time. */
  refresh(): Promise<void>;
}

/** The container that a line of the kernel's log speaks of; undefined for all other lines. */
export const oomKilledContainer = (line: string): string | undefined => /oom-kill:.*task_memcg=[^,]*libpod-([0-9a-f]{64})/.exec(line)?.[1];

/** Reads `path` (/dev/kmsg: one record a read, EAGAIN at the end) without ever blocking. */
export class KernelLog implements OomKills {
  readonly #path: string;
  readonly #ids = new Set<string>();
  #file: FileHandle | undefined;
  #refused = false;

  constructor(path = "/dev/kmsg") {
    this.#path = path;
  }
  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  async refresh(): Promise<void> {
    if (this.#refused) return;
    try {
      this.#file ??= await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      this.#refused = true; // not root, or no such device: known for good
      return;
    }
    const buffer = Buffer.alloc(8192); // CONSOLE_EXT_LOG_MAX: the longest record
    for (let records = 0; records < kernelLogRecords; records++) {
      try {
        const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return;
        this.#remember(oomKilledContainer(buffer.toString("utf8", 0, bytesRead)));
      } catch (error) {
        // EAGAIN: read it all. EPIPE: records were overwritten before we came; the next read goes on after the gap.
        if ((error as { code?: string }).code !== "EPIPE") return;
      }
    }
  }

  #remember(id: string | undefined): void {
    if (id === undefined) return;
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size > rememberedOomKills) this.#ids.delete(this.#ids.values().next().value!);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
