// The memories of all pods of this node, and when they go to flash: at once before something is destroyed that they tell of; soon after something was learnt that no
// look could show again; lazily for what only spares flapping after a restart.
import { lazyMemoryMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { Missing } from "../volumes/sources.ts";
import type { Addresses } from "./addresses.ts";
import type { DesiredPod } from "./desired.ts";
import { newMemory, type PodMemory } from "./memory.ts";
import type { MemoryFile } from "./memory_file.ts";

export class Book {
  readonly #clock: Clock;
  readonly #file: MemoryFile;
  readonly #bootId: string;
  #pods = new Map<string, PodMemory>();
  #writtenInBoot = "";
  #dirty: "no" | "lazily" | "soon" = "no";
  #savedAt: number;

  constructor(clock: Clock, file: MemoryFile, bootId: string) {
    this.#clock = clock;
    this.#file = file;
    this.#bootId = bootId;
    this.#savedAt = clock.monotonic();
  }
  async open(log: Log): Promise<void> {
    const { pods, bootId } = await this.#file.read(log);
    this.#pods = new Map(pods);
    this.#writtenInBoot = bootId;
  }
  /** In which boot the book was last written: after another one, nothing runs. */
  get writtenInBoot(): string {
    return this.#writtenInBoot;
  }

  get uids(): Iterable<string> {
    return this.#pods.keys();
  }
  get(uid: string): PodMemory | undefined {
    return this.#pods.get(uid);
  }
  /** Of a pod that is wanted here: from now on, if not before. */
  take(pod: DesiredPod): PodMemory {
    const known = this.#pods.get(pod.uid);
    if (known) return known;
    const fresh = newMemory(pod, this.#clock.now());
    this.put(fresh, "soon");
    return fresh;
  }
  put(memory: PodMemory, urgency: "soon" | "lazily"): void {
    if (this.#pods.get(memory.uid) === memory) return;
    this.#pods.set(memory.uid, memory);
    if (this.#dirty !== "soon") this.#dirty = urgency;
  }
  forget(uid: string): void {
    if (this.#pods.delete(uid)) this.#dirty = "soon";
  }

  /** The wall clock was set: what has a time from before keeps its age. */
  shift(ms: number): void {
    for (const [uid, memory] of this.#pods) {
      const conditions = Object.entries(memory.conditions ?? {}).map(([type, { status, since }]) => [type, { status, since: since + ms }]);
      this.#pods.set(uid, {
        ...memory,
        startTime: memory.startTime + ms,
        ...(memory.conditions && { conditions: Object.fromEntries(conditions) }),
      });
    }
    this.#dirty = "soon";
  }

  /** The pod's address: as before, or another that nobody here has. @throws Missing if there is none */
  address(uid: string, addresses: Addresses, taken: Iterable<string>): string {
    const memory = this.#pods.get(uid)!;
    if (memory.address !== undefined && addresses.contains(memory.address)) return memory.address;
    const used = new Set(taken);
    for (const one of this.#pods.values()) if (one.address !== undefined) used.add(one.address);
    const address = addresses.next(used, this.#clock.monotonic());
    if (address === undefined) throw new Missing("no address is free in the node's pod subnet");
    this.put({ ...memory, address }, "soon");
    return address;
  }
  release(uid: string): void {
    const memory = this.#pods.get(uid);
    if (memory?.address === undefined) return;
    const { address: _, ...rest } = memory;
    this.put(rest, "soon");
  }

  /** Everything learnt is on flash when it resolves. */
  async save(): Promise<void> {
    if (this.#dirty === "no") return;
    this.#dirty = "no";
    this.#savedAt = this.#clock.monotonic();
    await this.#file.write({ bootId: this.#bootId, pods: new Map(this.#pods) });
  }
  /** As `save`, if it is time. */
  async saveIfDue(): Promise<void> {
    const lazy = this.#dirty === "lazily" && this.#clock.monotonic() - this.#savedAt >= lazyMemoryMs;
    if (this.#dirty === "soon" || lazy) await this.save();
  }
}
