// A disk that is full for a while: nobody ends of it, and nobody holds it for full when there is room again.
import type { Mutant } from "./mutant.ts";

export const fullDiskMutants: readonly Mutant[] = [
  {
    name: "full_disk_is_fatal",
    bug: "B35: a snapshot that finds no room ends its member",
    file: "snapshotter.ts",
    from: "if (!(error instanceof NoRoom)) throw error;",
    to: "throw error;",
  },
  {
    name: "append_without_room_fails",
    bug: "B35: an append that finds no room for its segment ends its member instead of waiting",
    file: "segment_stock.ts",
    from: "if (!(error instanceof NoRoom) || this.#isEnding) throw error;",
    to: "throw error;",
  },
  {
    name: "short_segment_used",
    bug: "A segment that the disk had no room to fill is used as far as it goes",
    file: "segment_stock.ts",
    from: "      await file?.close();\n      if (!isDiskFull(error)) throw error;",
    to: "      if (isDiskFull(error) && file) return file;\n      await file?.close();\n      if (!isDiskFull(error)) throw error;",
  },
  {
    name: "room_not_looked_for",
    bug: "B35: a disk that was full once is held to be full for good",
    file: "disk_watch.ts",
    from: "else if (now >= this.#lookAtMs) this.#wal.lookForRoom();",
    to: "else if (now >= this.#lookAtMs) now;",
  },
  {
    name: "reserve_not_taken_back",
    bug: "What the log has lent to a snapshot never comes back",
    file: "segment_stock.ts",
    from: "    this.#isLent = false;\n    this.refill();",
    to: "    this.refill();",
  },
];
