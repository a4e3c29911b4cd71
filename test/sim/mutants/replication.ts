// Replication: what leaders and followers tell each other of their logs.
import { type Mutant, raft } from "./mutant.ts";

export const replicationMutants: readonly Mutant[] = [
  {
    name: "older_term_committed_by_count",
    bug: "B8: entries of an older term are committed by counting (Raft Fig. 8)",
    file: raft("replication"),
    from: "if (index === Infinity || core.log.term(index) !== core.term) return false;",
    to: "if (index === Infinity) return false;",
  },
  {
    name: "append_answered_before_durable",
    bug: "B9: a follower acknowledges entries that are not on its disk (tikv 994, etcd 10166)",
    file: raft("core"),
    from: 'case "AppendResponse":\n        return body.hint === undefined || this.term > this.durableTerm;',
    to: 'case "AppendResponse":\n        return false;',
  },
  {
    name: "leader_counts_itself_early",
    bug: "B10: the leader counts its own copy before its disk has it (etcd 14370)",
    file: raft("core"),
    from: "return member === this.id ? this.log.durable",
    to: "return member === this.id ? this.log.lastIndex",
  },
  {
    name: "applied_before_durable",
    bug: "B34: entries are applied that this member's disk does not have (tikv 17868)",
    file: raft("log"),
    from: "const until = Math.min(this.#commit, this.#durable, this.#applying + maxEntries);",
    to: "const until = Math.min(this.#commit, this.#applying + maxEntries);",
  },
  {
    name: "append_overtaken_by_truncation",
    bug: "B30: an append completes after what it wrote was cut away, and counts for what came instead (etcd's ABA race)",
    file: raft("log"),
    from: "const held = generation === this.#generation ? index : Math.min(index, this.#cutSince);",
    to: "const held = Math.min(index, this.lastIndex);",
  },
  {
    name: "commit_beyond_append",
    bug: "B31: the leader's commit index counts for entries that its message did not cover (Raft Fig. 2)",
    file: raft("replication"),
    from: "  core.log.merge(entries);\n",
    to: "  core.log.commitTo(Math.min(message.commit, core.log.lastIndex));\n  core.log.merge(entries);\n",
  },
  {
    name: "truncated_by_prefix",
    bug: "B32: a late or repeated append that is a prefix cuts off what follows",
    file: raft("log"),
    from: "if (term === entry.term || entry.index <= this.#base.index) continue;",
    to: "if ((term === entry.term && this.lastIndex === entry.index) || entry.index <= this.#base.index) continue;",
  },
  {
    name: "conflict_not_truncated",
    bug: "Raft §5.3: an entry that contradicts the leader's stays",
    file: raft("replication"),
    from: "if (previousIndex >= core.log.commit && !core.log.matches(previousIndex, previousTerm)) {",
    to: "if (previousIndex > core.log.lastIndex) {",
  },
  {
    name: "heartbeat_commits_too_much",
    bug: "Heartbeats carry the commit index to members whose log is not known to match",
    file: raft("replication"),
    from: "commit: Math.min(progress.matchIndex, core.log.commit), round",
    to: "commit: core.log.commit, round",
  },
  {
    name: "probe_never_resumes",
    bug: "B33: a probe that was lost is never sent again (etcd raft 149)",
    file: raft("replication"),
    from: "  progress.silentTicks = 0;\n  progress.probing = false;\n",
    to: "  progress.silentTicks = 0;\n",
  },
  {
    name: "pipeline_never_frees",
    bug: "B33: when messages of the pipeline are lost, the leader goes on behind them for ever",
    file: raft("progress"),
    from: 'this.#hasFallenBack = true;\n      this.become("probe");',
    to: "this.#hasFallenBack = true;",
  },
  {
    name: "durable_beyond_truncation",
    bug: "What was cut away still counts as durable",
    file: raft("log"),
    from: "this.#durable = Math.min(this.#durable, after);",
    to: "",
  },
];
