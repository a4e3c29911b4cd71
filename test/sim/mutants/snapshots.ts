// Snapshots.
import { type Mutant, raft } from "./mutant.ts";

export const snapshotsMutants: readonly Mutant[] = [
  {
    name: "snapshot_keeps_conflicts",
    bug: "B17: a snapshot from the leader leaves a suffix in the log that contradicts it (hashicorp 697)",
    file: raft("log"),
    from: "if (this.matches(index, term)) {\n      this.#commit",
    to: "if (index <= this.lastIndex) {\n      this.#commit",
  },
  {
    name: "snapshot_not_ordered",
    bug: "B18, B19: the state is replaced while entries are still applied",
    file: "replica.ts",
    from: "        this.#held = true;\n        await this.#appends;",
    to: "        await this.#appends;",
  },
  {
    name: "snapshot_says_too_much",
    bug: "B11, B20: state and applied index of a snapshot do not belong together (etcd 13766)",
    file: "snapshotter.ts",
    from: "return this.#alone(() => this.#take({ index: last.index, term: last.term",
    to: "return this.#alone(() => this.#take({ index: last.index - 1, term: this.#parts.raft.termAt(last.index - 1) ?? last.term",
  },
  {
    name: "snapshot_without_leases",
    bug: "A snapshot leaves out the leases",
    file: "sections.ts",
    from: "const saved = [...leases.all()].sort((a, b) => a.id - b.id), nextId",
    to: "const saved = [...leases.all()].slice(0, 0), nextId",
  },
  {
    name: "snapshot_of_later_state",
    bug: "A snapshot shows entries that were applied while it was written",
    file: "sections.ts",
    from: "end = mvcc.findEvent(revision + 1); position < end;",
    to: "end = mvcc.events; position < mvcc.events && end >= 0;",
  },
  {
    name: "log_not_restarted",
    bug: "After a snapshot that it did not contain, the log on disk goes on behind its old end",
    file: "snapshot_install.ts",
    from: "restart: !fitsLog() });",
    to: "restart: false });",
  },
  {
    name: "snapshot_forgotten_when_passed",
    bug:
      "Our own, found here: commits that came while a snapshot was installed made the log forget that it was, and apply its entries again",
    file: raft("replication"),
    from: "  core.log.restore(snapshot.index, snapshot.term);\n",
    to: "  if (snapshot.index <= core.log.commit) return;\n  core.log.restore(snapshot.index, snapshot.term);\n",
  },
  {
    name: "snapshot_fits_log_in_memory",
    bug:
      "Our own, found here: entries that came while a snapshot was installed, and were never written, let the log on disk go on with a gap",
    file: "snapshotter.ts",
    from: "fitsLog: () => raft.durableIndex >= meta.index && raft",
    to: "fitsLog: () => raft",
  },
  {
    name: "found_snapshot_not_synced",
    bug:
      "B14: our own, found here: a snapshot that was renamed and not synced when its process was killed is built upon by the next one, and goes with the power",
    file: "recovery.ts",
    from: "  if (snapshot) await snapshots.settle();\n",
    to: "",
  },
];
