// The log on disk.
import type { Mutant } from "./mutant.ts";

export const diskMutants: readonly Mutant[] = [
  {
    name: "no_datasync",
    bug: "B39: entries are acknowledged without an fsync (etcd 14140, 14143)",
    file: "wal.ts",
    from: "await this.#file.datasync();\n    this.#position",
    to: "this.#position",
  },
  {
    name: "datasync_error_ignored",
    bug: "B12: an fsync that failed counts as one that has not (fsyncgate, rostam 94)",
    file: "wal.ts",
    from: "await this.#file.datasync();\n    this.#position",
    to: "await this.#file.datasync().catch(() => {});\n    this.#position",
  },
  {
    name: "failed_write_retried",
    bug: "B12: after an error of the disk the log goes on as if nothing had been",
    file: "wal.ts",
    from: "        this.#failed = true;\n        this.#failure = error;\n        throw error;",
    to: "        this.#failure = error;",
  },
  {
    name: "segment_name_not_synced",
    bug: "B14: the directory is not synced when the log begins a new segment (etcd 6368)",
    file: "wal.ts",
    from: "await this.#stock.place(file, segment.path);\n    await this.#needs.files.syncDirectory(this.#directory);\n    const full",
    to: "await this.#stock.place(file, segment.path);\n    const full",
  },
  {
    name: "recovered_log_not_synced",
    bug: "B12: what was read back at the start is believed to be on the disk",
    file: "segment_stock.ts",
    from: "    await file.datasync();\n    await this.#files.rename(this.#next, path);",
    to: "    await this.#files.rename(this.#next, path);",
  },
  {
    name: "torn_tail_is_fatal",
    bug: "B15: the torn end of a log is taken for damage (etcd 5230, 6515)",
    file: "wal_recovery.ts",
    from: "zeroSectors(bytes.subarray(at, at + frame.length), at, frame.length) > frame.zeroSectors;",
    to: "zeroSectors(bytes.subarray(at, at + frame.length), at, frame.length) < 0;",
  },
  {
    name: "damage_is_torn_tail",
    bug: "B15: damage to what was durable is cut off as a torn end (etcd 6191, unistore 567)",
    file: "wal_recovery.ts",
    from:
      'return ended(isTorn(bytes, at, frame) ? "torn" : { corrupt: `the frame at byte ${at} is damaged though all of it was written` });',
    to: 'return ended("torn");',
  },
  {
    name: "truncation_not_logged",
    bug: "The log on disk keeps what the leader had cut away",
    file: "wal.ts",
    from: "      this.#encoder.add(recordType.truncate, batch.truncate.term, batch.truncate.index);\n",
    to: "",
  },
  {
    name: "hard_state_not_carried",
    bug: "A new segment does not repeat term and vote, and the old one is removed",
    file: "wal.ts",
    from: "if (!batch.hardState) this.#addHardState(this.#hardState);",
    to: "",
  },
  {
    name: "log_dropped_too_far",
    bug: "B35: entries go that no snapshot covers",
    file: "snapshotter.ts",
    from: "await wal.dropBefore(Math.min(oldest, meta.index - catchUpEntries) + 1);",
    to: "await wal.dropBefore(Number.MAX_SAFE_INTEGER);",
  },
  {
    name: "tail_opened_at_its_start",
    bug: "B16: after a start the log goes on where its last segment begins (etcd 4930)",
    file: "wal_start.ts",
    from: "    file,\n    position,\n    chain,\n",
    to: "    file,\n    position: segmentHeaderBytes,\n    chain,\n",
  },
  {
    name: "log_never_dropped",
    bug: "B35: the log grows until the disk is full (arcadedb 5345)",
    file: "snapshotter.ts",
    from: "if (oldest > 0) await",
    to: "if (oldest < 0) await",
  },
];
