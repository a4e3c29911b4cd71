// The pods' memory on flash: one small file, replaced as a whole, and only when something was learnt.
import { readFile } from "node:fs/promises";
import { writeAtomic } from "../../shared/platform/files.ts";
import type { Log } from "../../shared/util/log.ts";
import { ifMissing } from "../volumes/projection.ts";
import type { PodMemory } from "./memory.ts";

export interface Remembered {
  /** Of the boot in which it was written: after another one, nothing that ran still runs. */
  readonly bootId: string;
  readonly pods: ReadonlyMap<string, PodMemory>;
}
const format = 1;

export class MemoryFile {
  readonly #path: string;
  #writing: Promise<void> | undefined;
  #next: Remembered | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What cannot be read is as good as nothing: it says why attempts are numbered as they are, not what is to run. */
  async read(log: Log): Promise<Remembered> {
    const text = await readFile(this.#path, "utf8").catch(ifMissing);
    if (text === undefined) return { bootId: "", pods: new Map() };
    try {
      const content = JSON.parse(text) as { format: number; bootId: string; pods: PodMemory[] };
      if (content.format !== format) throw new Error(`its format is ${content.format}`);
      return { bootId: content.bootId, pods: new Map(content.pods.map((pod) => [pod.uid, pod])) };
    } catch (error) {
      log.warn("Cannot read what was remembered of the pods; going on without", { path: this.#path, error });
      return { bootId: "", pods: new Map() };
    }
  }

  /** Resolves when this state, or a newer one, is on flash. Calls that come while one is being written are written together. */
  write(state: Remembered): Promise<void> {
    this.#next = state;
    return this.#writing ??= this.#write();
  }
  async #write(): Promise<void> {
    try {
      for (let state = this.#next; state; state = this.#next) {
        this.#next = undefined;
        await writeAtomic(this.#path, JSON.stringify({ format, bootId: state.bootId, pods: [...state.pods.values()] }));
      }
    } finally {
      this.#writing = undefined; // here, so that no call can join a write that has seen its last state
    }
  }
}
